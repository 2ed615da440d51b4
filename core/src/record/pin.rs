//! Pins: why a peer keeps a blob.

use bytes::Bytes;

use super::codec::SIGNATURE;
use super::{Fields, Grant, SignedError, Version, grant};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::{Signature, SigningKey, label};
use crate::id::{BlobId, Name, NetworkId, ObjectId, OwnerId};

/// The first bytes of a pin: what it is, and the format's version.
const MAGIC: [u8; 4] = *b"QSp\x01";
/// Bytes of a pin without optional fields and signature.
const FIXED: usize = 4 + 32 + 32 + 16 + 16 + 32 + 4;

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
    /// Its bytes, as the signer says: whoever has the blob compares.
    pub length: u32,
    /// If another than the owner signed.
    pub grant: Option<Grant>,
}

/// A pin as it was signed; optional fields that this version does not know stay in its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    bytes: Bytes,
    body: PinBody,
}

impl Pin {
    /// Signs, with the key of the owner or of the grant's writer.
    pub fn sign(network: &NetworkId, signer: &SigningKey, body: PinBody) -> Self {
        let mut out = Writer::with_capacity(FIXED + SIGNATURE + if body.grant.is_some() { 146 } else { 0 });
        out.raw(&MAGIC);
        out.raw(body.owner.as_bytes());
        out.raw(body.name.as_bytes());
        out.raw(body.object.as_bytes());
        out.raw(&body.since.to_bytes());
        out.raw(body.blob.as_bytes());
        out.u32(body.length);
        if let Some(grant) = &body.grant {
            out.field(grant::TAG, &grant.encode());
        }
        let signature = signer.sign(label::PIN, network, &[out.written()]);
        out.raw(&signature.0);
        Self { bytes: out.freeze(), body }
    }

    /// Reads a pin that fills `bytes`: form only, not the signature.
    pub fn parse(bytes: Bytes) -> Result<Self, SignedError> {
        if bytes.len() > FIXED + limit::FIELDS + SIGNATURE {
            return Err(SignedError::Limit);
        }
        let signed_len = bytes.len().checked_sub(SIGNATURE).ok_or(SignedError::Malformed)?;
        let mut reader = Reader::new(bytes.slice(..signed_len));
        if reader.array()? != MAGIC {
            return Err(SignedError::Unknown);
        }
        let mut body = PinBody {
            owner: OwnerId(reader.array()?),
            name: Name(reader.array()?),
            object: ObjectId(reader.array()?),
            since: Version::decode(&mut reader)?,
            blob: BlobId(reader.array()?),
            length: reader.u32()?,
            grant: None,
        };
        body.grant = Fields::decode(reader)?.take(grant::TAG).map(Grant::decode).transpose()?;
        Ok(Self { bytes, body })
    }

    /// What it says.
    pub const fn body(&self) -> &PinBody {
        &self.body
    }

    /// The bytes, verbatim.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What the signature covers.
    pub(super) fn signed_bytes(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - SIGNATURE]
    }

    pub(super) fn signature(&self) -> Signature {
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&self.bytes[self.bytes.len() - SIGNATURE..]);
        Signature(signature)
    }
}
