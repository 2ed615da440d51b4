//! What must hold between the rows and the blobs of a node's disk at every moment, whatever was going on when the node
//! went down; and what is left when nothing is going on any more. For tests and the simulator: it reads a disk from
//! outside, and must not know how a store comes to its rows.

use super::keys::{self, OwnKey};
use super::rows::{OwnRow, PinStatus, RecordRow};
use crate::crypto::Suite;
use crate::id::{BlobId, Name, ObjectId, OwnerId};
use crate::record::{Pin, Version};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// Rows of a disk.
type Rows = BTreeMap<Bytes, Bytes>;

/// What stands on a disk, beside state.
#[derive(PartialEq, Eq, Debug, Default)]
pub(crate) struct Audit {
    /// Records, with what they are.
    pub(crate) records: BTreeMap<(OwnerId, Name), Held>,
    /// Blobs that are pinned and here.
    pub(crate) present: BTreeSet<BlobId>,
    /// Blobs that are pinned and not here.
    pub(crate) missing: BTreeSet<BlobId>,
    /// Pins whose record was not seen yet.
    pub(crate) pending: usize,
    /// Blobs that wait for the end of their linger, names and expiries that wait to be looked at.
    pub(crate) waiting: usize,
    /// Objects that a whole record lists.
    pub(crate) listed: BTreeSet<(OwnerId, Name, ObjectId)>,
    /// Objects that no record shall list any more.
    pub(crate) promised: BTreeSet<(OwnerId, Name, ObjectId)>,
}

/// A record on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    /// Its version.
    pub(crate) version: Version,
    /// Nothing is under the name any more.
    pub(crate) is_gone: bool,
    /// Only what proves that pins here are dead.
    pub(crate) is_proof: bool,
    /// What it should hold beside its signed header is not here.
    pub(crate) lacks_parts: bool,
}

/// What a disk holds of one name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    /// Its record, if this disk is to have it.
    pub(crate) record: Option<Held>,
    /// Its pins.
    pub(crate) pins: usize,
    /// Those of which no record is known.
    pub(crate) pending: usize,
}

impl Audit {
    /// Reads a disk, or tells how it contradicts itself: a pin in one table and not in the other, a row that is none,
    /// bytes that are not their blob's, a blob that nothing will ever remove.
    pub(crate) fn of(suite: Suite, rows: &Rows, blobs: &BTreeMap<BlobId, Bytes>) -> Result<Self, String> {
        let mut audit = Self::default();
        let (mut pins, mut owns, mut lingering) = (0_usize, 0_usize, BTreeSet::new());
        for (key, value) in rows {
            if let Some(own) = OwnKey::parse(key) {
                owns += 1;
                audit.pending += usize::from(pin_is_pending(rows, &own, value)?);
                let there = blobs.contains_key(&own.blob);
                if there { &mut audit.present } else { &mut audit.missing }.insert(own.blob);
            } else if let Some((_, owner, name)) = keys::parse_rec(key) {
                let held =
                    Held::decode(suite, value, &owner, &name).ok_or("a row of a record that is none")?;
                audit.records.insert((owner, name), held);
                audit.listed.extend(listed(suite, value, &owner, &name));
            } else if let Some(promise) = keys::parse_promise(key) {
                audit.promised.insert(promise);
            } else if let Some((_, blob)) = keys::parse_linger(key) {
                audit.waiting += 1;
                lingering.insert(blob);
            } else if keys::parse_proof(key).is_some() || keys::parse_expire(key).is_some() {
                audit.waiting += 1;
            } else {
                pins += usize::from(keys::parse_pin_blob(key).is_some());
            }
        }
        if pins != owns {
            return Err(format!("{pins} pins, of which {owns} stand in both tables"));
        }
        for (id, bytes) in blobs {
            if suite.blob_id(bytes) != *id {
                return Err(format!("{id} has other bytes"));
            }
            if !audit.present.contains(id) && !lingering.contains(id) {
                return Err(format!("nothing will ever remove {id}"));
            }
        }
        Ok(audit)
    }

    /// True if nothing is left to be done, and nothing is left over, but for blobs that are known to be lost.
    pub(crate) fn is_quiet(&self, lost: &BTreeSet<BlobId>) -> bool {
        self.missing.is_subset(lost) && self.pending == 0 && self.waiting == 0
    }
}

impl Held {
    /// The record that a disk holds under a name.
    pub(crate) fn on(suite: Suite, rows: &Rows, owner: &OwnerId, name: &Name) -> Option<Self> {
        Self::decode(suite, rows.get(&keys::rec(suite, owner, name))?, owner, name)
    }

    fn decode(suite: Suite, row: &Bytes, owner: &OwnerId, name: &Name) -> Option<Self> {
        let row = RecordRow::decode_of(suite, row, owner, name)?;
        let (version, is_gone) = (row.record.header().version, row.is_gone());
        let lacks_parts = !is_gone && !row.proof_only && row.record.is_stub();
        Some(Self { version, is_gone, is_proof: row.proof_only, lacks_parts })
    }
}

impl Kept {
    /// What a disk holds of this name.
    pub(crate) fn on(suite: Suite, rows: &Rows, owner: &OwnerId, name: &Name) -> Self {
        let record = Held::on(suite, rows, owner, name).filter(|held| !held.is_proof);
        let pins = rows.iter().filter_map(|(key, value)| Some((OwnKey::parse(key)?, value)));
        let pins = pins.filter(|(own, _)| own.owner == *owner && own.name == *name);
        let mut kept = Self { record, pins: 0, pending: 0 };
        for (_, value) in pins {
            kept.pins += 1;
            kept.pending +=
                usize::from(OwnRow::decode(value).is_some_and(|row| row.status == PinStatus::Pending));
        }
        kept
    }
}

fn listed(suite: Suite, row: &Bytes, owner: &OwnerId, name: &Name) -> Vec<(OwnerId, Name, ObjectId)> {
    let row = RecordRow::decode_of(suite, row, owner, name).filter(|row| !row.proof_only && !row.is_gone());
    let live = row.iter().flat_map(|row| &row.record.header().live);
    live.map(|live| (*owner, *name, live.object)).collect()
}

fn pin_is_pending(rows: &Rows, own: &OwnKey, value: &Bytes) -> Result<bool, String> {
    let row = OwnRow::decode(value).ok_or("a row of a pin that is none")?;
    let pin = rows.get(&own.pin()).ok_or("a pin that stands in one table only")?;
    let pin = Pin::parse(pin.clone()).map_err(|_| "a pin that does not parse")?;
    if (pin.body().since, pin.body().length) != (row.since, row.length) {
        return Err(format!("the two rows of a pin on {} differ", own.blob));
    }
    Ok(row.status == PinStatus::Pending)
}
