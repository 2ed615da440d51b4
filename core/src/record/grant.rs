//! Grants: the owner's leave for another key to write.

use bytes::Bytes;

use super::{Floor, SignedError, Version};
use crate::codec::{Reader, Writer};
use crate::crypto::{Signature, SigningKey, label, signed_message};
use crate::id::{Name, NetworkId, OwnerId};
use crate::job::SignatureClaim;

/// The tag of a grant among the optional fields of a record or pin.
pub(super) const TAG: u16 = 3;

/// Scope of a grant for everything of the owner.
const EVERYTHING: Name = Name([0; 32]);

/// The owner's leave for another key to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The writer's Ed25519 public key.
    pub writer: [u8; 32],
    /// What it may write: 0…0 everything of the owner, else one name.
    pub scope: Name,
    /// Void once the floor's grant epoch is above this.
    pub epoch: u32,
    /// Unix milliseconds; 0 for no end. Compared with the version's milliseconds.
    pub not_after: u64,
    /// The owner's, over the four fields before it.
    pub signature: Signature,
}

impl Grant {
    /// Signs with the owner's key; `signature` of `self` is replaced.
    pub fn sign(mut self, network: &NetworkId, owner: &SigningKey) -> Self {
        self.signature = owner.sign(label::GRANT, network, &[&self.content()]);
        self
    }

    /// The checks that need no cryptography: does it cover a write to `name` of this version?
    pub(super) fn covers(
        &self,
        name: &Name,
        version: Version,
        floor: Option<&Floor>,
    ) -> Result<(), SignedError> {
        let scope = self.scope == EVERYTHING || self.scope == *name;
        let epoch = floor.is_none_or(|floor| self.epoch >= floor.grant_epoch);
        let time = self.not_after == 0 || version.ms() <= self.not_after;
        if scope && epoch && time { Ok(()) } else { Err(SignedError::Grant) }
    }

    /// That the owner signed it.
    pub(super) fn claim(&self, network: &NetworkId, owner: &OwnerId) -> SignatureClaim {
        SignatureClaim {
            key: *owner.as_bytes(),
            message: signed_message(label::GRANT, network, &[&self.content()]),
            signature: self.signature,
        }
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut out = Writer::with_capacity(140);
        out.raw(&self.content());
        out.raw(&self.signature.0);
        out.freeze()
    }

    pub(super) fn decode(value: Bytes) -> Result<Self, SignedError> {
        let mut reader = Reader::new(value);
        let grant = Self {
            writer: reader.array()?,
            scope: Name(reader.array()?),
            epoch: reader.u32()?,
            not_after: reader.u64()?,
            signature: Signature(reader.array()?),
        };
        if reader.rest().is_empty() { Ok(grant) } else { Err(SignedError::Malformed) }
    }

    fn content(&self) -> Bytes {
        let mut out = Writer::with_capacity(76);
        out.raw(&self.writer);
        out.raw(self.scope.as_bytes());
        out.u32(self.epoch);
        out.u64(self.not_after);
        out.freeze()
    }
}
