//! Vault files: whatever they say, opening costs no more than it may, and nothing that was altered opens.

use alloc::vec::Vec;

use super::choices::Choices;
use crate::crypto::{PasswordParams, Suite};
use crate::error::VaultError;
use crate::vault::Vault;

const CHECKSUM: usize = 32;
const PASSPHRASE: &str = "Grüße";

/// Two readings of the bytes: as a file, to which the right checksum is added here; and as changes to a file that opens.
///
/// A file opens to a vault that is the same from its words and from a file of its own. What asks for more than Argon2id is allowed is refused.
/// A change anywhere in a file is noticed.
pub fn vault_file(bytes: &[u8]) {
    file(bytes);
    let content = bytes.len().saturating_sub(CHECKSUM);
    file(&with_checksum(bytes[..content].to_vec()));
    altered(bytes);
}

fn file(bytes: &[u8]) {
    let opened = Vault::open(Suite::Real, bytes, None);
    if let Ok(vault) = &opened {
        same_everywhere(vault);
    }
    let Some(costs) = costs(bytes) else { return };
    // What a file may cost is more than a fuzzer has time for; what it may not cost must be refused, in no time.
    if costs.iter().any(|params| params.in_bounds() && !is_cheap(params)) {
        return;
    }
    let with_passphrase = Vault::open(Suite::Real, bytes, Some(PASSPHRASE));
    match (&opened, &with_passphrase) {
        (Ok(one), Ok(other)) => assert_eq!(one.owner(), other.owner()),
        (Err(VaultError::NeedsPassphrase), _) if costs.first().is_some_and(|params| !params.in_bounds()) => {
            // A shorter slot before this one is damage.
            let refused = matches!(with_passphrase, Err(VaultError::Parameters | VaultError::Damaged));
            assert!(refused, "{with_passphrase:?}");
        }
        (Err(VaultError::NeedsPassphrase), Err(error)) => {
            assert!(!matches!(error, VaultError::NeedsPassphrase | VaultError::NotAVault), "{error:?}");
        }
        (Err(before), Err(after)) if costs.is_empty() => assert_eq!(before, after),
        _ => {}
    }
}

fn same_everywhere(vault: &Vault) {
    let from_words = Vault::from_words(Suite::Real, &vault.words()).expect("a vault's own words");
    assert_eq!(from_words.owner(), vault.owner());
    let file = vault.lock(None, [5; 64]).expect("a slot without passphrase costs nothing");
    let again = Vault::open(Suite::Real, &file, None).expect("a file just made");
    assert_eq!(again.owner(), vault.owner());
}

/// What the slots with a passphrase ask for, as far as the file can be walked; `None` for what is no file of ours.
fn costs(file: &[u8]) -> Option<Vec<PasswordParams>> {
    let rest = file.strip_prefix(b"qsvault\0\0\x01")?;
    let (count, mut rest) = rest.split_first()?;
    let mut costs = Vec::new();
    for _ in 0..*count {
        let Some((&[kind, high, low], after)) = rest.split_first_chunk() else { break };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((data, after)) = after.split_at_checked(length) else { break };
        rest = after;
        // Shorter ones do not come so far.
        if kind == 1 && data.len() >= 12 + 16 + 80 {
            let mut numbers = Choices::new(data);
            let (memory_kib, passes, lanes) = (numbers.u32(), numbers.u32(), numbers.u32());
            costs.push(PasswordParams { memory_kib, passes, lanes });
        }
    }
    Some(costs)
}

const fn is_cheap(params: &PasswordParams) -> bool {
    params.memory_kib <= 64 && params.passes <= 2
}

/// `(place u16 ‖ change u8)…` on a file that opens, with the checksum made right again.
fn altered(bytes: &[u8]) {
    let vault = Vault::create(Suite::Real, [3; 32]);
    let file = vault.lock(None, [4; 64]).expect("a slot without passphrase costs nothing");
    let mut changed = file[..file.len() - CHECKSUM].to_vec();
    let mut choices = Choices::new(bytes);
    for _ in 0..16 {
        let (place, change) = (usize::from(choices.u16()), choices.byte());
        let len = changed.len();
        changed[place % len] ^= change;
    }
    let changed = with_checksum(changed);
    match Vault::open(Suite::Real, &changed, None) {
        Ok(opened) => assert!(changed == file && opened.owner() == vault.owner(), "an altered file opens"),
        Err(_) => assert!(changed != file, "the file itself opens"),
    }
}

fn with_checksum(mut content: Vec<u8>) -> Vec<u8> {
    let sum = Suite::Real.hash(&[&content]);
    content.extend_from_slice(&sum);
    content
}
