//! Traces in which looser clients lost data, with real clients: the nodes cannot see the rule, so it has no play among theirs.

use core::time::Duration;

use bytes::Bytes;

use super::super::{HostId, Town, TownOptions};
use crate::client::{ClientEvent, Outcome, StoreOptions};
use crate::error::OpError;
use crate::node::store::audit::Audit;

const FIRST: &[u8] = &[1; 60_000];
const SECOND: &[u8] = &[2; 40_000];
/// Between the moments at which the second device begins: less than any message takes.
const STEP: Duration = Duration::from_micros(250);
/// In so many steps the first device has come to its end.
const STEPS: u32 = 48;

/// Race 4: A starts X (since v4), B writes v6 without X, A signs. Were the version drawn at signing, the record would list
/// what v6 has killed. B begins at every moment of A's store.
#[test]
fn race_4_a_record_carries_exactly_the_version_under_which_its_pieces_were_pinned() {
    let mut newer_on_top = 0;
    for step in 0..STEPS {
        let mut town = Town::with_nodes(TownOptions::default(), 3);
        let vault = town.vault();
        let a = town.add_client(&vault, &[HostId(0)], false);
        let b = town.add_client(&vault, &[HostId(1)], false);
        // Both links stand.
        for client in [a, b] {
            assert_eq!(town.get(client, "file").err(), Some(OpError::NotFound));
        }
        let op = town.command(a, |client, now| client.store(now, "file", StoreOptions::default()));
        let provided = town.world.run_until(STEP * 40, |world| {
            let mut wants = false;
            while let Some(event) = world.next_event(a) {
                wants |= matches!(event, super::super::PeerEvent::Client(ClientEvent::NeedData { .. }));
            }
            wants
        });
        assert!(provided, "it asks for its content");
        town.command(a, |client, now| {
            client.provide(now, op, Bytes::from_static(FIRST)).expect("as much as was asked for");
            client.finish(now, op).expect("it runs");
        });
        town.world.run_for(STEP * step);
        let second = town.store(b, "file", &Bytes::from_static(SECOND));
        assert!(matches!(second, Ok(Outcome::Stored { .. })), "{second:?}");
        let mut first = town.run_operation(a, op, |_, _, _| {});
        if first.is_err() {
            // Its pieces were gone when it began anew: its user does so, too.
            first = town.store(a, "file", &Bytes::from_static(FIRST));
        }
        assert!(matches!(first, Ok(Outcome::Stored { .. })), "{first:?}");
        town.world.run_for(Duration::from_secs(300));
        let contents = [a, b].map(|client| town.get(client, "file").expect("whole at every moment").0);
        assert_eq!(contents[0], contents[1], "step {step}");
        assert!(contents[0] == FIRST || contents[0] == SECOND, "step {step}");
        newer_on_top += u32::from(contents[0] == SECOND);
        for host in (0..3).map(HostId) {
            let disk = town.world.disk(host);
            let audit =
                Audit::of(TownOptions::default().suite, disk.rows(), disk.blobs()).expect("a sound disk");
            assert!(audit.is_quiet(&alloc::collections::BTreeSet::new()), "step {step}, {host:?}: {audit:?}");
        }
    }
    assert!((1..STEPS).contains(&newer_on_top), "{newer_on_top}: the race is won by either");
}
