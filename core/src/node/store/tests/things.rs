//! Things to store: owners, pins, blobs, records; and what is expected of answers.

use crate::crypto::{Secret, Signature, SigningKey, Suite};
use crate::id::{BlobId, Name, NetworkId, NodeId, ObjectId, OwnerId, Position};
use crate::node::store::{Origin, Placement};
use crate::record::{Floor, Grant, Header, Kind, LiveObject, PartInfo, Pin, PinBody, Record, Version};
use crate::wire::{ErrorCode, Request, Response};
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
