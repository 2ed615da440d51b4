//! Disks that fail, fill up and rot: a typed error, or a copy from elsewhere, and never a wrong byte.

use super::*;
use quantumsync_core::error::{DiskError, OpError};
use quantumsync_core::node::NodeEvent;
use quantumsync_core::sim::{PeerEvent, RequestKind};

#[test]
fn a_slow_disk_that_answers_in_another_order_changes_nothing() {
    let mut three = Three::new();
    for node in three.nodes.clone() {
        three.town.world.disk_mut(node).set_delay(Duration::ZERO, Duration::from_millis(40));
    }
    for number in 0..5 {
        let bytes = content(number, 1_700_000);
        three.store(&format!("{number}"), &bytes);
        assert!(three.get(&format!("{number}")) == bytes);
    }
    for number in 0..5 {
        three.town.delete(three.client, &format!("{number}")).expect("the delete succeeds");
    }
    three.wait(120);
    assert_eq!(three.blobs(), [0, 0, 0]);
}

#[test]
fn full_disks_everywhere_are_told_as_such() {
    let mut three = Three::new();
    three.store("before", &content(1, 100_000));
    for node in three.nodes.clone() {
        let disk = three.town.world.disk_mut(node);
        disk.set_capacity(disk.used() + 100_000);
    }
    let result = three.town.store(three.client, "too large", &content(2, 5_000_000));
    assert_eq!(result.err(), Some(OpError::NoSpace));
    assert_eq!(three.get("before").len(), 100_000);
}

#[test]
fn one_full_disk_is_made_up_for_by_the_others() {
    let mut three = Three::new();
    let full = three.nodes[2];
    let disk = three.town.world.disk_mut(full);
    disk.set_capacity(disk.used() + 10_000);
    let bytes = content(1, 3_000_000);
    assert_eq!(three.store("file", &bytes), (2, 2));
    assert!(three.get("file") == bytes);
}

#[test]
fn a_rotten_copy_is_not_given_to_anybody() {
    let mut three = Three::new();
    let bytes = content(1, 3_000_000);
    three.store("file", &bytes);
    three.wait(5);
    let entry = three.nodes[0];
    let ids: Vec<_> = three.town.world.disk(entry).blobs().keys().copied().collect();
    for id in &ids {
        assert!(three.town.world.disk_mut(entry).rot(id));
    }
    assert!(three.get("file") == bytes, "the others have it whole");
}

#[test]
fn rot_on_every_disk_is_told_and_not_delivered() {
    let mut three = Three::new();
    let bytes = content(1, 300_000);
    three.store("file", &bytes);
    three.wait(5);
    for node in three.nodes.clone() {
        let ids: Vec<_> = three.town.world.disk(node).blobs().keys().copied().collect();
        for id in ids {
            three.town.world.disk_mut(node).rot(&id);
        }
    }
    let error = three.town.get(three.client, "file").err();
    assert!(matches!(error, Some(OpError::Damaged | OpError::Missing)), "{error:?}");
}

#[test]
fn a_read_that_fails_once_is_answered_by_another_node() {
    let mut three = Three::new();
    let bytes = content(1, 2_000_000);
    three.store("file", &bytes);
    let entry = three.nodes[0];
    for error in [DiskError::Io, DiskError::Corrupt] {
        three.town.world.disk_mut(entry).fail_next(RequestKind::ReadBlob, error);
        assert!(three.get("file") == bytes, "{error}");
    }
}

#[test]
fn a_disk_that_fails_for_good_stops_its_node_and_no_other() {
    let mut three = Three::new();
    let bytes = content(1, 1_000_000);
    three.store("file", &bytes);
    let broken = three.nodes[2];
    while three.town.world.next_event(broken).is_some() {}
    three.town.world.disk_mut(broken).set_failing(Some(DiskError::Fatal));
    three.store("next", &content(2, 1_000_000));
    three.wait(60);
    let told: Vec<_> = std::iter::from_fn(|| three.town.world.next_event(broken)).collect();
    assert!(told.contains(&PeerEvent::Node(NodeEvent::Fatal(DiskError::Fatal))), "{told:?}");
    assert_eq!(told.last(), Some(&PeerEvent::Node(NodeEvent::Stopped)));
    assert!(three.get("file") == bytes);
}
