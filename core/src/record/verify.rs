//! The one place that decides whether a record or pin is valid.

use alloc::vec::Vec;
use thiserror::Error;

use super::{Floor, Grant, Pin, Record, Version};
use crate::crypto::{Signature, Suite, label, signed_message};
use crate::error::MalformedMessage;
use crate::id::{Name, NetworkId, OwnerId};
use crate::job::SignatureClaim;

/// Why signed bytes are not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SignedError {
    /// Not the bytes of such a thing, or not their canonical form.
    #[error("malformed or not canonical")]
    Malformed,
    /// A kind that this version does not know.
    #[error("of an unknown kind or format")]
    Unknown,
    /// Over a limit of the format.
    #[error("over a limit of the format")]
    Limit,
    /// A part does not have the hash or length that the header names.
    #[error("a part does not match its header")]
    Part,
    /// The signature is wrong, or of another network.
    #[error("the signature is wrong, or of another network")]
    Signature,
    /// The signer's grant does not cover it: epoch, scope, end, or a floor record.
    #[error("the writer's grant does not cover this")]
    Grant,
}

impl From<MalformedMessage> for SignedError {
    fn from(error: MalformedMessage) -> Self {
        match error {
            MalformedMessage::Limit => Self::Limit,
            _ => Self::Malformed,
        }
    }
}

impl From<SignedError> for MalformedMessage {
    fn from(_: SignedError) -> Self {
        Self::Signed
    }
}

/// What must verify for this record to be valid: the signature, and the grant's where there is one. The checks of the grant
/// that need no cryptography are made here. `floor` is the highest floor known of the owner.
pub fn record_claims(
    network: &NetworkId,
    record: &Record,
    floor: Option<&Floor>,
) -> Result<Vec<SignatureClaim>, SignedError> {
    let header = record.header();
    let write = Write {
        label: label::RECORD,
        owner: &header.owner,
        name: &header.name,
        version: header.version,
        grant: header.grant.as_ref(),
        signed: record.signed_bytes(),
        signature: record.signature(),
    };
    write.claims(network, floor)
}

/// [`record_claims`] and their verification at once.
pub fn verify_record(
    suite: Suite,
    network: &NetworkId,
    record: &Record,
    floor: Option<&Floor>,
) -> Result<(), SignedError> {
    verify(suite, &record_claims(network, record, floor)?)
}

/// The same for a pin.
pub fn pin_claims(
    network: &NetworkId,
    pin: &Pin,
    floor: Option<&Floor>,
) -> Result<Vec<SignatureClaim>, SignedError> {
    let body = pin.body();
    let write = Write {
        label: label::PIN,
        owner: &body.owner,
        name: &body.name,
        version: body.since,
        grant: body.grant.as_ref(),
        signed: pin.signed_bytes(),
        signature: pin.signature(),
    };
    write.claims(network, floor)
}

/// [`pin_claims`] and their verification at once.
pub fn verify_pin(
    suite: Suite,
    network: &NetworkId,
    pin: &Pin,
    floor: Option<&Floor>,
) -> Result<(), SignedError> {
    verify(suite, &pin_claims(network, pin, floor)?)
}

/// What records and pins have in common for their verification.
struct Write<'a> {
    label: &'static str,
    owner: &'a OwnerId,
    name: &'a Name,
    version: Version,
    grant: Option<&'a Grant>,
    signed: &'a [u8],
    signature: Signature,
}

impl Write<'_> {
    /// Floor records with a grant do not come so far: their form forbids it.
    fn claims(&self, network: &NetworkId, floor: Option<&Floor>) -> Result<Vec<SignatureClaim>, SignedError> {
        let mut claims = Vec::with_capacity(2);
        let mut key = *self.owner.as_bytes();
        if let Some(grant) = self.grant {
            grant.covers(self.name, self.version, floor)?;
            claims.push(grant.claim(network, self.owner));
            key = grant.writer;
        }
        let message = signed_message(self.label, network, &[self.signed]);
        claims.push(SignatureClaim { key, message, signature: self.signature });
        Ok(claims)
    }
}

fn verify(suite: Suite, claims: &[SignatureClaim]) -> Result<(), SignedError> {
    let valid = claims.iter().all(|claim| suite.verify(&claim.key, &claim.message, &claim.signature));
    if valid { Ok(()) } else { Err(SignedError::Signature) }
}
