//! What is known here of some names: their records and their owners' floors, read in one request.

use super::LocalStore;
use super::effects::{Effect, put};
use super::keys;
use super::operation::Refusal;
use super::rows::{OwnRow, PinStatus, RecordRow, Verdict, below, verdict};
use crate::crypto::Suite;
use crate::driver::TableOp;
use crate::id::{Name, ObjectId, OwnerId};
use crate::record::{Pin, Record, pin_claims};
use crate::wire::ErrorCode;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// Rows that were read, by their keys. A row that does not parse counts as absent, and who asks whether one
/// [`is_damaged`](Known::is_damaged) knows that there was something.
pub(super) struct Known {
    suite: Suite,
    rows: BTreeMap<Bytes, Bytes>,
}

/// The rows to be read.
pub(super) struct Wanted {
    suite: Suite,
    keys: Vec<Bytes>,
}

impl Wanted {
    pub(super) const fn new(suite: Suite) -> Self {
        Self { suite, keys: Vec::new() }
    }

    /// The record of a name, and the owner's floor.
    pub(super) fn name(mut self, owner: &OwnerId, name: &Name) -> Self {
        self.keys.push(keys::floor(self.suite, owner));
        self.keys.push(keys::rec(self.suite, owner, name));
        self
    }

    /// What of a name is in quarantine.
    pub(super) fn quarantined(mut self, owner: &OwnerId, name: &Name) -> Self {
        self.keys.push(keys::quarantine(owner, name));
        self
    }

    /// All that decides about these pins.
    pub(super) fn pins<'a>(mut self, pins: impl IntoIterator<Item = &'a Pin>) -> Self {
        for pin in pins {
            let body = pin.body();
            self = self.name(&body.owner, &body.name);
            self = self.promises(&body.owner, &body.name, [&body.object]);
            self.keys.push(own_key(pin).own());
        }
        self
    }

    /// Whether it was promised that no record listing these objects of a name will be kept.
    pub(super) fn promises<'a>(
        mut self,
        owner: &OwnerId,
        name: &Name,
        objects: impl IntoIterator<Item = &'a ObjectId>,
    ) -> Self {
        self.keys.extend(objects.into_iter().map(|object| keys::promise(owner, name, object)));
        self
    }

    /// The request, and the keys to give to [`Known::new`] with its answer.
    pub(super) fn effect(mut self) -> (Effect, Self) {
        self.keys.sort_unstable();
        self.keys.dedup();
        (Effect::get(self.keys.clone()), self)
    }
}

/// The key of a pin's rows.
pub(super) fn own_key(pin: &Pin) -> keys::OwnKey {
    let body = pin.body();
    keys::OwnKey { owner: body.owner, name: body.name, object: body.object, blob: body.blob }
}

impl Known {
    /// The rows that a [`Wanted::effect`] was answered with.
    pub(super) fn new(wanted: Wanted, values: Vec<Option<Bytes>>) -> Self {
        let rows = wanted.keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?)));
        Self { suite: wanted.suite, rows: rows.collect() }
    }

    /// The record of a name, whatever the floor says.
    pub(super) fn record(&self, owner: &OwnerId, name: &Name) -> Option<RecordRow> {
        let value = self.rows.get(&keys::rec(self.suite, owner, name))?;
        RecordRow::decode_of(self.suite, value, owner, name)
    }

    /// True if a row is there that rotted.
    pub(super) fn is_damaged(&self, owner: &OwnerId, name: &Name) -> bool {
        self.rows.contains_key(&keys::rec(self.suite, owner, name)) && self.record(owner, name).is_none()
    }

    /// The owner's floor.
    pub(super) fn floor(&self, owner: &OwnerId) -> Option<RecordRow> {
        self.record(owner, &keys::FLOOR_NAME).filter(|row| row.floor().is_some())
    }

    /// The record of a name that is in quarantine.
    pub(super) fn quarantined(&self, owner: &OwnerId, name: &Name) -> Option<RecordRow> {
        RecordRow::decode(self.suite, self.rows.get(&keys::quarantine(owner, name))?)
    }

    /// True if it was promised that no record listing this object will be kept.
    pub(super) fn is_promised(&self, owner: &OwnerId, name: &Name, object: &ObjectId) -> bool {
        self.rows.contains_key(&keys::promise(owner, name, object))
    }

    /// What is kept of this very pin.
    pub(super) fn own(&self, pin: &Pin) -> Option<OwnRow> {
        OwnRow::decode(self.rows.get(&own_key(pin).own())?)
    }
}

impl LocalStore {
    /// Judges a pin that is to be added: the rows to write (none if it is here already), or why not.
    pub(super) fn admit_pin(&self, known: &Known, pin: &Pin) -> Result<Vec<TableOp>, Refusal> {
        self.admit_aged_pin(known, pin, 0)
    }

    /// The same for a pin whose lease began so long ago at another member: a lease that began anew with every copy
    /// would never end.
    pub(super) fn admit_aged_pin(
        &self,
        known: &Known,
        pin: &Pin,
        lease_age_ms: u64,
    ) -> Result<Vec<TableOp>, Refusal> {
        let body = pin.body();
        let floor = known.floor(&body.owner);
        let limits = floor.as_ref().and_then(RecordRow::floor);
        if body.grant.is_some() && pin_claims(&self.network, pin, limits).is_err() {
            return Err(ErrorCode::Invalid.into());
        }
        if let Some(floor) = floor.as_ref().filter(|floor| below(Some(floor), body.since)) {
            return Err(Refusal::stale(floor));
        }
        let current = known.record(&body.owner, &body.name);
        let status = match (verdict(&body.object, body.since, current.as_ref()), &current) {
            (Verdict::Dead, Some(current)) => return Err(Refusal::stale(current)),
            (Verdict::Listed, _) => PinStatus::Confirmed,
            _ => PinStatus::Pending,
        };
        if known.own(pin).is_some() {
            return Ok(Vec::new());
        }
        if known.is_promised(&body.owner, &body.name, &body.object) {
            // No record will list the object; a holder that has not given it up yet is not to bring it back.
            return Err(ErrorCode::Past.into());
        }
        let lease_ms = self.aged(lease_age_ms);
        let row = OwnRow { since: body.since, length: body.length, status, lease_ms };
        let key = own_key(pin);
        // Copied: a slice would keep the whole message, blob and all, in the memory of a disk of memory.
        Ok(vec![put(key.pin(), Bytes::copy_from_slice(pin.bytes())), put(key.own(), row.encode())])
    }

    /// True if the record is shown: none below its owner's floor is.
    pub(super) fn is_shown(record: &Record, floor: Option<&RecordRow>) -> bool {
        record.header().floor.is_some() || !below(floor, record.header().version)
    }
}
