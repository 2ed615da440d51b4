//! All cryptography goes through here.

use super::Signature;
use crate::id::BlobId;

/// Which cryptography: the real one, or a transparent stand-in for simulations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Suite {
    /// SHA-256, HMAC, AES-256-CTR, BLAKE3, Ed25519, X25519.
    #[default]
    Real,
    /// Null cipher, cheap hashes as ids and "signatures", the same lengths. Protects nothing.
    #[cfg(any(test, feature = "sim"))]
    Sim,
}

impl Suite {
    /// SHA-256 over the parts, one after the other.
    pub fn hash(self, _parts: &[&[u8]]) -> [u8; 32] {
        todo!()
    }
    /// The id of a blob: the hash of its bytes.
    pub fn blob_id(self, blob: &[u8]) -> BlobId {
        BlobId(self.hash(&[blob]))
    }
    /// HMAC-SHA-256 over the parts (RFC 2104).
    pub fn hmac(self, _key: &[u8], _parts: &[&[u8]]) -> [u8; 32] {
        todo!()
    }
    /// Verifies an Ed25519 signature (RFC 8032) over a whole message, strictly (no malleability, no small-order keys).
    pub fn verify(self, _key: &[u8; 32], _message: &[u8], _signature: &Signature) -> bool {
        todo!()
    }
}
