//! The world and its network, with machines so simple that what they were told can be compared word for word.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::super::{Cut, HostId, NetworkOptions, Seen, World};
use crate::driver::{DiskRequest, Input, Machine, Output, TableOp};
use crate::error::ApiMisuse;
use crate::id::{ConnId, Ticket};
use crate::time::{Instant, Now};

/// Tells all that it is told, and does only what it is asked for.
#[derive(Default)]
struct Probe {
    outputs: VecDeque<Output<Told>>,
    deadline: Option<Instant>,
}

#[derive(Clone, PartialEq, Debug)]
enum Told {
    Timeout(Instant),
    Connected(ConnId),
    DialFailed(ConnId),
    Received(ConnId, Bytes),
    Sent(usize),
    Disconnected(ConnId),
    Disk(Ticket),
}

impl Machine for Probe {
    type Event = Told;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        let told = match input {
            Input::Timeout => {
                self.deadline = None;
                Told::Timeout(now.mono)
            }
            Input::Connected { conn, .. } => Told::Connected(conn),
            Input::DialFailed { conn } => Told::DialFailed(conn),
            Input::Received { conn, bytes } => Told::Received(conn, bytes),
            Input::Sent { bytes, .. } => Told::Sent(bytes),
            Input::Disconnected { conn } => Told::Disconnected(conn),
            Input::Disk { ticket, .. } => Told::Disk(ticket),
            Input::Job { .. } => return Ok(()),
        };
        self.outputs.push_back(Output::Event(told));
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output<Told>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.outputs.is_empty() { self.deadline } else { Some(Instant(0)) }
    }
}

const DIALLED: ConnId = ConnId::dialled(1);
const ACCEPTED: ConnId = ConnId::accepted(1);

fn addr(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 4270))
}

fn two(options: NetworkOptions) -> (World<Probe>, HostId, HostId) {
    let mut world = World::new([7; 32], options);
    let a = world.add(addr(1), false, |_| Probe::default());
    let b = world.add(addr(2), true, |_| Probe::default());
    (world, a, b)
}

fn act(world: &mut World<Probe>, host: HostId, output: Output<Told>) {
    world.call(host, |probe, _| probe.outputs.push_back(output));
}

fn connect(world: &mut World<Probe>, a: HostId, b: HostId) {
    act(world, a, Output::Dial { conn: DIALLED, addr: addr(2) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(world, a), [Told::Connected(DIALLED)]);
    assert_eq!(told(world, b), [Told::Connected(ACCEPTED)]);
}

fn told(world: &mut World<Probe>, host: HostId) -> Vec<Told> {
    core::iter::from_fn(|| world.next_event(host)).collect()
}

fn received(told: &[Told]) -> Vec<u8> {
    let bytes = |told: &Told| match told {
        Told::Received(_, bytes) => bytes.to_vec(),
        _ => Vec::new(),
    };
    told.iter().flat_map(bytes).collect()
}

fn numbers(len: usize) -> Bytes {
    (0..len).map(|i| (i * 31) as u8).collect::<Vec<_>>().into()
}

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
