//! `Status`: what is held and what is missing, counted on demand by walking the table in pages.
//!
//! Pins and blobs stand in the same order, so pinned blobs that are absent are found by walking both
//! side by side: no list of them is ever held.

use super::LocalStore;
use super::effects::Effect;
use super::keys::{self, OwnKey, Range};
use super::locks::{Hold, LockKey};
use super::operation::Op;
use super::rows::{OwnRow, PinStatus, RecordFacts};
use crate::driver::DiskRequest;
use crate::id::{BlobId, Name, NodeId, OwnerId};
use crate::node::view::blob_position;
use crate::wire::{Response, Status};
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;

/// Both walks, side by side.
struct Count {
    status: Status,
    /// Pinned blobs that were read and not compared yet, in order, each once.
    pinned: VecDeque<BlobId>,
    pins_rest: Option<Range>,
    last_pinned: Option<BlobId>,
    /// The same for the blobs that are here.
    present: VecDeque<BlobId>,
    blobs_after: Option<BlobId>,
    blobs_end: bool,
}

impl LocalStore {
    pub(super) fn count(&mut self, op: Op) {
        self.lock(op, vec![(LockKey::Walk, Hold::Alone)], |store, op| {
            store.gather(op, vec![Effect::Disk(DiskRequest::Space)], move |store, mut answers| {
                let status = Status {
                    node: store.node,
                    network: store.network,
                    free_bytes: answers.space(),
                    pending_ops: store.pending(),
                    quota: store.config.quota,
                    ..Status::default()
                };
                store.count_records(op, status, keys::rec_all());
            });
        });
    }

    fn count_records(&mut self, op: Op, mut status: Status, rest: Range) {
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            for (key, value) in &rows {
                if let (Some((position, _, name)), Some(facts)) =
                    (keys::parse_rec(key), RecordFacts::decode(value))
                {
                    status.tombstones += u64::from(facts.is_gone());
                    status.records += u64::from(!facts.is_gone());
                    let is_replica =
                        |node: &NodeId| store.view.as_ref().is_none_or(|v| v.is_replica(node, &position));
                    if is_replica(&store.node) {
                        status.copies_wanted += 1;
                        status.copies_present += u64::from(!facts.is_incomplete());
                    } else if name != keys::FLOOR_NAME {
                        // A floor lies on every member.
                        status.strays += u64::from(!facts.is_proof_only());
                    }
                }
            }
            match rows.last() {
                Some((last, _)) if more => store.count_records(op, status, rest.after(last)),
                _ => {
                    let count = Count {
                        status,
                        pinned: VecDeque::new(),
                        pins_rest: Some(keys::pin_all()),
                        last_pinned: None,
                        present: VecDeque::new(),
                        blobs_after: None,
                        blobs_end: false,
                    };
                    store.count_blobs(op, count);
                }
            }
        });
    }

    fn count_blobs(&mut self, op: Op, count: Count) {
        let rows = self.config.scan_rows.max(1);
        let pins = count.pins_rest.clone().filter(|_| count.pinned.is_empty());
        let blobs = count.present.is_empty() && !count.blobs_end;
        let mut effects = Vec::with_capacity(2);
        if let Some(range) = &pins {
            effects.push(Effect::scan(range.clone(), rows, self.config.scan_bytes));
        }
        if blobs {
            effects.push(Effect::Disk(DiskRequest::ScanBlobs { after: count.blobs_after, rows }));
        }
        self.gather(op, effects, move |store, mut answers| {
            let mut count = count;
            if let Some(range) = pins {
                let (rows, more) = answers.rows();
                count.pins_rest = rows.last().filter(|_| more).map(|(last, _)| range.after(last));
                for blob in rows.iter().filter_map(|(key, _)| keys::parse_pin_blob(key)) {
                    if count.last_pinned != Some(blob) {
                        count.last_pinned = Some(blob);
                        count.pinned.push_back(blob);
                    }
                }
            }
            if blobs {
                let found = answers.blobs();
                count.blobs_end = found.len() < rows as usize;
                count.blobs_after = found.last().map(|(id, _)| *id).or(count.blobs_after);
                for (id, length) in found {
                    count.status.blobs += 1;
                    count.status.blob_bytes += u64::from(length);
                    count.present.push_back(id);
                }
            }
            store.compare(&mut count);
            if count.pins_rest.is_none() && count.blobs_end && count.pinned.is_empty() {
                let mut status = count.status;
                // Their rows are there, and tell nothing.
                status.copies_present = status.copies_present.saturating_sub(store.doubtful_copies());
                status.copies_missing = status.copies_wanted - status.copies_present;
                store.count_unlisted(op, status, keys::own_all());
            } else {
                store.count_blobs(op, count);
            }
        });
    }

    /// Which pins no record lists: those that wait for it, and those whose record is not where it should be.
    fn count_unlisted(&mut self, op: Op, mut status: Status, rest: Range) {
        let scan = Effect::scan(rest.clone(), self.config.scan_rows, self.config.scan_bytes);
        self.gather(op, vec![scan], move |store, mut answers| {
            let (rows, more) = answers.rows();
            let next = rows.last().filter(|_| more).map(|(last, _)| rest.after(last));
            // Pins of one name follow each other, so each record is read once.
            let mut confirmed: Vec<((OwnerId, Name), u64)> = Vec::new();
            for (key, value) in &rows {
                let (Some(own), Some(row)) = (OwnKey::parse(key), OwnRow::decode(value)) else { continue };
                let name = (own.owner, own.name);
                match (row.status, confirmed.last_mut()) {
                    (PinStatus::Pending, _) => status.pending_pins += 1,
                    (PinStatus::Confirmed, Some((last, count))) if *last == name => *count += 1,
                    (PinStatus::Confirmed, _) => confirmed.push((name, 1)),
                }
            }
            confirmed.retain(|((owner, name), _)| store.is_replica_of_record(owner, name));
            let records =
                confirmed.iter().map(|((owner, name), _)| keys::rec(store.suite, owner, name)).collect();
            store.gather(op, vec![Effect::get(records)], move |store, mut answers| {
                let found = answers.values();
                let unlisted = confirmed.iter().zip(&found).filter(|(_, record)| record.is_none());
                status.unlisted_pins += unlisted.map(|((_, count), _)| count).sum::<u64>();
                match next {
                    Some(next) => store.count_unlisted(op, status, next),
                    None => store.reply(op, Response::Status(status)),
                }
            });
        });
    }

    /// Compares as far as both walks have come.
    fn compare(&self, count: &mut Count) {
        while let Some(blob) = count.pinned.front().copied() {
            while count.present.front().is_some_and(|present| *present < blob) {
                count.present.pop_front();
            }
            if count.present.is_empty() && !count.blobs_end {
                return;
            }
            count.pinned.pop_front();
            let position = blob_position(&blob);
            if self.view.as_ref().is_none_or(|view| view.is_replica(&self.node, &position)) {
                count.status.copies_wanted += 1;
                count.status.copies_present += u64::from(count.present.front() == Some(&blob));
            } else {
                count.status.strays += u64::from(count.present.front() == Some(&blob));
            }
        }
        if count.pins_rest.is_none() {
            // No pin is left to compare the rest with.
            count.present.clear();
        }
    }
}
