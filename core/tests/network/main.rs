//! Whole networks in memory, from a client's command to the nodes' disks: what a user is promised, seen from outside.

mod chance;
mod disks;
mod everyday;
mod leases;
mod losses;
mod partitions;
mod secrecy;

use std::time::Duration;

use bytes::Bytes;
use quantumsync_core::client::Outcome;
use quantumsync_core::sim::{HostId, Town, TownOptions};

/// Three nodes, and a client at the first one's home.
struct Three {
    town: Town,
    nodes: Vec<HostId>,
    client: HostId,
}

impl Three {
    fn new() -> Self {
        Self::with(TownOptions::default())
    }

    fn with(options: TownOptions) -> Self {
        let mut town = Town::new(options);
        let nodes: Vec<HostId> = (0..3).map(|_| town.add_node()).collect();
        assert!(town.settle(&nodes, Duration::from_secs(60)), "the nodes do not find each other");
        let vault = town.vault();
        let client = town.add_client(&vault, &nodes[..1], true);
        Self { town, nodes, client }
    }

    fn store(&mut self, key: &str, content: &Bytes) -> (u8, u8) {
        match self.town.store(self.client, key, content) {
            Ok(Outcome::Stored { size, copies, wanted, .. }) => {
                assert_eq!(size, content.len() as u64);
                (copies, wanted)
            }
            other => panic!("a store ended as {other:?}"),
        }
    }

    fn get(&mut self, key: &str) -> Vec<u8> {
        match self.town.get(self.client, key) {
            Ok((content, Outcome::Got { size, .. })) if size == content.len() as u64 => content,
            other => panic!("a get ended as {:?}", other.map(|(_, outcome)| outcome)),
        }
    }

    fn keys(&mut self, prefix: &str) -> Vec<String> {
        let files = self.town.list(self.client, prefix).expect("a list succeeds");
        files.into_iter().map(|file| file.key).collect()
    }

    /// Blobs on the disk of each node.
    fn blobs(&self) -> Vec<usize> {
        self.nodes.iter().map(|node| self.town.world.disk(*node).blobs().len()).collect()
    }

    /// Lets the background do what it has to.
    fn wait(&mut self, seconds: u64) {
        self.town.world.run_for(Duration::from_secs(seconds));
    }
}

/// Bytes that do not repeat, the same for the same seed.
fn content(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend(next());
    }
    bytes.truncate(len);
    bytes.into()
}
