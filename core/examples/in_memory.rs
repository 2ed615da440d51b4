//! Three nodes and a client move a file between them without any I/O: the network, the disks and the clock are values in memory.
//!
//!     cargo run -p quantumsync-core --example in_memory --features sim

use bytes::Bytes;
use quantumsync_core::client::Outcome;
use quantumsync_core::crypto::Suite;
use quantumsync_core::sim::{NetworkOptions, Town, TownOptions};

fn main() {
    // The real cryptography, and every byte on the wire kept to look at it afterwards.
    let network = NetworkOptions { capture: true, ..NetworkOptions::default() };
    let mut town = Town::new(TownOptions { suite: Suite::Real, network, ..TownOptions::default() });
    let nodes: Vec<_> = (0..3).map(|_| town.add_node()).collect();
    assert!(town.settle(&nodes, std::time::Duration::from_secs(60)), "the nodes do not find each other");
    println!("three nodes are in touch with each other");

    let vault = town.vault();
    let client = town.add_client(&vault, &nodes[..1], true);
    let marked = b"the same words again and again, so that they would show. ".repeat(50_000);
    let content = Bytes::from(marked.clone());
    let Outcome::Stored { size, copies, wanted, .. } =
        town.store(client, "letters/first.txt", &content).expect("the store succeeds")
    else {
        panic!("a store ends as stored")
    };
    println!("stored {size} bytes; durable on {copies} nodes, {wanted} are enough");

    let Outcome::Evicted { blobs, bytes } = town.evict(client, None).expect("the home's own node evicts")
    else {
        panic!("an evict ends as evicted")
    };
    println!("the first node dropped its own {blobs} blobs ({bytes} bytes)");

    let (read, outcome) = town.get(client, "letters/first.txt").expect("the get succeeds");
    assert!(read == marked, "what comes back is what was stored");
    let Outcome::Got { sources, .. } = outcome else { panic!("a get ends as got") };
    for (node, bytes) in &sources {
        println!("got {bytes} bytes of blobs from {node}");
    }
    assert!(
        sources.iter().all(|(node, _)| *node != town.node_id(nodes[0])),
        "nothing came from the first node"
    );

    let words = b"again and again";
    let shows = |bytes: &Bytes| bytes.windows(words.len()).any(|window| window == words);
    assert!(!town.world.captured().iter().any(|captured| shows(&captured.bytes)));
    assert!(!nodes.iter().any(|node| town.world.disk(*node).blobs().values().any(shows)));
    println!("no word of it shows on the wire or on a disk");

    town.delete(client, "letters/first.txt").expect("the delete succeeds");
    town.world.run_for(std::time::Duration::from_secs(30));
    let left: usize = nodes.iter().map(|node| town.world.disk(*node).blobs().len()).sum();
    assert_eq!(left, 0, "deleted blobs are gone");
    println!("deleted: no blob is left on any node, {} of virtual time", clock(town.world.now().mono.0));
}

fn clock(micros: u64) -> String {
    format!("after {}.{:03} s", micros / 1_000_000, micros / 1000 % 1000)
}
