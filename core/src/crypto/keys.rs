//! The key hierarchy: from 32 bytes of entropy to every key of a space (DESIGN "Keys and cryptography").

use super::{Secret, SigningKey, Suite, label};
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
    pub fn derive(suite: Suite, master: &Master) -> Self {
        const SPACE: u32 = 0;
        const WRITE_EPOCH: u32 = 0;
        const READ_EPOCH: u32 = 0;

        let root = suite.extract(label::EXTRACT.as_bytes(), master.0.expose());
        let write: Secret<32> =
            suite.expand(&root, label::SPACE, &[&SPACE.to_be_bytes(), &WRITE_EPOCH.to_be_bytes()]);
        Self {
            sign: SigningKey::from_seed(suite, suite.expand(&write, label::SIGN, &[])),
            name_key: suite.expand(&write, label::NAME, &[]),
            read: ReadKeys::derive(suite, &suite.expand(&write, label::READ, &[&READ_EPOCH.to_be_bytes()])),
            suite,
        }
    }

    /// The owner: the public half of the signing key.
    pub fn owner(&self) -> OwnerId {
        OwnerId(*self.sign.public())
    }

    /// name = HMAC(name key, kind ‖ NFC key string). The caller has normalised the string.
    pub fn name(&self, kind: u8, nfc_key: &str) -> Name {
        Name(self.suite.hmac(self.name_key.expose(), &[&[kind], nfc_key.as_bytes()]))
    }

    /// `K_rec`: the capability of one file.
    pub fn record_key(&self, name: &Name, file_epoch: u32) -> Secret<32> {
        self.suite.expand(&self.read.record, label::FILE, &[name.as_bytes(), &file_epoch.to_be_bytes()])
    }

    /// The object id of an upload to `name` that reserved `since`: HMAC(object id key, name ‖ since), cut to 16 bytes.
    pub fn object_id(&self, name: &Name, since: &[u8; 16]) -> ObjectId {
        let hash = self.suite.hmac(self.read.object_id.expose(), &[name.as_bytes(), since]);
        ObjectId(cut(&hash))
    }

    /// The writer tag of a device for a name: HMAC(device secret, name), cut to 8 bytes.
    pub fn writer_tag(&self, device: &Secret<32>, name: &Name) -> [u8; 8] {
        cut(&self.suite.hmac(device.expose(), &[name.as_bytes()]))
    }
}

impl ReadKeys {
    /// The keys of the read epoch with this capability.
    fn derive(suite: Suite, capability: &Secret<32>) -> Self {
        let key = |label| suite.expand(capability, label, &[]);
        Self {
            record: key(label::READ_RECORD),
            dedup_data: key(label::DEDUP_DATA),
            dedup_manifest: key(label::DEDUP_MANIFEST),
            chunk: key(label::CHUNK),
            siv: key(label::SIV),
            object_id: key(label::OBJECT_ID),
            salt: key(label::SALT),
        }
    }
}

/// The first `N` bytes of a hash.
pub(super) fn cut<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    const { assert!(N <= 32, "a hash has 32 bytes") }
    core::array::from_fn(|i| hash[i])
}
