//! The vault file.

use alloc::vec::Vec;

use crate::crypto::{Master, Suite};
use crate::error::VaultError;

/// The bytes of a vault file with one slot.
pub(super) fn lock(
    _suite: Suite,
    _master: &Master,
    _passphrase: Option<&str>,
    _entropy: &[u8; 64],
) -> Vec<u8> {
    todo!()
}

/// The master of a vault file.
pub(super) fn open(_suite: Suite, _file: &[u8], _passphrase: Option<&str>) -> Result<Master, VaultError> {
    todo!()
}
