//! Every kind of message; those between members stand in their own file.

use crate::signed::{addr, network};
use crate::{Section, keys, members, sample, seed};
use quantumsync_core::Bytes;
use quantumsync_core::crypto::{Secret, Signature, Suite};
use quantumsync_core::id::{BlobId, NetworkId, NodeId, ObjectId};
use quantumsync_core::record::{Pin, Record};
use quantumsync_core::wire::{
    Class, CloseReason, ErrorCode, Hello, ListCursor, MembershipPage, Message, OwnerProof, PeerState,
    PeerStatus, PullCursor, Request, Response, Role, Status, Token, VerifiedRecords, WireError,
};

const MS: u64 = 1_795_219_200_000;

fn hello() -> Hello {
    Hello {
        version: 1,
        role: Role::Node,
        admission: Some(network().admission(MS)),
        owner: None,
        control: None,
        addrs: vec![addr("192.0.2.1:4270"), addr("[2001:db8::1]:65535")],
        unix_ms: MS,
        max_requests: 256,
        credit_terminal: 9,
        credit_relay: 10,
        incarnation: core::array::from_fn(|at| at as u8),
    }
}

fn control_hello() -> Hello {
    let signature = Signature(core::array::from_fn(|at| at as u8));
    let proof = Some(OwnerProof { key: keys().owner(), signature });
    Hello {
        role: Role::Control,
        admission: None,
        owner: proof,
        control: proof,
        addrs: vec![],
        max_requests: 1,
        credit_terminal: 2,
        credit_relay: 3,
        incarnation: [0; 16],
        ..hello()
    }
}

fn status(node: NodeId, network: NetworkId) -> Status {
    Status {
        node,
        network,
        addr: Some(addr("192.0.2.1:4270")),
        version: "0.1.0".into(),
        uptime_ms: 11,
        peers_alive: 1,
        peers_suspect: 2,
        peers_gone: 3,
        members: 4,
        replicas: 3,
        blobs: 5,
        blob_bytes: 6,
        records: 7,
        tombstones: 8,
        copies_wanted: 9,
        copies_present: 10,
        copies_missing: 11,
        syncing: true,
        pending_ops: 12,
        quota: 13,
        free_bytes: 14,
        waits_for: vec![],
        pending_pins: 15,
        unlisted_pins: 16,
        strays: 17,
    }
}

fn page() -> MembershipPage {
    let network = network();
    MembershipPage {
        digest: Suite::Real.hash(&[b"digest"]),
        admissions: vec![(network.admission(MS), vec![addr("192.0.2.1:4270")])],
        removals: vec![network.removal()],
        settings: Some(network.settings()),
        standing: None,
    }
}

/// The program's records and pins, of which the messages are made.
pub(crate) struct Parts {
    pub(crate) record: Record,
    pub(crate) tombstone: Record,
    pub(crate) floor: Record,
    pub(crate) pin: Pin,
    pub(crate) granted_pin: Pin,
}

pub(crate) fn parts() -> Parts {
    // A value of its own, because it is read here for another purpose than to check it.
    let file: serde_json::Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let bytes = |path: &str| {
        let hex = file["records"].pointer(path).and_then(serde_json::Value::as_str).unwrap();
        Bytes::from(data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap())
    };
    let record = |path| Record::parse(Suite::Real, bytes(path)).unwrap();
    Parts {
        record: record("/inline/record"),
        tombstone: record("/tombstone"),
        floor: record("/floor"),
        pin: Pin::parse(bytes("/pin")).unwrap(),
        granted_pin: Pin::parse(bytes("/granted_pin")).unwrap(),
    }
}

fn requests() -> Vec<(&'static str, Request)> {
    let Parts { record, pin, .. } = parts();
    let (owner, name) = (keys().owner(), record.header().name);
    let blob = Bytes::from(sample("blob", 40));
    let id = Suite::Real.blob_id(&blob);
    let list = Request::ListRecords { owner, after: Some(ListCursor(name)), rows: 256, shards: (1, 254) };
    vec![
        ("have", Request::Have { pins: vec![pin.clone()] }),
        ("put_blob", Request::PutBlob { pins: vec![pin], blob }),
        ("get_blob", Request::GetBlob { id, offset: 5, len: 6 }),
        ("put_record", Request::PutRecord { record }),
        ("get_record", Request::GetRecord { owner, name }),
        ("list_records", list),
        ("status", Request::Status),
        ("evict", Request::Evict { owner, name: None }),
        ("verify", Request::Verify { after: Some(id) }),
        ("peers", Request::Peers),
        ("invite", Request::Invite { node: true }),
        ("ping", Request::Ping { unix_ms: MS }),
        ("view", Request::View(page())),
        ("leave", Request::Leave { cancel: true }),
        ("ban", Request::Ban { node: network().other }),
        ("verify_records", Request::VerifyRecords { after: None }),
    ]
}

fn responses() -> Vec<(&'static str, u32, Response)> {
    let Parts { record, tombstone, floor, .. } = parts();
    let network = network();
    let name = record.header().name;
    let bytes = Bytes::from(sample("blob", 40));
    let id: BlobId = Suite::Real.blob_id(&bytes);
    let peer = PeerStatus {
        node: network.other,
        addr: Some(addr("[2001:db8::1]:65535")),
        state: PeerState::Suspect,
        rtt_us: 1500,
        silent_ms: 9000,
        positions: 8,
        out: false,
        syncing: true,
        linked: false,
    };
    let token = Token {
        psk_epoch: 1,
        psk: Secret::new(seed(5)),
        network_key: *network.key.public(),
        signing_seed: None,
        peers: vec![(network.node, addr("192.0.2.1:4270"))],
    };
    let records = Response::Records {
        records: vec![tombstone.clone()],
        next: Some(ListCursor(name)),
        floor: None,
        complete: true,
    };
    let verified_records = Response::VerifiedRecords(VerifiedRecords {
        checked: 19,
        damaged: vec![(record.header().owner, name)],
        next: Some(PullCursor { at: id.0, owner: record.header().owner, name, object: ObjectId::default() }),
    });
    let stale = WireError { code: ErrorCode::Stale, current: Some(tombstone) };
    vec![
        ("have_answer", 1, Response::Have { copies: vec![3, 0, 1], wanted: 2 }),
        ("stored", 2, Response::Stored { copies: 1, wanted: 2 }),
        ("blob", 3, Response::Blob { source: network.node, bytes }),
        ("record", 5, Response::Record { record: Some(record), floor: Some(floor), fresh: true }),
        ("no_record", 5, Response::Record { record: None, floor: None, fresh: false }),
        ("records", 6, records),
        ("status_answer", 7, Response::Status(status(network.node, network.id))),
        ("evicted", 8, Response::Evicted { blobs: 15, bytes: 16 }),
        ("verified", 9, Response::Verified { checked: 17, bytes: 18, damaged: vec![id], next: None }),
        ("verified_records", 16, verified_records),
        ("peers_answer", 10, Response::Peers(vec![peer])),
        ("invite_answer", 11, Response::Invite { token }),
        ("leave_answer", 14, Response::Leave { done: false, waits_for: vec![network.other], strays: 18 }),
        ("done", 15, Response::Done),
        ("pong", 12, Response::Pong { unix_ms: MS + 1 }),
        ("view_answer", 13, Response::View(page())),
        ("error", 13, Response::Error(stale)),
    ]
}

#[test]
fn every_message_is_the_same_and_reads_back() {
    let section = Section::read("messages");
    let mut messages = vec![
        ("hello", Message::Hello(hello())),
        ("hello_of_control", Message::Hello(control_hello())),
        ("credit", Message::Credit { class: Class::Relay, bytes: 123_456 }),
        ("goodbye", Message::Goodbye(CloseReason::Idle)),
        ("unknown_request", Message::UnknownRequest { id: 14 }),
    ];
    let numbered = requests().into_iter().zip(1..);
    messages.extend(numbered.map(|((name, request), id)| (name, Message::Request { id, request })));
    let answers = responses().into_iter();
    messages.extend(answers.map(|(name, id, response)| (name, Message::response(id, response))));
    messages.extend(members::requests());
    messages.extend(members::answers());
    for (name, message) in messages {
        let (head, payload) = message.encode();
        let bytes = [head, payload].concat();
        section.check(&format!("/{name}"), &bytes);
        assert_eq!(Message::decode(Suite::Real, bytes.into()), Ok(message), "{name}");
    }
}
