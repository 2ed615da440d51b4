//! Records of a member that was removed and comes back: in quarantine, for their owner alone.

use super::bench::*;
use crate::record::Record;
use crate::wire::{ErrorCode, Request, Response};

fn quarantined(bench: &mut Bench, owner: &Owner, name: u8) -> Option<Record> {
    bench.store.quarantined(bench.now, 7777, owner.id(), super::things::name(name));
    bench.run();
    match bench.replies.remove(&7777) {
        Some(Response::Record { record, floor: None, fresh: false }) => record,
        other => panic!("{other:?}"),
    }
}

fn filled() -> (Bench, Owner) {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    for name in 1..=100 {
        bench.ask(OTHER, put_record(&owner.record_until(name, 2, 1 << 50)));
    }
    bench.ask(OTHER, owner.put(1, 2, 10));
    bench.ask(OTHER, put_record(&owner.tombstone(200, 2)));
    bench.ask(OTHER, put_record(&owner.floor(0, 0)));
    (bench, owner)
}

#[test]
fn living_records_are_given_to_nobody_any_more_but_their_owner() {
    let (mut bench, owner) = filled();
    bench.store.quarantine_all(bench.now);
    bench.run();
    assert_eq!((bench.disk.count(kind::QUARANTINE), bench.disk.count(kind::EXPIRE)), (100, 0));
    assert_eq!(bench.record_of(&owner, 1).0, None);
    assert_eq!(quarantined(&mut bench, &owner, 1), Some(owner.record_until(1, 2, 1 << 50)));
    assert_eq!(bench.record_of(&owner, 200), (Some(owner.tombstone(200, 2)), Some(owner.floor(0, 0))));
    assert_eq!(bench.disk.count(kind::PIN), 1, "blobs and their pins may be offered");
}

#[test]
fn a_crash_in_the_middle_does_not_end_a_quarantine_half_way() {
    let (mut bench, owner) = filled();
    bench.store.quarantine_all(bench.now);
    while bench.disk.count(kind::QUARANTINE) == 0 {
        assert!(bench.step());
    }
    assert!(bench.disk.count(kind::QUARANTINE) < 100);
    bench.restart();
    assert_eq!((bench.disk.count(kind::QUARANTINE), bench.record_of(&owner, 99).0), (100, None));
    bench.ask(OTHER, put_record(&owner.inline(150, 2)));
    bench.restart();
    assert_eq!(bench.record_of(&owner, 150).0, Some(owner.inline(150, 2)), "once, not for ever");
}

#[test]
fn a_record_of_the_name_ends_its_quarantine_unless_it_is_older() {
    let (mut bench, owner) = filled();
    bench.store.quarantine_all(bench.now);
    bench.run();
    bench.ask(OTHER, put_record(&owner.tombstone(1, 3)));
    bench.ask(OTHER, put_record(&owner.inline(2, 1)));
    assert_eq!(quarantined(&mut bench, &owner, 1), None);
    assert_eq!(quarantined(&mut bench, &owner, 2), Some(owner.record_until(2, 2, 1 << 50)));
    let question = Request::Forget { record: owner.tombstone(3, 9) };
    assert_eq!(bench.ask(OTHER, question), Response::Forgotten { clean: false });
}

#[test]
fn requests_wait_until_the_quarantine_is_durable() {
    let (mut bench, owner) = filled();
    bench.store.quarantine_all(bench.now);
    assert_eq!(bench.record_of(&owner, 50).0, None);
    assert_code(&bench.ask(OTHER, get(99)), ErrorCode::NotFound);
}
