//! The bytes of a record: `u16 length ‖ header ‖ signature ‖ head ‖ body`; without the parts it is a stub.

use super::{Header, SignedError, Version};
use crate::crypto::{SigningKey, Suite};
use crate::id::NetworkId;
use bytes::Bytes;

/// A record or stub as it was signed, together with what its header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    bytes: Bytes,
    header: Header,
    hash: [u8; 32],
    stub_len: usize,
}

impl Record {
    /// Signs a header over these sealed parts; their lengths and hashes are filled in here.
    /// The signer is the owner, or the writer of the header's grant.
    pub fn sign(
        _suite: Suite,
        _network: &NetworkId,
        _signer: &SigningKey,
        _header: Header,
        _head: &[u8],
        _body: &[u8],
    ) -> Result<Self, SignedError> {
        todo!()
    }
    /// Reads a record or stub: form, canonical encoding, lengths, the parts' hashes. Not the signature.
    pub fn parse(_suite: Suite, _bytes: Bytes) -> Result<Self, SignedError> {
        todo!()
    }
    /// What the header says.
    pub const fn header(&self) -> &Header {
        &self.header
    }
    /// The bytes, verbatim.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
    /// Header and signature alone: proof without payload.
    pub fn stub(&self) -> Bytes {
        self.bytes.slice(..self.stub_len)
    }
    /// The same as a record of its own; itself if it is one already.
    pub fn to_stub(&self) -> Self {
        todo!()
    }
    /// True if parts that the header names are not here.
    pub fn is_stub(&self) -> bool {
        todo!()
    }
    /// The sealed head; empty if there is none or this is a stub.
    pub fn head(&self) -> Bytes {
        todo!()
    }
    /// The sealed body; empty if there is none, or this is a stub, or came without it.
    pub fn body(&self) -> Bytes {
        todo!()
    }
    /// `header ‖ signature ‖ head` as lists carry it: a record without its body. Parses with [`parse`](Self::parse).
    pub fn without_body(&self) -> Self {
        todo!()
    }
    /// Total order among the records of one name: version, then SHA-256 of the signed bytes.
    pub fn order(&self) -> (Version, [u8; 32]) {
        let _ = self.hash;
        todo!()
    }
    /// What the signature covers, for [`record_claims`](super::record_claims).
    pub fn signed_bytes(&self) -> &[u8] {
        todo!()
    }
}
