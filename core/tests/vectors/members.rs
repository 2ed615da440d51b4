//! Messages between members, and votes.

use crate::messages::{Parts, parts};
use crate::signed::network;
use crate::{sample, seed};
use quantumsync_core::Bytes;
use quantumsync_core::crypto::Suite;
use quantumsync_core::id::SetHash;
use quantumsync_core::job::{Job, JobResult};
use quantumsync_core::wire::{
    ErrorCode, MembershipPage, Message, Out, PastMember, PastPlacement, PinCheck, PinKept, PinState,
    PinsKept, PinsPage, PullCursor, PullPart, PulledPin, PulledRecord, RecordsPage, Request, Response,
    Shards, Standing, Vote, WireError,
};

fn rows() -> Vec<PulledPin> {
    let Parts { pin, granted_pin, .. } = parts();
    vec![
        PulledPin { pin, lease_ms: 18, pending: false },
        PulledPin { pin: granted_pin, lease_ms: 19, pending: true },
    ]
}

fn promise() -> PinCheck {
    let pin = parts().pin;
    let body = pin.body();
    PinCheck { owner: body.owner, name: body.name, object: body.object, since: body.since }
}

/// After the pin, and after the promise.
fn cursors() -> (PullCursor, PullCursor) {
    let at_pin = PullCursor::of_pin(&parts().pin);
    (at_pin, PullCursor { at: [0; 32], ..at_pin })
}

fn standing() -> Standing {
    let (node, other) = (network().node, network().other);
    let past = |epoch, replicas, member| PastPlacement { epoch, replicas, members: vec![member] };
    Standing {
        syncing: false,
        leaving: true,
        settled: true,
        noted: Some(seed(22)),
        placement: seed(25),
        epoch: 22,
        out: vec![(node, Out::Gone), (other, Out::Leaving)],
        unheard: vec![(other, 23)],
        previous: vec![
            past(24, 3, PastMember { node, positions: 8, placed: true }),
            past(25, 2, PastMember { node: other, positions: 64, placed: false }),
        ],
    }
}

pub(crate) fn requests() -> Vec<(&'static str, Message)> {
    let Parts { tombstone, pin, .. } = parts();
    let (placement, (_, at_promise)) = (seed(22), cursors());
    let blobs = vec![Suite::Real.blob_id(&sample("blob", 40)), pin.body().blob];
    let page = MembershipPage {
        digest: seed(26),
        standing: Some(Box::new(standing())),
        ..MembershipPage::default()
    };
    let promises =
        Request::PullRecords { placement, part: PullPart::Promises, after: Some(at_promise), rows: 256 };
    let requests = [
        ("check_pins", Request::CheckPins { lapse: true, checks: vec![promise()] }),
        ("pull_records", promises),
        ("pull_pins", Request::PullPins { placement, after: None, rows: 1 }),
        ("prove", Request::Prove { nonce: seed(23), blobs }),
        ("forget", Request::Forget { record: tombstone }),
        ("put_pins", Request::PutPins { pins: rows() }),
        ("view_with_standing", Request::View(page)),
    ];
    let numbered = requests.into_iter().zip(16..);
    numbered.map(|((name, request), id)| (name, Message::Request { id, request })).collect()
}

pub(crate) fn answers() -> Vec<(&'static str, Message)> {
    let Parts { record, tombstone, floor, .. } = parts();
    let (at_pin, at_promise) = cursors();
    let pulled = vec![
        PulledRecord { record: tombstone.clone(), age_ms: 20, expired: false },
        PulledRecord { record: record.without_body(), age_ms: 21, expired: true },
    ];
    let records = RecordsPage { records: pulled, ..RecordsPage::default() };
    let promises =
        RecordsPage { promises: vec![promise()], next: Some(at_promise), ..RecordsPage::default() };
    let plain = [
        ("pulled_records", 17, Response::PulledRecords(records)),
        ("pulled_promises", 17, Response::PulledRecords(promises)),
        ("pulled_pins", 18, Response::PulledPins(PinsPage { pins: rows(), next: Some(at_pin) })),
        ("forgotten", 20, Response::Forgotten { clean: false }),
        ("other_set", 17, Response::Error(WireError { code: ErrorCode::OtherSet, current: None })),
    ];
    let nonce = seed(23);
    let job = Job::ProveBlob { suite: Suite::Real, nonce, blob: Bytes::from(sample("blob", 40)) };
    let JobResult::Proved(proof) = job.run() else { panic!("a proof") };
    let states = vec![PinState::Dead(tombstone), PinState::Nothing, PinState::Listed];
    let kept = PinsKept { kept: vec![PinKept::Refused, PinKept::Whole], killers: vec![floor.clone()] };
    let list = Response::Records { records: vec![], next: None, floor: Some(floor), complete: true };
    let shards = Some(Shards(core::array::from_fn(|at| at as u8)));
    let voted = [
        ("checked", 16, Response::Checked(states), None),
        ("proved", 19, Response::Proved(vec![None, Some(proof)]), None),
        ("pins_kept", 21, Response::PinsKept(kept), None),
        ("have_with_vote", 1, Response::Have { copies: vec![1], wanted: 2 }, None),
        ("records_with_vote", 6, list, shards),
    ];
    let plain = plain.into_iter().map(|(name, id, response)| (name, Message::response(id, response)));
    let voted = voted.into_iter().map(|(name, id, response, shards)| {
        let vote = Some(Vote { set: SetHash(seed(24)), shards });
        (name, Message::Response { id, response, vote })
    });
    plain.chain(voted).collect()
}
