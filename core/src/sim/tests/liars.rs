//! Members that lie.

use core::time::Duration;

use bytes::Bytes;

use super::super::{HostId, LieChances, PeerEvent, Town, TownOptions};
use crate::client::Outcome;
use crate::node::NodeEvent;

const MINUTE: Duration = Duration::from_secs(60);

fn content(seed: u8, len: usize) -> Bytes {
    (0..len).map(|at| (at.wrapping_mul(31) >> 3) as u8 ^ seed).collect()
}

/// A town whose last member lies so often, when all have found each other.
fn town_with_liar(nodes: usize, chances: LieChances, seed: u8) -> (Town, HostId) {
    let options = TownOptions { seed: [seed; 32], ..TownOptions::default() };
    let mut town = Town::with_nodes(options, nodes);
    let liar = town.add_liar(LieChances::default());
    let id = town.node_id(liar);
    let mut meet = 0;
    let met = town.world.run_until(MINUTE, |world| {
        for host in (0..nodes).map(HostId) {
            while let Some(event) = world.next_event(host) {
                meet += usize::from(
                    matches!(event, PeerEvent::Node(NodeEvent::PeerUp { node, .. }) if node == id),
                );
            }
        }
        meet >= nodes
    });
    assert!(met, "everybody reaches the liar");
    town.world.run_for(MINUTE);
    town.world.call(liar, |peer, _| peer.liar().set_chances(chances));
    (town, liar)
}

#[test]
fn who_could_lie_and_does_not_is_a_member_like_any_other() {
    let (mut town, liar) = town_with_liar(2, LieChances::default(), 1);
    let vault = town.vault();
    let client = town.add_client(&vault, &[HostId(0)], false);
    let bytes = content(1, 300_000);
    let stored = town.store(client, "file", &bytes).expect("stored");
    assert!(matches!(stored, Outcome::Stored { copies, wanted, .. } if copies >= wanted), "{stored:?}");
    town.world.run_for(MINUTE);
    assert_eq!(town.world.disk(liar).blobs(), town.world.disk(HostId(1)).blobs());
    // One node and the one that could lie are a majority.
    town.world.crash(HostId(1));
    assert!(town.get(client, "file").expect("got").0 == bytes);
    assert_eq!(town.world.call(liar, |peer, _| peer.liar().told()), 0);
}

#[test]
fn no_lie_of_one_member_makes_a_client_take_what_it_did_not_store() {
    let mut lies = 0;
    for seed in 0..3 {
        let (mut town, liar) = town_with_liar(3, LieChances::all(100_000), seed);
        let vault = town.vault();
        let client = town.add_client(&vault, &[HostId(0), HostId(1)], false);
        for round in 0..4 {
            let bytes = content(round, 1_000 << (3 * round));
            let stored = town.store(client, "file", &bytes);
            if matches!(stored, Ok(Outcome::Stored { copies, wanted, .. }) if copies >= wanted)
                && let Ok((found, _)) = town.get(client, "file")
            {
                assert!(found == bytes, "seed {seed}, round {round}");
            }
            town.world.run_for(MINUTE);
        }
        lies += town.world.call(liar, |peer, _| peer.liar().told());
    }
    assert!(lies > 100, "{lies}");
}
