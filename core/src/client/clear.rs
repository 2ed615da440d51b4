//! Deleting everything of a vault: a floor above all that a full list shows.

use super::context::{Context, Operation, Step};
use super::event::Outcome;
use super::pages::{PAGE_RESERVE, Pages};
use super::recording::{Recorded, Recording};
use super::requests::RequestId;
use super::seen::FLOOR_NAME;
use crate::error::OpError;
use crate::id::Ticket;
use crate::job::JobResult;
use crate::record::Version;
use crate::vault::floor_record;
use crate::wire::{ErrorCode, Response};

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
    recording: Recording,
}

impl Clear {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Reserving { seen: false, room: false },
            pages: Pages::new(),
            highest: Version::ZERO,
            recording: Recording::new(),
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
        let floor = cx.next_version(&FLOOR_NAME, highest, not_before)?;
        let record = floor_record(cx.keys()?, &cx.env.network, floor, 0).map_err(|_| OpError::TooLarge)?;
        self.phase = Phase::Recording;
        self.recording.put(cx, record);
        Ok(None)
    }

    fn recorded(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        match self.recording.answered(cx, &FLOOR_NAME, response)? {
            Recorded::Stored { settled } => {
                self.phase = Phase::Raising;
                if settled { self.seen_settled(cx) } else { Ok(None) }
            }
            Recorded::Stale { code, newer } => {
                self.highest = newer.map_or(self.highest, |newer| newer.max(self.highest));
                // What is refused as too old for its time is put at the present one.
                self.put(cx, code == ErrorCode::Stale && self.pages.complete)
            }
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
            Phase::Raising => {
                let Recording { copies, wanted, version, .. } = self.recording;
                Ok(Some(Outcome::Cleared { copies, wanted, version }))
            }
            Phase::Listing | Phase::Recording => Ok(None),
        }
    }
}
