//! Argon2id (RFC 9106) for passphrases and file passwords, with bounds that are checked before it runs.

use super::Secret;
use alloc::vec::Vec;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroize as _;

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

    /// True if they cost neither too much nor less than Argon2 allows: parameters come from files, and a file may
    /// be anyone's. 8 KiB a lane to 1 GiB, 1 to 16 passes, 1 to 8 lanes.
    pub const fn in_bounds(&self) -> bool {
        self.lanes >= 1
            && self.lanes <= 8
            && self.passes >= 1
            && self.passes <= 16
            && self.memory_kib >= 8 * self.lanes
            && self.memory_kib <= 1024 * 1024
    }
}

/// Argon2id to 32 bytes; `None` if the parameters are out of bounds, or the machine has not that much memory.
pub fn hash_password(password: &[u8], salt: &[u8; 16], params: PasswordParams) -> Option<Secret<32>> {
    if !params.in_bounds() {
        return None;
    }
    let params = Params::new(params.memory_kib, params.passes, params.lanes, Some(32)).ok()?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).ok()?;
    memory.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hashed = Ok(());
    let hash = Secret::filled_by(|out| {
        hashed = argon2.hash_password_into_with_memory(password, salt, out, memory.as_mut_slice());
    });
    memory.zeroize();
    hashed.ok().map(|()| hash)
}
