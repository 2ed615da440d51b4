//! The bench: a store, a disk of memory, a driver that performs in any order, and things to store.

use crate::config::Config;
use crate::crypto::{Secret, Signature, SigningKey, Suite};
use crate::driver::{DiskReply, DiskRequest, TableOp};
use crate::error::DiskError;
use crate::id::{BlobId, Name, NetworkId, NodeId, ObjectId, OwnerId, Position, Ticket};
use crate::job::Job;
use crate::node::store::{Keep, Loaded, LocalStore, Origin, Placement, StoreOutput, StoreSetup};
use crate::record::{Floor, Grant, Header, Kind, LiveObject, PartInfo, Pin, PinBody, Record, Version};
use crate::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::{ErrorCode, Request, Response, Status};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

pub(super) const SUITE: Suite = Suite::Sim;
pub(super) const NETWORK: NetworkId = NetworkId([1; 32]);
pub(super) const NODE: NodeId = NodeId([2; 32]);
pub(super) const OTHER: Origin = Origin::Node(NodeId([3; 32]));
pub(super) const LINGER: Duration = Duration::from_secs(60);
/// The wall clock at the start of a bench.
pub(super) const START_MS: u64 = 1_700_000_000_000;

/// What a disk holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) rows: BTreeMap<Bytes, Bytes>,
    pub(super) blobs: BTreeMap<BlobId, Bytes>,
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
            DiskRequest::Space => DiskReply::Space { free: 1 << 40 },
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
        match self.ask(OTHER, Request::GetRecord { owner: owner.id(), name: self::name(name) }) {
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

/// Places everything on the nodes that it names, by a rule of the test's.
#[derive(Debug)]
pub(super) struct Rule(pub(super) fn(&Position) -> bool);

impl Placement for Rule {
    fn is_replica(&self, node: &NodeId, position: &Position) -> bool {
        *node == NODE && (self.0)(position)
    }
}

pub(super) fn nowhere() -> Arc<dyn Placement> {
    Arc::new(Rule(|_| false))
}

/// An owner and its key.
pub(super) struct Owner(SigningKey);

pub(super) fn name(n: u8) -> Name {
    Name([n; 32])
}

/// The version of this many milliseconds after the start (or before it).
pub(super) fn version(ms: i64) -> Version {
    Version::new(START_MS.saturating_add_signed(ms), 0, [7; 8]).unwrap()
}

/// The object of a pass that began at this version.
pub(super) fn object(name: u8, ms: i64) -> ObjectId {
    let mut id = [name; 16];
    id[8..].copy_from_slice(&ms.to_be_bytes());
    ObjectId(id)
}

/// Some bytes, and their name.
pub(super) fn blob(n: u8) -> (BlobId, Bytes) {
    let bytes = Bytes::from(vec![n; 300 + usize::from(n)]);
    (SUITE.blob_id(&bytes), bytes)
}

impl Owner {
    pub(super) fn new(n: u8) -> Self {
        Self(SigningKey::from_seed(SUITE, Secret::new([n; 32])))
    }

    pub(super) fn id(&self) -> OwnerId {
        OwnerId(*self.0.public())
    }

    pub(super) fn client(&self) -> Origin {
        Origin::Client { owner: self.id() }
    }

    /// A pin of blob `n` for the pass of `name` that began at `since`.
    pub(super) fn pin(&self, name: u8, since: i64, n: u8) -> Pin {
        let (id, bytes) = blob(n);
        let body = PinBody {
            owner: self.id(),
            name: self::name(name),
            object: object(name, since),
            since: version(since),
            blob: id,
            length: bytes.len() as u32,
            grant: None,
        };
        Pin::sign(&NETWORK, &self.0, body)
    }

    /// The same pin, signed by a writer of this owner's with a grant of this epoch.
    pub(super) fn pin_by(&self, writer: &Self, epoch: u32, name: u8, since: i64, n: u8) -> Pin {
        let body = self.pin(name, since, n).body().clone();
        Pin::sign(&NETWORK, &writer.0, PinBody { grant: Some(self.grant(writer, epoch)), ..body })
    }

    /// A tombstone signed by such a writer.
    pub(super) fn tombstone_by(&self, writer: &Self, epoch: u32, name: u8, ms: i64) -> Record {
        let grant = Some(self.grant(writer, epoch));
        writer.sign(Header { grant, ..self.header(self::name(name), ms) }, &[], &[])
    }

    fn grant(&self, writer: &Self, epoch: u32) -> Grant {
        let scope = Name([0; 32]);
        let signature = Signature([0; 64]);
        Grant { writer: *writer.0.public(), scope, epoch, not_after: 0, signature }.sign(&NETWORK, &self.0)
    }

    pub(super) fn put(&self, name: u8, since: i64, n: u8) -> Request {
        Request::PutBlob { pins: vec![self.pin(name, since, n)], blob: blob(n).1 }
    }

    pub(super) fn have(&self, name: u8, since: i64, blobs: impl IntoIterator<Item = u8>) -> Request {
        Request::Have { pins: blobs.into_iter().map(|n| self.pin(name, since, n)).collect() }
    }

    fn header(&self, name: Name, ms: i64) -> Header {
        Header {
            owner: self.id(),
            name,
            kind: Kind::File,
            version: version(ms),
            key_epoch: 0,
            live: Vec::new(),
            expires: 0,
            head: PartInfo::default(),
            body: PartInfo::default(),
            file_epoch: 0,
            floor: None,
            grant: None,
            unknown: Default::default(),
        }
    }

    fn sign(&self, header: Header, head: &[u8], body: &[u8]) -> Record {
        Record::sign(SUITE, &NETWORK, &self.0, header, head, body).unwrap()
    }

    /// A record listing the object of its own pass, as stores make it.
    pub(super) fn record(&self, name: u8, ms: i64) -> Record {
        self.record_until(name, ms, 0)
    }

    pub(super) fn record_until(&self, name: u8, ms: i64, expires: u64) -> Record {
        let live = vec![LiveObject { object: object(name, ms), bytes: 1000, blobs: 3 }];
        self.sign(Header { live, expires, ..self.header(self::name(name), ms) }, &[1; 128], &[])
    }

    /// A record with its content inside.
    pub(super) fn inline(&self, name: u8, ms: i64) -> Record {
        self.sign(self.header(self::name(name), ms), &[1; 128], &[2; 256])
    }

    /// The inline record one step above the version of this many milliseconds.
    pub(super) fn next_step(&self, name: u8, ms: i64) -> Record {
        let version = Version::next(0, version(ms), [7; 8]).unwrap();
        self.sign(Header { version, ..self.header(self::name(name), ms) }, &[1; 128], &[2; 256])
    }

    pub(super) fn tombstone(&self, name: u8, ms: i64) -> Record {
        self.sign(self.header(self::name(name), ms), &[], &[])
    }

    /// A floor record of version `ms`, for everything up to `below`.
    pub(super) fn floor(&self, ms: i64, below: i64) -> Record {
        self.floor_of_grants(ms, below, 0)
    }

    /// One that also voids the grants below this epoch.
    pub(super) fn floor_of_grants(&self, ms: i64, below: i64, grant_epoch: u32) -> Record {
        let floor = Some(Floor { version: version(below), grant_epoch });
        self.sign(Header { kind: Kind::Floor, floor, ..self.header(Name([0; 32]), ms) }, &[], &[])
    }
}

pub(super) fn put_record(record: &Record) -> Request {
    Request::PutRecord { record: record.clone() }
}

pub(super) fn get(n: u8) -> Request {
    Request::GetBlob { id: blob(n).0, offset: 0, len: 0 }
}

pub(super) fn stored(copies: u8) -> Response {
    Response::Stored { copies, wanted: copies }
}

#[track_caller]
pub(super) fn assert_code(response: &Response, code: ErrorCode) {
    match response {
        Response::Error(error) => assert_eq!(error.code, code),
        other => panic!("{code:?} was expected, {other:?} came"),
    }
}

/// That it was refused because of this newer record or floor.
#[track_caller]
pub(super) fn assert_stale(response: &Response, newer: &Record) {
    match response {
        Response::Error(error) => {
            assert_eq!((error.code, error.current.as_ref()), (ErrorCode::Stale, Some(&newer.to_stub())));
        }
        other => panic!("{other:?}"),
    }
}
