//! Any signed thing that can be made, for proptest.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::config::limit;
use crate::crypto::{Secret, Signature, SigningKey, Suite};
use crate::id::{BlobId, Name, NetworkId, NodeId, ObjectId, OwnerId};
use crate::record::*;

/// Signatures cost next to nothing here; the forms are the same under every suite.
pub(crate) const SUITE: Suite = Suite::Sim;
/// The network of all that is made here.
pub(crate) const NETWORK: NetworkId = NetworkId([7; 32]);

/// The key pair number `n`.
pub(crate) fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(SUITE, Secret::new([n; 32]))
}

pub(crate) fn owner(n: u8) -> OwnerId {
    OwnerId(*key(n).public())
}

pub(crate) fn name() -> impl Strategy<Value = Name> {
    any::<[u8; 32]>().prop_filter("0…0 is no name", |name| *name != [0; 32]).prop_map(Name)
}

pub(crate) fn version() -> impl Strategy<Value = Version> {
    (0..=Version::MAX_MS, any::<u16>(), any::<[u8; 8]>())
        .prop_map(|(ms, counter, writer)| Version::new(ms, counter, writer).unwrap())
}

/// Fields with tags from `first` on.
pub(crate) fn fields(first: u16) -> impl Strategy<Value = Fields> {
    vec((first.., vec(any::<u8>(), 0..40)), 0..4).prop_map(|list| {
        let mut fields = Fields::default();
        for (tag, value) in list {
            // A tag that comes twice is refused, and changes nothing.
            let _ = fields.insert(tag, Bytes::from(value));
        }
        fields
    })
}

/// A grant of owner 1 to writer 2 for everything and all times.
pub(crate) fn any_grant() -> Grant {
    let grant = Grant {
        writer: *key(2).public(),
        scope: Name([0; 32]),
        epoch: 5,
        not_after: 0,
        signature: Signature([0; 64]),
    };
    grant.sign(&NETWORK, &key(1))
}

fn live() -> impl Strategy<Value = Vec<LiveObject>> {
    let objects = btree_map(any::<[u8; 16]>(), any::<(u64, u32)>(), 0..4);
    objects.prop_map(|objects: BTreeMap<_, _>| {
        objects
            .into_iter()
            .map(|(object, (bytes, blobs))| LiveObject { object: ObjectId(object), bytes, blobs })
            .collect()
    })
}

/// A header without parts.
pub(crate) fn header() -> impl Strategy<Value = Header> {
    let file =
        (name(), version(), any::<u32>(), live(), any::<u64>(), any::<u32>(), any::<bool>(), fields(4));
    file.prop_map(|(name, version, key_epoch, live, expires, file_epoch, granted, unknown)| Header {
        owner: owner(1),
        name,
        kind: Kind::File,
        version,
        key_epoch,
        live,
        expires,
        head: PartInfo::default(),
        body: PartInfo::default(),
        file_epoch,
        floor: None,
        grant: granted.then(any_grant),
        unknown,
    })
}

/// The floor record of owner 1 with its floor at its own version.
pub(crate) fn floor_header(version: Version, grant_epoch: u32) -> Header {
    Header {
        owner: owner(1),
        name: Name([0; 32]),
        kind: Kind::Floor,
        version,
        key_epoch: 0,
        live: Vec::new(),
        expires: 0,
        head: PartInfo::default(),
        body: PartInfo::default(),
        file_epoch: 0,
        floor: Some(Floor { version, grant_epoch }),
        grant: None,
        unknown: Fields::default(),
    }
}

/// Signs with whoever may.
pub(crate) fn sign(header: Header, head: &[u8], body: &[u8]) -> Record {
    let signer = if header.grant.is_some() { key(2) } else { key(1) };
    Record::sign(SUITE, &NETWORK, &signer, header, head, body).unwrap()
}

/// Records of files with and without parts, and floors; whole, without body, or as stubs.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let file =
        (header(), vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..300)).prop_map(|(header, head, body)| {
            let body = if head.is_empty() { Vec::new() } else { body };
            sign(header, &head, &body)
        });
    let floor =
        (version(), any::<u32>()).prop_map(|(version, epoch)| sign(floor_header(version, epoch), &[], &[]));
    (prop_oneof![4 => file.boxed(), 1 => floor.boxed()], 0..3_u8).prop_map(|(record, form)| match form {
        0 => record,
        1 => record.without_body(),
        _ => record.to_stub(),
    })
}

pub(crate) fn pin() -> impl Strategy<Value = Pin> {
    let body = (name(), any::<[u8; 16]>(), version(), any::<[u8; 32]>(), any::<u32>(), any::<bool>());
    body.prop_map(|(name, object, since, blob, length, granted)| {
        let body = PinBody {
            owner: owner(1),
            name,
            object: ObjectId(object),
            since,
            blob: BlobId(blob),
            length,
            grant: granted.then(any_grant),
        };
        Pin::sign(&NETWORK, &if granted { key(2) } else { key(1) }, body)
    })
}

/// Of few nodes and serials, so that they meet.
pub(crate) fn admission() -> impl Strategy<Value = Admission> {
    let fields = (0..4_u8, 1..=limit::POSITIONS, any::<bool>(), 0..4_u64, any::<u64>(), fields(0));
    fields.prop_map(|(node, positions, volatile, serial, not_after, unknown)| {
        let signature = Signature([0; 64]);
        let node = NodeId([node; 32]);
        Admission { node, positions, volatile, serial, not_after, unknown, signature }.sign(&NETWORK, &key(0))
    })
}

/// Of the same nodes and serials.
pub(crate) fn removal() -> impl Strategy<Value = Removal> {
    (0..4_u8, any::<bool>(), 0..4_u64, fields(0)).prop_map(|(node, banned, serial, unknown)| {
        let node = NodeId([node; 32]);
        Removal { node, banned, serial, unknown, signature: Signature([0; 64]) }.sign(&NETWORK, &key(0))
    })
}

pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let fields = (any::<u64>(), 1..=limit::REPLICAS, any::<u64>(), any::<u64>(), fields(0));
    fields.prop_map(|(number, replicas, gone_after, linger, unknown)| {
        let settings = Settings {
            number,
            replicas,
            gone_after: Duration::from_millis(gone_after),
            linger: Duration::from_millis(linger),
            unknown,
            signature: Signature([0; 64]),
        };
        settings.sign(&NETWORK, &key(0))
    })
}
