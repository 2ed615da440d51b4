//! Any number of machines, driven as a real driver would, with a clock that only moves when nothing else is to be done.
//!
//! The same seed and the same calls give the same run, byte for byte.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::disk::SimDisk;
use super::network::{Arrival, Captured, Cut, HostId, Network, NetworkOptions};
use super::observer::{Fault, Observer, Seen};
use crate::driver::{Input, Machine, Output};
use crate::rng::Rng;
use crate::time::{Instant, Now};

/// When the wall clocks of a world begin: 2027-01-15.
const START_UNIX_MS: u64 = 1_800_000_000_000;
/// More inputs than this at one moment, and the world would never go on.
const LONGEST_MOMENT: u32 = 100_000;

/// Machines, their disks, and the network between them.
pub struct World<M: Machine> {
    now: Instant,
    hosts: Vec<Host<M>>,
    network: Network,
    rng: Rng,
    observer: Option<Observer<M::Event>>,
}

struct Host<M: Machine> {
    /// None after a crash, until it is started again.
    machine: Option<M>,
    disk: SimDisk,
    addr: SocketAddr,
    listens: bool,
    events: VecDeque<M::Event>,
    /// What jobs came to; they are run at once, and told in order.
    jobs: VecDeque<Input>,
    /// How far its wall clock is ahead of the world's.
    clock_ahead_ms: i64,
}

impl<M: Machine> Host<M> {
    /// True if its disk was told that it goes down before the answer that comes next.
    fn goes_down(&self, now: Instant) -> bool {
        self.machine.is_some() && self.jobs.is_empty() && self.disk.is_crash_due(now)
    }
}

impl<M: Machine> World<M> {
    /// An empty world. Everything that happens by chance in it follows from `seed`.
    pub fn new(seed: [u8; 32], options: NetworkOptions) -> Self {
        let mut rng = Rng::from_seed(seed);
        let mut network_seed = [0; 32];
        rng.fill(&mut network_seed);
        Self {
            now: Instant(0),
            hosts: Vec::new(),
            network: Network::new(options, Rng::from_seed(network_seed)),
            rng,
            observer: None,
        }
    }

    /// From now on all that happens is shown to this observer: an input before it is given, an output before it is performed.
    pub fn watch(&mut self, observer: Observer<M::Event>) {
        self.observer = Some(observer);
    }

    /// Adds a machine with an empty disk at this address; `listens`: others can dial it there.
    pub fn add(&mut self, addr: SocketAddr, listens: bool, build: impl FnOnce(Now) -> M) -> HostId {
        let mut seed = [0; 32];
        self.rng.fill(&mut seed);
        let host = HostId(self.hosts.len());
        self.hosts.push(Host {
            machine: None,
            disk: SimDisk::new(seed),
            addr,
            listens,
            events: VecDeque::new(),
            jobs: VecDeque::new(),
            clock_ahead_ms: 0,
        });
        self.start(host, build);
        host
    }

    /// Starts a host again, on the disk that it has; what it was before is gone.
    pub fn start(&mut self, host: HostId, build: impl FnOnce(Now) -> M) {
        let now = self.now_of(host);
        if self.hosts[host.0].machine.is_some() {
            self.crash(host);
        }
        self.show_fault(host, &Fault::Start);
        let Host { machine, events, addr, listens, .. } = &mut self.hosts[host.0];
        events.clear();
        *machine = Some(build(now));
        self.network.add_host(host, *addr, *listens);
        self.perform_outputs(host);
    }

    /// The machine is gone from one moment to the next: its links end, its disk loses what was not finished.
    pub fn crash(&mut self, host: HostId) {
        self.show_fault(host, &Fault::Crash);
        let it = &mut self.hosts[host.0];
        it.machine = None;
        it.jobs.clear();
        it.disk.crash();
        self.network.remove_host(self.now, host);
    }

    /// True while the host has a machine.
    pub fn is_up(&self, host: HostId) -> bool {
        self.hosts[host.0].machine.is_some()
    }

    /// Gives a command to a machine.
    ///
    /// # Panics
    /// If the host is down.
    pub fn call<R>(&mut self, host: HostId, command: impl FnOnce(&mut M, Now) -> R) -> R {
        let now = self.now_of(host);
        let machine = self.hosts[host.0].machine.as_mut().expect("commands go to hosts that are up");
        let answer = command(machine, now);
        self.perform_outputs(host);
        answer
    }

    /// The next event of a machine that was not looked at yet.
    pub fn next_event(&mut self, host: HostId) -> Option<M::Event> {
        self.hosts[host.0].events.pop_front()
    }

    /// Events of a machine that were not looked at yet.
    pub fn events(&self, host: HostId) -> impl Iterator<Item = &M::Event> {
        self.hosts[host.0].events.iter()
    }

    /// The disk of a host.
    pub fn disk(&self, host: HostId) -> &SimDisk {
        &self.hosts[host.0].disk
    }

    /// The disk of a host, to make it fail or to look at it.
    pub fn disk_mut(&mut self, host: HostId) -> &mut SimDisk {
        &mut self.hosts[host.0].disk
    }

    /// The clocks of the world.
    pub const fn now(&self) -> Now {
        Now { mono: self.now, unix_ms: START_UNIX_MS + self.now.0 / 1000 }
    }

    /// Sets the wall clock of a host so far ahead of the world's, or behind it.
    pub fn set_clock(&mut self, host: HostId, ahead_ms: i64) {
        self.hosts[host.0].clock_ahead_ms = ahead_ms;
    }

    /// Keeps two hosts apart.
    pub fn cut(&mut self, a: HostId, b: HostId, cut: Cut) {
        self.show_fault(a, &Fault::Cut { with: b, cut });
        self.network.cut(self.now, a, b, cut);
    }

    /// Lets two hosts reach each other again.
    pub fn heal(&mut self, a: HostId, b: HostId) {
        self.show_fault(a, &Fault::Heal { with: b });
        self.network.heal(self.now, a, b);
    }

    /// How the network behaves from now on.
    pub const fn network_options(&mut self) -> &mut NetworkOptions {
        &mut self.network.options
    }

    /// All bytes that were sent, if the options say that they are kept.
    pub fn captured(&self) -> &[Captured] {
        self.network.captured()
    }

    /// Lets the world go on for this long.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
    }

    /// Lets the world go on until `done` says so; `false` if it did not within `limit`.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step(end) {
                return done(self);
            }
        }
    }

    /// Does all that is to be done at the next moment at which anything is, if that is not after `end`; else the clock is set
    /// to `end`.
    fn step(&mut self, end: Instant) -> bool {
        let next = self.next_moment().map_or(end, |next| next.max(self.now));
        let last = next >= end;
        self.now = next.min(end);
        if next <= end {
            self.live_through_moment();
        }
        !last
    }

    fn next_moment(&self) -> Option<Instant> {
        let of_host = |host: &Host<M>| {
            let machine = host.machine.as_ref()?;
            let jobs = (!host.jobs.is_empty()).then_some(self.now);
            [machine.poll_timeout(), host.disk.next_done(), jobs].into_iter().flatten().min()
        };
        self.hosts.iter().filter_map(of_host).chain(self.network.next_arrival()).min()
    }

    /// Gives every input that is due, and all that follow from them at the same moment.
    ///
    /// # Panics
    /// If that never ends: a machine asks again and again for a time that has come.
    fn live_through_moment(&mut self) {
        for _ in 0..LONGEST_MOMENT {
            let Some((host, input)) = self.next_input() else { return };
            self.give(host, input);
        }
        panic!("the world stands still: a machine keeps asking for a moment that has come");
    }

    fn next_input(&mut self) -> Option<(HostId, Input)> {
        let now = self.now;
        if let Some((host, arrival)) = self.network.take_arrival(now) {
            return Some((host, self.arrived(arrival)));
        }
        if let Some(host) = self.hosts.iter().position(|host| host.goes_down(now)) {
            self.crash(HostId(host));
        }
        for (number, host) in self.hosts.iter_mut().enumerate() {
            let Some(machine) = &host.machine else { continue };
            if let Some(input) = host.jobs.pop_front() {
                return Some((HostId(number), input));
            }
            if let Some((ticket, result)) = host.disk.finish_one(now) {
                return Some((HostId(number), Input::Disk { ticket, result }));
            }
            if machine.poll_timeout().is_some_and(|at| at <= now) {
                return Some((HostId(number), Input::Timeout));
            }
        }
        None
    }

    fn arrived(&mut self, arrival: Arrival) -> Input {
        match arrival {
            Arrival::Connected { conn, remote } => {
                let mut entropy = [0; 32];
                self.rng.fill(&mut entropy);
                Input::Connected { conn, remote, entropy }
            }
            Arrival::DialFailed { conn } => Input::DialFailed { conn },
            Arrival::Received { conn, bytes } => Input::Received { conn, bytes },
            Arrival::Sent { conn, bytes } => Input::Sent { conn, bytes },
            Arrival::Disconnected { conn } => Input::Disconnected { conn },
        }
    }

    fn give(&mut self, host: HostId, input: Input) {
        let (shown, now) = (self.now(), self.now_of(host));
        let Some(machine) = &mut self.hosts[host.0].machine else { return };
        if let Some(observer) = &mut self.observer {
            observer(shown, host, Seen::Input(&input));
        }
        machine.handle_input(now, input).expect("the world keeps the driver contract");
        self.perform_outputs(host);
    }

    fn perform_outputs(&mut self, host: HostId) {
        let (now, shown) = (self.now, self.now());
        let Host { machine: Some(machine), disk, events, jobs, .. } = &mut self.hosts[host.0] else { return };
        while let Some(output) = machine.poll_output() {
            if let Some(observer) = &mut self.observer {
                observer(shown, host, Seen::Output(&output));
            }
            match output {
                Output::Dial { conn, addr } => self.network.dial(now, host, conn, addr),
                Output::Send { conn, bytes } => self.network.send(now, host, conn, bytes),
                Output::Close { conn } => self.network.close(now, host, conn),
                Output::Disk { ticket, request } => disk.submit(now, ticket, request),
                Output::Job { ticket, job } => jobs.push_back(Input::Job { ticket, result: job.run() }),
                Output::Event(event) => events.push_back(event),
            }
        }
    }

    fn show_fault(&mut self, host: HostId, fault: &Fault) {
        let now = self.now();
        if let Some(observer) = &mut self.observer {
            observer(now, host, Seen::Fault(fault));
        }
    }

    fn now_of(&self, host: HostId) -> Now {
        let ahead = self.hosts.get(host.0).map_or(0, |host| host.clock_ahead_ms);
        let now = self.now();
        Now { unix_ms: now.unix_ms.saturating_add_signed(ahead), ..now }
    }
}

impl<M: Machine> core::fmt::Debug for World<M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("hosts", &self.hosts.len())
            .finish_non_exhaustive()
    }
}
