//! The world and its network while nothing new goes wrong.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use super::super::{Cut, NetworkOptions, Seen, World};
use super::probe::{ACCEPTED, DIALLED, Probe, Told, act, addr, connect, numbers, received, told, two};
use crate::driver::{DiskRequest, Input, Machine, Output, TableOp};
use crate::error::ApiMisuse;
use crate::id::{ConnId, Ticket};
use crate::time::{Instant, Now};

#[test]
fn bytes_arrive_in_order_however_they_are_cut_and_each_is_reported_sent() {
    let options = NetworkOptions { longest_portion: 100, capture: true, ..NetworkOptions::default() };
    let (mut world, a, b) = two(options);
    connect(&mut world, a, b);
    let bytes = numbers(5_000);
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: bytes.slice(..3_000) });
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: bytes.slice(3_000..) });
    world.run_for(Duration::from_secs(1));
    let portions = told(&mut world, b);
    assert!(portions.len() > 50);
    assert_eq!(received(&portions), bytes);
    let sent: usize = told(&mut world, a).iter().map(|t| if let Told::Sent(n) = t { *n } else { 0 }).sum();
    assert_eq!(sent, bytes.len());
    let captured: Vec<u8> = world.captured().iter().flat_map(|captured| captured.bytes.to_vec()).collect();
    assert_eq!(captured, bytes);
}

#[test]
fn what_was_sent_before_a_close_arrives_before_the_end() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: numbers(10) });
    act(&mut world, a, Output::Close { conn: DIALLED });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, b), [Told::Received(ACCEPTED, numbers(10)), Told::Disconnected(ACCEPTED)]);
    assert_eq!(told(&mut world, a).last(), Some(&Told::Disconnected(DIALLED)));
}

#[test]
fn a_dial_to_nobody_fails_and_one_that_is_closed_first_ends() {
    let (mut world, a, b) = two(NetworkOptions::default());
    act(&mut world, a, Output::Dial { conn: DIALLED, addr: addr(9) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, a), [Told::DialFailed(DIALLED)]);
    act(&mut world, a, Output::Dial { conn: ConnId::dialled(2), addr: addr(2) });
    act(&mut world, a, Output::Close { conn: ConnId::dialled(2) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, a), [Told::Disconnected(ConnId::dialled(2))]);
    assert_eq!(told(&mut world, b), [Told::Connected(ACCEPTED), Told::Disconnected(ACCEPTED)]);
}

#[test]
fn a_reset_ends_links_and_dials_until_it_is_healed() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: numbers(10) });
    world.cut(a, b, Cut::Reset);
    act(&mut world, a, Output::Dial { conn: ConnId::dialled(2), addr: addr(2) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, a), [Told::Disconnected(DIALLED), Told::DialFailed(ConnId::dialled(2))]);
    assert_eq!(told(&mut world, b), [Told::Disconnected(ACCEPTED)]);
    world.heal(a, b);
    act(&mut world, a, Output::Dial { conn: ConnId::dialled(3), addr: addr(2) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, a), [Told::Connected(ConnId::dialled(3))]);
}

#[test]
fn a_silent_cut_tells_nobody_anything() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    world.cut(a, b, Cut::Silent);
    act(&mut world, a, Output::Send { conn: DIALLED, bytes: numbers(10) });
    act(&mut world, a, Output::Dial { conn: ConnId::dialled(2), addr: addr(2) });
    world.run_for(Duration::from_secs(100));
    assert_eq!((told(&mut world, a), told(&mut world, b)), (vec![], vec![]));
    // One side gives up: the other does not hear of it until the cut is healed.
    act(&mut world, a, Output::Close { conn: DIALLED });
    world.run_for(Duration::from_secs(1));
    assert_eq!((told(&mut world, a), told(&mut world, b)), (vec![Told::Disconnected(DIALLED)], vec![]));
    world.heal(a, b);
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, b), [Told::Disconnected(ACCEPTED)]);
}

#[test]
fn a_crash_ends_links_and_keeps_the_disk() {
    let (mut world, a, b) = two(NetworkOptions::default());
    connect(&mut world, a, b);
    let op = TableOp::Put { key: numbers(3), value: numbers(4) };
    act(&mut world, b, Output::Disk { ticket: Ticket(1), request: DiskRequest::Apply { ops: vec![op] } });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, b), [Told::Disk(Ticket(1))]);
    world.crash(b);
    assert!(!world.is_up(b));
    act(&mut world, a, Output::Dial { conn: ConnId::dialled(2), addr: addr(2) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, a), [Told::Disconnected(DIALLED), Told::DialFailed(ConnId::dialled(2))]);
    world.start(b, |_| Probe::default());
    assert_eq!(world.disk(b).rows().get(&numbers(3)), Some(&numbers(4)));
    act(&mut world, a, Output::Dial { conn: ConnId::dialled(3), addr: addr(2) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(&mut world, a), [Told::Connected(ConnId::dialled(3))]);
}

#[test]
fn a_deadline_comes_when_it_was_asked_for_and_the_clock_does_not_wait() {
    let (mut world, a, _) = two(NetworkOptions::default());
    let deadline = Instant(3_600_000_000);
    world.call(a, |probe, _| probe.deadline = Some(deadline));
    world.run_for(Duration::from_secs(3599));
    assert_eq!(told(&mut world, a), []);
    assert!(world.run_until(Duration::from_secs(10), |world| world.events(a).count() > 0));
    assert_eq!(told(&mut world, a), [Told::Timeout(deadline)]);
    assert_eq!(world.now().mono, deadline);
    assert_eq!(world.now().unix_ms, 1_800_003_600_000);
    world.set_clock(a, -1000);
    assert_eq!(world.call(a, |_, now| now.unix_ms), 1_800_003_599_000);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let options = NetworkOptions { longest_portion: 50, ..NetworkOptions::default() };
        let mut world = World::new([seed; 32], options);
        let a = world.add(addr(1), false, |_| Probe::default());
        let b = world.add(addr(2), true, |_| Probe::default());
        connect(&mut world, a, b);
        act(&mut world, a, Output::Send { conn: DIALLED, bytes: numbers(2_000) });
        world.run_for(Duration::from_secs(1));
        told(&mut world, b)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn an_observer_sees_inputs_before_they_are_given_outputs_before_they_are_performed_and_faults() {
    let (mut world, a, b) = two(NetworkOptions::default());
    let seen = Rc::new(RefCell::new(Vec::new()));
    let notes = Rc::clone(&seen);
    world.watch(Box::new(move |now, host, seen| {
        let what = match seen {
            Seen::Input(Input::Connected { .. }) => "connected",
            Seen::Output(Output::Dial { .. }) => "dial",
            Seen::Output(Output::Event(_)) => "event",
            Seen::Fault(fault) => fault.kind(),
            other => panic!("{other:?}"),
        };
        notes.borrow_mut().push((host, what, now.mono > Instant(0)));
    }));
    connect(&mut world, a, b);
    world.cut(a, b, Cut::Silent);
    world.crash(b);
    world.heal(a, b);
    world.start(b, |_| Probe::default());
    let expected = [
        (a, "dial", false),
        (b, "connected", true),
        (b, "event", true),
        (a, "connected", true),
        (a, "event", true),
        (a, "silent cut", true),
        (b, "crash", true),
        (a, "heal", true),
        (b, "start", true),
    ];
    assert_eq!(*seen.borrow(), expected);
}

#[test]
#[should_panic(expected = "the world stands still")]
fn a_machine_that_asks_for_a_moment_that_has_come_is_found_out() {
    struct Impatient;
    impl Machine for Impatient {
        type Event = ();
        fn handle_input(&mut self, _: Now, _: Input) -> Result<(), ApiMisuse> {
            Ok(())
        }
        fn poll_output(&mut self) -> Option<Output<()>> {
            None
        }
        fn poll_timeout(&self) -> Option<Instant> {
            Some(Instant(5))
        }
    }
    let mut world = World::new([0; 32], NetworkOptions::default());
    world.add(addr(1), false, |_| Impatient);
    world.run_for(Duration::from_secs(1));
}
