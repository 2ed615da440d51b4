//! Nodes that are gone, cut off, restarted, or have dropped what they had.

use super::*;
use quantumsync_core::client::{ClientEvent, GetOptions, StoreOptions};
use quantumsync_core::error::OpError;
use quantumsync_core::sim::{Cut, PeerEvent};

#[test]
fn what_the_entry_node_dropped_comes_back_from_the_replicas() {
    let mut three = Three::new();
    let (large, small) = (content(1, 7_000_000), content(2, 5_000));
    three.store("large", &large);
    three.store("small", &small);
    three.wait(5);
    let Ok(Outcome::Evicted { blobs, bytes }) = three.town.evict(three.client, None) else {
        panic!("the home's own node evicts")
    };
    assert!(blobs > 0 && bytes >= 7_000_000);
    assert_eq!(three.blobs()[0], 0);
    let (read, outcome) = three.town.get(three.client, "large").expect("the replicas have it");
    assert!(read == large);
    let Outcome::Got { sources, .. } = outcome else { panic!("a get ends as got") };
    let own = three.town.node_id(three.nodes[0]);
    assert!(!sources.is_empty() && sources.iter().all(|(node, _)| *node != own), "{sources:?}");
    assert!(three.get("small") == small);
}

#[test]
fn the_only_copy_is_not_dropped() {
    let mut town = Town::new(TownOptions::default());
    let node = town.add_node();
    let vault = town.vault();
    let client = town.add_client(&vault, &[node], true);
    let kept = content(1, 3_000_000);
    town.store(client, "kept", &kept).expect("it is stored");
    assert_eq!(town.evict(client, None).err(), Some(OpError::Refused));
    assert_eq!(town.evict(client, Some("kept")).err(), Some(OpError::Refused));
    assert!(town.get(client, "kept").expect("it is still there").0 == kept);
}

#[test]
fn with_one_node_gone_everything_is_still_acknowledged_and_read() {
    let mut three = Three::new();
    let before = content(1, 3_000_000);
    three.store("before", &before);
    three.town.world.crash(three.nodes[2]);
    let after = content(2, 3_000_000);
    assert_eq!(three.store("after", &after), (2, 2));
    assert!(three.get("before") == before);
    assert!(three.get("after") == after);
    assert_eq!(three.keys(""), ["after", "before"]);
    let outcome = three.town.delete(three.client, "before").expect("the delete succeeds");
    assert!(matches!(outcome, Outcome::Deleted { copies: 2, wanted: 2, .. }), "{outcome:?}");
}

#[test]
fn with_two_nodes_gone_a_store_says_that_it_is_degraded_and_a_fresh_read_refuses() {
    let mut three = Three::new();
    let before = content(1, 1_000_000);
    three.store("before", &before);
    three.town.world.crash(three.nodes[1]);
    three.town.world.crash(three.nodes[2]);
    let after = content(2, 1_000_000);
    assert_eq!(three.store("after", &after), (1, 2));
    let (read, outcome) = three.town.get(three.client, "before").expect("the local copy is there");
    assert!(read == before);
    assert!(matches!(outcome, Outcome::Got { fresh: false, .. }), "{outcome:?}");
    let options = GetOptions { fresh: true, ..GetOptions::default() };
    assert_eq!(three.town.get_with(three.client, "before", options).err(), Some(OpError::NotFresh));
}

#[test]
fn a_client_enters_by_another_node_when_the_first_is_gone() {
    let mut three = Three::new();
    let (vault, nodes) = (three.town.vault(), three.nodes.clone());
    let client = three.town.add_client(&vault, &nodes, false);
    let bytes = content(1, 1_000_000);
    three.town.store(client, "file", &bytes).expect("the store succeeds");
    three.town.world.crash(nodes[0]);
    assert!(three.town.get(client, "file").is_ok_and(|(read, _)| read == bytes));
}

#[test]
fn an_upload_goes_on_by_another_node_soon_after_the_first_falls_silent() {
    let mut three = Three::new();
    let (vault, nodes) = (three.town.vault(), three.nodes.clone());
    let client = three.town.add_client(&vault, &nodes, false);
    let bytes = content(1, 9_000_000);
    let op = three.town.command(client, |client, now| client.store(now, "file", StoreOptions::default()));
    let mut rest = bytes.clone();
    let mut start = None;
    let outcome = loop {
        // A few portions are on their way when the entry node is swallowed.
        if start.is_none() && rest.len() < 6_000_000 {
            nodes.iter().for_each(|other| {
                if *other != nodes[0] {
                    three.town.world.cut(nodes[0], *other, Cut::Silent);
                }
            });
            three.town.world.cut(nodes[0], client, Cut::Silent);
            start = Some(three.town.world.now().mono);
        }
        match three.town.world.next_event(client) {
            Some(PeerEvent::Client(ClientEvent::NeedData { max, .. })) => {
                let portion = rest.split_to(rest.len().min(max));
                let is_last = rest.is_empty();
                three.town.command(client, |client, now| {
                    if !portion.is_empty() {
                        client.provide(now, op, portion).expect("as much as was asked for");
                    }
                    if is_last {
                        client.finish(now, op).expect("a store that runs");
                    }
                });
            }
            Some(PeerEvent::Client(ClientEvent::Done { outcome, .. })) => break outcome,
            Some(PeerEvent::Client(ClientEvent::Failed { error, .. })) => panic!("{error:?}"),
            Some(_) => {}
            None => three.town.world.run_for(Duration::from_millis(1)),
        }
    };
    let took = three.town.world.now().mono - start.expect("it was cut off meanwhile");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(matches!(outcome, Outcome::Stored { copies: 2.., wanted: 2, .. }), "{outcome:?}");
    assert!(three.town.get(client, "file").is_ok_and(|(read, _)| read == bytes));
}

#[test]
fn a_vault_takes_no_version_older_than_one_that_it_has_seen() {
    let mut three = Three::new();
    let (vault, nodes) = (three.town.vault(), three.nodes.clone());
    let client = three.town.add_client(&vault, &nodes, false);
    three.town.store(client, "file", &content(1, 1000)).expect("the store succeeds");
    three.wait(5);
    three.town.world.crash(nodes[1]);
    three.town.world.crash(nodes[2]);
    let newer = three.town.store(client, "file", &content(2, 1000));
    assert!(matches!(newer, Ok(Outcome::Stored { copies: 1, wanted: 2, .. })), "{newer:?}");
    // The only copy of the newer one goes away; the others know the older one alone.
    three.town.world.crash(nodes[0]);
    three.town.restart(nodes[1]);
    three.town.restart(nodes[2]);
    three.wait(20);
    assert_eq!(three.town.get(client, "file").err(), Some(OpError::Rollback));
    three.town.restart(nodes[0]);
    three.wait(30);
    assert!(three.town.get(client, "file").is_ok_and(|(read, _)| read == content(2, 1000)));
}

#[test]
fn of_two_devices_that_store_one_key_at_once_each_ends_whole() {
    let mut three = Three::new();
    let (vault, nodes) = (three.town.vault(), three.nodes.clone());
    let [slow, quick] = [0, 1].map(|node| three.town.add_client(&vault, &nodes[node..=node], false));
    three.town.store(slow, "file", &content(1, 1_000_000)).expect("the store succeeds");
    let op = three.town.command(slow, |client, now| client.store(now, "file", StoreOptions::default()));
    let ours = content(2, 3_000_000);
    let mut rest = ours.clone();
    three.town.world.run_for(Duration::from_secs(1));
    let mut theirs = Some(content(3, 2_000_000));
    let outcome = loop {
        match three.town.world.next_event(slow) {
            Some(PeerEvent::Client(ClientEvent::NeedData { max, .. })) => {
                if let Some(theirs) = theirs.take_if(|_| rest.len() < 2_000_000) {
                    three.town.store(quick, "file", &theirs).expect("the other's store succeeds");
                }
                let portion = rest.split_to(rest.len().min(max));
                let is_last = rest.is_empty();
                three.town.command(slow, |client, now| {
                    if !portion.is_empty() {
                        client.provide(now, op, portion).expect("as much as was asked for");
                    }
                    if is_last {
                        client.finish(now, op).expect("a store that runs");
                    }
                });
            }
            Some(PeerEvent::Client(ClientEvent::Done { op: done, outcome })) if done == op => break outcome,
            Some(PeerEvent::Client(ClientEvent::Failed { error, .. })) => panic!("{error:?}"),
            Some(_) => {}
            None => three.town.world.run_for(Duration::from_millis(1)),
        }
    };
    assert!(theirs.is_none(), "the other device stored in between");
    assert!(matches!(outcome, Outcome::Stored { copies: 2.., wanted: 2, .. }), "{outcome:?}");
    for client in [slow, quick] {
        let (read, _) = three.town.get(client, "file").expect("the newest is whole");
        assert!(read == ours, "what ended last is what is there");
    }
}

#[test]
fn with_every_node_gone_an_operation_says_that_none_can_be_reached() {
    let mut three = Three::new();
    three.nodes.clone().into_iter().for_each(|node| three.town.world.crash(node));
    assert_eq!(three.town.get(three.client, "file").err(), Some(OpError::Unreachable));
}

#[test]
fn a_node_that_was_restarted_serves_what_it_had() {
    let mut three = Three::new();
    let (large, small) = (content(1, 5_000_000), content(2, 500));
    three.store("large", &large);
    three.store("small", &small);
    three.wait(5);
    let blobs = three.blobs();
    three.nodes.clone().into_iter().for_each(|node| three.town.restart(node));
    let nodes = three.nodes.clone();
    assert!(three.town.settle(&nodes, Duration::from_secs(120)), "they find each other again");
    assert_eq!(three.blobs(), blobs);
    assert!(three.get("large") == large);
    assert!(three.get("small") == small);
    assert_eq!(three.store("new", &content(3, 100)).1, 2);
}

#[test]
fn a_crash_in_the_middle_of_a_store_loses_nothing_that_was_acknowledged() {
    for moment_ms in [1, 3, 10, 30, 100] {
        let mut three = Three::new();
        for node in three.nodes.clone() {
            let disk = three.town.world.disk_mut(node);
            disk.set_delay(Duration::from_millis(1), Duration::from_millis(20));
        }
        let acknowledged = content(1, 2_000_000);
        three.store("acknowledged", &acknowledged);
        let client = three.client;
        let op = three.town.command(client, |client, now| client.store(now, "cut off", Default::default()));
        let mut rest = content(2, 8_000_000);
        three.town.world.run_for(Duration::from_millis(moment_ms));
        three.town.command(client, |client, now| {
            // As much as it takes before it was asked: the first window at most.
            let _ = client.provide(now, op, rest.split_to(1 << 20));
        });
        three.town.world.run_for(Duration::from_millis(moment_ms));
        let entry = three.nodes[0];
        three.town.restart(entry);
        three.town.command(client, |client, now| client.cancel(now, op));
        let nodes = three.nodes.clone();
        assert!(three.town.settle(&nodes[..1], Duration::from_secs(60)));
        three.wait(30);
        assert!(three.get("acknowledged") == acknowledged, "after {moment_ms} ms");
    }
}

#[test]
fn a_silent_node_holds_up_nothing_for_longer_than_its_deadline() {
    let mut three = Three::new();
    let bytes = content(1, 3_000_000);
    three.store("file", &bytes);
    let (a, b, c) = (three.nodes[0], three.nodes[1], three.nodes[2]);
    three.town.world.cut(a, b, Cut::Silent);
    let start = three.town.world.now().mono;
    let (copies, wanted) = three.store("other", &content(2, 100_000));
    assert!(copies >= wanted, "two of three answer");
    assert!(three.get("file") == bytes);
    let took = three.town.world.now().mono - start;
    assert!(took < Duration::from_secs(60), "{took:?}");
    three.town.world.heal(a, b);
    assert!(three.town.world.is_up(c));
    three.wait(120);
    assert!(three.get("other") == content(2, 100_000));
}

#[test]
fn a_node_that_was_cut_off_is_found_again() {
    let mut three = Three::new();
    let (a, b) = (three.nodes[0], three.nodes[1]);
    three.town.world.cut(a, b, Cut::Reset);
    three.wait(20);
    three.town.world.heal(a, b);
    assert!(three.town.settle(&[a, b], Duration::from_secs(60)));
    three.store("file", &content(1, 1_000_000));
    three.wait(5);
    assert!(three.blobs().iter().all(|blobs| *blobs > 0), "each of the three gets its copy again");
}

#[test]
fn a_home_that_only_finds_other_peoples_nodes_is_told_and_does_not_try_for_ever() {
    let mut three = Three::new();
    let (vault, nodes) = (three.town.vault(), three.nodes.clone());
    // The control key is the first node's: the others refuse it.
    let client = three.town.add_client(&vault, &nodes, true);
    three.town.world.crash(nodes[0]);
    assert!(three.town.get(client, "file").is_err());
}
