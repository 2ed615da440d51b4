//! A crash between any two requests of the disk: what was acknowledged is there, what was not does no harm.

use super::bench::*;
use crate::node::store::Keep;
use crate::record::Record;
use crate::rng::Rng;
use crate::wire::{Request, Response};
use alloc::vec;
use alloc::vec::Vec;

/// A store of two versions with a shared blob, and a delete, as a client sends them: each request after the
/// answers to those before it in the step.
fn script(owner: &Owner) -> Vec<Vec<Request>> {
    vec![
        vec![owner.put(1, 1, 10), owner.put(1, 1, 11), owner.put(1, 1, 12)],
        vec![put_record(&owner.record(1, 1))],
        vec![owner.have(1, 2, [10, 11]), owner.put(1, 2, 20)],
        vec![put_record(&owner.record(1, 2))],
        vec![put_record(&owner.tombstone(1, 3))],
    ]
}

/// What must hold of a disk with these steps acknowledged.
fn check(bench: &mut Bench, owner: &Owner, acknowledged: usize) {
    // A blob that is there is pinned or on its way out; a pin's blob is there.
    let want_blobs: &[u8] = match acknowledged {
        0 => &[],
        1 | 2 => &[10, 11, 12],
        3 | 4 => &[10, 11, 20],
        _ => &[],
    };
    for n in want_blobs {
        assert!(matches!(bench.ask(OTHER, get(*n)), Response::Blob { .. }), "blob {n} after {acknowledged}");
    }
    assert_eq!(bench.status().copies_missing, 0);
    let least = [None, None, Some(1), Some(1), Some(2), Some(3)][acknowledged];
    let found = bench.record_of(owner, 1).0.map(|record: Record| record.header().version);
    assert!(found >= least.map(version), "{found:?} after {acknowledged}");
}

/// Runs the script until `crash_after` effects were performed, then crashes; true if it came to the end.
fn run(crash_after: usize, shuffle: Option<u8>) -> bool {
    let owner = Owner::new(1);
    let mut bench = Bench::new();
    bench.shuffle = shuffle.map(|seed| Rng::from_seed([seed; 32]));
    let (mut acknowledged, mut left) = (0, crash_after);
    let steps = script(&owner);
    for step in &steps {
        let tokens: Vec<u64> =
            step.iter().map(|request| bench.submit(owner.client(), Keep::Replica, request.clone())).collect();
        while left > 0 && bench.step() {
            left -= 1;
        }
        let is_done =
            |token| matches!(bench.replies.get(token), Some(Response::Stored { .. } | Response::Have { .. }));
        if !tokens.iter().all(is_done) {
            break;
        }
        acknowledged += 1;
    }
    bench.restart();
    bench.advance(LINGER * 2);
    check(&mut bench, &owner, acknowledged);
    // The client goes on where it was, and all ends as without the crash.
    for request in steps[acknowledged..].iter().flatten() {
        assert!(!matches!(bench.ask(owner.client(), request.clone()), Response::Error(_)), "{acknowledged}");
    }
    bench.advance(LINGER * 2);
    check(&mut bench, &owner, steps.len());
    assert_eq!((bench.disk.blobs.len(), bench.disk.rows.len()), (0, 3), "two state rows and the tombstone");
    acknowledged == steps.len() && left > 0
}

#[test]
fn a_crash_at_any_point_of_a_store_and_a_delete_loses_nothing_acknowledged() {
    let mut crash_after = 0;
    while !run(crash_after, None) {
        crash_after += 1;
    }
    assert!(crash_after > 30, "{crash_after}");
}

#[test]
fn nor_does_it_when_the_disk_answers_in_any_order() {
    for seed in 0..8 {
        let mut crash_after = 0;
        while !run(crash_after, Some(seed)) {
            crash_after += 1;
        }
    }
}
