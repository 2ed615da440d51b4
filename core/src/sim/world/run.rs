//! How a world goes on: what is due next, in which order, and what machines want done.

use core::time::Duration;

use super::World;
use super::host::Host;
use crate::driver::{Input, Machine, Output};
use crate::sim::network::{Arrival, HostId};
use crate::sim::observer::{Fault, Seen};
use crate::time::Instant;

/// More inputs than this at one moment, and the world would never go on.
const LONGEST_MOMENT: u32 = 100_000;

impl<M: Machine> World<M> {
    /// Does all that is to be done at the next moment at which anything is, if that is not after `end`; else the clock is set
    /// to `end`.
    pub(super) fn step(&mut self, end: Instant) -> bool {
        if core::mem::take(&mut self.disks_touched) {
            (0..self.hosts.len()).for_each(|host| self.show_disk_faults(HostId(host)));
        }
        let next = self.next_moment().map_or(end, |next| next.max(self.now));
        let last = next >= end;
        self.now = next.min(end);
        if next <= end {
            self.live_through_moment();
        }
        !last
    }

    fn next_moment(&self) -> Option<Instant> {
        self.hosts.iter().filter_map(Host::next_moment).chain(self.network.next_arrival()).min()
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
        let mut hosts = self.hosts.iter_mut().enumerate();
        let (number, input) =
            hosts.find_map(|(number, host)| host.next_input(now).map(|input| (number, input)))?;
        Some((HostId(number), input))
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
        if let Input::Disk { ticket, .. } | Input::Job { ticket, .. } = &input {
            self.hosts[host.0].answer_ticket(*ticket);
        }
        if matches!(input, Input::Disk { .. }) {
            self.show_disk_faults(host);
        }
        let (shown, now) = (self.now(), self.clocks(host));
        let Some(machine) = &mut self.hosts[host.0].machine else { return };
        if let Some(observer) = &mut self.observer {
            observer(shown, host, Seen::Input(&input));
        }
        machine.handle_input(now, input).expect("the world keeps the driver contract");
        self.perform_outputs(host);
    }

    /// Performs what a machine wants, in order, and asks when to wake it.
    pub(super) fn perform_outputs(&mut self, host: HostId) {
        while let Some(output) = self.hosts[host.0].machine.as_mut().and_then(Machine::poll_output) {
            let shown = self.now();
            if let Some(observer) = &mut self.observer {
                observer(shown, host, Seen::Output(&output));
            }
            self.perform(host, output);
        }
        self.hosts[host.0].ask_when_to_wake();
    }

    fn perform(&mut self, host: HostId, output: Output<M::Event>) {
        let now = self.now;
        let it = &mut self.hosts[host.0];
        match output {
            Output::Dial { conn, addr } => self.network.dial(now, host, conn, addr),
            Output::Send { conn, bytes } => {
                self.network.send(now, host, conn, bytes);
                for (from, with) in self.network.take_resets() {
                    self.show_fault(from, &Fault::Reset { with });
                }
            }
            Output::Close { conn } => self.network.close(now, host, conn),
            Output::Disk { ticket, request } => {
                it.take_ticket(ticket);
                it.disk.submit(now, ticket, request);
            }
            Output::Job { ticket, job } => {
                it.take_ticket(ticket);
                let input = Input::Job { ticket, result: job.run() };
                let delay = self.job_delay(host);
                self.hosts[host.0].job_done(now + delay, input);
            }
            Output::Event(event) => it.events.push_back(event),
        }
    }

    /// Drawn only where jobs take time, so that all else happens as it does without.
    fn job_delay(&mut self, host: HostId) -> Duration {
        let (least, most) = self.hosts[host.0].job_delay;
        let spread = u32::try_from(most.saturating_sub(least).as_micros()).unwrap_or(u32::MAX);
        match spread {
            0 => least,
            _ => least + Duration::from_micros(u64::from(self.rng.below(spread.saturating_add(1)))),
        }
    }
}
