//! The bytes of a record: `u16 header length ‖ header ‖ signature ‖ head ‖ body`; without the parts it is a stub.

use alloc::sync::Arc;
use bytes::Bytes;

use super::{Header, PartInfo, SignedError, Version};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::{Signature, SigningKey, Suite, label};
use crate::id::NetworkId;

/// Bytes of the header's length.
const PREFIX: usize = 2;
/// Bytes of a signature.
pub(super) const SIGNATURE: usize = 64;

/// A record or stub as it was signed, together with what its header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    bytes: Bytes,
    /// The same for all forms of the record.
    signed: Arc<Signed>,
}

#[derive(PartialEq, Eq, Debug)]
struct Signed {
    header: Header,
    /// Of the header's bytes.
    hash: [u8; 32],
    stub_len: usize,
}

impl Record {
    /// Signs a header over these sealed parts; their lengths and hashes are filled in here.
    /// The signer is the owner, or the writer of the header's grant: another is [`SignedError::Signature`].
    pub fn sign(
        suite: Suite,
        network: &NetworkId,
        signer: &SigningKey,
        mut header: Header,
        head: &[u8],
        body: &[u8],
    ) -> Result<Self, SignedError> {
        let writer = header.grant.as_ref().map_or(header.owner.as_bytes(), |grant| &grant.writer);
        if signer.public() != writer {
            return Err(SignedError::Signature);
        }
        header.head = part_info(suite, head)?;
        header.body = part_info(suite, body)?;
        let signed = header.encode()?;
        let stub_len = PREFIX + signed.len() + SIGNATURE;
        let len = stub_len + head.len() + body.len();
        if len > limit::RECORD {
            return Err(SignedError::Limit);
        }
        let mut out = Writer::with_capacity(len);
        out.bytes16(&signed);
        out.raw(&signer.sign(label::RECORD, network, &[&signed]).0);
        out.raw(head);
        out.raw(body);
        let hash = suite.hash(&[&signed]);
        Ok(Self { bytes: out.freeze(), signed: Arc::new(Signed { header, hash, stub_len }) })
    }

    /// Reads a record, one without its body, or a stub: form, canonical encoding, lengths, the parts' hashes.
    /// Not the signature: see [`record_claims`](super::record_claims).
    pub fn parse(suite: Suite, bytes: Bytes) -> Result<Self, SignedError> {
        if bytes.len() > limit::RECORD {
            return Err(SignedError::Limit);
        }
        let mut reader = Reader::new(bytes.clone());
        let signed = reader.bytes16(limit::RECORD)?;
        reader.array::<SIGNATURE>()?;
        let stub_len = bytes.len() - reader.rest().len();
        let hash = suite.hash(&[&signed]);
        let header = Header::decode(signed)?;
        if stub_len + header.head.len as usize + header.body.len as usize > limit::RECORD {
            return Err(SignedError::Limit);
        }
        let record = Self { bytes, signed: Arc::new(Signed { header, hash, stub_len }) };
        record.check_parts(suite)?;
        Ok(record)
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.signed.header
    }

    /// The bytes, verbatim.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Header and signature alone: proof without payload.
    pub fn stub(&self) -> Bytes {
        self.bytes.slice(..self.signed.stub_len)
    }

    /// The same as a record of its own; itself if it is one already.
    pub fn to_stub(&self) -> Self {
        Self { bytes: self.stub(), signed: self.signed.clone() }
    }

    /// True if the header names parts and none of them is here.
    pub fn is_stub(&self) -> bool {
        self.bytes.len() == self.signed.stub_len && self.header().head.len != 0
    }

    /// True if every part that the header names is here.
    pub fn is_complete(&self) -> bool {
        let parts = self.header().head.len as usize + self.header().body.len as usize;
        self.bytes.len() == self.signed.stub_len + parts
    }

    /// The sealed head; empty if there is none or this is a stub.
    pub fn head(&self) -> Bytes {
        self.bytes.slice(self.signed.stub_len..self.head_end())
    }

    /// The sealed body; empty if there is none, or this is a stub, or came without it.
    pub fn body(&self) -> Bytes {
        self.bytes.slice(self.head_end()..)
    }

    /// `header ‖ signature ‖ head` as lists carry it: a record without its body. Parses with [`parse`](Self::parse).
    pub fn without_body(&self) -> Self {
        Self { bytes: self.bytes.slice(..self.head_end()), signed: self.signed.clone() }
    }

    /// Total order among the records of one name: version, then SHA-256 of the signed bytes.
    pub fn order(&self) -> (Version, [u8; 32]) {
        (self.header().version, self.signed.hash)
    }

    /// What the signature covers, for [`record_claims`](super::record_claims): the header.
    pub fn signed_bytes(&self) -> &[u8] {
        &self.bytes[PREFIX..self.signed.stub_len - SIGNATURE]
    }

    /// The signature, of the owner or of the grant's writer.
    pub fn signature(&self) -> Signature {
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&self.bytes[self.signed.stub_len - SIGNATURE..self.signed.stub_len]);
        Signature(signature)
    }

    fn head_end(&self) -> usize {
        self.bytes.len().min(self.signed.stub_len + self.header().head.len as usize)
    }

    /// Whole parts or none, in their order, with their hashes.
    fn check_parts(&self, suite: Suite) -> Result<(), SignedError> {
        let parts = [(self.head(), &self.header().head), (self.body(), &self.header().body)];
        for (part, info) in parts {
            let absent = part.is_empty();
            if !absent && (part.len() != info.len as usize || suite.hash(&[&part]) != info.hash) {
                return Err(SignedError::Part);
            }
        }
        Ok(())
    }
}

fn part_info(suite: Suite, part: &[u8]) -> Result<PartInfo, SignedError> {
    if part.is_empty() {
        return Ok(PartInfo::default());
    }
    let len = u32::try_from(part.len()).map_err(|_| SignedError::Limit)?;
    Ok(PartInfo { len, hash: suite.hash(&[part]) })
}
