//! The plaintext side: keys, names, chunking, sealing, trees. Must not know the node's modules.
//!
//! A [`Vault`] holds the keys. [`Upload`] turns a stream of bytes into sealed pieces and their manifest, [`Download`]
//! turns them back, [`PieceWalk`] names the blobs of a stored tree. The functions of `records` build and open the signed
//! records that point to such trees. All of them are pure: sealing and opening are steps that the caller runs.

mod chunker;
mod download;
mod file;
mod head;
mod key;
mod manifest;
mod records;
mod tree;
mod upload;
mod walk;

#[cfg(test)]
mod tests;

pub use chunker::{CHUNK_AVERAGE, CHUNK_MAX, CHUNK_MIN, gear_table};
pub use download::{Download, DownloadStep};
pub use head::{Content, Head, HeadContent, HeadError};
pub use key::{BadKey, UNICODE_VERSION, normalise_key};
pub use manifest::{FAN_OUT, ManifestError, Root};
pub use records::{FileDraft, file_record, floor_record, open_body, open_head, pin, tombstone};
pub use upload::{Upload, UploadError, UploadStep};
pub use walk::{PieceWalk, WalkStep};

use crate::crypto::{
    Master, PasswordParams, Secret, SpaceKeys, Suite, entropy_from_words, words_from_entropy,
};
use crate::error::VaultError;
use crate::id::OwnerId;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use zeroize::Zeroizing;

/// The keys of one space. Cloning is cheap: the clones share the secrets, which are wiped with the last of them.
#[derive(Clone, Debug)]
pub struct Vault {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    master: Master,
    keys: SpaceKeys,
}

impl Vault {
    /// A new vault from 32 bytes of the operating system's randomness.
    pub fn create(suite: Suite, entropy: [u8; 32]) -> Self {
        Self::from_master(suite, Master(Secret::new(entropy)))
    }

    /// The vault of these 24 words.
    pub fn from_words(suite: Suite, words: &str) -> Result<Self, VaultError> {
        Ok(Self::from_master(suite, Master(entropy_from_words(words)?)))
    }

    /// Opens a vault file. `passphrase` is needed only where no slot opens without one.
    pub fn open(suite: Suite, file: &[u8], passphrase: Option<&str>) -> Result<Self, VaultError> {
        Ok(Self::from_master(suite, file::open(suite, file, passphrase)?))
    }

    /// The bytes of a vault file with one slot: under `passphrase`, or one that opens without. `entropy` is fresh
    /// randomness of the operating system; each file needs its own. Fails only where Argon2id's 64 MiB cannot be had.
    pub fn lock(&self, passphrase: Option<&str>, entropy: [u8; 64]) -> Result<Vec<u8>, VaultError> {
        let entropy = Zeroizing::new(entropy);
        file::lock(self.inner.keys.suite, &self.inner.master, passphrase, PasswordParams::DEFAULT, &entropy)
    }

    /// The 24 words that are this vault: whoever has them has everything.
    pub fn words(&self) -> Zeroizing<String> {
        words_from_entropy(&self.inner.master.0)
    }

    /// Whose records this vault signs.
    pub fn owner(&self) -> OwnerId {
        self.inner.keys.owner()
    }

    /// The keys of its space.
    pub fn keys(&self) -> &SpaceKeys {
        &self.inner.keys
    }

    fn from_master(suite: Suite, master: Master) -> Self {
        let keys = SpaceKeys::derive(suite, &master);
        Self { inner: Arc::new(Inner { master, keys }) }
    }
}
