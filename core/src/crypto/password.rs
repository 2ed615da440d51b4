//! Argon2id (RFC 9106) for passphrases and file passwords, with bounds that are checked before it runs.

use super::Secret;

/// Cost of one password hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordParams {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl PasswordParams {
    /// 64 MiB, 3 passes, 1 lane (RFC 9106, second recommended option, with one lane).
    pub const DEFAULT: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 };
}

/// Argon2id to 32 bytes; `None` if the parameters are out of bounds.
pub fn hash_password(_password: &[u8], _salt: &[u8; 16], _params: PasswordParams) -> Option<Secret<32>> {
    todo!()
}
