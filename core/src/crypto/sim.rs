//! The stand-ins of [`Suite::Sim`](super::Suite::Sim): a tenth of the cost, the same lengths, no protection.
//!
//! Whoever knows a public key can sign for it. They only keep apart what the real ones keep apart.

use super::{Secret, Signature};

/// In place of SHA-256.
pub(super) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    finish(blake3::Hasher::new(), parts)
}

/// In place of HMAC.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    finish(blake3::Hasher::new_keyed(&hash(&[key])), parts)
}

/// In place of HKDF-Expand.
pub(super) fn expand(key: &Secret<32>, info: &[u8], out: &mut [u8]) {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    hasher.update(info);
    hasher.finalize_xof().fill(out);
}

/// The public key of a seed.
pub(super) fn public_key(seed: &Secret<32>) -> [u8; 32] {
    hash(&[b"simulated public key", seed.expose()])
}

/// Signs for a public key.
pub(super) fn sign(public: &[u8; 32], message: &[u8]) -> Signature {
    let mut signature = Signature([0; 64]);
    let mut hasher = blake3::Hasher::new_keyed(public);
    hasher.update(message);
    hasher.finalize_xof().fill(&mut signature.0);
    signature
}

fn finish(mut hasher: blake3::Hasher, parts: &[&[u8]]) -> [u8; 32] {
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
