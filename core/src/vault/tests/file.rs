//! The vault file: opens for who may, and says why not for who may not.

use super::super::file;
use super::*;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

/// The least that Argon2 allows: the tests run it hundreds of times.
const CHEAP: PasswordParams = PasswordParams { memory_kib: 8, passes: 1, lanes: 1 };

fn lock(passphrase: Option<&str>) -> Vec<u8> {
    let entropy = core::array::from_fn(|at| at as u8);
    file::lock(Suite::Real, &Master(Secret::new([7; 32])), passphrase, CHEAP, &entropy).unwrap()
}

fn open(file: &[u8], passphrase: Option<&str>) -> Result<[u8; 32], VaultError> {
    file::open(Suite::Real, file, passphrase).map(|master| *master.0.expose())
}

/// The file with its checksum made right again.
fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let at = file.len() - 32;
    let checksum = Suite::Real.hash(&[&file[..at]]);
    file[at..].copy_from_slice(&checksum);
    file
}

#[test]
fn a_file_opens_with_its_passphrase_and_says_when_it_is_another() {
    let file = lock(Some("correct horse"));
    assert_eq!(open(&file, Some("correct horse")), Ok([7; 32]));
    assert_eq!(open(&file, Some("correct horsf")), Err(VaultError::WrongPassphrase));
    assert_eq!(open(&file, Some("")), Err(VaultError::WrongPassphrase));
    assert_eq!(open(&file, None), Err(VaultError::NeedsPassphrase));
}

#[test]
fn a_file_without_a_passphrase_opens_with_and_without_one() {
    let file = lock(None);
    assert_eq!(open(&file, None), Ok([7; 32]));
    assert_eq!(open(&file, Some("needless")), Ok([7; 32]));
}

#[test]
fn a_passphrase_may_be_typed_in_any_normal_form() {
    let file = lock(Some("Zu\u{308}rich"));
    assert_eq!(open(&file, Some("Z\u{fc}rich")), Ok([7; 32]));
}

#[test]
fn the_whole_vault_locks_and_opens_at_the_full_cost() {
    let vault = vault(3);
    let file = vault.lock(Some("p"), [9; 64]).unwrap();
    assert_eq!(Vault::open(Suite::Real, &file, Some("p")).unwrap().owner(), vault.owner());
    assert_ne!(file, vault.lock(Some("p"), [8; 64]).unwrap(), "each file has its own keys");
}

#[test]
fn every_truncation_and_every_flipped_bit_is_damage_or_no_vault() {
    for passphrase in [None, Some("p")] {
        let file = lock(passphrase);
        for len in 0..file.len() {
            let expected = if len < 8 { VaultError::NotAVault } else { VaultError::Damaged };
            assert_eq!(open(&file[..len], passphrase), Err(expected), "the first {len} bytes");
        }
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit / 8 < 10 { VaultError::NotAVault } else { VaultError::Damaged };
            assert_eq!(open(&flipped, passphrase), Err(expected), "bit {bit}");
        }
        let longer = [file.as_slice(), &[0]].concat();
        assert_eq!(open(&longer, passphrase), Err(VaultError::Damaged));
    }
}

#[test]
fn a_change_with_a_right_checksum_opens_nothing_either() {
    for passphrase in [None, Some("p")] {
        let file = lock(passphrase);
        for at in 10..file.len() - 32 {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&with_checksum(changed), passphrase).is_err(), "byte {at}");
        }
    }
}

#[test]
fn parameters_that_would_take_the_machine_down_are_refused_before_they_run() {
    let file = lock(Some("p"));
    let params_at = 8 + 2 + 1 + 3;
    for (at, value) in [(0, u32::MAX), (4, u32::MAX), (8, u32::MAX), (0, 0), (4, 0), (8, 0)] {
        let mut costly = file.clone();
        costly[params_at + at..params_at + at + 4].copy_from_slice(&value.to_be_bytes());
        assert_eq!(open(&with_checksum(costly), Some("p")), Err(VaultError::Parameters));
    }
}

#[test]
fn more_slots_than_allowed_and_slots_past_the_end_are_damage() {
    let file = lock(None);
    let changed = |at: usize, value: u8| {
        let mut changed = file.clone();
        changed[at] = value;
        open(&with_checksum(changed), None)
    };
    for slots in [0, 2, 8, 9, 255] {
        assert_eq!(changed(10, slots), Err(VaultError::Damaged), "{slots} slots");
    }
    assert_eq!(changed(12, 255), Err(VaultError::Damaged), "a slot longer than the file");
}

#[test]
fn a_file_with_only_slots_of_later_versions_is_no_vault_of_this_one() {
    let mut file = lock(None);
    file[11] = 3;
    assert_eq!(open(&with_checksum(file), None), Err(VaultError::NotAVault));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_file_opens_to_its_master_for_its_passphrase_alone(
        master: [u8; 32], own in ".{0,12}", other in ".{0,12}", entropy in proptest::collection::vec(any::<u8>(), 64),
    ) {
        let entropy: [u8; 64] = entropy.try_into().unwrap();
        let file = file::lock(Suite::Real, &Master(Secret::new(master)), Some(&own), CHEAP, &entropy).unwrap();
        prop_assert_eq!(open(&file, Some(&own)), Ok(master));
        let same = own.nfc().eq(other.nfc());
        prop_assert_eq!(open(&file, Some(&other)), if same { Ok(master) } else { Err(VaultError::WrongPassphrase) });
    }
}
