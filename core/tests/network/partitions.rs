//! One node on one side, two on the other, and users on both: each side goes on, says what it can promise, and afterwards
//! all hold the same.

use super::*;
use quantumsync_core::client::{ClientEvent, GetOptions};
use quantumsync_core::error::OpError;
use quantumsync_core::sim::Cut;
use quantumsync_core::vault::Vault;

/// Three nodes, one of them on its own, and two devices of one vault: one on each side.
struct Split {
    town: Town,
    vault: Vault,
    nodes: Vec<HostId>,
    few: HostId,
    many: HostId,
}

impl Split {
    fn new(seed: u8) -> Self {
        let mut town = Town::new(TownOptions { seed: [seed; 32], ..TownOptions::default() });
        let nodes: Vec<HostId> = (0..3).map(|_| town.add_node()).collect();
        assert!(town.settle(&nodes, Duration::from_secs(60)), "the nodes do not find each other");
        let vault = town.vault();
        let few = town.add_client(&vault, &nodes[..1], false);
        let many = town.add_client(&vault, &nodes[1..2], false);
        let mut split = Self { town, vault, nodes, few, many };
        assert!(split.all_hold_everything(), "nothing is missing at the beginning");
        split
    }

    fn cut(&mut self, cut: Cut) {
        for other in 1..3 {
            self.town.world.cut(self.nodes[0], self.nodes[other], cut);
        }
        self.town.world.run_for(Duration::from_secs(15));
    }

    fn heal(&mut self) {
        for other in 1..3 {
            self.town.world.heal(self.nodes[0], self.nodes[other]);
        }
    }

    fn store(&mut self, client: HostId, key: &str, content: &Bytes) -> (u8, u8) {
        match self.town.store(client, key, content) {
            Ok(Outcome::Stored { copies, wanted, .. }) => (copies, wanted),
            other => panic!("the store of {key} ended as {other:?}"),
        }
    }

    fn delete(&mut self, client: HostId, key: &str) -> (u8, u8) {
        match self.town.delete(client, key) {
            Ok(Outcome::Deleted { copies, wanted, .. }) => (copies, wanted),
            other => panic!("the delete of {key} ended as {other:?}"),
        }
    }

    /// The keys that this client is told, and whether that is all there is.
    fn list(&mut self, client: HostId) -> (Vec<String>, bool) {
        let op = self.town.command(client, |client, now| client.list(now, ""));
        let mut keys = Vec::new();
        let outcome = self.town.run_operation(client, op, |client, now, event| {
            if let ClientEvent::Entries { op, entries } = event {
                client.consumed(now, op, entries.len()).expect("as many as were delivered");
                keys.extend(entries.into_iter().map(|file| file.key));
            }
        });
        keys.sort();
        let Ok(Outcome::Listed { complete }) = outcome else { panic!("a list ended as {outcome:?}") };
        (keys, complete)
    }

    /// Waits until no node misses anything or catches up, and all have the same blobs.
    fn all_hold_everything(&mut self) -> bool {
        let clients: Vec<HostId> = self
            .nodes
            .clone()
            .iter()
            .map(|node| self.town.add_client(&self.vault, &[*node], false))
            .collect();
        (0..60).any(|_| {
            self.town.world.run_for(Duration::from_secs(5));
            let calm = clients.iter().all(|client| {
                let status = self.town.status(*client).expect("a node tells its status");
                status.copies_missing == 0 && !status.syncing
            });
            calm && self.holdings().windows(2).all(|pair| pair[0] == pair[1])
        })
    }

    fn holdings(&self) -> Vec<Vec<String>> {
        let blobs =
            |node: &HostId| self.town.world.disk(*node).blobs().keys().map(ToString::to_string).collect();
        self.nodes.iter().map(blobs).collect()
    }

    /// What a new device of the vault reads at each node.
    fn read_everywhere(&mut self, key: &str) -> Vec<Result<Vec<u8>, OpError>> {
        let nodes = self.nodes.clone();
        let read = |node| {
            let client = self.town.add_client(&self.vault, &[node], false);
            self.town.get(client, key).map(|(content, _)| content)
        };
        nodes.into_iter().map(read).collect()
    }
}

fn after_a_partition(cut: Cut, seed: u8) {
    let mut split = Split::new(seed);
    let (few, many) = (split.few, split.many);
    let old = content(1, 1_500_000);
    for key in ["both", "deleted by few", "deleted by many", "deleted, then stored", "kept"] {
        assert_eq!(split.store(few, key, &old), (2, 2), "{key}");
    }
    split.cut(cut);
    let (loser, winner) = (content(2, 2_000_000), content(3, 2_500_000));
    // The minority says what it is.
    assert_eq!(split.store(few, "few", &content(4, 1_200_000)), (1, 2));
    assert_eq!(split.store(few, "both", &loser), (1, 2));
    assert_eq!(split.delete(few, "deleted by few"), (1, 2));
    assert_eq!(split.delete(few, "deleted, then stored"), (1, 2));
    let (keys, complete) = split.list(few);
    assert_eq!(
        (keys, complete),
        (vec!["both".into(), "deleted by many".into(), "few".into(), "kept".into()], false)
    );
    let fresh = GetOptions { fresh: true, ..GetOptions::default() };
    assert_eq!(split.town.get_with(few, "kept", fresh).err(), Some(OpError::NotFresh));
    // The majority goes on as ever.
    split.town.world.run_for(Duration::from_secs(1));
    assert_eq!(split.store(many, "many", &content(5, 1_300_000)), (2, 2));
    assert_eq!(split.store(many, "both", &winner), (2, 2));
    assert_eq!(split.delete(many, "deleted by many"), (2, 2));
    assert_eq!(split.store(many, "deleted, then stored", &content(6, 1_100_000)), (2, 2));
    let (keys, complete) = split.list(many);
    let expected = ["both", "deleted by few", "deleted, then stored", "kept", "many"];
    assert_eq!((keys, complete), (expected.map(String::from).to_vec(), true));
    split.heal();
    assert!(split.all_hold_everything(), "the nodes agree again: {:?}", split.holdings());
    let expected = ["both", "deleted, then stored", "few", "kept", "many"].map(String::from).to_vec();
    for node in split.nodes.clone() {
        let client = split.town.add_client(&split.vault, &[node], false);
        assert_eq!(split.list(client), (expected.clone(), true));
    }
    for read in split.read_everywhere("both") {
        assert!(read.expect("it is there") == winner, "the later of two stores wins");
    }
    for read in split.read_everywhere("few") {
        assert!(read.expect("it is there") == content(4, 1_200_000));
    }
    for key in ["deleted by few", "deleted by many"] {
        for read in split.read_everywhere(key) {
            assert_eq!(read.err(), Some(OpError::NotFound));
        }
    }
    // What lost is gone: with what won deleted, nothing is left.
    for key in expected {
        assert_eq!(split.delete(many, &key), (2, 2));
    }
    split.town.world.run_for(Duration::from_secs(120));
    assert_eq!(split.holdings(), [const { Vec::<String>::new() }; 3]);
}

#[test]
fn after_a_partition_that_breaks_links_all_agree_and_losers_are_gone() {
    after_a_partition(Cut::Reset, 1);
}

#[test]
fn after_a_partition_that_swallows_everything_all_agree_and_losers_are_gone() {
    after_a_partition(Cut::Silent, 2);
}

#[test]
fn a_clear_on_the_side_of_the_few_is_done_everywhere_later() {
    let mut split = Split::new(3);
    let (few, many) = (split.few, split.many);
    split.store(many, "a", &content(1, 1_000_000));
    split.store(many, "b", &content(2, 1_000_000));
    split.cut(Cut::Reset);
    let Ok(Outcome::Cleared { copies, wanted, .. }) = split.town.clear(few) else {
        panic!("a clear ends as such")
    };
    assert_eq!((copies, wanted), (1, 2));
    split.heal();
    assert!(split.all_hold_everything());
    split.town.world.run_for(Duration::from_secs(60));
    assert_eq!(split.holdings(), [const { Vec::<String>::new() }; 3]);
    assert_eq!(split.list(many), (vec![], true));
}
