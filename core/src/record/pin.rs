//! Pins: why a peer keeps a blob.

use super::{Grant, SignedError, Version};
use crate::crypto::{SigningKey, Suite};
use crate::id::{BlobId, Name, NetworkId, ObjectId, OwnerId};
use bytes::Bytes;

/// What a pin says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PinBody {
    /// Whose.
    pub owner: OwnerId,
    /// The name of the record that is to list the object.
    pub name: Name,
    /// The object.
    pub object: ObjectId,
    /// The version reserved when the upload began; the record that lists the object carries exactly this one.
    pub since: Version,
    /// The blob.
    pub blob: BlobId,
    /// Its bytes.
    pub length: u32,
    /// If another than the owner signed.
    pub grant: Option<Grant>,
}

/// A pin as it was signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    bytes: Bytes,
    body: PinBody,
}

impl Pin {
    /// Signs.
    pub fn sign(_suite: Suite, _network: &NetworkId, _signer: &SigningKey, _body: PinBody) -> Self {
        todo!()
    }
    /// Reads a pin that fills `bytes`: form only, not the signature.
    pub fn parse(_bytes: Bytes) -> Result<Self, SignedError> {
        todo!()
    }
    /// What it says.
    pub const fn body(&self) -> &PinBody {
        &self.body
    }
    /// The bytes, verbatim.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}
