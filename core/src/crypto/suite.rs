//! All cryptography goes through here.

use super::{Secret, Signature};
use crate::id::BlobId;
use aes::Aes256;
use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

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
    pub fn hash(self, parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::Real => {
                let mut hasher = Sha256::new();
                parts.iter().for_each(|part| hasher.update(part));
                hasher.finalize().into()
            }
            #[cfg(any(test, feature = "sim"))]
            Self::Sim => super::sim::hash(parts),
        }
    }

    /// The id of a blob: the hash of its bytes.
    pub fn blob_id(self, blob: &[u8]) -> BlobId {
        BlobId(self.hash(&[blob]))
    }

    /// HMAC-SHA-256 over the parts (RFC 2104).
    pub fn hmac(self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        match self {
            Self::Real => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
                parts.iter().for_each(|part| mac.update(part));
                mac.finalize().into_bytes().into()
            }
            #[cfg(any(test, feature = "sim"))]
            Self::Sim => super::sim::hmac(key, parts),
        }
    }

    /// True if `tag` is the [`hmac`](Self::hmac) of the parts; takes the same time wherever they differ.
    pub fn hmac_matches(self, key: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
        self.hmac(key, parts).ct_eq(tag).into()
    }

    /// Verifies an Ed25519 signature (RFC 8032) over a whole message, strictly (no malleability, no small-order keys).
    pub fn verify(self, key: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
        match self {
            Self::Real => ed25519_dalek::VerifyingKey::from_bytes(key).is_ok_and(|key| {
                key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
            }),
            #[cfg(any(test, feature = "sim"))]
            Self::Sim => super::sim::sign(key, message) == *signature,
        }
    }

    /// BLAKE3 keyed over `body`: under which key a piece is sealed follows from it.
    pub(super) fn fingerprint(self, key: &Secret<32>, body: &[u8]) -> Secret<32> {
        let mut hasher = blake3::Hasher::new_keyed(key.expose());
        hasher.update(body);
        let mut hash = hasher.finalize();
        let fingerprint = Secret::filled_by(|out| out.copy_from_slice(hash.as_bytes()));
        hasher.zeroize();
        hash.zeroize();
        fingerprint
    }

    /// `N` bytes of keyed BLAKE3's extended output over a label.
    pub fn extend<const N: usize>(self, key: &Secret<32>, label: &str) -> Secret<N> {
        let mut hasher = blake3::Hasher::new_keyed(key.expose());
        hasher.update(label.as_bytes());
        let mut output = hasher.finalize_xof();
        let bytes = Secret::filled_by(|out| output.fill(out));
        hasher.zeroize();
        output.zeroize();
        bytes
    }

    /// AES-256-CTR from counter 0, in place: encrypts and decrypts. Each key is used for one message only.
    ///
    /// The counter is 64 bits wide, which is faster than 128 and the same bytes: from 0, no message
    /// carries into the upper half.
    pub(super) fn apply_keystream(self, key: &[u8; 32], bytes: &mut [u8]) {
        match self {
            Self::Real => Ctr64BE::<Aes256>::new(key.into(), &[0; 16].into()).apply_keystream(bytes),
            #[cfg(any(test, feature = "sim"))]
            Self::Sim => {}
        }
    }
}
