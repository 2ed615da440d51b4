//! The one place that decides whether a record or pin is valid.

use super::{Floor, Pin, Record};
use crate::crypto::Suite;
use crate::id::NetworkId;
use crate::job::SignatureClaim;
use alloc::vec::Vec;
use thiserror::Error;

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

/// What must verify for this record to be valid: the signature, and the grant's where there is one. The checks of the grant
/// that need no cryptography are made here. `floor` is the highest floor known of the owner.
pub fn record_claims(
    _network: &NetworkId,
    _record: &Record,
    _floor: Option<&Floor>,
) -> Result<Vec<SignatureClaim>, SignedError> {
    todo!()
}

/// [`record_claims`] and their verification at once.
pub fn verify_record(
    _suite: Suite,
    _network: &NetworkId,
    _record: &Record,
    _floor: Option<&Floor>,
) -> Result<(), SignedError> {
    todo!()
}

/// The same for a pin.
pub fn pin_claims(
    _network: &NetworkId,
    _pin: &Pin,
    _floor: Option<&Floor>,
) -> Result<Vec<SignatureClaim>, SignedError> {
    todo!()
}

/// [`pin_claims`] and their verification at once.
pub fn verify_pin(
    _suite: Suite,
    _network: &NetworkId,
    _pin: &Pin,
    _floor: Option<&Floor>,
) -> Result<(), SignedError> {
    todo!()
}
