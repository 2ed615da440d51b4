//! Files come back as they went in.

use super::*;
use crate::config::limit;
use crate::error::ApiMisuse;

#[test]
fn a_file_comes_back_under_the_real_suite() {
    let mut world = World::with(Suite::Real, Config::default());
    let content = noise(3 << 20, 1);
    let stored = world.store("photo.jpg", content.clone()).unwrap();
    let Outcome::Stored { size, copies, wanted, sent_bytes, .. } = stored else { panic!("{stored:?}") };
    assert_eq!((size, copies, wanted), (3 << 20, 2, 2));
    assert!(sent_bytes >= size);
    assert!(world.get("photo.jpg").unwrap() == content);
}

#[test]
fn files_of_every_size_come_back() {
    let mut world = World::new();
    for len in [0, 1, limit::INLINE, limit::INLINE + 1, 256 << 10, (4 << 20) + 17] {
        let content = noise(len, 2);
        world.store("file", content.clone()).unwrap();
        assert!(world.get("file").unwrap() == content, "{len}");
    }
}

#[test]
fn a_small_file_is_one_record_and_no_blob() {
    let mut world = World::new();
    let stored = world.store("note", "a few words").unwrap();
    assert!(matches!(stored, Outcome::Stored { sent_bytes: 0, size: 11, .. }), "{stored:?}");
    assert_eq!(world.entry.log.len(), 1);
    assert_eq!(world.get("note").unwrap(), b"a few words");
}

#[test]
fn a_get_tells_what_it_found_and_who_gave_it() {
    let mut world = World::new();
    let options = StoreOptions { ttl_ms: Some(1000), modified_ms: Some(42) };
    let op = world.begin_store("a", noise(100_000, 3), options);
    world.end_of(op).unwrap();
    let (_, outcome) = world.get_with("a", GetOptions::default()).unwrap();
    let node = world.entry.node();
    let Outcome::Got { size: 100_000, fresh: true, sources } = outcome else { panic!("{outcome:?}") };
    assert!(matches!(sources[..], [(source, bytes)] if source == node && bytes >= 100_000));
    let found = world.events.iter().find_map(|event| match event {
        ClientEvent::Found { meta, .. } => Some(meta.clone()),
        _ => None,
    });
    let found = found.unwrap();
    assert_eq!((found.key.as_str(), found.size, found.modified_ms), ("a", 100_000, 42));
    assert_eq!(found.expires, START.unix_ms + 1000);
}

#[test]
fn a_range_is_what_http_would_give() {
    let mut world = World::new();
    let content = noise(5 << 20, 4);
    world.store("large", content.clone()).unwrap();
    world.store("small", &b"0123456789"[..]).unwrap();
    let range = |world: &mut World, key: &str, range| {
        world.get_with(key, GetOptions { range: Some(range), fresh: false }).map(|(bytes, _)| bytes)
    };
    assert_eq!(range(&mut world, "small", (2, Some(4))).unwrap(), b"234");
    assert_eq!(range(&mut world, "small", (7, None)).unwrap(), b"789");
    assert_eq!(range(&mut world, "small", (0, Some(999))).unwrap(), b"0123456789");
    assert_eq!(range(&mut world, "small", (10, None)), Err(OpError::BadRange));
    assert_eq!(range(&mut world, "small", (3, Some(2))), Err(OpError::BadRange));
    let part = range(&mut world, "large", (3_000_000, Some(3_000_999))).unwrap();
    assert!(part == content[3_000_000..3_001_000]);
    assert_eq!(range(&mut world, "large", (5 << 20, None)), Err(OpError::BadRange));
}

#[test]
fn content_that_is_there_already_is_not_sent_again() {
    let mut world = World::new();
    let content = noise(2 << 20, 5);
    world.store("first", content.clone()).unwrap();
    let sent = world.entry.blob_bytes_sent();
    let stored = world.store("second", content.clone()).unwrap();
    assert!(matches!(stored, Outcome::Stored { sent_bytes: 0, copies: 2, .. }), "{stored:?}");
    assert_eq!(world.entry.blob_bytes_sent(), sent);
    assert!(world.get("second").unwrap() == content);
}

#[test]
fn equal_pieces_of_one_file_are_sent_once() {
    let mut world = World::new();
    let content = vec![0; 20 << 20];
    world.store("zeros", content.clone()).unwrap();
    assert!(world.entry.blob_bytes_sent() < 10 << 20, "{}", world.entry.blob_bytes_sent());
    assert!(world.get("zeros").unwrap() == content);
}

#[test]
fn what_is_deleted_is_not_found() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    assert!(matches!(world.delete("a"), Ok(Outcome::Deleted { copies: 2, wanted: 2, .. })));
    assert_eq!(world.get("a"), Err(OpError::NotFound));
    assert_eq!(world.delete("a"), Err(OpError::NotFound));
    assert_eq!(world.delete("never"), Err(OpError::NotFound));
    world.store("a", "again").unwrap();
    assert_eq!(world.get("a").unwrap(), b"again");
}

#[test]
fn an_expired_file_is_not_found() {
    let mut world = World::new();
    let op = world.begin_store("a", "soon gone", StoreOptions { ttl_ms: Some(5000), modified_ms: None });
    world.end_of(op).unwrap();
    assert_eq!(world.get("a").unwrap(), b"soon gone");
    world.pass(Duration::from_secs(5));
    assert_eq!(world.get("a"), Err(OpError::NotFound));
    assert_eq!(world.list("").unwrap().0, []);
    assert_eq!(world.delete("a"), Err(OpError::NotFound));
}

#[test]
fn a_list_shows_what_begins_with_the_prefix_page_by_page() {
    let mut world = World::new();
    world.entry.page_rows = 3;
    for n in 0..10 {
        world.store(&alloc::format!("photos/{n}"), "x").unwrap();
        world.store(&alloc::format!("notes/{n}"), "x").unwrap();
    }
    world.delete("photos/3").unwrap();
    let (entries, complete) = world.list("photos/").unwrap();
    let mut names = keys(&entries);
    names.sort();
    let expected: Vec<_> = (0..10).filter(|n| *n != 3).map(|n| alloc::format!("photos/{n}")).collect();
    assert_eq!(names, expected);
    assert!(complete);
    assert_eq!(world.list("").unwrap().0.len(), 19);
    assert_eq!(world.list("none").unwrap().0, []);
    world.entry.complete = false;
    assert!(!world.list("").unwrap().1);
}

#[test]
fn a_clear_ends_everything_and_what_is_stored_afterwards_lives() {
    let mut world = World::new();
    for n in 0..5 {
        world.store(&alloc::format!("{n}"), noise(50_000, n)).unwrap();
    }
    assert!(matches!(world.clear(), Ok(Outcome::Cleared { copies: 2, wanted: 2, .. })));
    assert_eq!(world.list("").unwrap().0, []);
    assert_eq!(world.get("1"), Err(OpError::NotFound));
    world.store("1", "new").unwrap();
    assert_eq!(world.get("1").unwrap(), b"new");
    assert_eq!(keys(&world.list("").unwrap().0), ["1"]);
    world.clear().unwrap();
    assert_eq!(world.get("1"), Err(OpError::NotFound));
}

#[test]
fn another_vault_finds_nothing() {
    let mut world = World::new();
    world.store("a", "content").unwrap();
    let mut other = world.hand_over(8, 1);
    assert_eq!(other.get("a"), Err(OpError::NotFound));
    assert_eq!(other.list("").unwrap().0, []);
}

#[test]
fn a_key_is_normalised() {
    let mut world = World::new();
    world.store("e\u{301}", "accent").unwrap();
    assert_eq!(world.get("\u{e9}").unwrap(), b"accent");
    assert_eq!(keys(&world.list("\u{e9}").unwrap().0), ["\u{e9}"]);
    for bad in ["", "a\0b", &"x".repeat(limit::KEY + 1)] {
        assert_eq!(world.store(bad, "x"), Err(OpError::BadKey));
        assert_eq!(world.get(bad), Err(OpError::BadKey));
        assert_eq!(world.delete(bad), Err(OpError::BadKey));
    }
}

#[test]
fn more_content_than_was_asked_for_is_misuse_and_has_no_effect() {
    let mut world = World::new();
    let op = world.client.store(world.now, "a", StoreOptions::default());
    world.run();
    let max = world.asked[&op];
    let misuse = world.client.provide(world.now, op, vec![0; max + 1].into());
    assert_eq!(misuse, Err(ApiMisuse::TooMuchData(op)));
    world.client.provide(world.now, op, Bytes::from_static(b"right")).unwrap();
    world.client.finish(world.now, op).unwrap();
    assert_eq!(world.client.finish(world.now, op), Err(ApiMisuse::UnknownOp(op)));
    assert_eq!(world.client.consumed(world.now, op, 0), Err(ApiMisuse::UnknownOp(op)));
    world.end_of(op).unwrap();
    assert_eq!(world.get("a").unwrap(), b"right");
    assert_eq!(world.client.provide(world.now, op, Bytes::new()), Err(ApiMisuse::UnknownOp(op)));
}

#[test]
fn a_get_holds_no_more_than_its_window_for_a_user_who_takes_nothing() {
    let config = Config { client_window: 16 << 20, ..Config::default() };
    let mut world = World::with(Suite::Sim, config);
    world.store("large", noise(40 << 20, 6)).unwrap();
    world.holds_back = true;
    let op = world.client.get(world.now, "large", GetOptions::default());
    world.run();
    let delivered: usize = world
        .events
        .iter()
        .map(|event| if let ClientEvent::Data { bytes, .. } = event { bytes.len() } else { 0 })
        .sum();
    assert!(delivered > 0 && delivered <= 16 << 20, "{delivered}");
    assert_eq!(world.client.consumed(world.now, op, delivered + 1), Err(ApiMisuse::TooMuchData(op)));
    world.holds_back = false;
    world.client.consumed(world.now, op, delivered).unwrap();
    let outcome = world.end_of(op).unwrap();
    assert!(matches!(outcome, Outcome::Got { size, .. } if size == 40 << 20), "{outcome:?}");
}

#[test]
fn a_list_and_a_clear_wait_for_the_room_that_a_get_holds() {
    let mut world = World::with(Suite::Sim, Config { client_window: 0, ..Config::default() });
    world.store("large", noise(9 << 20, 6)).unwrap();
    world.holds_back = true;
    let get = world.client.get(world.now, "large", GetOptions::default());
    world.run();
    let (list, clear) = (world.client.list(world.now, ""), world.client.clear(world.now));
    world.run();
    let has_ended = |world: &World, op: OpId| {
        world.events.iter().any(|event| matches!(event, ClientEvent::Done { op: of, .. } if *of == op))
    };
    assert!(!has_ended(&world, get) && !has_ended(&world, list) && !has_ended(&world, clear));
    world.holds_back = false;
    world.client.cancel(world.now, get);
    assert!(matches!(world.end_of(list), Ok(Outcome::Listed { complete: true })));
    assert!(matches!(world.end_of(clear), Ok(Outcome::Cleared { .. })));
    assert_eq!(world.listed[&list].len(), 1);
}

#[test]
fn many_stores_at_once_end_within_the_window() {
    let mut world = World::new();
    let contents: Vec<Vec<u8>> = (0..40).map(|n| noise(usize::from(n) * 150_000, n)).collect();
    let ops: Vec<OpId> = contents
        .iter()
        .enumerate()
        .map(|(n, content)| world.begin_store(&n.to_string(), content.clone(), StoreOptions::default()))
        .collect();
    for op in ops {
        world.end_of(op).unwrap();
    }
    for (n, content) in contents.iter().enumerate() {
        assert!(world.get(&n.to_string()).unwrap() == *content, "{n}");
    }
}

#[test]
fn a_client_with_the_smallest_window_stores_and_gets_all_the_same() {
    let config = Config { client_window: 0, pieces_in_flight: 1, max_requests: 1, ..Config::default() };
    let mut world = World::with(Suite::Sim, config);
    let contents = [noise(9 << 20, 1), noise(5 << 20, 2), noise(10, 3)];
    let keys = ["a", "b", "c"];
    let ops: Vec<OpId> = keys
        .iter()
        .zip(&contents)
        .map(|(key, content)| world.begin_store(key, content.clone(), StoreOptions::default()))
        .collect();
    for op in ops {
        world.end_of(op).unwrap();
    }
    let gets = keys.map(|key| world.client.get(world.now, key, GetOptions::default()));
    for (op, content) in gets.into_iter().zip(contents) {
        world.end_of(op).unwrap();
        assert!(world.got[&op] == content);
    }
}

#[test]
fn answers_in_any_order_and_links_that_break_change_nothing() {
    for seed in 0..20 {
        let mut world = World::new();
        world.chaos = Some(Rng::from_seed([seed; 32]));
        world.entry.page_rows = 4;
        let contents: Vec<Vec<u8>> =
            [0, 5, 20_000, 300_000, 3 << 20, 6 << 20].iter().map(|len| noise(*len, seed)).collect();
        let key = |n: usize| alloc::format!("{}", n % 4);
        let stores: Vec<(usize, OpId)> = (0..12)
            .map(|n| (n, world.begin_store(&key(n), contents[n % 6].clone(), StoreOptions::default())))
            .collect();
        let mut last = BTreeMap::new();
        for (n, op) in stores {
            let outcome = world.end_of(op).unwrap();
            let Outcome::Stored { version, .. } = outcome else { panic!("{outcome:?}") };
            let newest = last.entry(key(n)).or_insert((version, n % 6));
            *newest = (*newest).max((version, n % 6));
        }
        let list = world.client.list(world.now, "");
        let gets: Vec<(usize, OpId)> = last
            .iter()
            .map(|(key, (_, n))| (*n, world.client.get(world.now, key, GetOptions::default())))
            .collect();
        for (n, op) in gets {
            world.end_of(op).unwrap();
            assert!(world.got[&op] == contents[n], "seed {seed}");
        }
        world.end_of(list).unwrap();
        assert_eq!(world.listed[&list].len(), 4);
        world.clear().unwrap();
        assert_eq!(world.list("").unwrap().0, []);
        assert_eq!(world.faults(), [], "seed {seed}");
    }
}
