//! Listing the files of a vault. Peers cannot: they know neither keys nor prefixes.

use alloc::string::String;
use alloc::vec::Vec;

use super::context::{Context, Operation, Step};
use super::event::{ClientEvent, FileMeta, Outcome};
use super::lookup::is_living;
use super::pages::{PAGE_RESERVE, Pages};
use super::requests::RequestId;
use super::seen::FLOOR_NAME;
use crate::error::ApiMisuse;
use crate::id::{Name, Ticket};
use crate::job::JobResult;
use crate::record::{Record, Version};
use crate::vault::open_head;
use crate::wire::Response;

enum Phase {
    /// Waits for room.
    Reserving,
    /// A page is under way.
    Asking,
    /// Reads what was seen of the page's names.
    Loading(Vec<Record>),
    /// Writes down what is to be told.
    Raising(Vec<FileMeta>),
    /// Waits until the page is consumed.
    Telling,
}

/// One list.
pub(super) struct List {
    prefix: String,
    phase: Phase,
    pages: Pages,
    unconsumed: usize,
}

impl List {
    /// `prefix` is normalised.
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix, phase: Phase::Reserving, pages: Pages::new(), unconsumed: 0 }
    }

    fn ask(&mut self, cx: &mut Context<'_>) -> Step {
        self.phase = Phase::Asking;
        self.pages.ask(cx)?;
        Ok(None)
    }

    fn loaded(&mut self, cx: &mut Context<'_>, records: Vec<Record>) -> Step {
        let floor = self.pages.floor.max(cx.effects.seen.highest(&FLOOR_NAME));
        let mut versions: Vec<(Name, Version)> = alloc::vec![(FLOOR_NAME, floor)];
        let mut entries = Vec::new();
        for record in records {
            let header = record.header();
            if !is_living(&record, floor, cx.now.unix_ms) {
                continue;
            }
            if header.version < cx.effects.seen.highest(&header.name) {
                self.pages.complete = false;
                continue;
            }
            let Ok(head) = open_head(cx.keys()?, &record, None) else {
                // Sealed by a later version of this program, or evicted: there is a file, but not one that can be told of.
                self.pages.complete = false;
                continue;
            };
            versions.push((header.name, header.version));
            if head.key.starts_with(&self.prefix) {
                entries.push(FileMeta {
                    key: head.key,
                    size: head.size,
                    modified_ms: head.modified_ms,
                    version: header.version,
                    expires: header.expires,
                });
            }
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        self.phase = Phase::Raising(entries);
        if cx.raise_seen(&versions) { self.seen_settled(cx) } else { Ok(None) }
    }

    fn tell(&mut self, cx: &mut Context<'_>, entries: Vec<FileMeta>) -> Step {
        self.phase = Phase::Telling;
        self.unconsumed = entries.len();
        if !entries.is_empty() {
            cx.event(ClientEvent::Entries { op: cx.op, entries });
        }
        self.go_on(cx)
    }

    fn go_on(&mut self, cx: &mut Context<'_>) -> Step {
        match self.phase {
            Phase::Telling if self.unconsumed == 0 && self.pages.is_last() => {
                Ok(Some(Outcome::Listed { complete: self.pages.complete }))
            }
            Phase::Telling if self.unconsumed == 0 => self.ask(cx),
            _ => Ok(None),
        }
    }
}

impl Operation for List {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        if cx.effects.window.reserve(cx.op, PAGE_RESERVE) { self.ask(cx) } else { Ok(None) }
    }

    fn room(&mut self, cx: &mut Context<'_>) -> Step {
        match self.phase {
            Phase::Reserving => self.ask(cx),
            _ => Ok(None),
        }
    }

    fn answered(&mut self, cx: &mut Context<'_>, _request: RequestId, response: Response) -> Step {
        self.pages.answered(cx, response)?;
        Ok(None)
    }

    fn job_done(&mut self, cx: &mut Context<'_>, _ticket: Ticket, result: JobResult) -> Step {
        let JobResult::Verified(verdicts) = result else { return Ok(None) };
        let records = self.pages.verified(&verdicts);
        // The names of the last page are of no use any more.
        cx.effects.seen.release(cx.op);
        let mut names: Vec<Name> = records.iter().map(|record| record.header().name).collect();
        names.push(FLOOR_NAME);
        self.phase = Phase::Loading(records);
        if cx.load_seen(&names) { self.seen_settled(cx) } else { Ok(None) }
    }

    fn seen_settled(&mut self, cx: &mut Context<'_>) -> Step {
        match core::mem::replace(&mut self.phase, Phase::Telling) {
            Phase::Loading(records) => self.loaded(cx, records),
            Phase::Raising(entries) => self.tell(cx, entries),
            other => {
                self.phase = other;
                Ok(None)
            }
        }
    }

    fn consumed(&mut self, cx: &mut Context<'_>, count: usize) -> Result<Step, ApiMisuse> {
        self.unconsumed = self.unconsumed.checked_sub(count).ok_or(ApiMisuse::TooMuchData(cx.op))?;
        Ok(self.go_on(cx))
    }
}
