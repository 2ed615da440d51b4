//! Key derivation: HKDF-SHA-256 (RFC 5869) under labels that stand in one table.

use super::{Secret, Suite};
use alloc::vec::Vec;
use hkdf::Hkdf;
use sha2::Sha256;

/// Every label of the protocol. All begin with `quantumsync/1/`; inputs that follow are length-prefixed.
///
/// Labels of signatures stand in what is signed, labels of keys (`…/key/…`) in what is expanded.
pub mod label {
    /// Salt of the extraction from a vault's entropy.
    pub const EXTRACT: &str = "quantumsync/1";

    /// Signature of a record's header.
    pub const RECORD: &str = "quantumsync/1/record";
    /// Signature of a pin.
    pub const PIN: &str = "quantumsync/1/pin";
    /// Signature of a writer's grant.
    pub const GRANT: &str = "quantumsync/1/grant";
    /// Signature of an admission.
    pub const ADMISSION: &str = "quantumsync/1/admission";
    /// Signature of a removal.
    pub const REMOVAL: &str = "quantumsync/1/removal";
    /// Signature of the network's settings.
    pub const SETTINGS: &str = "quantumsync/1/settings";
    /// Proof of an owner on a link.
    pub const LINK_OWNER: &str = "quantumsync/1/link/owner";
    /// Proof of the home's control key on a link.
    pub const LINK_CONTROL: &str = "quantumsync/1/link/control";

    /// Identity of a network, from the public key it was founded with.
    pub const NETWORK: &str = "quantumsync/1/network";
    /// Hash of a set of replicas.
    pub const SET: &str = "quantumsync/1/set";
    /// Hash of a placement.
    pub const PLACEMENT: &str = "quantumsync/1/placement";
    /// Checksum of a token.
    pub const TOKEN: &str = "quantumsync/1/token";

    /// Write capability of a space. Fields: space, write epoch.
    pub const SPACE: &str = "quantumsync/1/key/space";
    /// Seed of a space's signing key.
    pub const SIGN: &str = "quantumsync/1/key/sign";
    /// Makes names of key strings.
    pub const NAME: &str = "quantumsync/1/key/name";
    /// Read capability of a space. Field: read epoch.
    pub const READ: &str = "quantumsync/1/key/read";
    /// Root of the keys of records.
    pub const READ_RECORD: &str = "quantumsync/1/key/read/record";
    /// Fingerprints of pieces of files.
    pub const DEDUP_DATA: &str = "quantumsync/1/key/read/dedup/data";
    /// Fingerprints of nodes of manifests.
    pub const DEDUP_MANIFEST: &str = "quantumsync/1/key/read/dedup/manifest";
    /// Seed of the chunker's gear table.
    pub const CHUNK: &str = "quantumsync/1/key/read/chunk";
    /// Synthetic IVs of record parts.
    pub const SIV: &str = "quantumsync/1/key/read/siv";
    /// Makes object ids.
    pub const OBJECT_ID: &str = "quantumsync/1/key/read/object-id";
    /// Salts of file passwords.
    pub const SALT: &str = "quantumsync/1/key/read/salt";
    /// Capability of one file. Fields: name, file epoch.
    pub const FILE: &str = "quantumsync/1/key/file";
    /// Encryption and authentication key of one sealed record part. Field: synthetic IV.
    pub const SEAL: &str = "quantumsync/1/key/seal";
    /// Key of one piece, from its fingerprint.
    pub const PIECE: &str = "quantumsync/1/key/piece";
    /// The chunker's gear table, from its key.
    pub const GEAR: &str = "quantumsync/1/gear";
    /// Key of a vault file's slot that opens without a passphrase, from its salt: it protects nothing.
    pub const VAULT_OPEN_SLOT: &str = "quantumsync/1/key/vault/open-slot";
    /// Seals in a vault file: of its file key under a slot's key, of the master under the file key.
    pub const VAULT_SEAL: &str = "quantumsync/1/key/vault/seal";
    /// Synthetic IVs of those seals.
    pub const VAULT_SIV: &str = "quantumsync/1/key/vault/siv";
}

impl Suite {
    /// HKDF-Extract: a pseudo-random key from entropy that need not be uniform.
    pub fn extract(self, salt: &[u8], entropy: &[u8]) -> Secret<32> {
        // This is its definition (RFC 5869, 2.2).
        Secret::new(self.hmac(salt, &[entropy]))
    }

    /// HKDF-Expand to `N` bytes, at most 8,160, under `u8 length ‖ label ‖ (u8 length ‖ field)…`.
    ///
    /// Labels and fields are at most 255 bytes: the former stand in [`label`], the latter are ids, epochs and IVs.
    pub fn expand<const N: usize>(self, key: &Secret<32>, label: &str, fields: &[&[u8]]) -> Secret<N> {
        const { assert!(N <= 255 * 32, "HKDF-SHA-256 expands to at most 255 hashes") }
        let mut info = Vec::with_capacity(256);
        for part in [label.as_bytes()].iter().chain(fields) {
            debug_assert!(part.len() <= 255, "labels and fields are short");
            info.push(part.len() as u8);
            info.extend_from_slice(part);
        }
        Secret::filled_by(|out| self.expand_info(key, &info, out))
    }

    /// HKDF-Expand under info as it is.
    pub(super) fn expand_info(self, key: &Secret<32>, info: &[u8], out: &mut [u8]) {
        match self {
            Self::Real => Hkdf::<Sha256>::from_prk(key.expose())
                .expect("the key is as long as a hash")
                .expand(info, out)
                .expect("the caller asks for at most 255 hashes"),
            #[cfg(any(test, feature = "sim"))]
            Self::Sim => super::sim::expand(key, info, out),
        }
    }
}
