//! Store, get, delete, clear, list: with everybody there.

use super::*;
use quantumsync_core::client::{GetOptions, StoreOptions};
use quantumsync_core::error::OpError;

const SIZES: [usize; 7] = [0, 1, 16 * 1024, 16 * 1024 + 1, 1 << 20, (4 << 20) - 64, 9_000_001];

#[test]
fn files_of_every_size_come_back_as_they_were() {
    let mut three = Three::new();
    for (number, size) in SIZES.into_iter().enumerate() {
        let (key, bytes) = (format!("file {number}"), content(number as u64, size));
        let (copies, wanted) = three.store(&key, &bytes);
        assert!(copies >= wanted && wanted == 2, "{copies} of {wanted}");
        assert!(three.get(&key) == bytes, "{size} bytes");
    }
}

#[test]
fn a_newer_version_replaces_the_older_one() {
    let mut three = Three::new();
    let (old, new) = (content(1, 3_000_000), content(2, 2_000_000));
    three.store("file", &old);
    three.store("file", &new);
    assert!(three.get("file") == new);
    assert_eq!(three.keys(""), ["file"]);
    three.wait(60);
    // Nothing of the old one is left: what is there belongs to the new one.
    let before = three.blobs();
    three.town.delete(three.client, "file").expect("the delete succeeds");
    three.wait(60);
    assert_eq!(three.blobs(), [0, 0, 0], "{before:?} before");
}

#[test]
fn a_range_of_a_file_is_what_a_slice_of_it_would_be() {
    let mut three = Three::new();
    let bytes = content(1, 5_000_000);
    three.store("file", &bytes);
    for (first, last) in [(0, Some(0)), (4_999_999, None), (1_000_000, Some(3_999_999)), (17, None)] {
        let options = GetOptions { range: Some((first, last)), ..GetOptions::default() };
        let (part, _) = three.town.get_with(three.client, "file", options).expect("the range is inside");
        let end = last.map_or(bytes.len(), |last| last as usize + 1);
        assert!(part == bytes[first as usize..end], "{first} to {last:?}");
    }
    let options = GetOptions { range: Some((5_000_000, None)), ..GetOptions::default() };
    let error = three.town.get_with(three.client, "file", options).err();
    assert_eq!(error, Some(OpError::BadRange));
}

#[test]
fn a_list_names_what_is_there_and_nothing_else() {
    let mut three = Three::new();
    for number in 0..40 {
        three.store(&format!("folder/{number:02}"), &content(number, 100));
    }
    three.store("other", &content(99, 100));
    three.town.delete(three.client, "folder/07").expect("the delete succeeds");
    assert_eq!(three.keys("folder/").len(), 39);
    assert_eq!(three.keys("folder/0").len(), 9);
    assert_eq!(three.keys("").len(), 40);
    assert_eq!(three.keys("nothing"), [""; 0]);
}

#[test]
fn what_is_deleted_is_not_found_and_can_be_stored_again() {
    let mut three = Three::new();
    let bytes = content(1, 2_000_000);
    three.store("file", &bytes);
    let outcome = three.town.delete(three.client, "file").expect("the delete succeeds");
    assert!(matches!(outcome, Outcome::Deleted { copies: 2.., wanted: 2, .. }), "{outcome:?}");
    assert_eq!(three.town.get(three.client, "file").err(), Some(OpError::NotFound));
    three.store("file", &bytes);
    assert!(three.get("file") == bytes);
}

#[test]
fn what_never_was_is_not_found() {
    let mut three = Three::new();
    assert_eq!(three.town.get(three.client, "nothing").err(), Some(OpError::NotFound));
}

#[test]
fn a_clear_leaves_nothing_of_its_vault_and_everything_of_others() {
    let mut three = Three::new();
    let other_vault = three.town.vault();
    let other = three.town.add_client(&other_vault, &three.nodes.clone(), false);
    let bytes = content(1, 1_500_000);
    three.store("file", &bytes);
    three.store("small", &content(2, 100));
    three.town.store(other, "file", &bytes).expect("the other vault stores, too");
    three.town.clear(three.client).expect("the clear succeeds");
    assert_eq!(three.keys(""), [""; 0]);
    assert_eq!(three.town.get(three.client, "file").err(), Some(OpError::NotFound));
    assert!(three.town.get(other, "file").is_ok_and(|(read, _)| read == bytes));
    three.store("after", &content(3, 100));
    assert_eq!(three.keys(""), ["after"]);
}

#[test]
fn deleted_blobs_and_pins_vanish_from_every_node_after_the_linger() {
    let mut three = Three::new();
    let rows_before: Vec<usize> =
        three.nodes.iter().map(|node| three.town.world.disk(*node).rows().len()).collect();
    three.store("file", &content(1, 6_000_000));
    assert!(three.blobs().iter().all(|blobs| *blobs > 0));
    let rows_with: Vec<usize> =
        three.nodes.iter().map(|node| three.town.world.disk(*node).rows().len()).collect();
    three.town.delete(three.client, "file").expect("the delete succeeds");
    three.wait(60);
    assert_eq!(three.blobs(), [0, 0, 0]);
    for (number, node) in three.nodes.iter().enumerate() {
        let rows = three.town.world.disk(*node).rows();
        // The tombstone stays, and what finds it again.
        assert!(rows.len() < rows_with[number] && rows.len() <= rows_before[number] + 3, "{}", rows.len());
    }
    let status = three.town.status(three.client).expect("a status is always given");
    assert_eq!((status.blobs, status.records, status.tombstones), (0, 0, 1));
}

#[test]
fn a_file_with_an_end_is_gone_after_it() {
    let mut three = Three::new();
    let options = StoreOptions { ttl_ms: Some(3_600_000), ..StoreOptions::default() };
    three.town.store_with(three.client, "file", &content(1, 2_000_000), options).expect("the store succeeds");
    three.wait(3_000);
    assert_eq!(three.get("file").len(), 2_000_000);
    three.wait(700);
    assert_eq!(three.town.get(three.client, "file").err(), Some(OpError::NotFound));
    three.wait(7_200);
    assert_eq!(three.blobs(), [0, 0, 0]);
}

#[test]
fn two_devices_of_a_vault_see_each_others_files() {
    let mut three = Three::new();
    let vault = three.town.vault();
    let nodes = three.nodes.clone();
    let first = three.town.add_client(&vault, &nodes[1..2], false);
    let second = three.town.add_client(&vault, &nodes[2..3], false);
    three.town.store(first, "file", &content(1, 100_000)).expect("the first stores");
    assert!(three.town.get(second, "file").is_ok_and(|(read, _)| read == content(1, 100_000)));
    three.town.store(second, "file", &content(2, 200_000)).expect("the second replaces");
    assert!(three.town.get(first, "file").is_ok_and(|(read, _)| read == content(2, 200_000)));
}

#[test]
fn equal_content_is_sent_once() {
    let mut three = Three::new();
    let bytes = content(1, 8_000_000);
    three.store("first", &bytes);
    let Ok(Outcome::Stored { sent_bytes, .. }) = three.town.store(three.client, "second", &bytes) else {
        panic!("the second store succeeds")
    };
    assert_eq!(sent_bytes, 0);
    three.town.delete(three.client, "first").expect("the delete succeeds");
    three.wait(60);
    assert!(three.get("second") == bytes, "deleting one key leaves what another needs");
}
