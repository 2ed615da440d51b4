//! Machines that stand still.

use alloc::vec;
use core::time::Duration;

use super::super::NetworkOptions;
use super::probe::{ACCEPTED, DIALLED, Told, act, addr, connect, numbers, received, told, two};
use crate::driver::{DiskRequest, Output};
use crate::id::{ConnId, Ticket};
use crate::time::Instant;

const SECOND: Duration = Duration::from_secs(1);
const MIB: usize = 1024 * 1024;

#[test]
fn a_machine_that_stands_still_is_told_nothing_and_then_everything_in_order() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    act(&mut world, b, Output::Disk { ticket: Ticket(1), request: DiskRequest::Space });
    world.call(b, |probe, _| probe.deadline = Some(Instant(1_500_000)));
    world.pause(b);
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: numbers(10) });
    act(&mut world, a, Output::Dial { conn: ConnId::dialled(2), addr: addr(2) });
    act(&mut world, a, Output::Close { conn: DIALLED });
    world.run_for(SECOND * 10);
    assert_eq!(told(&mut world, b), vec![]);
    let by_its_system = [Told::Sent(10), Told::Connected(ConnId::dialled(2)), Told::Disconnected(DIALLED)];
    let of_a = told(&mut world, a);
    assert!(by_its_system.iter().all(|told| of_a.contains(told)), "{of_a:?}");
    world.resume(b);
    world.run_for(Duration::ZERO);
    let of_b = told(&mut world, b);
    let place = |wanted: &Told| of_b.iter().position(|told| told == wanted).expect("it is told");
    assert!(place(&Told::Received(ACCEPTED, numbers(10))) < place(&Told::Disconnected(ACCEPTED)));
    assert!(of_b.contains(&Told::Connected(ConnId::accepted(2))));
    assert!(of_b.contains(&Told::Disk(Ticket(1))) && of_b.contains(&Told::Timeout(world.now().mono)));
}

#[test]
fn the_system_of_a_machine_that_stands_still_takes_only_so_much_for_it() {
    let (mut world, a, b) = two(NetworkOptions { longest_portion: 10_000, ..NetworkOptions::default() });
    connect(&mut world, a, b);
    world.pause(b);
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: numbers(MIB) });
    world.run_for(SECOND);
    let sent = |told: &[Told]| -> usize {
        told.iter().map(|told| if let Told::Sent(bytes) = told { *bytes } else { 0 }).sum()
    };
    let taken = sent(&told(&mut world, a));
    assert!((MIB / 4 - 10_000..=MIB / 4 + 10_000).contains(&taken), "{taken}");
    world.resume(b);
    world.run_for(SECOND);
    assert_eq!(taken + sent(&told(&mut world, a)), MIB);
    assert_eq!(received(&told(&mut world, b)), numbers(MIB));
}

#[test]
fn a_machine_that_goes_down_while_it_stands_still_has_lost_what_waited() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    world.pause(b);
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: numbers(10) });
    world.run_for(SECOND);
    world.start(b, |_| super::probe::Probe::default());
    world.run_for(SECOND);
    assert!(!world.is_paused(b));
    assert_eq!(told(&mut world, b), vec![]);
    assert_eq!(told(&mut world, a), [Told::Sent(10), Told::Disconnected(DIALLED)]);
}
