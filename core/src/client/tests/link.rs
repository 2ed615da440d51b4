//! Links that do not come, break, or fall silent.

use super::entry::refusal;
use super::*;
use crate::wire::ErrorCode;

#[test]
fn an_upload_goes_on_after_its_link_broke() {
    let mut world = World::new();
    let content = noise(12 << 20, 1);
    let mut puts = 0;
    world.intercept(move |entry, request| {
        if matches!(request, Request::PutBlob { .. }) {
            puts += 1;
            if puts == 4 {
                entry.hangs_up = true;
                return Some(Vec::new());
            }
        }
        None
    });
    let op = world.begin_store("a", content.clone(), StoreOptions::default());
    world.run();
    assert!(world.conn.is_none());
    world.entry.hangs_up = false;
    world.end_of(op).unwrap();
    assert_eq!(world.faults(), [], "a link that breaks is nobody's fault");
    let connected = world.events.iter().filter(|e| matches!(e, ClientEvent::Connected { .. })).count();
    assert_eq!(connected, 2);
    assert!(world.get("a").unwrap() == content);
}

#[test]
fn every_request_survives_a_broken_link() {
    let mut world = World::new();
    let content = noise(2 << 20, 1);
    // Each request is lost with its link once, then answered.
    let mut lost = Vec::new();
    world.intercept(move |entry, request| {
        if lost.contains(request) {
            return None;
        }
        lost.push(request.clone());
        entry.fault = Some(PeerFault::Silent);
        Some(Vec::new())
    });
    world.store("a", content.clone()).unwrap();
    assert!(world.get("a").unwrap() == content);
    assert_eq!(keys(&world.list("").unwrap().0), ["a"]);
    world.delete("a").unwrap();
    world.clear().unwrap();
}

#[test]
fn nobody_there_is_unreachable_at_once() {
    let mut world = World::new();
    world.listens.clear();
    assert_eq!(world.get("a"), Err(OpError::Unreachable));
    assert_eq!(world.now, START, "without waiting");
    world.listens.push(1);
    assert_eq!(world.get("a"), Err(OpError::NotFound), "the next operation tries again");
}

#[test]
fn the_next_address_is_tried_when_one_does_not_answer() {
    let entry = Entry::new(Suite::Sim);
    let node = entry.node();
    let mut setup = World::setup(Suite::Sim, Config::default(), 7, 1, &entry);
    setup.entry = vec![(None, address(9)), (Some(node), address(2))];
    let mut world = World::from_setup(setup, entry);
    world.store("a", "content").unwrap();
    let connected = ClientEvent::Connected { node, addr: address(2) };
    assert!(world.events.contains(&connected), "{:?}", world.events);
}

#[test]
fn a_client_without_any_address_is_unreachable() {
    let entry = Entry::new(Suite::Sim);
    let mut setup = World::setup(Suite::Sim, Config::default(), 7, 1, &entry);
    setup.entry.clear();
    assert_eq!(World::from_setup(setup, entry).get("a"), Err(OpError::Unreachable));
}

#[test]
fn another_network_shows_by_its_silence_after_our_first_message() {
    for suite in [Suite::Real, Suite::Sim] {
        let entry = Entry::with_psk(suite, [0x66; 32]);
        let setup = World::setup(suite, Config::default(), 7, 1, &entry);
        let mut world = World::from_setup(setup, entry);
        assert_eq!(world.get("a"), Err(OpError::WrongNetwork));
    }
}

#[test]
fn another_node_than_the_one_named_is_a_fault() {
    let entry = Entry::new(Suite::Sim);
    let mut setup = World::setup(Suite::Sim, Config::default(), 7, 1, &entry);
    setup.entry = vec![(Some(crate::id::NodeId([1; 32])), address(1))];
    let mut world = World::from_setup(setup, entry);
    assert_eq!(world.get("a"), Err(OpError::Peer(PeerFault::WrongNode)));
}

#[test]
fn a_listener_that_never_speaks_is_unreachable() {
    let mut world = World::new();
    world.is_deaf = true;
    assert_eq!(world.get("a"), Err(OpError::Unreachable));
    assert!(world.now.mono - START.mono <= Config::default().handshake_deadline + Duration::from_secs(1));
}

#[test]
fn every_operation_ends_when_the_entry_node_falls_silent() {
    let mut world = World::new();
    world.store("a", noise(3 << 20, 1)).unwrap();
    world.entry.is_mute = true;
    let ops = [
        world.begin_store("b", noise(10 << 20, 2), StoreOptions::default()),
        world.begin_store("c", "small", StoreOptions::default()),
        world.client.get(world.now, "a", GetOptions::default()),
        world.client.delete(world.now, "a"),
        world.client.list(world.now, ""),
        world.client.clear(world.now),
        world.client.evict(world.now, Some("a")),
        world.client.status(world.now),
        world.client.peers(world.now),
        world.client.verify(world.now),
        world.client.invite(world.now, false),
    ];
    for op in ops {
        let end = world.end_of(op).unwrap_err();
        assert!(matches!(end, OpError::Peer(PeerFault::Silent) | OpError::Deadline), "{end:?}");
    }
    let longest = Config::default().bulk_deadline + 2 * Config::default().request_deadline;
    assert!(world.now.mono - START.mono <= longest, "{:?}", world.now.mono - START.mono);
}

#[test]
fn operations_end_while_the_node_that_they_knew_stays_away() {
    let mut world = World::new();
    world.store("a", noise(3 << 20, 1)).unwrap();
    world.entry.is_mute = true;
    let op = world.client.get(world.now, "a", GetOptions::default());
    world.run();
    world.listens.clear();
    world.cut();
    assert_eq!(world.end_of(op), Err(OpError::Unreachable));
    let waited = world.now.mono - START.mono;
    assert!(waited >= Duration::from_secs(60), "a node that restarts is waited for: {waited:?}");
}

#[test]
fn what_begins_while_the_node_restarts_waits_for_it() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    world.listens.clear();
    world.cut();
    let op = world.client.get(world.now, "a", GetOptions::default());
    world.pass(Duration::from_secs(2));
    world.listens.push(1);
    world.end_of(op).unwrap();

    world.listens.clear();
    world.cut();
    world.pass(Duration::from_secs(20));
    assert_eq!(world.get("a"), Err(OpError::Unreachable), "who has been away for long is not waited for");
}

#[test]
fn a_busy_peer_is_asked_again() {
    let mut world = World::new();
    let mut refusals = 3;
    world.intercept(move |_, _| {
        refusals = i32::max(refusals - 1, 0);
        (refusals > 0).then(|| vec![refusal(ErrorCode::Busy, None)])
    });
    world.store("a", "content").unwrap();
    world.intercept(|_, _| Some(vec![refusal(ErrorCode::Busy, None)]));
    assert_eq!(world.get("a"), Err(OpError::Deadline), "but not for ever");
}

#[test]
fn no_more_requests_are_open_than_the_peer_bears() {
    let mut world = World::new();
    world.entry.config.max_requests = 2;
    let ops: Vec<OpId> = (0..50)
        .map(|n| world.begin_store(&n.to_string(), noise(30_000, n), StoreOptions::default()))
        .collect();
    for op in ops {
        world.end_of(op).unwrap();
    }
    assert_eq!(world.faults(), []);
}

#[test]
fn a_late_answer_to_a_cancelled_operation_is_no_fault() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    world.entry.is_mute = true;
    let op = world.client.get(world.now, "a", GetOptions::default());
    world.run();
    world.client.cancel(world.now, op);
    world.entry.is_mute = false;
    assert_eq!(world.end_of(op), Err(OpError::Cancelled));
    assert_eq!(world.get("a").unwrap(), b"content");
    assert_eq!(world.faults(), []);
}

#[test]
fn a_silent_entry_node_is_asked_whether_it_lives_and_waited_for_while_it_does() {
    let mut world = World::new();
    world.intercept(|entry, request| {
        entry.held = Some(entry.answer(request));
        Some(Vec::new())
    });
    let op = world.client.get(world.now, "a", GetOptions::default());
    for _ in 0..45 {
        world.pass(Duration::from_secs(1));
    }
    assert!(Duration::from_secs(45) > Config::default().idle_close);
    assert_eq!(world.faults(), []);
    world.entry.let_go();
    assert_eq!(world.end_of(op), Err(OpError::NotFound));
}

#[test]
fn a_dead_entry_node_is_left_for_the_next_one_as_soon_as_it_is_suspect() {
    let entry = Entry::new(Suite::Sim);
    let node = entry.node();
    let mut setup = World::setup(Suite::Sim, Config::default(), 7, 1, &entry);
    setup.entry = vec![(Some(node), address(1)), (Some(node), address(2))];
    let mut world = World::from_setup(setup, entry);
    world.store("a", "content").unwrap();
    world.entry.is_mute = true;
    let op = world.client.get(world.now, "a", GetOptions::default());
    let moved_on = ClientEvent::Connected { node, addr: address(2) };
    let config = Config::default();
    let start = world.now.mono;
    while !world.events.contains(&moved_on) {
        world.pass(Duration::from_millis(100));
        let waited = world.now.mono - start;
        assert!(waited <= config.heartbeat + config.suspect_after + Duration::from_secs(1), "{waited:?}");
    }
    world.entry.is_mute = false;
    assert!(world.end_of(op).is_ok());
}

#[test]
fn nothing_given_and_nothing_taken_puts_no_deadline_off() {
    let mut world = World::new();
    world.store("a", noise(3 << 20, 1)).unwrap();
    // The entry node lives, and never answers.
    world.intercept(|_, _| Some(Vec::new()));
    let get = world.client.get(world.now, "a", GetOptions::default());
    let store = world.client.store(world.now, "b", StoreOptions::default());
    world.run();
    while let Some(max) = world.asked.remove(&store) {
        world.client.provide(world.now, store, noise(max, 2).into()).unwrap();
        world.run();
    }
    for _ in 0..800 {
        world.pass(Duration::from_secs(1));
        // Refused once they have ended.
        let _ = world.client.consumed(world.now, get, 0);
        let _ = world.client.provide(world.now, store, Bytes::new());
        world.run();
    }
    for op in [get, store] {
        let late = ClientEvent::Failed { op, error: OpError::Deadline };
        assert!(world.events.contains(&late), "{:?}", world.events);
    }
}

/// The next link breaks as soon as the client has sent its first message.
fn cut_after_the_first_message(world: &mut World) {
    while let Some(output) = world.client.poll_output() {
        world.perform(output);
    }
    assert!(world.conn.is_some(), "it dials");
    world.cut();
}

#[test]
fn a_link_that_breaks_after_our_first_message_is_not_another_network() {
    let mut world = World::new();
    let op = world.client.get(world.now, "a", GetOptions::default());
    cut_after_the_first_message(&mut world);
    cut_after_the_first_message(&mut world);
    assert_eq!(world.end_of(op), Err(OpError::NotFound), "a link that stands says what is so");
}

#[test]
fn a_node_that_takes_no_link_now_is_not_another_network() {
    let mut world = World::new();
    world.entry.takes_none = true;
    assert_eq!(world.get("a"), Err(OpError::Unreachable));
}
