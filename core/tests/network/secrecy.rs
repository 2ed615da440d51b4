//! What the other side of the trust line gets to see.

use super::*;
use quantumsync_core::crypto::Suite;
use quantumsync_core::sim::NetworkOptions;

const WORDS: &[u8] = b"the quick brown fox";
const KEY: &str = "letters/a key that nobody else may read";

/// Stores and gets a marked file; returns whether the content or the key shows on a link or on a disk.
fn shows(suite: Suite) -> (bool, bool) {
    let network = NetworkOptions { capture: true, ..NetworkOptions::default() };
    let mut three = Three::with(TownOptions { suite, network, ..TownOptions::default() });
    let marked = Bytes::from(WORDS.repeat(20_000));
    three.store(KEY, &marked);
    three.store("small", &marked.slice(..1_000));
    assert!(three.get(KEY) == marked);
    let found = |bytes: &[u8]| {
        [WORDS, KEY.as_bytes()].iter().any(|marked| bytes.windows(marked.len()).any(|w| w == *marked))
    };
    let on_links = three.town.world.captured().iter().any(|captured| found(&captured.bytes));
    let on_disks = three.nodes.iter().any(|node| {
        let disk = three.town.world.disk(*node);
        disk.blobs().values().any(|blob| found(blob))
            || disk.rows().iter().any(|(key, value)| found(key) || found(value))
    });
    (on_links, on_disks)
}

#[test]
fn neither_links_nor_disks_show_content_or_keys() {
    assert_eq!(shows(Suite::Real), (false, false));
}

#[test]
fn the_same_search_finds_them_where_nothing_is_encrypted() {
    assert_eq!(shows(Suite::Sim), (true, true));
}
