//! Every code that a binding may meet.

use quantumsync_core::error::{DiskError, OpError, PeerFault, VaultError};
use serde_json::{Value, json};

pub(crate) fn cases() -> Value {
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
    // Those that a binding gives by itself.
    let own = ["misuse", "bad_token", "bad_value", "closed", "internal"];
    let operations = operations.iter().map(|error| ("operation", error.code()));
    let vaults = vaults.iter().map(|error| ("vault", error.code()));
    let all = operations.chain(vaults).chain(own.map(|code| ("binding", code)));
    all.map(|(of, code)| json!({ "name": code, "of": of, "code": code })).collect()
}
