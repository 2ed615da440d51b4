//! What members ask of each other before anything is forgotten: what is known of pins, and whether anything older
//! than a tombstone is left.

use alloc::vec::Vec;

use super::request::decode_record;
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::Suite;
use crate::error::MalformedMessage;
use crate::id::{Name, ObjectId, OwnerId};
use crate::record::{Record, Version};

/// An object that pins are held for, and the version that was reserved for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct PinCheck {
    /// Whose.
    pub owner: OwnerId,
    /// Under which name.
    pub name: Name,
    /// The object.
    pub object: ObjectId,
    /// The version that the record listing it carries.
    pub since: Version,
}

/// What is known of such an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PinState {
    /// No record of the name at or above `since`, nor a floor. If it was asked so, that is promised to stay so for
    /// records that list the object.
    Nothing,
    /// The newest record lists it.
    Listed,
    /// The newest record, as a stub, or the floor, by which it is dead.
    Dead(Record),
}

impl PinCheck {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.raw(self.owner.as_bytes());
        out.raw(self.name.as_bytes());
        out.raw(self.object.as_bytes());
        out.raw(&self.since.to_bytes());
    }

    pub(super) fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        Ok(Self {
            owner: OwnerId(body.array()?),
            name: Name(body.array()?),
            object: ObjectId(body.array()?),
            since: Version::from_bytes(body.array()?).ok_or(MalformedMessage::Value)?,
        })
    }
}

pub(super) fn encode_checks(checks: &[PinCheck], out: &mut Writer) {
    let count = out.count(checks.len(), limit::CHECK_PINS);
    checks.iter().take(count).for_each(|check| check.encode(out));
}

pub(super) fn decode_checks(body: &mut Reader) -> Result<Vec<PinCheck>, MalformedMessage> {
    let count = body.count(limit::CHECK_PINS)?;
    (0..count).map(|_| PinCheck::decode(body)).collect()
}

pub(super) fn encode_states(states: &[PinState], out: &mut Writer) {
    let count = out.count(states.len(), limit::CHECK_PINS);
    for state in states.iter().take(count) {
        match state {
            PinState::Nothing => out.u8(0),
            PinState::Listed => out.u8(1),
            PinState::Dead(record) => {
                out.u8(2);
                out.bytes32(record.bytes());
            }
        }
    }
}

pub(super) fn decode_states(suite: Suite, body: &mut Reader) -> Result<Vec<PinState>, MalformedMessage> {
    let count = body.count(limit::CHECK_PINS)?;
    let state = |_| {
        Ok(match body.u8()? {
            0 => PinState::Nothing,
            1 => PinState::Listed,
            2 => PinState::Dead(decode_record(suite, body)?),
            _ => return Err(MalformedMessage::Value),
        })
    };
    (0..count).map(state).collect()
}
