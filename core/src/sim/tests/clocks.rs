//! Clocks that drift and jump.

use core::time::Duration;

use proptest::prelude::*;

use super::super::NetworkOptions;
use super::super::clock::HostClock;
use super::probe::{Told, told, two};
use crate::time::Instant;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_fast_clock_comes_to_its_deadline_early_and_a_slow_one_late() {
    for (ppm, world_us) in [(0, 1_000_000), (250_000, 800_000), (-200_000, 1_250_000)] {
        let (mut world, a, _) = two(NetworkOptions::default());
        world.set_drift(a, ppm);
        let deadline = Instant(1_000_000);
        world.call(a, |probe, _| probe.deadline = Some(deadline));
        assert!(world.run_until(HOUR, |world| world.events(a).count() > 0));
        assert_eq!(told(&mut world, a), [Told::Timeout(deadline)]);
        assert_eq!(world.now().mono, Instant(world_us), "{ppm}");
    }
}

#[test]
fn a_clock_that_jumps_comes_at_once_to_what_it_has_jumped_over() {
    let (mut world, a, _) = two(NetworkOptions::default());
    world.call(a, |probe, _| probe.deadline = Some(Instant(1_000_000)));
    world.jump(a, HOUR);
    world.run_for(Duration::ZERO);
    assert_eq!(told(&mut world, a), [Told::Timeout(Instant(3_600_000_000))]);
    assert_eq!(world.now().mono, Instant(0));
}

#[test]
fn a_wall_clock_drifts_from_where_it_was_set_to() {
    let (mut world, a, b) = two(NetworkOptions::default());
    world.set_clock(a, -500);
    world.set_wall_drift(a, 1_000);
    world.run_for(HOUR);
    let ahead =
        |world: &super::super::World<_>, host| world.clocks(host).unix_ms as i64 - world.now().unix_ms as i64;
    assert_eq!((ahead(&world, a), ahead(&world, b)), (3_600 - 500, 0));
    world.set_wall_drift(a, 0);
    world.run_for(HOUR);
    assert_eq!(ahead(&world, a), 3_600 - 500);
}

proptest! {
    #[test]
    fn a_clock_never_goes_back_and_wakes_exactly_in_time(
        changes in proptest::collection::vec((0..10_000_000_u64, any::<i32>(), 0..1_000_u64), 1..20),
        wanted in 0..u64::MAX,
    ) {
        let mut clock = HostClock::default();
        let (mut at, mut shown) = (Instant(0), Instant(0));
        for (later, ppm, jump) in changes {
            at = Instant(at.0 + later);
            clock.set_drift(at, ppm);
            clock.jump(at, Duration::from_micros(jump));
            let now = clock.read(at).mono;
            prop_assert!(now >= shown);
            shown = now;
        }
        let when = clock.when(Instant(wanted));
        prop_assert!(clock.read(when).mono.0 >= wanted || when.0 == u64::MAX);
        prop_assert!(when <= at || clock.read(Instant(when.0 - 1)).mono.0 < wanted);
    }
}
