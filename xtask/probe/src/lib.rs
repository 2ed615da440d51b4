//! The core as a wasm32 module: three nodes and a client, linked by real sessions, move a file. A module that imports
//! nothing cannot reach a clock, a socket, a file or randomness, neither itself nor through a dependency.

use std::time::Duration;

use quantumsync_core::Bytes;
use quantumsync_core::client::Outcome;
use quantumsync_core::crypto::Suite;
use quantumsync_core::sim::{Town, TownOptions};

/// Stores `len` bytes made from `seed`, drops the entry node's copies, gets the file back from the others. Returns how many
/// bytes came back right, and traps if anything differs.
#[unsafe(no_mangle)]
pub extern "C" fn move_file(len: u32, seed: u32) -> u32 {
    let mut town = Town::new(TownOptions { suite: Suite::Real, ..TownOptions::default() });
    let nodes: Vec<_> = (0..3).map(|_| town.add_node()).collect();
    assert!(town.settle(&nodes, Duration::from_secs(60)), "the nodes find each other");
    let vault = town.vault();
    let client = town.add_client(&vault, &nodes[..1], true);
    let content = Bytes::from(content(len, seed));
    let stored = town.store(client, "a file", &content).expect("the store succeeds");
    assert!(matches!(stored, Outcome::Stored { copies, wanted, .. } if copies >= wanted));
    town.evict(client, None).expect("the entry node drops its copies");
    let (read, _) = town.get(client, "a file").expect("the get succeeds");
    assert!(read == content, "what comes back is what was stored");
    u32::try_from(read.len()).expect("it is as long as the content")
}

/// Bytes that do not repeat soon (xorshift, Marsaglia 2003).
fn content(len: u32, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[3]
        })
        .collect()
}
