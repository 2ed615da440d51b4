//! Deleting everything of a vault: a floor above all that a full list shows.

use super::context::{Context, Operation, Step, check_past, good_until, refused};
use super::event::Outcome;
use super::lookup::check_current;
use super::pages::{PAGE_RESERVE, Pages};
use super::place::is_stale;
use super::requests::RequestId;
use super::seen::FLOOR_NAME;
use crate::error::{OpError, PeerFault};
use crate::id::Ticket;
use crate::job::JobResult;
use crate::record::Version;
use crate::vault::floor_record;
use crate::wire::{ErrorCode, Request, Response};

/// How often a floor is put above one that another device has written meanwhile.
const MAX_TRIES: u32 = 8;

enum Phase {
    Reserving { seen: bool, room: bool },
    Listing,
    Recording,
    Raising,
}

/// One clear.
pub(super) struct Clear {
    phase: Phase,
    pages: Pages,
    highest: Version,
    floor: Version,
    copies: u8,
    wanted: u8,
    tries: u32,
}

impl Clear {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Reserving { seen: false, room: false },
            pages: Pages::new(),
            highest: Version::ZERO,
            floor: Version::ZERO,
            copies: 0,
            wanted: 0,
            tries: 0,
        }
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Step {
        if matches!(self.phase, Phase::Reserving { seen: true, room: true }) {
            self.phase = Phase::Listing;
            self.pages.ask(cx)?;
        }
        Ok(None)
    }

    /// Puts the floor one step above the highest version known, so that what another device with a slower clock stores
    /// afterwards lives. Where the list was not complete there may be higher ones: then it is put at the present time.
    fn put(&mut self, cx: &mut Context<'_>, is_complete: bool) -> Step {
        let highest = self.highest.max(self.pages.floor);
        let not_before = if is_complete { 0 } else { cx.now.unix_ms };
        self.floor = cx.next_version(&FLOOR_NAME, highest, not_before)?;
        let record =
            floor_record(cx.keys()?, &cx.env.network, self.floor, 0).map_err(|_| OpError::TooLarge)?;
        self.phase = Phase::Recording;
        cx.ask_until(Request::PutRecord { record }, good_until(cx.now));
        Ok(None)
    }

    fn recorded(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        match response {
            Response::Stored { copies, wanted } => {
                (self.copies, self.wanted) = (copies, wanted);
                self.phase = Phase::Raising;
                if cx.raise_seen(&[(FLOOR_NAME, self.floor)]) { self.seen_settled(cx) } else { Ok(None) }
            }
            Response::Error(error) if is_stale(error.code) => {
                check_past(cx.now, &error, self.floor)?;
                if let Some(current) = &error.current {
                    self.highest = self.highest.max(check_current(cx, &FLOOR_NAME, current)?);
                }
                self.tries += 1;
                if self.tries > MAX_TRIES {
                    return Err(OpError::Conflict.into());
                }
                // What is refused as too old for its time is put at the present one.
                self.put(cx, error.code == ErrorCode::Stale && self.pages.complete)
            }
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }
}

impl Operation for Clear {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        let seen = cx.load_seen(&[FLOOR_NAME]);
        let room = cx.effects.window.reserve(cx.op, PAGE_RESERVE);
        self.phase = Phase::Reserving { seen, room };
        self.begin(cx)
    }

    fn room(&mut self, cx: &mut Context<'_>) -> Step {
        if let Phase::Reserving { room, .. } = &mut self.phase {
            *room = true;
        }
        self.begin(cx)
    }

    fn answered(&mut self, cx: &mut Context<'_>, _request: RequestId, response: Response) -> Step {
        match self.phase {
            Phase::Listing => {
                self.pages.answered(cx, response)?;
                Ok(None)
            }
            _ => self.recorded(cx, response),
        }
    }

    fn job_done(&mut self, cx: &mut Context<'_>, _ticket: Ticket, result: JobResult) -> Step {
        let JobResult::Verified(verdicts) = result else { return Ok(None) };
        for record in self.pages.verified(&verdicts) {
            self.highest = self.highest.max(record.header().version);
        }
        if self.pages.is_last() {
            return self.put(cx, self.pages.complete);
        }
        self.pages.ask(cx)?;
        Ok(None)
    }

    fn seen_settled(&mut self, cx: &mut Context<'_>) -> Step {
        match &mut self.phase {
            Phase::Reserving { seen, .. } => {
                *seen = true;
                self.begin(cx)
            }
            Phase::Raising => Ok(Some(Outcome::Cleared { copies: self.copies, wanted: self.wanted })),
            Phase::Listing | Phase::Recording => Ok(None),
        }
    }
}
