//! A machine so simple that what it was told can be compared word for word.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::super::{HostId, NetworkOptions, World};
use crate::driver::{Input, Machine, Output};
use crate::error::ApiMisuse;
use crate::id::{ConnId, Ticket};
use crate::time::{Instant, Now};

/// Tells all that it is told, and does only what it is asked for.
#[derive(Default)]
pub(super) struct Probe {
    pub(super) outputs: VecDeque<Output<Told>>,
    pub(super) deadline: Option<Instant>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Told {
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

pub(super) const DIALLED: ConnId = ConnId::dialled(1);
pub(super) const ACCEPTED: ConnId = ConnId::accepted(1);

pub(super) fn addr(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 4270))
}

pub(super) fn two(options: NetworkOptions) -> (World<Probe>, HostId, HostId) {
    let mut world = World::new([7; 32], options);
    let a = world.add(addr(1), false, |_| Probe::default());
    let b = world.add(addr(2), true, |_| Probe::default());
    (world, a, b)
}

pub(super) fn act(world: &mut World<Probe>, host: HostId, output: Output<Told>) {
    world.call(host, |probe, _| probe.outputs.push_back(output));
}

pub(super) fn connect(world: &mut World<Probe>, a: HostId, b: HostId) {
    act(world, a, Output::Dial { conn: DIALLED, addr: addr(2) });
    world.run_for(Duration::from_secs(1));
    assert_eq!(told(world, a), [Told::Connected(DIALLED)]);
    assert_eq!(told(world, b), [Told::Connected(ACCEPTED)]);
}

pub(super) fn told(world: &mut World<Probe>, host: HostId) -> Vec<Told> {
    core::iter::from_fn(|| world.next_event(host)).collect()
}

pub(super) fn received(told: &[Told]) -> Vec<u8> {
    let bytes = |told: &Told| match told {
        Told::Received(_, bytes) => bytes.to_vec(),
        _ => Vec::new(),
    };
    told.iter().flat_map(bytes).collect()
}

pub(super) fn numbers(len: usize) -> Bytes {
    (0..len).map(|i| (i * 31) as u8).collect::<Vec<_>>().into()
}
