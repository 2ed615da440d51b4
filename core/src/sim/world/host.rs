//! One host of a world: its machine, its disk, its clocks, and what it waits for.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::net::SocketAddr;
use core::time::Duration;

use crate::driver::{Input, Machine};
use crate::id::Ticket;
use crate::sim::clock::HostClock;
use crate::sim::disk::SimDisk;
use crate::time::Instant;

pub(super) struct Host<M: Machine> {
    /// None after a crash, until it is started again.
    pub(super) machine: Option<M>,
    pub(super) disk: SimDisk,
    pub(super) addr: SocketAddr,
    pub(super) listens: bool,
    pub(super) clock: HostClock,
    /// The machine stands still.
    pub(super) paused: bool,
    pub(super) events: VecDeque<M::Event>,
    /// What jobs came to; they are run at once, and told in order when they are due.
    jobs: BTreeMap<(Instant, u64), Input>,
    jobs_done: u64,
    pub(super) job_delay: (Duration, Duration),
    /// When its machine wants to be woken, by the world's clock; asked after everything that it is told.
    wake: Option<Instant>,
    tickets: Tickets,
}

impl<M: Machine> Host<M> {
    pub(super) fn new(addr: SocketAddr, listens: bool, disk: SimDisk) -> Self {
        Self {
            machine: None,
            disk,
            addr,
            listens,
            clock: HostClock::default(),
            paused: false,
            events: VecDeque::new(),
            jobs: BTreeMap::new(),
            jobs_done: 0,
            job_delay: (Duration::ZERO, Duration::ZERO),
            wake: None,
            tickets: Tickets::default(),
        }
    }

    pub(super) fn start(&mut self, machine: M) {
        self.events.clear();
        self.machine = Some(machine);
    }

    pub(super) fn crash(&mut self) {
        self.machine = None;
        self.wake = None;
        self.paused = false;
        self.jobs.clear();
        self.tickets = Tickets::default();
        self.disk.crash();
    }

    /// When it has to be told something next.
    pub(super) fn next_moment(&self) -> Option<Instant> {
        if self.machine.is_none() || self.paused {
            return None;
        }
        [self.wake, self.disk.next_done(), self.next_job()].into_iter().flatten().min()
    }

    /// True if its disk was told that it goes down before the answer that comes next.
    pub(super) fn goes_down(&self, now: Instant) -> bool {
        self.disk.is_crash_due(now)
            && self.machine.is_some()
            && !self.paused
            && self.next_job().is_none_or(|at| at > now)
    }

    /// What its machine is told now.
    pub(super) fn next_input(&mut self, now: Instant) -> Option<Input> {
        if self.machine.is_none() || self.paused {
            return None;
        }
        if let Some(job) = self.jobs.first_entry().filter(|job| job.key().0 <= now) {
            return Some(job.remove());
        }
        if let Some((ticket, result)) = self.disk.finish_one(now) {
            return Some(Input::Disk { ticket, result });
        }
        self.wake.filter(|at| *at <= now).map(|_| Input::Timeout)
    }

    /// A job is done, and told then.
    pub(super) fn job_done(&mut self, at: Instant, input: Input) {
        self.jobs_done += 1;
        self.jobs.insert((at, self.jobs_done), input);
    }

    /// Asks the machine when it wants to be woken: after all that it is told, and when its clock was changed.
    pub(super) fn ask_when_to_wake(&mut self) {
        let own = self.machine.as_ref().and_then(Machine::poll_timeout);
        self.wake = own.map(|at| self.clock.when(at));
    }

    /// # Panics
    /// If the machine breaks the driver contract with this ticket.
    pub(super) fn take_ticket(&mut self, ticket: Ticket) {
        assert!(self.tickets.take(ticket), "contract: {ticket} is used a second time");
    }

    /// # Panics
    /// If the world answers a ticket that nobody waits for.
    pub(super) fn answer_ticket(&mut self, ticket: Ticket) {
        assert!(self.tickets.open.remove(&ticket), "{ticket} is answered, but nobody waits for that");
    }

    fn next_job(&self) -> Option<Instant> {
        self.jobs.keys().next().map(|(at, _)| *at)
    }
}

/// Which tickets a machine has used, and which of them are not answered.
#[derive(Debug, Default)]
struct Tickets {
    open: BTreeSet<Ticket>,
    /// All below it were used.
    all_below: u64,
    /// Those used besides.
    used: BTreeSet<u64>,
}

impl Tickets {
    /// `false` if it was used before.
    fn take(&mut self, ticket: Ticket) -> bool {
        let new = ticket.0 >= self.all_below && self.used.insert(ticket.0);
        while self.used.remove(&self.all_below) {
            self.all_below += 1;
        }
        self.open.insert(ticket);
        new
    }
}
