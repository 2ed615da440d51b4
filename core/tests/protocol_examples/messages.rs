//! Messages, one of each kind, and the plaintext of a frame.

use crate::block::{Block, dissect};
use crate::given::{NOW_MS, SUITE, keys, network, node};
use crate::network::{admission, removal, settings, token};
use crate::records::{KEY, file_pin, floor, tombstone_record};
use bytes::{Bytes, BytesMut};
use quantumsync_core::id::{BlobId, NodeId};
use quantumsync_core::wire::*;

/// A record or pin inside a message: only its length is told, its bytes stand in another example.
fn pin_len() -> usize {
    2 + file_pin().bytes().len()
}

pub(crate) fn blocks() -> Vec<Block> {
    vec![frame(), link_messages(), have(), put_blob(), requests(), answers(), view()]
}

pub(crate) fn whole(message: &Message) -> Vec<u8> {
    let (head, payload) = message.encode();
    let bytes = [head, payload].concat();
    assert_eq!(Message::decode(SUITE, Bytes::from(bytes.clone())).as_ref(), Ok(message));
    bytes
}

pub(crate) fn request(request: Request) -> Vec<u8> {
    whole(&Message::Request { id: 7, request })
}

pub(crate) fn response(response: Response) -> Vec<u8> {
    whole(&Message::response(7, response))
}

/// Two messages in one frame: a small one whole, and the beginning of one of 100,000 bytes.
fn frame() -> Block {
    let ping = request(Request::Ping { unix_ms: NOW_MS });
    let with_len = |message: &[u8], len: u32| Bytes::from([&len.to_be_bytes()[..], message].concat());
    let segments = [
        Segment { stream: 4, first: true, last: true, bytes: with_len(&ping, 13) },
        Segment { stream: 3, first: true, last: false, bytes: with_len(&[0x11, 0, 0, 0, 6], 100_000) },
        Segment { stream: 2, first: false, last: true, bytes: Bytes::from_static(b"end") },
    ];
    let mut out = BytesMut::new();
    segments.iter().for_each(|segment| segment.encode_into(&mut out));
    let parts = [
        ("stream", 4),
        ("flags: first, last", 1),
        ("length of the segment", 2),
        ("length of the message", 4),
        ("the message", 13),
        ("stream", 4),
        ("flags: first", 1),
        ("length of the segment", 2),
        ("length of the message", 4),
        ("the beginning of the message", 5),
        ("stream", 4),
        ("flags: last", 1),
        ("length of the segment", 2),
        ("the end of a message", 3),
    ];
    dissect("frame", &out, &parts)
}

fn link_messages() -> Block {
    Block::new("link-messages")
        .part("Credit: relay, 65,536 bytes", &whole(&Message::Credit { class: Class::Relay, bytes: 65_536 }))
        .part("Goodbye: Shutdown", &whole(&Message::Goodbye(CloseReason::Shutdown)))
}

fn have() -> Block {
    let bytes = request(Request::Have { pins: vec![file_pin()] });
    dissect(
        "have",
        &bytes,
        &[("kind", 1), ("request id", 4), ("pins", 2), ("length of the pin", 2), ("the pin", pin_len() - 2)],
    )
}

fn put_blob() -> Block {
    let pins = vec![file_pin()];
    let bytes = request(Request::PutBlob { pins, blob: Bytes::from_static(b"blob") });
    let parts = [
        ("kind", 1),
        ("request id", 4),
        ("pins", 2),
        ("the pin with its length", pin_len()),
        ("tag: payload", 2),
        ("its length", 4),
        ("the blob", 4),
    ];
    dissect("put-blob", &bytes, &parts)
}

/// A member to be banned, and one that is waited for.
const BANNED: NodeId = NodeId([0x11; 32]);

fn requests() -> Block {
    let keys = keys();
    let (owner, name) = (keys.owner(), keys.name(0, KEY));
    let id = BlobId([0x0b; 32]);
    let list = Request::ListRecords { owner, after: Some(ListCursor(name)), rows: 256, shards: (0, 255) };
    Block::new("requests")
        .part("GetBlob from 4,096 on", &request(Request::GetBlob { id, offset: 4096, len: 0 }))
        .part("PutRecord", &request(Request::PutRecord { record: tombstone_record() }))
        .part("GetRecord", &request(Request::GetRecord { owner, name }))
        .part("ListRecords after a name", &request(list))
        .part("Status", &request(Request::Status))
        .part("Evict everything", &request(Request::Evict { owner, name: None }))
        .part("Verify from the beginning", &request(Request::Verify { after: None }))
        .part("Peers", &request(Request::Peers))
        .part("Invite a node", &request(Request::Invite { node: true }))
        .part("Leave", &request(Request::Leave { cancel: false }))
        .part("Ban", &request(Request::Ban { node: BANNED }))
        .part("VerifyRecords from the beginning", &request(Request::VerifyRecords { after: None }))
        .part("Ping", &request(Request::Ping { unix_ms: NOW_MS }))
}

fn answers() -> Block {
    let addr = Some("192.0.2.1:4270".parse().expect("an address"));
    let source = node().node_id(SUITE);
    let record = tombstone_record();
    let stale = WireError { code: ErrorCode::Stale, current: Some(record.clone()) };
    let records =
        Response::Records { records: vec![record.clone()], next: None, floor: None, complete: true };
    let status = Status {
        node: source,
        network: network(),
        addr,
        version: "0.1.0".into(),
        uptime_ms: 1,
        peers_alive: 2,
        peers_suspect: 3,
        peers_gone: 4,
        members: 5,
        replicas: 3,
        blobs: 6,
        blob_bytes: 7,
        records: 8,
        tombstones: 9,
        copies_wanted: 10,
        copies_present: 11,
        copies_missing: 12,
        syncing: true,
        pending_ops: 13,
        quota: 14,
        free_bytes: 15,
        waits_for: vec![BANNED],
        pending_pins: 16,
        unlisted_pins: 17,
        strays: 18,
    };
    let peer = PeerStatus {
        node: source,
        addr,
        state: PeerState::Own,
        rtt_us: 0,
        silent_ms: 0,
        positions: 8,
        out: false,
        syncing: true,
        linked: false,
    };
    let other = PeerStatus {
        node: BANNED,
        addr: None,
        state: PeerState::Leaving,
        rtt_us: 1500,
        silent_ms: 250,
        positions: 8,
        out: true,
        syncing: false,
        linked: true,
    };
    let verified =
        Response::Verified { checked: 64, bytes: 1 << 20, damaged: vec![BlobId([0x0b; 32])], next: None };
    let damaged = vec![(keys().owner(), keys().name(0, KEY))];
    let verified_records = VerifiedRecords { checked: 65, damaged, next: None };
    Block::new("answers")
        .part("Have", &response(Response::Have { copies: vec![2, 0], wanted: 2 }))
        .part("Stored", &response(Response::Stored { copies: 2, wanted: 2 }))
        .part("Blob", &response(Response::Blob { source, bytes: Bytes::from_static(b"blob") }))
        .part(
            "Record",
            &response(Response::Record { record: Some(record), floor: Some(floor()), fresh: true }),
        )
        .part("Records", &response(records))
        .part("Status", &response(Response::Status(status)))
        .part("Evicted", &response(Response::Evicted { blobs: 1, bytes: 704 }))
        .part("Verified", &response(verified))
        .part("Peers", &response(Response::Peers(vec![peer, other])))
        .part("Invite", &response(Response::Invite { token: token(None) }))
        .part("Leave", &response(Response::Leave { done: false, waits_for: vec![BANNED], strays: 2 }))
        .part("Done", &response(Response::Done))
        .part("VerifiedRecords", &response(Response::VerifiedRecords(verified_records)))
        .part("Pong", &response(Response::Pong { unix_ms: NOW_MS }))
        .part("Error: Stale", &response(Response::Error(stale)))
}

fn view() -> Block {
    let addr = "192.0.2.1:4270".parse().expect("an address");
    let page = MembershipPage {
        digest: [0xdd; 32],
        admissions: vec![(admission(), vec![addr])],
        removals: vec![removal()],
        settings: Some(settings()),
        standing: None,
    };
    let parts = [
        ("kind", 1),
        ("request id", 4),
        ("digest", 32),
        ("admissions", 2),
        ("the admission", 4 + 32 + 1 + 1 + 8 + 8 + 2 + 64),
        ("its addresses", 2),
        ("192.0.2.1:4270", 7),
        ("removals", 2),
        ("the removal", 4 + 32 + 1 + 8 + 2 + 10 + 64),
        ("settings follow", 1),
        ("the settings", 4 + 8 + 1 + 8 + 8 + 2 + 64),
        ("no standing", 1),
    ];
    dissect("view", &request(Request::View(page)), &parts)
}
