//! What can be done to the hosts of a world and to the network between them. Disks have [their own](crate::sim::SimDisk).

use core::time::Duration;

use super::World;
use crate::driver::Machine;
use crate::sim::network::{Cut, HostId, NetworkOptions};
use crate::sim::observer::Fault;

impl<M: Machine> World<M> {
    /// Sets the wall clock of a host so far ahead of the world's, or behind it.
    pub fn set_clock(&mut self, host: HostId, ahead_ms: i64) {
        self.show_fault(host, &Fault::SetClock(ahead_ms));
        self.hosts[host.0].clock.set_wall(self.now, ahead_ms);
    }

    /// From now on the wall clock of a host gains so many millionths against the world's, or loses them.
    pub fn set_wall_drift(&mut self, host: HostId, ppm: i32) {
        self.show_fault(host, &Fault::WallDrift(ppm));
        self.hosts[host.0].clock.set_wall_drift(self.now, ppm);
    }

    /// From now on the monotonic clock of a host gains so many millionths against the world's, or loses them.
    pub fn set_drift(&mut self, host: HostId, ppm: i32) {
        self.show_fault(host, &Fault::Drift(ppm));
        self.hosts[host.0].clock.set_drift(self.now, ppm);
        self.hosts[host.0].ask_when_to_wake();
    }

    /// The monotonic clock of a host jumps ahead, as that of a machine does that slept.
    pub fn jump(&mut self, host: HostId, ahead: Duration) {
        self.show_fault(host, &Fault::Jump(ahead));
        self.hosts[host.0].clock.jump(self.now, ahead);
        self.hosts[host.0].ask_when_to_wake();
    }

    /// Jobs of this host take a time between these from now on, so that their results come in another order.
    pub fn set_job_delay(&mut self, host: HostId, least: Duration, most: Duration) {
        self.hosts[host.0].job_delay = (least, most);
    }

    /// The machine stands still: it is told nothing, not even that its time has come. Nothing is lost: what arrives waits, and
    /// others can send it as much as its system takes.
    pub fn pause(&mut self, host: HostId) {
        if self.is_up(host) && !self.is_paused(host) {
            self.show_fault(host, &Fault::Pause);
            self.hosts[host.0].paused = true;
            self.network.pause(host);
        }
    }

    /// The machine goes on, and is told all that has happened, in order.
    pub fn resume(&mut self, host: HostId) {
        if self.is_paused(host) {
            self.show_fault(host, &Fault::Resume);
            self.hosts[host.0].paused = false;
            self.network.resume(host);
        }
    }

    /// True while the machine stands still.
    pub fn is_paused(&self, host: HostId) -> bool {
        self.hosts[host.0].paused
    }

    /// Keeps two hosts apart.
    pub fn cut(&mut self, a: HostId, b: HostId, cut: Cut) {
        self.show_fault(a, &Fault::Cut { with: b, cut });
        self.network.cut(self.now, a, b, cut);
    }

    /// What the first host sends the second is lost without a word, and dials between them are never answered; what the second
    /// sends on links that stand still arrives.
    pub fn cut_one_way(&mut self, from: HostId, to: HostId) {
        self.show_fault(from, &Fault::CutOneWay { to });
        self.network.cut_one_way(from, to);
    }

    /// Lets two hosts reach each other again. Links on which nothing came through end.
    pub fn heal(&mut self, a: HostId, b: HostId) {
        self.show_fault(a, &Fault::Heal { with: b });
        self.network.heal(self.now, a, b);
    }

    /// What the first host sends the second waits on its way from now on. A link that ends meanwhile takes it along.
    pub fn hold(&mut self, from: HostId, to: HostId) {
        self.network.hold_way(from, to);
    }

    /// What waited between them arrives, and all that follows.
    pub fn release(&mut self, from: HostId, to: HostId) {
        self.network.release_way(from, to);
    }

    /// The same for all hosts.
    pub fn release_all(&mut self) {
        self.network.release_ways();
    }

    /// The links between two hosts end; they can dial each other at once.
    pub fn reset(&mut self, a: HostId, b: HostId) {
        self.show_fault(a, &Fault::Reset { with: b });
        self.network.reset(self.now, a, b);
    }

    /// All that a host sends and gets is under way for so much longer from now on.
    pub fn slow(&mut self, host: HostId, extra: Duration) {
        self.show_fault(host, &Fault::Slow(extra));
        self.network.slow(host, extra);
    }

    /// How the network behaves from now on.
    pub const fn network_options(&mut self) -> &mut NetworkOptions {
        &mut self.network.options
    }
}
