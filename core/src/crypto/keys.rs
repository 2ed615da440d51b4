//! The key hierarchy: from 32 bytes of entropy to every key of a space (DESIGN "Keys and cryptography").

use super::{Secret, SigningKey, Suite};
use crate::id::{Name, ObjectId, OwnerId};

/// The entropy of a vault: 24 BIP-39 words are these 32 bytes.
#[derive(Clone, Debug)]
pub struct Master(pub Secret<32>);

/// The keys to write and read one space (space 0, write epoch 0, read epoch 0 for now).
#[derive(Clone, Debug)]
pub struct SpaceKeys {
    /// Signs records and pins; its public half is the owner.
    pub sign: SigningKey,
    /// Makes names of key strings.
    pub name_key: Secret<32>,
    /// The keys to read.
    pub read: ReadKeys,
    /// The cryptography that made them.
    pub suite: Suite,
}

/// The keys of one read epoch.
#[derive(Clone, Debug)]
pub struct ReadKeys {
    /// Root of the keys of records.
    pub record: Secret<32>,
    /// Fingerprints of pieces of files.
    pub dedup_data: Secret<32>,
    /// Fingerprints of nodes of manifests.
    pub dedup_manifest: Secret<32>,
    /// Seeds the chunker's gear table.
    pub chunk: Secret<32>,
    /// Synthetic IVs of record parts.
    pub siv: Secret<32>,
    /// Makes object ids.
    pub object_id: Secret<32>,
    /// Salts of file passwords.
    pub salt: Secret<32>,
}

impl SpaceKeys {
    /// Derives everything.
    pub fn derive(_suite: Suite, _master: &Master) -> Self {
        todo!()
    }
    /// The owner: the public half of the signing key.
    pub fn owner(&self) -> OwnerId {
        OwnerId(*self.sign.public())
    }
    /// name = HMAC(name key, kind ‖ NFC key string). The caller has normalised the string.
    pub fn name(&self, _kind: u8, _nfc_key: &str) -> Name {
        todo!()
    }
    /// `K_rec`: the capability of one file.
    pub fn record_key(&self, _name: &Name, _file_epoch: u32) -> Secret<32> {
        todo!()
    }
    /// The object id of an upload to `name` that reserved `since`.
    pub fn object_id(&self, _name: &Name, _since: &[u8; 16]) -> ObjectId {
        todo!()
    }
    /// The writer tag of a device for a name: HMAC(device secret, name), cut to 8 bytes.
    pub fn writer_tag(&self, _device: &Secret<32>, _name: &Name) -> [u8; 8] {
        todo!()
    }
}
