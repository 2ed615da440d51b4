//! Operations, restarts and losses at random, beside a model that is a map; a failing seed stands in the panic's message.

use super::*;
use quantumsync_core::error::OpError;
use quantumsync_core::rng::Rng;
use quantumsync_core::sim::NetworkOptions;
use std::collections::BTreeMap;

#[test]
fn a_network_that_is_late_and_cuts_everything_small_changes_nothing() {
    for seed in 0..4 {
        let network = NetworkOptions {
            latency: (Duration::from_millis(1), Duration::from_millis(60)),
            longest_portion: 3_000,
            ..NetworkOptions::default()
        };
        let mut three = Three::with(TownOptions { network, seed: [seed; 32], ..TownOptions::default() });
        for (key, len) in [("a", 0), ("b", 20_000), ("c", 2_000_000)] {
            let bytes = content(u64::from(seed), len);
            three.store(key, &bytes);
            assert!(three.get(key) == bytes, "seed {seed}, {key}");
        }
        assert_eq!(three.keys(""), ["a", "b", "c"], "seed {seed}");
    }
}

#[test]
fn what_was_acknowledged_is_what_a_map_would_hold() {
    for seed in 0..6 {
        let mut three = Three::with(TownOptions { seed: [seed; 32], ..TownOptions::default() });
        let mut model: BTreeMap<String, Bytes> = BTreeMap::new();
        let mut rng = Rng::from_seed([seed; 32]);
        for step in 0..30 {
            let at = format!("seed {seed}, step {step}");
            let key = format!("key {}", rng.below(5));
            match rng.below(10) {
                0..=3 => {
                    let bytes = content(u64::from(rng.below(1000)), rng.below(400_000) as usize);
                    three.store(&key, &bytes);
                    model.insert(key, bytes);
                }
                4 => {
                    let deleted = three.town.delete(three.client, &key);
                    let known = model.remove(&key).is_some();
                    assert!(!known || deleted.is_ok(), "{at}: {deleted:?}");
                }
                5 => {
                    three.wait(10);
                    let node = three.nodes[rng.below(3) as usize];
                    three.town.restart(node);
                    three.wait(30);
                }
                6 => drop(three.town.evict(three.client, None)),
                7 => assert_eq!(three.keys(""), model.keys().cloned().collect::<Vec<_>>(), "{at}"),
                _ => match (three.town.get(three.client, &key), model.get(&key)) {
                    (Ok((read, _)), Some(bytes)) => assert!(read == *bytes, "{at}"),
                    (Err(OpError::NotFound), None) => {}
                    (got, _) => panic!("{at}: {:?}", got.map(|(_, outcome)| outcome)),
                },
            }
        }
        for key in model.keys() {
            three.town.delete(three.client, key).expect("the delete succeeds");
        }
        three.wait(120);
        assert_eq!(three.blobs(), [0, 0, 0], "seed {seed}");
    }
}
