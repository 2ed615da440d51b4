//! The ciphertext side: peers, placement, replication, disk. Must not know the vault's or the client's modules.
//!
//! [`Node`] is two halves. [`store`] is everything that a node does with its own disk. The rest is the network:
//!
//! * `link`, `links` and `contact`: encrypted links, what is under way on them, silence and faults;
//! * `peers` and `bootstrap`: who is where, how far away, and when to dial;
//! * `membership` and `gossip`: who belongs to the network, verified, told on and kept;
//! * [`view`]: the ring, a pure function of the members; `placement`: who is out of it; `syncing`: what is still to be
//!   taken over after a change; `leave`: members that go for good;
//! * `serve`: who may ask what; `control`: what a node tells of itself; `hub`: what all of these share;
//!   `calls`: what is asked of the own store and of other members, each answered once; `setup`: what a node begins with;
//! * `operation` and its implementors: `entry` and `have` (writes), `read`, `lookup` and `list` (reads), `offer`
//!   (proofs of deaths), `check` (pins that may be dead) and `forget` (tombstones); `ballot` says whose answer counts,
//!   `tally` counts copies;
//! * `repair`: when to take from whom and when to hand on. `pull`, `refill`, `mend` (all by `fetch`) and `strays` (by
//!   `hand_on`): how members come to hold what they should, and no more.

mod ballot;
mod bootstrap;
mod calls;
mod check;
mod contact;
mod control;
mod entry;
mod fetch;
mod forget;
#[cfg(any(test, feature = "sim"))]
mod gauge;
mod gossip;
mod hand_on;
mod have;
mod held;
mod hub;
mod leave;
mod link;
mod links;
mod list;
mod lookup;
mod membership;
mod mend;
mod offer;
mod operation;
mod peers;
mod placement;
mod pull;
mod read;
mod refill;
mod repair;
mod serve;
mod setup;
pub mod store;
mod strays;
mod syncing;
mod tally;
#[cfg(test)]
mod tests;
pub mod view;

pub use setup::{NodeEvent, NodeSetup, SettingsWanted};
pub use view::View;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
#[cfg(any(test, feature = "sim"))]
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

use self::check::Check;
use self::fetch::Missing;
use self::forget::Forget;
use self::hub::Hub;
use self::link::Caller;
use self::membership::Members;
use self::mend::{MendBlob, MendRecord};
use self::offer::Settle;
use self::operation::{Operation, Progress};
use self::pull::Pull;
use self::refill::Refill;
use self::repair::Due;
use self::store::{LocalStore, StoreOutput, StoreSetup};
use self::strays::HandOn;
use crate::driver::{Input, Machine, Output};
use crate::error::{ApiMisuse, DiskError};
use crate::id::{NetworkId, NodeId};
use crate::session::NOT_NOW;
use crate::time::{Instant, Now};
use crate::wire::{CloseReason, ErrorCode, Response};

/// A peer's state machine.
#[derive(Debug)]
pub struct Node {
    hub: Hub,
    running: BTreeMap<u64, Running>,
    next_op: u64,
    phase: Phase,
}

/// An operation, and whose credit it holds.
#[derive(Debug)]
struct Running {
    operation: Box<dyn Operation>,
    caller: Option<Caller>,
}

/// Where a node is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// It serves, or will as soon as its disk is loaded.
    Serving,
    /// What is under way comes to its end.
    Finishing {
        until: Instant,
    },
    /// The goodbyes are out.
    Leaving {
        until: Instant,
    },
    Stopped,
}

impl Node {
    /// Begins to load its state from the disk; [`NodeEvent::Ready`] follows.
    pub fn new(now: Now, setup: NodeSetup) -> Self {
        let members = Members::new(setup.suite, setup.network_key, setup.founder);
        let linger = setup.settings.and_then(|wanted| wanted.linger);
        let store = LocalStore::new(
            now,
            StoreSetup {
                suite: setup.suite,
                config: setup.config.clone(),
                network: members.network(),
                node: setup.identity.node_id(setup.suite),
                linger: linger.unwrap_or(SettingsWanted::DEFAULT_LINGER),
                seed: setup.seed,
            },
        );
        let hub = Hub::new(now, setup, store, members);
        let mut node = Self { hub, running: BTreeMap::new(), next_op: 0, phase: Phase::Serving };
        node.settle();
        node
    }

    /// This node.
    pub const fn id(&self) -> NodeId {
        self.hub.own
    }

    /// The network it belongs to.
    pub const fn network(&self) -> NetworkId {
        self.hub.members.network()
    }

    /// True while there is anything of which it does not know yet whether it has all that it should.
    pub const fn is_syncing(&self) -> bool {
        self.hub.is_syncing()
    }

    /// The ring as this node places things on it: for whoever compares disks from outside.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn view(&self) -> Arc<View> {
        self.hub.view.clone()
    }

    /// Ends what is under way, says goodbye to every peer, and then tells [`NodeEvent::Stopped`].
    pub fn stop(&mut self, now: Now) {
        self.hub.now = now;
        self.finish();
        self.settle();
    }

    fn finish(&mut self) {
        if self.phase == Phase::Serving {
            self.phase = Phase::Finishing { until: self.hub.now.mono + self.hub.setup.config.stop_deadline };
            for asking in core::mem::take(&mut self.hub.requests) {
                self.hub.refuse(&asking.caller, ErrorCode::Stopping);
            }
            self.running.retain(|_, running| !running.operation.is_background());
        }
    }

    fn is_stopping(&self) -> bool {
        self.phase != Phase::Serving
    }

    fn next_op(&mut self) -> u64 {
        self.next_op += 1;
        self.next_op
    }

    fn run(&mut self, op: u64, operation: Box<dyn Operation>, caller: Option<Caller>) {
        self.running.insert(op, Running { operation, caller });
        self.hub.open_operations = self.running.len();
    }

    fn advance(&mut self, op: u64, step: impl FnOnce(&mut dyn Operation, &mut Hub) -> Progress) {
        let Some(running) = self.running.get_mut(&op) else { return };
        if step(&mut *running.operation, &mut self.hub) == Progress::Going {
            return;
        }
        if let Some(caller) = self.running.remove(&op).and_then(|running| running.caller) {
            self.hub.links.release(&caller);
        }
        self.hub.open_operations = self.running.len();
    }

    /// Follows everything up until nothing is left to do without a new input.
    fn settle(&mut self) {
        while self.phase != Phase::Stopped {
            let mut idle = true;
            while let Some(output) = self.hub.store.poll() {
                idle = false;
                self.follow_store(output);
            }
            while let Some(conn) = self.hub.links.next_touched() {
                idle = false;
                while let Some(event) = self.hub.links.next_event(conn) {
                    if let Some((caller, request)) = self.hub.take(conn, event) {
                        self.serve(caller, request);
                    }
                }
                let now = self.hub.now;
                self.hub.links.flush(now, conn, &mut self.hub.out);
                while let Some((caller, request)) = self.hub.links.next_read(conn) {
                    self.read(caller, request);
                }
            }
            while let Some(answer) = self.hub.answers.pop_front() {
                idle = false;
                self.advance(answer.op, |operation, hub| operation.answered(hub, answer));
            }
            while self.hub.members.joined
                && self.running.len() < self.hub.setup.config.max_operations
                && let Some(asking) = self.hub.requests.pop_front()
            {
                idle = false;
                self.begin(asking);
            }
            while !self.is_stopping()
                && let Some(due) = self.hub.repair_due()
            {
                idle = false;
                self.begin_repair(due);
            }
            self.hub.answer_held();
            if let Some(event) = self.hub.ending.take() {
                self.hub.event(event);
                self.finish();
            }
            if idle && !self.step_down() {
                break;
            }
        }
    }

    fn begin_repair(&mut self, due: Due) {
        let op = self.next_op();
        let operation: Box<dyn Operation> = match due {
            Due::Pull(node, resume) => Box::new(Pull::new(&mut self.hub, op, node, resume)),
            Due::Mend(Missing::Record(owner, name)) => {
                Box::new(MendRecord::new(&mut self.hub, op, owner, name))
            }
            Due::Mend(missing @ Missing::Blob(..)) => Box::new(MendBlob::new(&mut self.hub, op, missing)),
            Due::Refill => Box::new(Refill::new(&mut self.hub, op)),
            Due::HandOn => Box::new(HandOn::new(&mut self.hub, op)),
        };
        self.run(op, operation, None);
    }

    fn follow_store(&mut self, output: StoreOutput) {
        match output {
            StoreOutput::Ready(_) if self.is_stopping() => {}
            StoreOutput::Ready(loaded) => {
                self.hub.take_up(loaded);
            }
            StoreOutput::Disk { ticket, request } => self.hub.out.push_back(Output::Disk { ticket, request }),
            StoreOutput::Job { ticket, job } => self.hub.out.push_back(Output::Job { ticket, job }),
            // Only operations and clients ask the store.
            StoreOutput::Reply { token, response } => {
                if let Response::Error(error) = &response
                    && matches!(error.code, ErrorCode::NoSpace | ErrorCode::Disk)
                {
                    self.hub.write_missed();
                }
                drop(self.hub.route(token, response, None));
            }
            StoreOutput::Offer { offer, stub } => {
                let op = self.next_op();
                let settle = Settle::new(&mut self.hub, op, offer, &stub);
                self.run(op, Box::new(settle), None);
            }
            StoreOutput::Check { check, objects } => {
                let op = self.next_op();
                let check = Check::new(&mut self.hub, op, check, objects);
                self.run(op, Box::new(check), None);
            }
            StoreOutput::Forget { forget, stub } => {
                let op = self.next_op();
                let forget = Forget::new(&mut self.hub, op, forget, stub);
                self.run(op, Box::new(forget), None);
            }
            StoreOutput::Damaged(damage) => self.hub.damaged(damage),
            StoreOutput::Fatal(error) => self.fatal(error),
        }
    }

    fn fatal(&mut self, error: DiskError) {
        self.hub.event(NodeEvent::Fatal(error));
        self.finish();
    }

    /// Goes on with stopping, if it is time. `true` if something changed.
    fn step_down(&mut self) -> bool {
        let now = self.hub.now;
        match self.phase {
            Phase::Finishing { until } => {
                let busy = !self.running.is_empty() || !self.hub.store.is_idle();
                if busy && now.mono < until {
                    return false;
                }
                let links: Vec<_> = self.hub.links.iter().map(|(conn, _)| conn).collect();
                for conn in links {
                    self.hub.close(conn, CloseReason::Shutdown);
                }
                self.phase = Phase::Leaving { until: now.mono + self.hub.setup.config.stop_deadline };
                true
            }
            Phase::Leaving { until } => {
                if !self.hub.links.is_empty() && now.mono < until {
                    return false;
                }
                self.hub.event(NodeEvent::Stopped);
                self.phase = Phase::Stopped;
                true
            }
            Phase::Serving | Phase::Stopped => false,
        }
    }

    fn tick(&mut self) {
        let now = self.hub.now;
        self.hub.store.handle_timeout(now);
        for (conn, fault) in self.hub.links.handle_timeout(now) {
            self.hub.fault(conn, fault);
        }
        for conn in self.hub.links.overdue_dials(now) {
            self.hub.close(conn, CloseReason::Other);
        }
        self.hub.heed_silence();
        let due = |(op, running): (&u64, &Running)| (now.mono >= running.operation.deadline()).then_some(*op);
        let due: Vec<_> = self.running.iter().filter_map(due).collect();
        for op in due {
            self.advance(op, |operation, hub| operation.timeout(hub));
        }
        while self.hub.requests.front().is_some_and(|asking| now.mono >= asking.until) {
            if let Some(asking) = self.hub.requests.pop_front() {
                self.hub.refuse(&asking.caller, ErrorCode::Deadline);
            }
        }
        if now.mono >= self.hub.gossip_at {
            self.hub.gossip_at = now.mono + self.hub.gossip_every();
            self.hub.gossip_to_all();
            self.hub.ping_all();
        }
        if !self.is_stopping() {
            self.hub.decide_gone();
            self.hub.go_on_leaving();
            self.hub.dial_due();
        }
    }
}

impl Machine for Node {
    type Event = NodeEvent;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        self.hub.now = now;
        match input {
            Input::Timeout => self.tick(),
            Input::Connected { conn, remote, entropy } => {
                let local = self.hub.local.clone();
                let taken = self.hub.links.connected(now, (conn, remote), entropy, local.as_ref())?;
                if let Err(fault) = taken {
                    self.hub.out.push_back(Output::Send { conn, bytes: Bytes::from_static(&NOT_NOW) });
                    self.hub.event(NodeEvent::Fault { conn, remote, fault });
                }
                if self.is_stopping() {
                    self.hub.close(conn, CloseReason::Shutdown);
                }
                if self.phase == Phase::Stopped {
                    // Nothing follows what happens any more.
                    self.hub.links.flush(now, conn, &mut self.hub.out);
                }
            }
            Input::DialFailed { conn } | Input::Disconnected { conn } => {
                let ended = self.hub.links.remove(conn)?;
                self.hub.lost(conn, ended.peer.map(|peer| peer.node), ended.calls);
            }
            Input::Received { conn, bytes } => {
                let result = self.hub.links.received(now, conn, bytes)?;
                self.hub.heard(conn);
                if let Err(fault) = result {
                    self.hub.fault(conn, fault);
                }
            }
            Input::Sent { conn, bytes } => self.hub.links.sent(now, conn, bytes)?,
            Input::Disk { ticket, result } => self.hub.store.handle_disk(now, ticket, result)?,
            Input::Job { ticket, result } => self.hub.store.handle_job(now, ticket, result)?,
        }
        self.settle();
        Ok(())
    }

    fn poll_output(&mut self) -> Option<Output<NodeEvent>> {
        self.hub.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if !self.hub.out.is_empty() {
            return Some(Instant(0));
        }
        let stop = match self.phase {
            Phase::Stopped => return None,
            Phase::Serving => None,
            Phase::Finishing { until } | Phase::Leaving { until } => Some(until),
        };
        let operations = self.running.values().map(|running| running.operation.deadline()).min();
        let deadlines = [
            stop,
            operations,
            self.hub.store.poll_timeout(),
            self.hub.links.poll_timeout(),
            self.hub.next_silence(),
            self.hub.requests.front().map(|asking| asking.until),
            self.next_dial(),
            Some(self.hub.gossip_at),
        ];
        // A node that stops does none of this any more, and must not wake for it.
        let upkeep = || [self.hub.repair_timeout(), self.hub.next_gone(), self.hub.next_leaving()];
        let upkeep = (!self.is_stopping()).then(upkeep).into_iter().flatten().flatten();
        deadlines.into_iter().flatten().chain(upkeep).min()
    }
}

impl Node {
    fn next_dial(&self) -> Option<Instant> {
        if self.is_stopping() || self.hub.local.is_none() || !self.hub.links.has_room() {
            return None;
        }
        [self.hub.peers.poll_timeout(), self.hub.bootstrap.poll_timeout()].into_iter().flatten().min()
    }
}
