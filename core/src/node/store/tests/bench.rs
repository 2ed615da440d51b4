//! The bench: a store, a disk of memory, and a driver that performs in any order.

pub(super) use super::things::*;
use crate::config::Config;
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::DiskError;
use crate::id::{BlobId, Ticket};
use crate::job::Job;
use crate::node::store::{Damage, HeldObject, Keep, Loaded, LocalStore, Origin, StoreOutput, StoreSetup};
use crate::record::Record;
use crate::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::{Request, Response, Status};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

/// What a disk holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Disk {
    pub(super) rows: BTreeMap<Bytes, Bytes>,
    pub(super) blobs: BTreeMap<BlobId, Bytes>,
    /// What it tells of its free space.
    pub(super) free: Option<u64>,
}

impl Disk {
    fn change(&mut self, ops: Vec<TableOp>) {
        for op in ops {
            match op {
                TableOp::Put { key, value } => drop(self.rows.insert(key, value)),
                TableOp::Remove { key } => drop(self.rows.remove(&key)),
            }
        }
    }

    pub(super) fn perform(&mut self, request: DiskRequest) -> DiskReply {
        match request {
            DiskRequest::Apply { ops } => {
                self.change(ops);
                DiskReply::Done
            }
            DiskRequest::PutBlob { id, bytes, then } => {
                self.blobs.entry(id).or_insert(bytes);
                self.change(then);
                DiskReply::Done
            }
            DiskRequest::RemoveBlob { id, first } => {
                self.change(first);
                self.blobs.remove(&id);
                DiskReply::Done
            }
            DiskRequest::Get { keys } => {
                DiskReply::Values(keys.iter().map(|key| self.rows.get(key).cloned()).collect())
            }
            DiskRequest::Scan { from, to, rows, bytes } => self.scan(from, to, rows, bytes),
            DiskRequest::ReadBlob { id, offset, len } => {
                let read = |blob: &Bytes| {
                    let from = blob.len().min(offset as usize);
                    blob.slice(from..blob.len().min(from + len as usize))
                };
                DiskReply::Blob(self.blobs.get(&id).map(read))
            }
            DiskRequest::ScanBlobs { after, rows } => {
                let later = self.blobs.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
                DiskReply::Blobs(later.take(rows as usize).map(|(id, b)| (*id, b.len() as u32)).collect())
            }
            DiskRequest::Space => DiskReply::Space { free: self.free.unwrap_or(1 << 40) },
        }
    }

    fn scan(&self, from: Bytes, to: Bytes, limit: u32, bytes: u32) -> DiskReply {
        let mut rows = Vec::new();
        let mut size = 0;
        let mut range = self.rows.range(from..to);
        while rows.len() < limit as usize && size < bytes as usize {
            let Some((key, value)) = range.next() else { return DiskReply::Rows { rows, more: false } };
            size += key.len() + value.len();
            rows.push((key.clone(), value.clone()));
        }
        DiskReply::Rows { rows, more: range.next().is_some() }
    }

    /// How many rows of this kind (first byte of the key) there are.
    pub(super) fn count(&self, kind: u8) -> usize {
        self.rows.keys().filter(|key| key[0] == kind).count()
    }
}

/// Kinds of rows, by the first byte of their keys.
pub(super) mod kind {
    pub(in super::super) const REC: u8 = 1;
    pub(in super::super) const PIN: u8 = 2;
    pub(in super::super) const OWN: u8 = 3;
    pub(in super::super) const LINGER: u8 = 4;
    pub(in super::super) const PROOF: u8 = 5;
    pub(in super::super) const EXPIRE: u8 = 6;
    pub(in super::super) const EVICTED: u8 = 7;
    pub(in super::super) const UNPINNED: u8 = 10;
    pub(in super::super) const QUARANTINE: u8 = 11;
    pub(in super::super) const PROMISE: u8 = 9;
}

#[derive(Debug)]
enum Effect {
    Disk(DiskRequest),
    Job(Job),
}

/// A disk error for the next request that fits.
pub(super) type Fault = (fn(&DiskRequest) -> bool, DiskError);

/// The driver of one store.
pub(super) struct Bench {
    pub(super) store: LocalStore,
    pub(super) disk: Disk,
    pub(super) now: Now,
    pub(super) loaded: Option<Loaded>,
    pub(super) replies: BTreeMap<u64, Response>,
    pub(super) offers: Vec<(u64, Record)>,
    /// How offers are settled at once; `None` leaves them open.
    pub(super) settle: Option<(u8, u8)>,
    pub(super) checks: Vec<(u64, Vec<HeldObject>)>,
    /// Whether all replicas promise at once never to list objects whose lease is over; `None` leaves questions open.
    pub(super) lapse: Option<bool>,
    /// What it has noticed to be damaged or missing.
    pub(super) damages: Vec<Damage>,
    /// Tombstones that were to be dropped, and whether all members say that nothing older is left.
    pub(super) forgets: Vec<Record>,
    pub(super) clean: bool,
    pub(super) faults: Vec<Fault>,
    /// So many more disk requests succeed, then one fails.
    pub(super) fail_after: Option<usize>,
    pub(super) fatal: Option<DiskError>,
    /// Performs in random order.
    pub(super) shuffle: Option<Rng>,
    /// Every mutation that was performed.
    pub(super) log: Vec<DiskRequest>,
    pub(super) setup: StoreSetup,
    waiting: Vec<(Ticket, Effect)>,
    next_token: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(config: Config) -> Self {
        let setup =
            StoreSetup { suite: SUITE, config, network: NETWORK, node: NODE, linger: LINGER, seed: [5; 32] };
        let mut bench = Self::on(Disk::default(), setup);
        bench.run();
        bench
    }

    /// A store that has not begun to load yet.
    pub(super) fn on(disk: Disk, setup: StoreSetup) -> Self {
        let now = Now { mono: Instant(7), unix_ms: START_MS };
        Self {
            store: LocalStore::new(now, setup.clone()),
            disk,
            now,
            loaded: None,
            replies: BTreeMap::new(),
            offers: Vec::new(),
            settle: Some((2, 2)),
            checks: Vec::new(),
            lapse: Some(false),
            forgets: Vec::new(),
            damages: Vec::new(),
            clean: false,
            faults: Vec::new(),
            fail_after: None,
            fatal: None,
            shuffle: None,
            log: Vec::new(),
            setup,
            waiting: Vec::new(),
            next_token: 0,
        }
    }

    /// What a crash leaves: the rows and blobs of requests that were performed, nothing else.
    pub(super) fn restart(&mut self) {
        let clock = self.now.unix_ms;
        let mut next = Self::on(core::mem::take(&mut self.disk), self.setup.clone());
        next.now.unix_ms = clock;
        next.settle = self.settle;
        next.lapse = self.lapse;
        *self = next;
        self.run();
    }

    pub(super) fn submit(&mut self, origin: Origin, keep: Keep, request: Request) -> u64 {
        self.next_token += 1;
        self.store.submit(self.now, self.next_token, origin, keep, request);
        self.take_outputs();
        self.next_token
    }

    /// One request, and everything that follows from it.
    pub(super) fn ask(&mut self, origin: Origin, request: Request) -> Response {
        self.ask_to(origin, Keep::Replica, request)
    }

    pub(super) fn ask_to(&mut self, origin: Origin, keep: Keep, request: Request) -> Response {
        let token = self.submit(origin, keep, request);
        self.run();
        self.replies.remove(&token).expect("each request has one answer")
    }

    /// Something that is no request of anybody, and everything that follows from it.
    pub(super) fn call(&mut self, call: impl FnOnce(&mut LocalStore, Now, u64)) -> Response {
        self.next_token += 1;
        let token = self.next_token;
        call(&mut self.store, self.now, token);
        self.take_outputs();
        self.run();
        self.replies.remove(&token).expect("each call has one answer")
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.store.poll() {
            match output {
                StoreOutput::Ready(loaded) => assert_eq!(self.loaded.replace(loaded), None),
                StoreOutput::Disk { ticket, request } => {
                    self.check_alone(&request);
                    self.waiting.push((ticket, Effect::Disk(request)));
                }
                StoreOutput::Job { ticket, job } => self.waiting.push((ticket, Effect::Job(job))),
                StoreOutput::Reply { token, response } => {
                    assert!(self.replies.insert(token, response).is_none(), "a second answer to {token}");
                }
                StoreOutput::Offer { offer, stub } => {
                    self.offers.push((offer, stub));
                    if let Some((copies, wanted)) = self.settle {
                        self.store.settled(self.now, offer, copies, wanted);
                    }
                }
                StoreOutput::Check { check, objects } => {
                    if let Some(lapse) = self.lapse {
                        let lapsed = objects.iter().filter(|object| object.is_over && lapse);
                        let lapsed = lapsed.map(|object| object.check).collect();
                        self.store.checked(self.now, check, lapsed);
                    }
                    self.checks.push((check, objects));
                }
                StoreOutput::Forget { forget, stub } => {
                    let clean = self.clean;
                    self.store.forgotten(self.now, forget, &stub, clean);
                    self.forgets.push(stub);
                }
                StoreOutput::Damaged(damage) => self.damages.push(damage),
                StoreOutput::Fatal(error) => self.fatal = Some(error),
            }
        }
    }

    /// The driver's promise to disks: no two mutations of one row or blob are in flight at once.
    fn check_alone(&self, request: &DiskRequest) {
        let touched = touched(request);
        for (_, effect) in &self.waiting {
            if let Effect::Disk(other) = effect {
                assert!(touched.is_disjoint(&self::touched(other)), "{request:?} beside {other:?}");
            }
        }
    }

    /// Another store on a copy of its disk, at the same time.
    pub(super) fn sibling(&self) -> Self {
        let mut sibling = Self::on(self.disk.clone(), self.setup.clone());
        sibling.now.unix_ms = self.now.unix_ms;
        sibling
    }

    /// Changes that were asked of the disk and not yet answered.
    pub(super) fn changes_in_flight(&self) -> Vec<DiskRequest> {
        let changes = self.waiting.iter().filter_map(|(_, effect)| match effect {
            Effect::Disk(request) if request.is_mutation() => Some(request.clone()),
            _ => None,
        });
        changes.collect()
    }

    /// Disk requests that were asked for and not yet answered.
    pub(super) fn disk_in_flight(&self) -> usize {
        self.waiting.iter().filter(|(_, effect)| matches!(effect, Effect::Disk(_))).count()
    }

    /// Performs one effect; false if there is none.
    pub(super) fn step(&mut self) -> bool {
        self.take_outputs();
        if self.waiting.is_empty() {
            return false;
        }
        let count = self.waiting.len() as u32;
        let index = self.shuffle.as_mut().map_or(0, |rng| rng.below(count));
        let (ticket, effect) = self.waiting.remove(index as usize);
        match effect {
            Effect::Job(job) => self.store.handle_job(self.now, ticket, job.run()).unwrap(),
            Effect::Disk(request) => {
                let fault = self.faults.iter().position(|(fits, _)| fits(&request));
                let is_nth = self.fail_after == Some(0);
                self.fail_after = self.fail_after.and_then(|n| n.checked_sub(1));
                let result = match fault {
                    None if is_nth => Err(DiskError::Io),
                    Some(index) => Err(self.faults.remove(index).1),
                    None => {
                        if request.is_mutation() {
                            self.log.push(request.clone());
                        }
                        Ok(self.disk.perform(request))
                    }
                };
                self.store.handle_disk(self.now, ticket, result).unwrap();
            }
        }
        self.take_outputs();
        true
    }

    /// Performs everything that can be done without time passing.
    pub(super) fn run(&mut self) {
        while self.step() {}
        self.check_pins();
    }

    /// Lets time pass, with every deadline kept.
    pub(super) fn advance(&mut self, duration: Duration) {
        let end = self.now.after(duration);
        while let Some(at) = self.store.poll_timeout().filter(|at| *at <= end.mono) {
            self.now = self.now.after(at.since(self.now.mono));
            self.store.handle_timeout(self.now);
            self.run();
            assert!(self.store.poll_timeout() > Some(self.now.mono), "a deadline that is kept is over");
        }
        self.now = end;
        self.store.handle_timeout(self.now);
        self.run();
    }

    /// Both rows of a pin stand and fall together.
    fn check_pins(&self) {
        assert_eq!(self.disk.count(kind::PIN), self.disk.count(kind::OWN));
    }

    pub(super) fn status(&mut self) -> Status {
        match self.ask(Origin::Own, Request::Status) {
            Response::Status(status) => status,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn record_of(&mut self, owner: &Owner, name: u8) -> (Option<Record>, Option<Record>) {
        match self.ask(OTHER, Request::GetRecord { owner: owner.id(), name: super::things::name(name) }) {
            Response::Record { record, floor, .. } => (record, floor),
            other => panic!("{other:?}"),
        }
    }
}

fn touched(request: &DiskRequest) -> BTreeSet<Bytes> {
    let keys = |ops: &[TableOp]| -> BTreeSet<Bytes> {
        ops.iter()
            .map(|op| match op {
                TableOp::Put { key, .. } | TableOp::Remove { key } => key.clone(),
            })
            .collect()
    };
    let (mut keys, blob) = match request {
        DiskRequest::Apply { ops } => (keys(ops), None),
        DiskRequest::PutBlob { id, then, .. } => (keys(then), Some(id)),
        DiskRequest::RemoveBlob { id, first } => (keys(first), Some(id)),
        _ => (BTreeSet::new(), None),
    };
    keys.extend(blob.map(|id| Bytes::copy_from_slice(id.as_bytes())));
    keys
}
