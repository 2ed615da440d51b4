//! Messages between members: how they come to hold the same, what their answers count for, how they stand.

use crate::block::{Block, dissect};
use crate::given::{SUITE, keys};
use crate::messages::{request, response, whole};
use crate::placement::{SHARD, position, view};
use crate::records::{KEY, file_pin, floor, tombstone_record};
use bytes::Bytes;
use quantumsync_core::id::{BlobId, NodeId, SetHash};
use quantumsync_core::job::{Job, JobResult};
use quantumsync_core::node::view::blob_position;
use quantumsync_core::wire::*;

pub(crate) fn blocks() -> Vec<Block> {
    vec![between_nodes(), between_nodes_answers(), proof(), votes(), standing()]
}

const NONCE: [u8; 32] = [0x5e; 32];
const BLOB: &[u8] = b"blob";

fn row() -> PulledPin {
    PulledPin { pin: file_pin(), lease_ms: 60_000, pending: true }
}

fn object() -> PinCheck {
    let pin = file_pin();
    let body = pin.body();
    PinCheck { owner: body.owner, name: body.name, object: body.object, since: body.since }
}

/// After the tombstone.
fn record_cursor() -> PullCursor {
    let (owner, name) = (keys().owner(), keys().name(0, KEY));
    PullCursor { at: position(name.0[0]).0, owner, name, ..PullCursor::default() }
}

fn between_nodes() -> Block {
    let placement = view().digest();
    let (rows, after) = (256, Some(record_cursor()));
    let floors = Request::PullRecords { placement, part: PullPart::Floors, after: None, rows };
    let records = Request::PullRecords { placement, part: PullPart::Records, after, rows };
    let pins = Request::PullPins { placement, after: Some(PullCursor::of_pin(&file_pin())), rows };
    let prove = Request::Prove { nonce: NONCE, blobs: vec![SUITE.blob_id(BLOB), BlobId([0x0b; 32])] };
    Block::new("between-nodes")
        .part("CheckPins", &request(Request::CheckPins { lapse: false, checks: vec![object()] }))
        .part(
            "CheckPins: a promise is wanted",
            &request(Request::CheckPins { lapse: true, checks: vec![object()] }),
        )
        .part("PullRecords: floors, from the beginning", &request(floors))
        .part("PullRecords: records after the tombstone", &request(records))
        .part("PullPins after a pin", &request(pins))
        .part("Prove", &request(prove))
        .part("Forget", &request(Request::Forget { record: tombstone_record() }))
        .part("PutPins", &request(Request::PutPins { pins: vec![row()] }))
}

fn between_nodes_answers() -> Block {
    let pulled = PulledRecord { record: tombstone_record(), age_ms: 60_000, expired: false };
    let records =
        RecordsPage { records: vec![pulled], next: Some(record_cursor()), ..RecordsPage::default() };
    let promises = RecordsPage { promises: vec![object()], ..RecordsPage::default() };
    let pins = PinsPage { pins: vec![row()], next: Some(PullCursor::of_pin(&file_pin())) };
    let kept = PinsKept {
        kept: vec![PinKept::Whole, PinKept::Missing, PinKept::Refused],
        killers: vec![tombstone_record()],
    };
    let states = vec![PinState::Nothing, PinState::Listed, PinState::Dead(floor())];
    let other_set = WireError { code: ErrorCode::OtherSet, current: None };
    Block::new("between-nodes-answers")
        .part("Checked: nothing known; listed; dead by a floor", &response(Response::Checked(states)))
        .part("PulledRecords: a record, and there are more", &response(Response::PulledRecords(records)))
        .part("PulledRecords: a promise", &response(Response::PulledRecords(promises)))
        .part("PulledPins", &response(Response::PulledPins(pins)))
        .part("Proved", &response(Response::Proved(vec![Some(proven()), None])))
        .part("Forgotten: clean", &response(Response::Forgotten { clean: true }))
        .part("PinsKept: whole, without its blob, refused", &response(Response::PinsKept(kept)))
        .part("Error: OtherSet", &response(Response::Error(other_set)))
}

fn proven() -> [u8; 32] {
    let job = Job::ProveBlob { suite: SUITE, nonce: NONCE, blob: Bytes::from_static(BLOB) };
    let JobResult::Proved(proof) = job.run() else { panic!("a proof") };
    proof
}

fn proof() -> Block {
    Block::new("proof")
        .part("nonce", &NONCE)
        .part("the blob: \"blob\"", BLOB)
        .part("BlobId", SUITE.blob_id(BLOB).as_bytes())
        .part("proof", &proven())
}

fn joint(sets: &[SetHash]) -> SetHash {
    let parts: Vec<&[u8]> = sets.iter().map(|set| &set.as_bytes()[..]).collect();
    SetHash(SUITE.hash(&parts))
}

fn voted(response: Response, vote: Vote) -> Vec<u8> {
    whole(&Message::Response { id: 7, response, vote: Some(vote) })
}

/// Answers of a member that votes for the shards 5a and 5b, and for the blobs, of the example of the placement.
fn votes() -> Block {
    let view = view();
    let (first, second) = (view.set_hash(&position(SHARD)), view.set_hash(&position(SHARD + 1)));
    let blob = view.set_hash(&blob_position(&BlobId([0x0b; 32])));
    let list = Response::Records { records: Vec::new(), next: None, floor: None, complete: false };
    let shards = Some(Shards::from_iter([SHARD, SHARD + 1]));
    let stored = || Response::Stored { copies: 1, wanted: 2 };
    let of_one = voted(stored(), Vote::of(first));
    let later = [&of_one[..], &[0, 9, 0, 0, 0, 4], b"note"].concat();
    let read = Message::decode(SUITE, Bytes::from(later.clone()));
    assert_eq!(read, Ok(Message::Response { id: 7, response: stored(), vote: Some(Vote::of(first)) }));
    let have = Response::Have { copies: vec![1, 0], wanted: 2 };
    let proved = Response::Proved(vec![Some(proven()), None]);
    let proved_set = view.set_hash(&blob_position(&SUITE.blob_id(BLOB)));
    let stale = WireError { code: ErrorCode::Stale, current: Some(tombstone_record()) };
    Block::new("votes")
        .part("Stored: of a record of the shard 5a", &of_one)
        .part("the same with an unknown field: tag 9, 4 bytes", &later)
        .part("Have: of the blob 0b…0b and another, that is not here", &voted(have, Vote::of(joint(&[blob]))))
        .part("Proved: of the answer above", &voted(proved, Vote::of(joint(&[proved_set]))))
        .part("Records: of the shards 5a and 5b", &voted(list, Vote { set: joint(&[first, second]), shards }))
        .part("Error: Stale, of a record of the shard 5a", &voted(Response::Error(stale), Vote::of(first)))
}

/// An answer of member 1, with nothing but how it stands: it was out, and has put out member 5 itself.
fn standing() -> Block {
    let node = |n| NodeId([n; 32]);
    let member = |n| PastMember { node: node(n), positions: 2, placed: true };
    let past = PastPlacement { epoch: 3, replicas: 3, members: (1..=5).map(member).collect() };
    let standing = Standing {
        syncing: true,
        leaving: false,
        settled: false,
        noted: Some(view().digest()),
        placement: [0xdd; 32],
        epoch: 4,
        out: vec![(node(5), Out::Gone)],
        unheard: vec![(node(2), 250)],
        previous: vec![past],
    };
    let page = MembershipPage {
        digest: [0xdd; 32],
        standing: Some(Box::new(standing)),
        ..MembershipPage::default()
    };
    let parts = [
        ("kind", 1),
        ("request id", 4),
        ("digest", 32),
        ("admissions", 2),
        ("removals", 2),
        ("no settings", 1),
        ("standing follows", 1),
        ("syncing", 1),
        ("leaving", 1),
        ("settled", 1),
        ("noted, and for this placement of the receiver", 33),
        ("digest of the sender's placement", 32),
        ("its epoch", 8),
        ("members that are out", 2),
        ("member 5", 32),
        ("gone", 1),
        ("unheard", 2),
        ("member 2", 32),
        ("for 250 ms", 8),
        ("previous placements", 2),
        ("epoch", 8),
        ("R", 1),
        ("members", 2),
        ("member 1, its positions, placed", 34),
        ("member 2", 34),
        ("member 3", 34),
        ("member 4", 34),
        ("member 5", 34),
    ];
    let bytes = whole(&Message::response(7, Response::View(page)));
    dissect("view-standing", &bytes, &parts)
}
