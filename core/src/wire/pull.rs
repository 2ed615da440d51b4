//! What members ask of each other to come to hold the same: pages of what the other holds, what is handed on, and
//! proofs that a blob is really there.

use alloc::vec::Vec;

use super::PinCheck;
use super::list::encode_list;
use super::request::{decode_optional_id, decode_record, encode_optional_id};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::Suite;
use crate::error::MalformedMessage;
use crate::id::{Name, ObjectId, OwnerId};
use crate::record::{Pin, Record};

/// Which rows of another member's table a `PullRecords` asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum PullPart {
    /// The floors of all owners.
    Floors = 0,
    /// Records, as far as the asker is their replica.
    Records = 1,
    /// Promises that no record listing an object will be taken, as far as the asker is a replica of their names.
    Promises = 2,
}

impl PullPart {
    fn from_number(number: u8) -> Result<Self, MalformedMessage> {
        [Self::Floors, Self::Records, Self::Promises]
            .into_iter()
            .find(|part| *part as u8 == number)
            .ok_or(MalformedMessage::Value)
    }
}

/// The last row of a page: the next one begins after it.
///
/// `at` is the position of a record (of floors and promises: zeros) or the blob of a pin; `object` is a pin's or
/// a promise's (else zeros).
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Default)]
pub struct PullCursor {
    /// Position or blob.
    pub at: [u8; 32],
    /// Whose.
    pub owner: OwnerId,
    /// Of which name.
    pub name: Name,
    /// Of which object.
    pub object: ObjectId,
}

impl PullCursor {
    /// The row of a pin.
    pub const fn of_pin(pin: &Pin) -> Self {
        let body = pin.body();
        Self { at: body.blob.0, owner: body.owner, name: body.name, object: body.object }
    }

    fn encode(&self, out: &mut Writer) {
        out.raw(&self.at);
        out.raw(self.owner.as_bytes());
        out.raw(self.name.as_bytes());
        out.raw(self.object.as_bytes());
    }

    fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        Ok(Self {
            at: body.array()?,
            owner: OwnerId(body.array()?),
            name: Name(body.array()?),
            object: ObjectId(body.array()?),
        })
    }
}

/// A record as another member holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PulledRecord {
    /// The record, with those of its parts that are there.
    pub record: Record,
    /// For how long it is there, in running milliseconds: what a tombstone's age counts from.
    pub age_ms: u64,
    /// It has expired there.
    pub expired: bool,
}

/// The answer to a `PullRecords`: rows in the order of their cursors.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordsPage {
    /// Floors or records. At most [`limit::PULL_ROWS`] and [`limit::PULL_BYTES`] are sent: whoever makes a page
    /// stays within both.
    pub records: Vec<PulledRecord>,
    /// Promises, if those were asked for; at most [`limit::PULL_ROWS`].
    pub promises: Vec<PinCheck>,
    /// The last row, if there are more.
    pub next: Option<PullCursor>,
}

/// A pin as another member holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PulledPin {
    /// The pin.
    pub pin: Pin,
    /// The age of its lease, in running milliseconds.
    pub lease_ms: u64,
    /// That member has seen no record listing it.
    pub pending: bool,
}

/// The answer to a `PullPins`: rows in the order of their cursors.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PinsPage {
    /// At most [`limit::PULL_ROWS`] and [`limit::PULL_BYTES`] are sent: whoever makes a page stays within both.
    pub pins: Vec<PulledPin>,
    /// The last row, if there are more.
    pub next: Option<PullCursor>,
}

/// What became of a pin that was handed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum PinKept {
    /// Refused: dead by a record that is known there, or without a valid grant.
    Refused = 0,
    /// Kept; its blob is not there.
    Missing = 1,
    /// Kept, and its blob is there.
    Whole = 2,
}

impl PinKept {
    fn from_number(number: u8) -> Result<Self, MalformedMessage> {
        [Self::Refused, Self::Missing, Self::Whole]
            .into_iter()
            .find(|kept| *kept as u8 == number)
            .ok_or(MalformedMessage::Value)
    }
}

/// The answer to a `PutPins`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PinsKept {
    /// One for each pin, in their order.
    pub kept: Vec<PinKept>,
    /// Records by which refused ones are dead, as stubs: those that fit into [`limit::PULL_BYTES`].
    pub killers: Vec<Record>,
}

pub(super) fn decode_part(body: &mut Reader) -> Result<PullPart, MalformedMessage> {
    PullPart::from_number(body.u8()?)
}

pub(super) fn encode_cursor(cursor: Option<&PullCursor>, out: &mut Writer) {
    out.flag(cursor.is_some());
    if let Some(cursor) = cursor {
        cursor.encode(out);
    }
}

pub(super) fn decode_cursor(body: &mut Reader) -> Result<Option<PullCursor>, MalformedMessage> {
    if body.flag()? { Ok(Some(PullCursor::decode(body)?)) } else { Ok(None) }
}

pub(super) fn encode_pulled_pins(pins: &[PulledPin], out: &mut Writer) {
    encode_rows(pins, out, |row, out| {
        out.bytes16(row.pin.bytes());
        out.u64(row.lease_ms);
        out.flag(row.pending);
    });
}

pub(super) fn decode_pulled_pins(body: &mut Reader) -> Result<Vec<PulledPin>, MalformedMessage> {
    let count = body.count(limit::PULL_ROWS)?;
    let row = |_| {
        let pin = Pin::parse(body.bytes16(usize::MAX)?)?;
        Ok(PulledPin { pin, lease_ms: body.u64()?, pending: body.flag()? })
    };
    (0..count).map(row).collect()
}

/// The answer to a `Prove`.
pub(super) fn encode_proofs(proofs: &[Option<[u8; 32]>], out: &mut Writer) {
    let count = out.count(proofs.len(), limit::PROVE_BLOBS);
    proofs.iter().take(count).for_each(|proof| encode_optional_id(proof.as_ref(), out));
}

pub(super) fn decode_proofs(body: &mut Reader) -> Result<Vec<Option<[u8; 32]>>, MalformedMessage> {
    let count = body.count(limit::PROVE_BLOBS)?;
    (0..count).map(|_| decode_optional_id(body)).collect()
}

impl RecordsPage {
    pub(super) fn encode(&self, out: &mut Writer) {
        encode_rows(&self.records, out, |row, out| {
            out.bytes32(row.record.bytes());
            out.u64(row.age_ms);
            out.flag(row.expired);
        });
        encode_rows(&self.promises, out, PinCheck::encode);
        encode_cursor(self.next.as_ref(), out);
    }

    pub(super) fn decode(suite: Suite, body: &mut Reader) -> Result<Self, MalformedMessage> {
        let count = body.count(limit::PULL_ROWS)?;
        let record = |_| {
            let record = decode_record(suite, body)?;
            Ok(PulledRecord { record, age_ms: body.u64()?, expired: body.flag()? })
        };
        let records = (0..count).map(record).collect::<Result<_, MalformedMessage>>()?;
        let count = body.count(limit::PULL_ROWS)?;
        let promises = (0..count).map(|_| PinCheck::decode(body)).collect::<Result<_, MalformedMessage>>()?;
        Ok(Self { records, promises, next: decode_cursor(body)? })
    }
}

impl PinsPage {
    pub(super) fn encode(&self, out: &mut Writer) {
        encode_pulled_pins(&self.pins, out);
        encode_cursor(self.next.as_ref(), out);
    }

    pub(super) fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        Ok(Self { pins: decode_pulled_pins(body)?, next: decode_cursor(body)? })
    }
}

impl PinsKept {
    pub(super) fn encode(&self, out: &mut Writer) {
        let count = out.count(self.kept.len(), limit::PULL_ROWS);
        self.kept.iter().take(count).for_each(|kept| out.u8(*kept as u8));
        encode_rows(&self.killers, out, |record, out| out.bytes32(record.bytes()));
    }

    pub(super) fn decode(suite: Suite, body: &mut Reader) -> Result<Self, MalformedMessage> {
        let count = body.count(limit::PULL_ROWS)?;
        let kept =
            (0..count).map(|_| PinKept::from_number(body.u8()?)).collect::<Result<_, MalformedMessage>>()?;
        let count = body.count(limit::PULL_ROWS)?;
        let killers = (0..count).map(|_| decode_record(suite, body)).collect::<Result<_, _>>()?;
        Ok(Self { kept, killers })
    }
}

/// As many rows as a page may have.
fn encode_rows<T>(rows: &[T], out: &mut Writer, encode: impl Fn(&T, &mut Writer)) {
    encode_list(rows, limit::PULL_ROWS, limit::PULL_BYTES, out, encode);
}
