use std::collections::BTreeSet;
use std::io;

use quantumsync_core::error::{DiskError, PeerFault};

use super::*;

#[test]
fn every_error_of_the_core_and_the_driver_has_a_number_of_its_own() {
    use OpError::*;
    let operations = [
        NotFound,
        Unreachable,
        WrongNetwork,
        WrongKey,
        WrongPassword,
        Deadline,
        Busy,
        BadKey,
        BadRange,
        Missing,
        Damaged,
        Conflict,
        Rollback,
        NotFresh,
        Clock,
        NoSpace,
        Quota,
        Forbidden,
        TooLarge,
        Disk(DiskError::Io),
        Peer(PeerFault::Silent),
        PeerDisk,
        Refused,
        Cancelled,
        Unknown(0),
    ];
    let vaults = [
        VaultError::NotAVault,
        VaultError::WrongPassphrase,
        VaultError::NeedsPassphrase,
        VaultError::Damaged,
        VaultError::Parameters,
        VaultError::Words(String::new()),
    ];
    let files = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied, io::ErrorKind::Other]
        .map(|kind| HomeError::Io { path: "f".into(), source: kind.into() });
    let path = || "f".into();
    let homes = [
        HomeError::Exists { path: path() },
        HomeError::Damaged { path: path(), what: String::new() },
        HomeError::InUse { path: path() },
        HomeError::Entropy(String::new()),
    ];
    let others = [
        Error::Token(TokenError::Form),
        Error::Input(io::Error::other("")),
        Error::Output(io::Error::other("")),
        Error::Fatal(DiskError::NoSpace),
        Error::Stopped(quantumsync::CallError::Stopped),
        Error::ClientToken,
        Error::OtherNetwork,
        Error::NoNetwork,
        Error::NotAdmitted,
        Error::Settings(String::new()),
    ];
    let all = operations.into_iter().map(Error::from);
    let all = all.chain(vaults.into_iter().map(Error::from));
    let all = all.chain(files.into_iter().chain(homes).map(Error::from)).chain(others);
    let mut names = BTreeSet::new();
    for error in all {
        let code = error.code();
        assert_ne!(Failure::from(error).result, QS_FAILED, "{code} has no number");
        assert!(names.insert(code), "{code} twice");
    }
}

#[test]
fn no_number_and_no_name_is_given_twice() {
    let numbers: BTreeSet<i32> = NAMES.iter().map(|(result, _)| *result as i32).collect();
    let names: BTreeSet<&CStr> = NAMES.iter().map(|(_, name)| *name).collect();
    assert_eq!((numbers.len(), names.len()), (NAMES.len(), NAMES.len()));
}

#[test]
fn the_name_of_each_result_is_that_of_its_constant() {
    for (result, name) in NAMES {
        assert_eq!(format!("{result:?}").to_lowercase(), format!("qs_{}", name.to_str().unwrap()));
    }
}

#[test]
fn a_text_with_a_nul_inside_ends_there() {
    assert_eq!(c_text("before\0after").to_bytes(), b"before");
    assert_eq!(c_text("").to_bytes(), b"");
}
