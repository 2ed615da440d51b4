//! An entry node of maps: keeps what it should, as a network of `wanted` replicas of which `copies` are there.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Intercept, START, founder, network};
use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret, Signature, Suite};
use crate::error::PeerFault;
use crate::id::{BlobId, Name, NodeId, ObjectId, OwnerId};
use crate::record::{Admission, Kind, Pin, Record, Version, verify_pin, verify_record};
use crate::session::{LocalRole, LocalSide, Session, SessionEvent};
use crate::time::Now;
use crate::wire::{CloseReason, ErrorCode, ListCursor, Message, Request, Response, Status, WireError};

pub(super) struct Entry {
    suite: Suite,
    local: Arc<LocalSide>,
    session: Option<Session>,
    pub(super) fault: Option<PeerFault>,
    requests: VecDeque<(u32, Request)>,
    pub(super) blobs: BTreeMap<BlobId, (Bytes, BTreeSet<(OwnerId, ObjectId)>)>,
    pub(super) records: BTreeMap<(OwnerId, Name), Record>,
    pub(super) floors: BTreeMap<OwnerId, Record>,
    pub(super) copies: u8,
    pub(super) wanted: u8,
    pub(super) fresh: bool,
    pub(super) complete: bool,
    pub(super) page_rows: usize,
    pub(super) config: Config,
    pub(super) now: Now,
    /// Every request, in the order in which they came.
    pub(super) log: Vec<Request>,
    /// It closes whatever link comes.
    pub(super) hangs_up: bool,
    /// It says that it takes no link now.
    pub(super) takes_none: bool,
    /// It reads, and answers nothing.
    pub(super) is_mute: bool,
    /// An answer to the last request that was answered with nothing, given by [`let_go`](Self::let_go).
    pub(super) held: Option<Response>,
    unanswered: u32,
}

impl Entry {
    pub(super) fn new(suite: Suite) -> Self {
        Self::with_psk(suite, [0x55; 32])
    }

    pub(super) fn with_psk(suite: Suite, psk: [u8; 32]) -> Self {
        let identity = LinkIdentity::from_secret(suite, Secret::new([20; 32]));
        let admission = Admission {
            node: identity.node_id(suite),
            positions: 8,
            volatile: false,
            serial: 1,
            not_after: 0,
            signature: Signature([0; 64]),
            unknown: Default::default(),
        }
        .sign(&network(suite), &founder(suite));
        let local = LocalSide {
            suite,
            network: network(suite),
            network_key: *founder(suite).public(),
            psks: vec![(1, Secret::new(psk))],
            role: LocalRole::Node {
                identity,
                admission,
                addrs: Vec::new(),
                incarnation: [1; 16],
                control: None,
            },
        };
        Self {
            suite,
            local: Arc::new(local),
            session: None,
            fault: None,
            requests: VecDeque::new(),
            blobs: BTreeMap::new(),
            records: BTreeMap::new(),
            floors: BTreeMap::new(),
            copies: 2,
            wanted: 2,
            fresh: true,
            complete: true,
            page_rows: 256,
            config: Config::default(),
            now: START,
            log: Vec::new(),
            hangs_up: false,
            takes_none: false,
            is_mute: false,
            held: None,
            unanswered: 0,
        }
    }

    pub(super) fn node(&self) -> NodeId {
        match &self.local.role {
            LocalRole::Node { identity, .. } => identity.node_id(self.suite),
            LocalRole::Client { .. } => unreachable!("an entry node is a node"),
        }
    }

    /// Keeps what another one kept.
    pub(super) fn take_over(&mut self, other: Self) {
        (self.blobs, self.records, self.floors) = (other.blobs, other.records, other.floors);
    }

    pub(super) fn accept(&mut self, now: Now) {
        self.now = now;
        self.fault = None;
        self.requests.clear();
        let mut session = Session::accept(&self.config, now, self.local.clone(), [4; 32]);
        if self.takes_none {
            session.close(CloseReason::Shutdown);
        }
        self.session = Some(session);
    }

    pub(super) fn receive(&mut self, now: Now, bytes: Bytes) {
        self.now = now;
        let Some(session) = &mut self.session else { return };
        if let Err(fault) = session.receive(now, bytes) {
            self.fault = Some(fault);
        }
        while let Some(event) = session.poll_event() {
            if let SessionEvent::Message { message, class, bytes } = event {
                session.release(class, bytes);
                if let Message::Request { id, request } = message {
                    self.log.push(request.clone());
                    self.requests.push_back((id, request));
                }
            }
        }
    }

    pub(super) fn hung_up(&self) -> bool {
        let is_turned_away = self.takes_none && self.session.as_ref().is_some_and(Session::is_drained);
        self.hangs_up || is_turned_away || self.fault.is_some()
    }

    pub(super) fn say(&mut self) -> Option<Bytes> {
        let session = self.session.as_mut()?;
        let bytes = session.poll_transmit()?;
        assert!(session.sent(bytes.len()));
        Some(bytes)
    }

    /// Answers what was asked.
    pub(super) fn serve(&mut self, mut intercept: Option<&mut Intercept>) {
        if self.is_mute {
            return;
        }
        while let Some((id, request)) = self.requests.pop_front() {
            if let Request::Ping { .. } = request {
                self.send(&Message::response(id, Response::Pong { unix_ms: 0 }));
                continue;
            }
            let scripted = intercept.as_mut().and_then(|intercept| intercept(self, &request));
            let responses = scripted.unwrap_or_else(|| vec![self.answer(&request)]);
            if responses.is_empty() {
                self.unanswered = id;
            }
            for response in responses {
                self.send(&Message::response(id, response));
            }
        }
    }

    pub(super) fn send(&mut self, message: &Message) {
        if let Some(session) = &mut self.session {
            session.send(message);
        }
    }

    /// Answers late.
    pub(super) fn let_go(&mut self) {
        if let Some(response) = self.held.take() {
            self.send(&Message::response(self.unanswered, response));
        }
    }

    /// The honest answer.
    pub(super) fn answer(&mut self, request: &Request) -> Response {
        match request {
            Request::Have { pins } => self.have(pins),
            Request::PutBlob { pins, blob } => self.put_blob(pins, blob),
            Request::GetBlob { id, .. } => match self.blobs.get(id) {
                Some((bytes, _)) => Response::Blob { source: self.node(), bytes: bytes.clone() },
                None => refusal(ErrorCode::NotFound, None),
            },
            Request::PutRecord { record } => self.put_record(record),
            Request::GetRecord { owner, name } => Response::Record {
                record: self.records.get(&(*owner, *name)).cloned(),
                floor: self.floors.get(owner).cloned(),
                fresh: self.fresh,
            },
            Request::ListRecords { owner, after, .. } => self.list(owner, *after),
            Request::Status => Response::Status(Status { node: self.node(), ..Status::default() }),
            Request::Evict { .. } => Response::Evicted { blobs: 3, bytes: 30 },
            Request::Peers => Response::Peers(Vec::new()),
            _ => refusal(ErrorCode::Unsupported, None),
        }
    }

    fn floor(&self, owner: &OwnerId) -> Version {
        let floor = self.floors.get(owner).and_then(|record| record.header().floor);
        floor.map_or(Version::ZERO, |floor| floor.version)
    }

    fn check_pins(&self, pins: &[Pin]) -> Option<Response> {
        for pin in pins {
            assert_eq!(verify_pin(self.suite, &network(self.suite), pin, None), Ok(()));
            if pin.body().since <= self.floor(&pin.body().owner) {
                return Some(refusal(ErrorCode::Stale, self.floors.get(&pin.body().owner).cloned()));
            }
        }
        None
    }

    fn have(&mut self, pins: &[Pin]) -> Response {
        if let Some(refusal) = self.check_pins(pins) {
            return refusal;
        }
        let mut copies = Vec::new();
        for pin in pins {
            let pin = pin.body();
            let known =
                self.blobs.get_mut(&pin.blob).filter(|(_, by)| by.iter().any(|(o, _)| *o == pin.owner));
            copies.push(known.map_or(0, |(_, by)| {
                by.insert((pin.owner, pin.object));
                self.copies
            }));
        }
        Response::Have { copies, wanted: self.wanted }
    }

    fn put_blob(&mut self, pins: &[Pin], blob: &Bytes) -> Response {
        if let Some(refusal) = self.check_pins(pins) {
            return refusal;
        }
        let id = self.suite.blob_id(blob);
        assert!(pins.iter().all(|pin| pin.body().blob == id && pin.body().length as usize == blob.len()));
        let (_, by) = self.blobs.entry(id).or_insert_with(|| (blob.clone(), BTreeSet::new()));
        by.extend(pins.iter().map(|pin| (pin.body().owner, pin.body().object)));
        self.stored()
    }

    fn put_record(&mut self, record: &Record) -> Response {
        let header = record.header();
        assert_eq!(verify_record(self.suite, &network(self.suite), record, None), Ok(()));
        if header.version <= self.floor(&header.owner) {
            let floor = self.floors.get(&header.owner);
            if floor != Some(record) {
                return refusal(ErrorCode::Stale, floor.cloned());
            }
        }
        if header.kind == Kind::Floor {
            self.floors.insert(header.owner, record.clone());
            return self.stored();
        }
        for live in &header.live {
            let pinned = |(_, by): &&(Bytes, BTreeSet<_>)| by.contains(&(header.owner, live.object));
            let blobs = self.blobs.values().filter(pinned).count();
            assert!(
                blobs > 0 && blobs <= live.blobs as usize,
                "every blob of a record is pinned for its object"
            );
        }
        let known = self.records.get(&(header.owner, header.name));
        match known.map(|known| known.order().cmp(&record.order())) {
            Some(core::cmp::Ordering::Greater) => {
                return refusal(ErrorCode::Stale, known.map(Record::to_stub));
            }
            Some(core::cmp::Ordering::Equal) => {}
            _ => {
                self.records.insert((header.owner, header.name), record.clone());
            }
        }
        self.stored()
    }

    fn list(&self, owner: &OwnerId, after: Option<ListCursor>) -> Response {
        let of_owner = self.records.values().filter(|record| record.header().owner == *owner);
        let mut rest = of_owner
            .filter(|record| after.is_none_or(|ListCursor(after)| record.header().name > after))
            .filter(|record| !record.header().is_tombstone());
        let records: Vec<Record> = rest.by_ref().take(self.page_rows).map(Record::without_body).collect();
        let next = rest.next().and_then(|_| records.last().map(|last| ListCursor(last.header().name)));
        Response::Records { records, next, floor: self.floors.get(owner).cloned(), complete: self.complete }
    }

    fn stored(&self) -> Response {
        Response::Stored { copies: self.copies, wanted: self.wanted }
    }

    /// Bytes of blobs that were sent here.
    pub(super) fn blob_bytes_sent(&self) -> usize {
        self.log
            .iter()
            .map(|request| if let Request::PutBlob { blob, .. } = request { blob.len() } else { 0 })
            .sum()
    }
}

pub(super) fn refusal(code: ErrorCode, current: Option<Record>) -> Response {
    Response::Error(WireError { code, current })
}
