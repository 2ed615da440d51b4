//! Commands and the driver's contract: bounds, cancelling, misuse, what needs no vault.

use super::*;
use crate::crypto::SealedPiece;
use crate::error::ApiMisuse;
use crate::id::{BlobId, Ticket};
use crate::job::JobResult;

#[test]
fn one_operation_too_many_ends_in_busy() {
    let mut world = World::with(Suite::Sim, Config { max_operations: 2, ..Config::default() });
    let first = world.client.store(world.now, "a", StoreOptions::default());
    let second = world.client.store(world.now, "b", StoreOptions::default());
    let third = world.client.store(world.now, "c", StoreOptions::default());
    assert_eq!(world.end_of(third), Err(OpError::Busy));
    world.client.cancel(world.now, first);
    assert_eq!(world.end_of(first), Err(OpError::Cancelled));
    world.store("c", "content").unwrap();
    world.client.finish(world.now, second).unwrap();
    world.end_of(second).unwrap();
}

#[test]
fn a_cancelled_store_leaves_nothing_running() {
    let mut world = World::new();
    let op = world.client.store(world.now, "a", StoreOptions::default());
    world.run();
    world.client.provide(world.now, op, noise(world.asked[&op], 1).into()).unwrap();
    world.client.cancel(world.now, op);
    world.client.cancel(world.now, op);
    assert_eq!(world.end_of(op), Err(OpError::Cancelled));
    assert_eq!(world.client.finish(world.now, op), Err(ApiMisuse::UnknownOp(op)));
    assert_eq!(world.get("a"), Err(OpError::NotFound));
}

#[test]
fn a_closed_client_ends_everything_and_dials_no_more() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    let op = world.client.store(world.now, "b", StoreOptions::default());
    world.client.close(world.now);
    assert_eq!(world.end_of(op), Err(OpError::Cancelled));
    assert!(world.conn.is_none());
    assert_eq!(world.get("a"), Err(OpError::Cancelled));
    assert_eq!(world.client.poll_timeout(), None);
}

#[test]
fn a_client_at_rest_has_no_deadline_of_its_own_and_keeps_its_link() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    world.pass(Duration::from_secs(3600));
    assert!(world.conn.is_some());
    world.cut();
    world.pass(Duration::from_secs(3600));
    assert!(world.conn.is_none(), "and does not dial for nobody");
    assert_eq!(world.get("a").unwrap(), b"content");
}

#[test]
fn without_a_vault_there_is_a_status_but_no_files() {
    let entry = Entry::new(Suite::Sim);
    let node = entry.node();
    let mut setup = World::setup(Suite::Sim, Config::default(), 7, 1, &entry);
    setup.vault = None;
    let mut world = World::from_setup(setup, entry);
    assert_eq!(world.get("a"), Err(OpError::Forbidden));
    assert_eq!(world.store("a", "x"), Err(OpError::Forbidden));
    assert_eq!(world.list("").map(drop), Err(OpError::Forbidden));
    assert_eq!(world.clear(), Err(OpError::Forbidden));
    let op = world.client.evict(world.now, None);
    assert_eq!(world.end_of(op), Err(OpError::Forbidden));
    let op = world.client.status(world.now);
    let status = world.end_of(op).unwrap();
    assert!(matches!(status, Outcome::Status(status) if status.node == node));
}

#[test]
fn an_evict_names_one_file_or_all() {
    let mut world = World::new();
    for key in [None, Some("a")] {
        let op = world.client.evict(world.now, key);
        assert_eq!(world.end_of(op), Ok(Outcome::Evicted { blobs: 3, bytes: 30 }));
        let name = key.map(|key| vault(Suite::Sim, 7).keys().name(0, key));
        let expected = Request::Evict { owner: world.owner(), name };
        assert_eq!(world.entry.log.last(), Some(&expected));
    }
}

#[test]
fn what_the_entry_node_does_not_do_for_us_is_named() {
    let mut world = World::new();
    let op = world.client.invite(world.now, true);
    assert_eq!(world.end_of(op), Err(OpError::Unknown(1)));
}

#[test]
fn answers_to_no_request_are_misuse() {
    let mut world = World::new();
    let ticket = Ticket(u64::MAX);
    let unknown = Err(ApiMisuse::UnknownTicket(ticket));
    let now = world.now;
    assert_eq!(world.client.handle_input(now, Input::Disk { ticket, result: Ok(DiskReply::Done) }), unknown);
    let result = JobResult::Hashed(BlobId([0; 32]));
    assert_eq!(world.client.handle_input(now, Input::Job { ticket, result }), unknown);
    let conn = ConnId::dialled(77);
    let unknown = Err(ApiMisuse::UnknownConn(conn));
    assert_eq!(world.client.handle_input(now, Input::Disconnected { conn }), unknown);
    assert_eq!(world.client.handle_input(now, Input::DialFailed { conn }), unknown);
    assert_eq!(world.client.handle_input(now, Input::Received { conn, bytes: Bytes::new() }), unknown);
    assert_eq!(world.client.handle_input(now, Input::Sent { conn, bytes: 1 }), unknown);
    let remote = address(1);
    assert_eq!(world.client.handle_input(now, Input::Connected { conn, remote, entropy: [0; 32] }), unknown);
}

#[test]
fn results_of_another_kind_are_misuse_and_have_no_effect() {
    let mut world = World::new();
    let op = world.begin_store("a", noise(100_000, 1), StoreOptions::default());
    while let Some(output) = world.client.poll_output() {
        match output {
            Output::Disk { ticket, .. } => {
                let wrong = Input::Disk { ticket, result: Ok(DiskReply::Done) };
                assert_eq!(world.client.handle_input(world.now, wrong), Err(ApiMisuse::WrongResult(ticket)));
                let result = Ok(DiskReply::Values(vec![None, None]));
                world.input(Input::Disk { ticket, result });
            }
            Output::Job { ticket, job } => {
                let wrong = Input::Job { ticket, result: JobResult::Verified(Vec::new()) };
                assert_eq!(world.client.handle_input(world.now, wrong), Err(ApiMisuse::WrongResult(ticket)));
                let result = job.run();
                assert!(matches!(&result, JobResult::Sealed(SealedPiece { .. })));
                world.input(Input::Job { ticket, result });
            }
            other => world.perform(other),
        }
    }
    world.end_of(op).unwrap();
}
