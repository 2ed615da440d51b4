//! `ListRecords`, page by page.

use super::bench::*;
use crate::id::Name;
use crate::node::store::Origin;
use crate::record::Record;
use crate::wire::{ErrorCode, ListCursor, Request, Response};
use alloc::vec;
use alloc::vec::Vec;

fn list(owner: &Owner, after: Option<ListCursor>, rows: u16, shards: (u8, u8)) -> Request {
    Request::ListRecords { owner: owner.id(), after, rows, shards }
}

/// All pages, and how many there were.
fn all(
    bench: &mut Bench,
    origin: Origin,
    owner: &Owner,
    rows: u16,
    shards: (u8, u8),
) -> (Vec<Record>, usize) {
    let (mut found, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        match bench.ask(origin, list(owner, after, rows, shards)) {
            Response::Records { records, next, complete: true, .. } => {
                assert!(records.len() <= usize::from(rows));
                found.extend(records);
                pages += 1;
                after = next;
            }
            other => panic!("{other:?}"),
        }
        if after.is_none() {
            return (found, pages);
        }
    }
}

fn filled() -> (Bench, Owner) {
    let (mut bench, owner, other) = (Bench::new(), Owner::new(1), Owner::new(2));
    for n in 1..=60 {
        bench.ask(OTHER, put_record(&owner.inline(4 * n, 1)));
        bench.ask(OTHER, put_record(&other.inline(4 * n, 1)));
    }
    (bench, owner)
}

#[test]
fn a_list_gives_every_record_once_in_order_without_bodies_whatever_the_page() {
    let (mut bench, owner) = filled();
    let want: Vec<Record> = (1..=60).map(|n| owner.inline(4 * n, 1).without_body()).collect();
    for rows in [1, 7, 60, 256] {
        let (found, pages) = all(&mut bench, owner.client(), &owner, rows, (0, 255));
        assert_eq!(found, want);
        assert!(pages <= 60 / usize::from(rows) + 1);
    }
}

#[test]
fn a_list_of_some_shards_stays_within_them() {
    let (mut bench, owner) = filled();
    let (found, _) = all(&mut bench, OTHER, &owner, 3, (16, 23));
    let names: Vec<Name> = found.iter().map(|record| record.header().name).collect();
    assert_eq!(names, [name(16), name(20)]);
    assert_code(&bench.ask(OTHER, list(&owner, None, 3, (9, 8))), ErrorCode::Invalid);
    assert_code(&bench.ask(OTHER, list(&owner, None, 0, (0, 8))), ErrorCode::Invalid);
}

#[test]
fn a_client_sees_no_tombstones_and_a_node_sees_them_as_stubs() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    let (file, tombstone) = (owner.inline(1, 1), owner.tombstone(2, 1));
    bench.ask(OTHER, put_record(&file));
    bench.ask(OTHER, put_record(&tombstone));
    assert_eq!(all(&mut bench, owner.client(), &owner, 9, (0, 255)).0, vec![file.without_body()]);
    assert_eq!(all(&mut bench, OTHER, &owner, 9, (0, 255)).0, vec![file.without_body(), tombstone]);
    assert_code(&bench.ask(Owner::new(2).client(), list(&owner, None, 9, (0, 255))), ErrorCode::Forbidden);
}

#[test]
fn a_list_carries_the_floor_and_nothing_below_it() {
    let (mut bench, owner) = (Bench::new(), Owner::new(1));
    bench.settle = None;
    bench.ask(OTHER, put_record(&owner.inline(1, 1)));
    bench.ask(OTHER, put_record(&owner.inline(2, 9)));
    let floor = owner.floor(5, 5);
    bench.ask(OTHER, put_record(&floor));
    match bench.ask(OTHER, list(&owner, None, 9, (0, 255))) {
        Response::Records { records, floor: found, next: None, .. } => {
            assert_eq!((records, found), (vec![owner.inline(2, 9).without_body()], Some(floor)));
        }
        other => panic!("{other:?}"),
    }
}
