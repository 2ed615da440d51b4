//! The operations under way: starts them, hands each its answers, ends them, and keeps the link while one needs it.
//!
//! Knows nothing of what an operation does with its answers. How long is waited stands in `patience`.

#[cfg(any(test, feature = "sim"))]
mod gauge;
mod patience;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use crate::client::context::{Context, Effects, Env, JobKind, Operation, Step, Stop};
use crate::client::event::ClientEvent;
use crate::client::link::{Link, LinkEvent};
use crate::client::requests::{NextStep, RequestId, Requests};
use crate::client::seen::{Seen, Tickets};
use crate::client::setup::ClientSetup;
use crate::client::window::Window;
use crate::driver::{Input, Output};
use crate::error::{ApiMisuse, OpError, PeerFault};
use crate::id::OpId;
use crate::session::{LocalRole, LocalSide};
use crate::time::{Instant, Now};
use crate::vault::Vault;
use crate::wire::{ErrorCode, Message, Response, WireError};

struct Slot {
    operation: Box<dyn Operation>,
    /// When anything last happened to it.
    progress: Instant,
    /// It has had an answer, or began while there was a link, or just after: it waits until the link is back.
    reached: bool,
    /// Links that a fault has ended, since its last progress.
    faults: usize,
}

/// The whole machine, but for what commands mean.
pub(in crate::client) struct Running {
    env: Env,
    effects: Effects,
    link: Link,
    operations: BTreeMap<OpId, Slot>,
    next_op: u64,
    /// Not later than the first deadline of an operation.
    check_at: Option<Instant>,
    /// How the last link or round ended; tells why an operation was never answered.
    last_error: Option<OpError>,
    /// When the last link was lost.
    lost_at: Option<Instant>,
    closed: bool,
}

impl Running {
    pub(in crate::client) fn new(now: Now, setup: ClientSetup) -> Self {
        let owner = setup.vault.as_ref().map(|vault| vault.keys().sign.clone());
        let local = LocalSide {
            suite: setup.suite,
            network: setup.network,
            network_key: setup.network_key,
            psks: setup.psks,
            role: LocalRole::Client { owner, control: setup.control },
        };
        let effects = Effects {
            outputs: VecDeque::new(),
            requests: Requests::new(setup.config.redial_first),
            seen: Seen::new(&setup.network, setup.vault.as_ref().map(Vault::owner)),
            window: Window::new(setup.config.client_window),
            tickets: Tickets::default(),
            jobs: BTreeMap::new(),
        };
        Self {
            link: Link::new(now, setup.config.clone(), local, setup.entry, setup.seed),
            env: Env {
                suite: setup.suite,
                config: setup.config,
                network: setup.network,
                vault: setup.vault,
                device: setup.device,
            },
            effects,
            operations: BTreeMap::new(),
            next_op: 1,
            check_at: None,
            last_error: None,
            lost_at: None,
            closed: false,
        }
    }

    /// Starts what `make` makes; what it refuses ends at once.
    pub(in crate::client) fn start(
        &mut self,
        now: Now,
        make: impl FnOnce(&Context<'_>) -> Result<Box<dyn Operation>, OpError>,
    ) -> OpId {
        let op = OpId(self.next_op);
        self.next_op += 1;
        let made = if self.closed {
            Err(OpError::Cancelled)
        } else if self.operations.len() >= self.env.config.max_operations {
            Err(OpError::Busy)
        } else {
            make(&Context { now, op, env: &self.env, effects: &mut self.effects })
        };
        match made {
            Ok(operation) => {
                let reached = self.link.peer().is_some() || self.was_there_just_now(now);
                self.operations.insert(op, Slot { operation, progress: now.mono, reached, faults: 0 });
                self.step(now, op, |operation, cx| operation.start(cx));
                self.settle(now);
            }
            Err(error) => self.emit(ClientEvent::Failed { op, error }),
        }
        op
    }

    /// A user's call for an operation; `moves`: more is given or taken by it than nothing.
    pub(in crate::client) fn call(
        &mut self,
        now: Now,
        op: OpId,
        moves: bool,
        step: impl FnOnce(&mut dyn Operation, &mut Context<'_>) -> Result<Step, ApiMisuse>,
    ) -> Result<(), ApiMisuse> {
        let slot = self.operations.get_mut(&op).ok_or(ApiMisuse::UnknownOp(op))?;
        let mut cx = Context { now, op, env: &self.env, effects: &mut self.effects };
        let came = step(slot.operation.as_mut(), &mut cx)?;
        if moves {
            slot.progress = now.mono;
        }
        self.conclude(now, op, came);
        self.settle(now);
        Ok(())
    }

    pub(in crate::client) fn cancel(&mut self, now: Now, op: OpId) {
        if self.operations.contains_key(&op) {
            self.fail(op, OpError::Cancelled);
            self.settle(now);
        }
    }

    pub(in crate::client) fn close(&mut self, now: Now) {
        self.closed = true;
        while let Some((&op, _)) = self.operations.first_key_value() {
            self.fail(op, OpError::Cancelled);
        }
        let was_open = self.link.peer().is_some();
        self.link.close(&mut self.effects.outputs);
        if was_open {
            self.effects.requests.link_lost();
            self.emit(ClientEvent::Disconnected { fault: None });
        }
        self.settle(now);
    }

    pub(in crate::client) fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        let outputs = &mut self.effects.outputs;
        match input {
            Input::Timeout => self.handle_timeout(now),
            Input::Connected { conn, entropy, .. } => self.link.connected(now, conn, entropy, outputs)?,
            Input::DialFailed { conn } => self.link.dial_failed(now, conn, outputs)?,
            Input::Received { conn, bytes } => self.link.received(now, conn, bytes, outputs)?,
            Input::Sent { conn, bytes } => self.link.sent(now, conn, bytes, outputs)?,
            Input::Disconnected { conn } => self.link.disconnected(now, conn, outputs)?,
            Input::Disk { ticket, result } => {
                self.effects.seen.answer(ticket, result, &mut self.effects.tickets)?;
            }
            Input::Job { ticket, result } => {
                let (op, kind) = *self.effects.jobs.get(&ticket).ok_or(ApiMisuse::UnknownTicket(ticket))?;
                if JobKind::of_result(&result) != kind {
                    return Err(ApiMisuse::WrongResult(ticket));
                }
                self.effects.jobs.remove(&ticket);
                self.step(now, op, |operation, cx| operation.job_done(cx, ticket, result));
            }
        }
        self.settle(now);
        Ok(())
    }

    pub(in crate::client) fn poll_output(&mut self) -> Option<Output<ClientEvent>> {
        self.effects.outputs.pop_front()
    }

    pub(in crate::client) fn poll_timeout(&self) -> Option<Instant> {
        if !self.effects.outputs.is_empty() {
            return Some(Instant(0));
        }
        let silence = self.silent_at();
        [self.link.poll_timeout(), self.effects.requests.poll_timeout(), self.check_at, silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets everything happen that follows from what happened.
    fn settle(&mut self, now: Now) {
        loop {
            if let Some(event) = self.link.poll_event() {
                self.take_link_event(now, event);
            } else if let Some((op, result)) = self.effects.seen.next_settled() {
                match result {
                    Ok(()) => self.step(now, op, |operation, cx| operation.seen_settled(cx)),
                    Err(error) => self.fail(op, OpError::Disk(error)),
                }
            } else if let Some(op) = self.effects.window.next_ready() {
                self.step(now, op, |operation, cx| operation.room(cx));
            } else if !self.send_next(now) {
                break;
            }
        }
        while let Some((ticket, request)) = self.effects.seen.next_request() {
            self.effects.outputs.push_back(Output::Disk { ticket, request });
        }
        if self.effects.requests.is_any_waiting() {
            self.link.need(now, &mut self.effects.outputs);
            // Expires no operation too early: each one's own deadline is looked at then.
            self.check_at.get_or_insert(now.mono + self.patience());
        } else {
            self.link.rest();
            self.check_at = None;
        }
        self.link.pump(&mut self.effects.outputs);
    }

    /// Sends the next request, if the link takes one; `false` if there is none.
    fn send_next(&mut self, now: Now) -> bool {
        let Some(max) = self.link.peer().map(|peer| peer.max_requests) else { return false };
        match self.effects.requests.next_step(now, max) {
            Some(NextStep::Send(message)) => self.link.send(&message),
            Some(NextStep::Expired(id, op)) => {
                let past = WireError { code: ErrorCode::Past, current: None };
                self.answer(now, id, op, Response::Error(past));
            }
            None => return false,
        }
        true
    }

    fn take_link_event(&mut self, now: Now, event: LinkEvent) {
        match event {
            LinkEvent::Opened { node, addr } => {
                for slot in self.operations.values_mut() {
                    slot.reached = true;
                }
                self.last_error = None;
                self.emit(ClientEvent::Connected { node, addr });
            }
            LinkEvent::Message { message, class, bytes } => {
                if let Err(fault) = self.take_message(now, message) {
                    self.link.fault(now, fault, &mut self.effects.outputs);
                }
                self.link.release(class, bytes);
            }
            LinkEvent::Lost { fault } => {
                self.lost_at = Some(now.mono);
                self.effects.requests.link_lost();
                self.emit(ClientEvent::Disconnected { fault: fault.clone() });
                self.last_error = Some(fault.clone().map_or(OpError::Unreachable, OpError::Peer));
                if let Some(fault) = fault {
                    self.count_fault(&fault);
                }
            }
            LinkEvent::Unreached(error) => {
                // Where some had a link and wait for its return, the network was there a moment ago: those that began
                // meanwhile wait with them, each as long as its own patience lasts.
                let was_there = self.waiting().any(|(_, slot)| slot.reached);
                let unreached: Vec<OpId> = self.waiting().filter(|_| !was_there).map(|(op, _)| op).collect();
                for op in unreached {
                    self.fail(op, error.clone());
                }
                self.last_error = Some(error);
            }
        }
    }

    fn take_message(&mut self, now: Now, message: Message) -> Result<(), PeerFault> {
        match message {
            Message::Response { id, response, .. } => {
                if let Some(op) = self.effects.requests.answered(now, id, &response)? {
                    self.answer(now, id, op, response);
                }
                Ok(())
            }
            Message::Goodbye(_) => Ok(()),
            Message::Request { .. }
            | Message::UnknownRequest { .. }
            | Message::Hello(_)
            | Message::Credit { .. } => Err(PeerFault::NotAllowed),
        }
    }

    /// Hands an answer to its operation. One that is refused is asked for again, on the next link.
    fn answer(&mut self, now: Now, id: RequestId, op: OpId, response: Response) {
        let Some(slot) = self.operations.get_mut(&op) else { return };
        slot.progress = now.mono;
        slot.reached = true;
        let mut cx = Context { now, op, env: &self.env, effects: &mut self.effects };
        let came = slot.operation.answered(&mut cx, id, response);
        if matches!(came, Err(Stop::Fault(_))) {
            self.effects.requests.again(id);
        } else {
            slot.faults = 0;
            self.effects.requests.done(id);
        }
        self.conclude(now, op, came);
    }

    fn step(&mut self, now: Now, op: OpId, step: impl FnOnce(&mut dyn Operation, &mut Context<'_>) -> Step) {
        let Some(slot) = self.operations.get_mut(&op) else { return };
        slot.progress = now.mono;
        let mut cx = Context { now, op, env: &self.env, effects: &mut self.effects };
        let came = step(slot.operation.as_mut(), &mut cx);
        self.conclude(now, op, came);
    }

    fn conclude(&mut self, now: Now, op: OpId, came: Step) {
        match came {
            Ok(None) => {}
            Ok(Some(outcome)) => {
                self.forget(op);
                self.emit(ClientEvent::Done { op, outcome });
            }
            Err(Stop::Failed(error)) => self.fail(op, error),
            Err(Stop::Fault(fault)) => self.link.fault(now, fault, &mut self.effects.outputs),
        }
    }

    /// A peer's fault ended the link: who has met as many in a row as there are peers to ask has no other left.
    fn count_fault(&mut self, fault: &PeerFault) {
        let entries = self.link.entries();
        let mut without_another = Vec::new();
        for (op, slot) in &mut self.operations {
            if self.effects.requests.is_waiting(*op) {
                slot.faults += 1;
                if slot.faults > entries {
                    without_another.push(*op);
                }
            }
        }
        for op in without_another {
            self.fail(op, OpError::Peer(fault.clone()));
        }
    }

    fn fail(&mut self, op: OpId, error: OpError) {
        self.forget(op);
        self.emit(ClientEvent::Failed { op, error });
    }

    fn forget(&mut self, op: OpId) {
        self.operations.remove(&op);
        self.effects.requests.forget(op);
        self.effects.seen.release(op);
        self.effects.window.release(op);
    }

    fn emit(&mut self, event: ClientEvent) {
        self.effects.outputs.push_back(Output::Event(event));
    }

    fn waiting(&self) -> impl Iterator<Item = (OpId, &Slot)> {
        self.operations
            .iter()
            .map(|(op, slot)| (*op, slot))
            .filter(|(op, _)| self.effects.requests.is_waiting(*op))
    }
}
