//! Random operations beside a model of a few lines: the store answers as the model does.

use super::bench::*;
use crate::id::BlobId;
use crate::node::store::Keep;
use crate::record::Record;
use crate::rng::Rng;
use crate::wire::{Request, Response};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Act {
    Put { owner: u8, name: u8, since: i64, blob: u8 },
    Have { owner: u8, name: u8, since: i64, blobs: Vec<u8> },
    Record { owner: u8, name: u8, ms: i64 },
    Delete { owner: u8, name: u8, ms: i64 },
    Floor { owner: u8, ms: i64 },
    Wait,
    Restart,
}

fn acts() -> impl Strategy<Value = Act> {
    let (owner, name, ms, blob) = (1u8..3, 1u8..4, 1i64..9, 0u8..6);
    prop_oneof![
        6 => (owner.clone(), name.clone(), ms.clone(), blob.clone())
            .prop_map(|(owner, name, since, blob)| Act::Put { owner, name, since, blob }),
        4 => (owner.clone(), name.clone(), ms.clone(), prop::collection::vec(blob, 1..5))
            .prop_map(|(owner, name, since, blobs)| Act::Have { owner, name, since, blobs }),
        3 => (owner.clone(), name.clone(), ms.clone())
            .prop_map(|(owner, name, ms)| Act::Record { owner, name, ms }),
        2 => (owner.clone(), name, ms.clone()).prop_map(|(owner, name, ms)| Act::Delete { owner, name, ms }),
        1 => (owner, ms).prop_map(|(owner, ms)| Act::Floor { owner, ms }),
        1 => Just(Act::Wait),
        1 => Just(Act::Restart),
    ]
}

/// A pin: owner, name, since, blob.
type PinKey = (u8, u8, i64, u8);

/// What the design says, without disks, queues or proofs.
#[derive(Debug, Default)]
struct Model {
    records: BTreeMap<(u8, u8), Record>,
    floors: BTreeMap<u8, (i64, Record)>,
    pins: BTreeSet<PinKey>,
    /// Blobs here that nothing pins any more; they may go at any time.
    lingering: BTreeSet<u8>,
}

impl Model {
    fn stale(&self, owner: u8, name: u8, since: i64) -> bool {
        self.floors.get(&owner).is_some_and(|(floor, _)| since <= *floor)
            || self.records.get(&(owner, name)).is_some_and(|record| kills(record, name, since))
    }

    fn pinned(&self, blob: u8) -> bool {
        self.pins.iter().any(|pin| pin.3 == blob)
    }

    fn put_record(&mut self, owner: u8, name: u8, ms: i64, record: Record) -> bool {
        let below = self.floors.get(&owner).is_some_and(|(floor, _)| ms <= *floor);
        let held = self.records.get(&(owner, name));
        if below || held.is_some_and(|held| held.order() > record.order()) {
            return false;
        }
        self.drop_pins(|pin| pin.0 == owner && pin.1 == name && kills(&record, name, pin.2));
        self.records.insert((owner, name), record);
        true
    }

    fn put_floor(&mut self, owner: u8, ms: i64, record: Record) -> bool {
        if self.floors.get(&owner).is_some_and(|(_, held)| held.order() > record.order()) {
            return false;
        }
        self.floors.insert(owner, (ms, record));
        self.drop_pins(|pin| pin.0 == owner && pin.2 <= ms);
        self.records.retain(|key, record| key.0 != owner || record.header().version > version(ms));
        true
    }

    fn drop_pins(&mut self, dead: impl Fn(&PinKey) -> bool) {
        let gone: Vec<PinKey> = self.pins.iter().filter(|pin| dead(pin)).copied().collect();
        self.pins.retain(|pin| !dead(pin));
        self.lingering
            .extend(gone.iter().map(|pin| pin.3).filter(|blob| !self.pins.iter().any(|p| p.3 == *blob)));
    }
}

fn kills(record: &Record, name: u8, since: i64) -> bool {
    let header = record.header();
    header.version >= version(since) && header.live.iter().all(|live| live.object != object(name, since))
}

fn act(bench: &mut Bench, model: &mut Model, act: &Act) {
    let owners = [1, 2].map(Owner::new);
    let of = |owner: u8| &owners[usize::from(owner) - 1];
    let accepted = |response: &Response| !matches!(response, Response::Error(_));
    match act {
        Act::Put { owner, name, since, blob } => {
            let response = bench.ask(OTHER, of(*owner).put(*name, *since, *blob));
            assert_eq!(accepted(&response), !model.stale(*owner, *name, *since), "{response:?}");
            if accepted(&response) {
                model.pins.insert((*owner, *name, *since, *blob));
                model.lingering.remove(blob);
            }
        }
        Act::Have { owner, name, since, blobs } => {
            let response = bench.ask(OTHER, of(*owner).have(*name, *since, blobs.iter().copied()));
            let Response::Have { copies, .. } = &response else {
                assert!(model.stale(*owner, *name, *since), "{response:?}");
                return;
            };
            assert!(!model.stale(*owner, *name, *since));
            for (copy, blob) in copies.iter().zip(blobs) {
                let here = model.pins.iter().any(|pin| pin.0 == *owner && pin.3 == *blob);
                assert_eq!(*copy == 1, here, "blob {blob}");
                if here {
                    model.pins.insert((*owner, *name, *since, *blob));
                }
            }
        }
        Act::Record { owner, name, ms } => {
            let record = of(*owner).record(*name, *ms);
            let response = bench.ask(OTHER, put_record(&record));
            assert_eq!(accepted(&response), model.put_record(*owner, *name, *ms, record), "{response:?}");
        }
        Act::Delete { owner, name, ms } => {
            let record = of(*owner).tombstone(*name, *ms);
            let response = bench.ask(OTHER, put_record(&record));
            assert_eq!(accepted(&response), model.put_record(*owner, *name, *ms, record), "{response:?}");
        }
        Act::Floor { owner, ms } => {
            let record = of(*owner).floor(*ms, *ms);
            let response = bench.ask(OTHER, put_record(&record));
            assert_eq!(accepted(&response), model.put_floor(*owner, *ms, record), "{response:?}");
        }
        Act::Wait => {
            // A restart may have lost the running time since it was last written.
            bench.advance(LINGER + bench.setup.config.running_time_every + Duration::from_secs(1));
            for blob in core::mem::take(&mut model.lingering) {
                assert!(!bench.disk.blobs.contains_key(&self::blob(blob).0));
            }
        }
        Act::Restart => {
            bench.restart();
            bench.advance(Duration::ZERO);
        }
    }
}

/// Everything that the model says, and nothing else.
fn compare(bench: &mut Bench, model: &Model) {
    assert_eq!(bench.disk.count(kind::PIN), model.pins.len());
    assert_eq!([kind::PROOF, kind::EXPIRE].map(|kind| bench.disk.count(kind)), [0; 2]);
    let held: Vec<BlobId> = (0..6).filter(|n| model.pinned(*n)).map(|n| blob(n).0).collect();
    assert!(held.iter().all(|id| bench.disk.blobs.contains_key(id)));
    let may_be: usize = held.len() + model.lingering.len();
    assert!(bench.disk.blobs.len() <= may_be);
    for owner in 1..3 {
        for name in 1..4 {
            let found = bench.record_of(&Owner::new(owner), name).0;
            assert_eq!(found.as_ref(), model.records.get(&(owner, name)));
        }
    }
    assert_eq!(bench.status().copies_missing, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_store_does_what_the_model_does(acts in prop::collection::vec(acts(), 1..60)) {
        let (mut bench, mut model) = (Bench::new(), Model::default());
        for next in &acts {
            act(&mut bench, &mut model, next);
            compare(&mut bench, &model);
        }
        bench.advance(LINGER * 2);
        model.lingering.clear();
        compare(&mut bench, &model);
    }

    /// All at once and in any order of the disk's answers: no order of events leaves a pin without its blob, a
    /// dead pin, or a lock that is held for ever.
    #[test]
    fn requests_at_once_end_in_a_state_that_some_order_of_them_has(
        acts in prop::collection::vec(acts(), 1..40), seed: u8,
    ) {
        let mut bench = Bench::new();
        bench.shuffle = Some(Rng::from_seed([seed; 32]));
        let mut tokens = vec![];
        for act in acts {
            let request: Request = match act {
                Act::Put { owner, name, since, blob } => Owner::new(owner).put(name, since, blob),
                Act::Have { owner, name, since, blobs } => Owner::new(owner).have(name, since, blobs),
                Act::Record { owner, name, ms } => put_record(&Owner::new(owner).record(name, ms)),
                Act::Delete { owner, name, ms } => put_record(&Owner::new(owner).tombstone(name, ms)),
                Act::Floor { owner, ms } => put_record(&Owner::new(owner).floor(ms, ms)),
                Act::Wait | Act::Restart => Request::Status,
            };
            tokens.push(bench.submit(OTHER, Keep::Replica, request));
            bench.step();
        }
        bench.run();
        bench.advance(LINGER * 2);
        prop_assert!(tokens.iter().all(|token| bench.replies.contains_key(token)));
        prop_assert!(bench.store.is_idle());
        prop_assert_eq!(bench.status().copies_missing, 0);
        prop_assert_eq!([kind::PROOF, kind::LINGER].map(|kind| bench.disk.count(kind)), [0; 2]);
        // Every pin that is left could be made again: none is dead.
        let pins: Vec<_> = bench.disk.rows.iter().filter(|(key, _)| key[0] == kind::PIN).collect();
        let pins: Vec<_> = pins.into_iter().map(|(_, v)| crate::record::Pin::parse(v.clone()).unwrap()).collect();
        for pin in pins {
            let response = bench.ask(OTHER, Request::Have { pins: vec![pin] });
            prop_assert_eq!(response, Response::Have { copies: vec![1], wanted: 1 });
        }
    }
}
