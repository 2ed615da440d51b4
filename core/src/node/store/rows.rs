//! Values of the table. Whatever comes back from a disk is parsed as if a stranger had sent it.

use crate::crypto::Suite;
use crate::id::{Name, ObjectId, OwnerId};
use crate::record::{Floor, Header, Record, Version};
use alloc::vec::Vec;
use bytes::Bytes;

const TOMBSTONE: u8 = 1;
const EXPIRED: u8 = 2;
const PROOF_ONLY: u8 = 4;
const INCOMPLETE: u8 = 8;
/// Where the checksum of a record's row stands, over all that is before and after it.
const CHECK: core::ops::Range<usize> = 25..33;
const REC_HEADER: usize = CHECK.end;

/// A record that is kept: `u8 flags ‖ u64 stored ‖ u64 evicted ‖ u64 settled ‖ u64 checksum ‖ record`.
/// The checksum is no signature's substitute: it tells what rotted on this disk, in what this node noted, too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RecordRow {
    /// The record, without the parts that were dropped.
    pub(super) record: Record,
    /// Running milliseconds when this version came: what the age of a tombstone counts from.
    pub(super) stored_ms: u64,
    /// Running milliseconds when its parts were dropped by hand; 0 if they were not.
    pub(super) evicted_ms: u64,
    /// It has expired, by a clock that agreed with the others'.
    pub(super) expired: bool,
    /// This node is no replica of it: a stub, kept while pins here may be dead by it.
    pub(super) proof_only: bool,
    /// Running milliseconds when every member had said of a tombstone that nothing older is left; 0 if they have not.
    pub(super) settled_ms: u64,
}

impl RecordRow {
    pub(super) fn encode(&self, suite: Suite) -> Bytes {
        let mut out = Vec::with_capacity(REC_HEADER + self.record.bytes().len());
        out.push(self.facts().0);
        out.extend_from_slice(&self.stored_ms.to_be_bytes());
        out.extend_from_slice(&self.evicted_ms.to_be_bytes());
        out.extend_from_slice(&self.settled_ms.to_be_bytes());
        out.extend_from_slice(&checksum(suite, &out, self.record.bytes()));
        out.extend_from_slice(self.record.bytes());
        out.into()
    }

    /// `None` for a row that rotted.
    pub(super) fn decode(suite: Suite, value: &Bytes) -> Option<Self> {
        let flags = RecordFacts(*value.first()?);
        let sound = checksum(suite, value.get(..CHECK.start)?, value.get(CHECK.end..)?);
        if value.get(CHECK)? != sound {
            return None;
        }
        Some(Self {
            stored_ms: u64::from_be_bytes(*value.get(1..)?.first_chunk()?),
            evicted_ms: u64::from_be_bytes(*value.get(9..)?.first_chunk()?),
            record: Record::parse(suite, (value.len() > REC_HEADER).then(|| value.slice(REC_HEADER..))?)
                .ok()?,
            expired: flags.0 & EXPIRED != 0,
            proof_only: flags.0 & PROOF_ONLY != 0,
            settled_ms: u64::from_be_bytes(*value.get(17..)?.first_chunk()?),
        })
    }

    /// The same, of a row that stands under this name: another's, however sound, is none of it.
    pub(super) fn decode_of(suite: Suite, value: &Bytes, owner: &OwnerId, name: &Name) -> Option<Self> {
        let is_its = |header: &Header| header.owner == *owner && header.name == *name;
        Self::decode(suite, value).filter(|row| is_its(row.record.header()))
    }

    fn facts(&self) -> RecordFacts {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        RecordFacts(
            flag(self.is_gone(), TOMBSTONE)
                | flag(self.expired, EXPIRED)
                | flag(self.proof_only, PROOF_ONLY)
                | flag(!self.record.is_complete() && !self.is_gone(), INCOMPLETE),
        )
    }

    /// True if nothing is under the name any more.
    pub(super) fn is_gone(&self) -> bool {
        self.expired || self.record.header().is_tombstone()
    }

    /// The floor that it sets, if it is a floor record.
    pub(super) fn floor(&self) -> Option<&Floor> {
        self.record.header().floor.as_ref()
    }

    /// How much of the record is here.
    pub(super) fn parts_len(&self) -> usize {
        parts_len(&self.record)
    }
}

fn checksum(suite: Suite, before: &[u8], after: &[u8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = suite.hash(&[before, after]);
    [a, b, c, d, e, f, g, h]
}

/// How much of a record is here beside header and signature.
pub(super) fn parts_len(record: &Record) -> usize {
    record.head().len() + record.body().len()
}

/// What the first byte of a record's row tells without parsing the record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RecordFacts(u8);

impl RecordFacts {
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        value.first().map(|flags| Self(*flags))
    }

    pub(super) const fn is_gone(self) -> bool {
        self.0 & TOMBSTONE != 0
    }

    pub(super) const fn is_incomplete(self) -> bool {
        self.0 & INCOMPLETE != 0
    }

    pub(super) const fn is_proof_only(self) -> bool {
        self.0 & PROOF_ONLY != 0
    }
}

/// How sure it is that a pin is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum PinStatus {
    /// No record listing it was seen yet.
    Pending = 0,
    /// A record listing it was seen.
    Confirmed = 1,
}

/// What changes about a pin, and what of it is asked often: `16 since ‖ u32 length ‖ u8 status ‖ u64 lease start`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OwnRow {
    /// The pin's `since`.
    pub(super) since: Version,
    /// The blob's bytes.
    pub(super) length: u32,
    /// Pending or confirmed.
    pub(super) status: PinStatus,
    /// Running milliseconds when its lease began.
    pub(super) lease_ms: u64,
}

impl OwnRow {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(29);
        out.extend_from_slice(&self.since.to_bytes());
        out.extend_from_slice(&self.length.to_be_bytes());
        out.push(self.status as u8);
        out.extend_from_slice(&self.lease_ms.to_be_bytes());
        out.into()
    }

    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let (since, rest) = value.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (status, rest) = rest.split_first()?;
        let (lease, rest) = rest.split_first_chunk::<8>()?;
        let status = match status {
            0 => PinStatus::Pending,
            1 => PinStatus::Confirmed,
            _ => return None,
        };
        rest.is_empty().then_some(Self {
            since: Version::from_bytes(*since)?,
            length: u32::from_be_bytes(*length),
            status,
            lease_ms: u64::from_be_bytes(*lease),
        })
    }
}

/// What a record, or the lack of one, means for a pin of its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// No record at or above its `since` is known.
    Pending,
    /// The record lists it.
    Listed,
    /// The record proves that it is not wanted any more.
    Dead,
}

/// Judges a pin by the newest record of its name. (The floor is asked separately: see [`below`].)
pub(super) fn verdict(object: &ObjectId, since: Version, current: Option<&RecordRow>) -> Verdict {
    let Some(row) = current else { return Verdict::Pending };
    let header = row.record.header();
    if !row.expired && header.live.iter().any(|live| live.object == *object) {
        Verdict::Listed
    } else if header.version >= since {
        Verdict::Dead
    } else {
        Verdict::Pending
    }
}

/// True if the floor covers this version: not above it.
pub(super) fn below(floor: Option<&RecordRow>, version: Version) -> bool {
    floor.and_then(RecordRow::floor).is_some_and(|floor| version <= floor.version)
}
