//! What an operation sees of its client, and what a client sees of an operation.

use alloc::collections::{BTreeMap, VecDeque};
use bytes::Bytes;
use core::time::Duration;

use super::event::{ClientEvent, Outcome};
use super::requests::{RequestId, Requests};
use super::seen::{Seen, Tickets};
use super::window::Window;
use crate::config::{Config, limit};
use crate::crypto::{Secret, SpaceKeys, Suite};
use crate::driver::Output;
use crate::error::{ApiMisuse, OpError, PeerFault};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{Name, NetworkId, OpId, OwnerId, Ticket};
use crate::job::{Job, JobResult};
use crate::record::Version;
use crate::time::Now;
use crate::vault::Vault;
use crate::wire::{ErrorCode, Request, Response, WireError};

/// What stays the same for the life of a client.
pub(super) struct Env {
    pub(super) suite: Suite,
    pub(super) config: Config,
    pub(super) network: NetworkId,
    pub(super) vault: Option<Vault>,
    pub(super) device: Secret<32>,
}

/// What operations act on.
pub(super) struct Effects {
    pub(super) outputs: VecDeque<Output<ClientEvent>>,
    pub(super) requests: Requests,
    pub(super) seen: Seen,
    pub(super) window: Window,
    pub(super) tickets: Tickets,
    pub(super) jobs: BTreeMap<Ticket, (OpId, JobKind)>,
}

/// The sort of a job, for checking that its result is of the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum JobKind {
    Seal,
    Open,
    Verify,
    Other,
}

impl JobKind {
    const fn of(job: &Job) -> Self {
        match job {
            Job::SealPiece { .. } => Self::Seal,
            Job::OpenPiece { .. } => Self::Open,
            Job::VerifySignatures { .. } => Self::Verify,
            Job::HashBlob { .. } | Job::ProveBlob { .. } | Job::HashPassword { .. } => Self::Other,
        }
    }

    pub(super) const fn of_result(result: &JobResult) -> Self {
        match result {
            JobResult::Sealed(_) => Self::Seal,
            JobResult::Opened(_) => Self::Open,
            JobResult::Verified(_) => Self::Verify,
            JobResult::Hashed(_) | JobResult::Proved(_) | JobResult::Password(_) => Self::Other,
        }
    }
}

/// Why an operation does not simply go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// It ends without success.
    Failed(OpError),
    /// The peer gave an answer that it should not have given: the link ends, the request is made again on the next one.
    Fault(PeerFault),
}

impl From<OpError> for Stop {
    fn from(error: OpError) -> Self {
        Self::Failed(error)
    }
}

impl From<PeerFault> for Stop {
    fn from(fault: PeerFault) -> Self {
        Self::Fault(fault)
    }
}

/// What came of one step of an operation: nothing yet, or its outcome.
pub(super) type Step = Result<Option<Outcome>, Stop>;

/// One command on its way. Each method is one step; those that a given sort of operation never causes do nothing.
pub(super) trait Operation: Send {
    /// The first step.
    fn start(&mut self, cx: &mut Context<'_>) -> Step;

    /// A request was answered. After `Stop::Fault` the same request is answered once more.
    fn answered(&mut self, cx: &mut Context<'_>, request: RequestId, response: Response) -> Step;

    /// A job was done.
    fn job_done(&mut self, _cx: &mut Context<'_>, _ticket: Ticket, _result: JobResult) -> Step {
        Ok(None)
    }

    /// The rows that it loaded or raised are there.
    fn seen_settled(&mut self, _cx: &mut Context<'_>) -> Step {
        Ok(None)
    }

    /// The window has room.
    fn room(&mut self, _cx: &mut Context<'_>) -> Step {
        Ok(None)
    }

    /// The user gives content.
    fn provide(&mut self, cx: &mut Context<'_>, _bytes: Bytes) -> Result<Step, ApiMisuse> {
        Err(ApiMisuse::UnknownOp(cx.op))
    }

    /// The user has no more content.
    fn finish(&mut self, cx: &mut Context<'_>) -> Result<Step, ApiMisuse> {
        Err(ApiMisuse::UnknownOp(cx.op))
    }

    /// Tells what it holds, if that grows with anything.
    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, _config: &Config, _gauges: &mut Gauges) {}

    /// The user dealt with so much.
    fn consumed(&mut self, cx: &mut Context<'_>, _count: usize) -> Result<Step, ApiMisuse> {
        Err(ApiMisuse::UnknownOp(cx.op))
    }
}

/// One operation's view of its client.
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) op: OpId,
    pub(super) env: &'a Env,
    pub(super) effects: &'a mut Effects,
}

impl Context<'_> {
    /// The vault's keys. Commands that need them are refused before they start where there is no vault.
    pub(super) fn keys(&self) -> Result<&SpaceKeys, OpError> {
        self.env.vault.as_ref().map(Vault::keys).ok_or(OpError::Forbidden)
    }

    pub(super) fn owner(&self) -> Result<OwnerId, OpError> {
        Ok(self.keys()?.owner())
    }

    pub(super) fn event(&mut self, event: ClientEvent) {
        self.effects.outputs.push_back(Output::Event(event));
    }

    pub(super) fn ask(&mut self, request: Request) -> RequestId {
        self.effects.requests.ask(self.op, request, None)
    }

    /// Asks; where the request cannot be sent by then, by either clock, it is answered `Past`.
    pub(super) fn ask_until(&mut self, request: Request, good_until: Now) -> RequestId {
        self.effects.requests.ask(self.op, request, Some(good_until))
    }

    pub(super) fn job(&mut self, job: Job) -> Ticket {
        let ticket = self.effects.tickets.next();
        self.effects.jobs.insert(ticket, (self.op, JobKind::of(&job)));
        self.effects.outputs.push_back(Output::Job { ticket, job });
        ticket
    }

    /// See [`Seen::load`].
    pub(super) fn load_seen(&mut self, names: &[Name]) -> bool {
        self.effects.seen.load(self.op, names, &mut self.effects.tickets)
    }

    /// See [`Seen::raise`].
    pub(super) fn raise_seen(&mut self, versions: &[(Name, Version)]) -> bool {
        self.effects.seen.raise(self.op, versions, &mut self.effects.tickets)
    }

    /// A new version of this name, above `highest` and everything seen, not before `not_before_ms`: see [`Seen::reserve`].
    pub(super) fn next_version(
        &mut self,
        name: &Name,
        highest: Version,
        not_before_ms: u64,
    ) -> Result<Version, OpError> {
        within_clock(self.now, highest.max(self.effects.seen.highest(name)))?;
        let writer = self.keys()?.writer_tag(&self.env.device, name);
        self.effects.seen.reserve(name, not_before_ms, highest, writer).ok_or(OpError::Clock)
    }
}

/// A vault never merges a clock that is too far ahead of its own.
fn within_clock(now: Now, version: Version) -> Result<(), OpError> {
    let latest = now.unix_ms.saturating_add(limit::CLOCK_SKEW_MS);
    if version.ms() > latest { Err(OpError::Clock) } else { Ok(()) }
}

/// For how long what is signed at this time may be sent: half a lease, sleep included.
pub(super) fn good_until(signed: Now) -> Now {
    signed.after(Duration::from_millis(limit::LEASE_MS / 2))
}

/// What a refusal as too old means for something of this version: that it waited for too long and is to be made anew, or that
/// our clock is behind the network's.
pub(super) fn check_past(now: Now, error: &WireError, version: Version) -> Result<(), OpError> {
    let is_old = now.unix_ms.saturating_sub(version.ms()) > limit::LEASE_MS / 2;
    if error.code == ErrorCode::Past && !is_old { Err(OpError::Clock) } else { Ok(()) }
}

/// How a refusal ends an operation that has no better use for it.
pub(super) fn refused(error: &WireError) -> OpError {
    match error.code {
        ErrorCode::Forbidden => OpError::Forbidden,
        ErrorCode::NotFound => OpError::Missing,
        ErrorCode::Stale => OpError::Conflict,
        ErrorCode::Past | ErrorCode::Future => OpError::Clock,
        ErrorCode::NoSpace => OpError::NoSpace,
        ErrorCode::Quota => OpError::Quota,
        ErrorCode::Deadline => OpError::Deadline,
        ErrorCode::Damaged => OpError::Damaged,
        ErrorCode::Busy | ErrorCode::Stopping => OpError::Busy,
        ErrorCode::Disk => OpError::PeerDisk,
        ErrorCode::Invalid => OpError::Refused,
        ErrorCode::Unsupported | ErrorCode::OtherSet | ErrorCode::Other => OpError::Unknown(error.code as u8),
    }
}
