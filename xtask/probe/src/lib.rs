//! The core as a wasm32 module: three nodes and a client, linked by real sessions, move a file. A module that imports
//! nothing cannot reach a clock, a socket, a file or randomness, neither itself nor through a dependency.

use std::ffi::{CString, c_char};
use std::fmt::Write as _;
use std::time::Duration;

use quantumsync_core::Bytes;
use quantumsync_core::client::Outcome;
use quantumsync_core::crypto::Suite;
use quantumsync_core::sim::run::{PROFILES, Script, Watched, run};
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

/// Plays this seed of the profile whose turn it is. Returns the profile's name, the seed, and the digest of the run's whole trace, which must
/// be the same in every build.
pub fn digest(seed: u32) -> String {
    let turn = usize::try_from(seed).map_or(0, |seed| seed % PROFILES.len());
    let watched = Watched { digest: true, ..Watched::default() };
    let report = run(&Script::draw(&PROFILES[turn], seed.into()), watched);
    let mut line = format!("{} {seed} ", PROFILES[turn].name);
    for byte in report.digest.expect("a digest was asked for") {
        let _ = write!(line, "{byte:02x}");
    }
    line
}

/// The same for who calls the module; the text ends with a zero and is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn trace_digest(seed: u32) -> *const c_char {
    CString::new(digest(seed)).expect("the text has no zero").into_raw()
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
