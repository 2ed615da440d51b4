//! Any number of machines, driven as a real driver would, with a clock that only moves when nothing else is to be done.
//!
//! The same seed and the same calls give the same run, byte for byte. What goes wrong in it, [`faults`] says.

mod faults;
mod host;
mod run;

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use self::host::Host;
use super::clock;
use super::disk::SimDisk;
use super::network::{Captured, HostId, Network, NetworkOptions};
use super::observer::{Fault, Observer, Seen};
use crate::driver::Machine;
use crate::rng::Rng;
use crate::time::{Instant, Now};

/// Machines, their disks, and the network between them.
pub struct World<M: Machine> {
    now: Instant,
    hosts: Vec<Host<M>>,
    network: Network,
    rng: Rng,
    observer: Option<Observer<M::Event>>,
    /// Somebody had a disk in hand: what was done to it is not shown yet.
    disks_touched: bool,
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
            disks_touched: false,
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
        self.hosts.push(Host::new(addr, listens, SimDisk::new(seed)));
        self.start(host, build);
        host
    }

    /// Starts a host again, on the disk that it has; what it was before is gone.
    pub fn start(&mut self, host: HostId, build: impl FnOnce(Now) -> M) {
        let now = self.clocks(host);
        if self.hosts[host.0].machine.is_some() {
            self.crash(host);
        }
        self.show_fault(host, &Fault::Start);
        let it = &mut self.hosts[host.0];
        it.start(build(now));
        self.network.add_host(host, it.addr, it.listens);
        self.perform_outputs(host);
    }

    /// The machine is gone from one moment to the next: its links end, its disk loses what was not finished.
    pub fn crash(&mut self, host: HostId) {
        self.show_fault(host, &Fault::Crash);
        self.hosts[host.0].crash();
        self.network.remove_host(self.now, host);
        self.show_disk_faults(host);
    }

    /// True while the host has a machine.
    pub fn is_up(&self, host: HostId) -> bool {
        self.hosts[host.0].machine.is_some()
    }

    /// The machines that are up.
    pub fn machines(&self) -> impl Iterator<Item = (HostId, &M)> {
        let hosts = self.hosts.iter().enumerate();
        hosts.filter_map(|(number, host)| Some((HostId(number), host.machine.as_ref()?)))
    }

    /// Gives a command to a machine; also to one that stands still, as if it had been given just before.
    ///
    /// # Panics
    /// If the host is down.
    pub fn call<R>(&mut self, host: HostId, command: impl FnOnce(&mut M, Now) -> R) -> R {
        let now = self.clocks(host);
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
        self.disks_touched = true;
        &mut self.hosts[host.0].disk
    }

    /// The clocks of the world.
    pub const fn now(&self) -> Now {
        clock::of_world(self.now)
    }

    /// The clocks of a host.
    pub fn clocks(&self, host: HostId) -> Now {
        self.hosts[host.0].clock.read(self.now)
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

    fn show_fault(&mut self, host: HostId, fault: &Fault) {
        let now = self.now();
        if let Some(observer) = &mut self.observer {
            observer(now, host, Seen::Fault(fault));
        }
    }

    fn show_disk_faults(&mut self, host: HostId) {
        for fault in self.hosts[host.0].disk.take_faults() {
            self.show_fault(host, &Fault::Disk(fault));
        }
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
