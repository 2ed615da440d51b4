//! Taking from one member what it holds for this node: floors, promises, records, pins, and the blobs of these pins.
//!
//! Page by page, each durable here before the next is asked for; so a pull goes on where a lost link broke it off.
//! Only a pull that came to its end, with both sides placing the members alike throughout, counts as reconciled.
//! The other side is not trusted: what it sends is checked by the store, and its pages must lead to an end.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::calls::{Answered, Failure};
use super::fetch::{Fetch, Missing};
use super::hub::Hub;
use super::operation::{Operation, Progress};
use super::store::{Keep, Origin};
use super::view::record_position;
#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
use crate::config::limit;
use crate::crypto::Suite;
use crate::error::PeerFault;
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{BlobId, NodeId};
use crate::record::Kind;
use crate::time::Instant;
use crate::wire::{
    ErrorCode, PinKept, PinsPage, PullCursor, PullPart, PulledPin, RecordsPage, Request, Response,
};

/// The slot of a question for a page.
const PAGE: u32 = 0;
/// The slot of this node's own store taking rows.
const KEEP: u32 = 1;
/// The slot of records that tell the other side what is dead.
const TELL: u32 = 2;
/// The first slot of blobs.
const BLOBS: u32 = 3;

/// How far a pull has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Rows(PullPart),
    Pins,
    /// Everything is here: is the other side's placement still ours?
    Compare,
}

/// Where a pull that was broken off goes on, as long as both stay the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Resume {
    round: u64,
    placement: [u8; 32],
    stage: Stage,
    after: Option<PullCursor>,
}

/// How a pull ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pulled {
    /// All of it is here. `resumed`: it went on where an earlier one was broken off.
    Whole { resumed: bool },
    /// It is to be gone on with later.
    Broken(Resume),
}

/// A pull from one member.
#[derive(Debug)]
pub(super) struct Pull {
    op: u64,
    from: NodeId,
    at: Resume,
    resumed: bool,
    /// Where the page that is being dealt with ends.
    next: Option<PullCursor>,
    /// Pins that the own store was given and has not answered for.
    pins: Vec<PulledPin>,
    /// Answers to come, those about blobs apart.
    open: usize,
    blobs: Fetch,
    deadline: Instant,
}

impl Pull {
    pub(super) fn new(hub: &mut Hub, op: u64, from: NodeId, resume: Option<Resume>) -> Self {
        let (round, placement) = (hub.sync_round(), hub.placement_digest());
        let beginning = Resume { round, placement, stage: Stage::Rows(PullPart::Floors), after: None };
        let resume = resume.filter(|resume| resume.round == round && resume.placement == placement);
        let mut pull = Self {
            op,
            from,
            at: resume.unwrap_or(beginning),
            resumed: resume.is_some_and(|resume| resume != beginning),
            next: None,
            pins: Vec::new(),
            open: 0,
            blobs: Fetch::new(&hub.setup.config, op, BLOBS, hub.now.mono),
            deadline: hub.now.mono,
        };
        pull.ask(hub);
        pull
    }

    /// Asks for the next page.
    fn ask(&mut self, hub: &mut Hub) {
        let (placement, after) = (self.at.placement, self.at.after);
        let rows = limit::PULL_ROWS as u16;
        let request = match self.at.stage {
            Stage::Rows(part) => Request::PullRecords { placement, part, after, rows },
            Stage::Pins => Request::PullPins { placement, after, rows },
            Stage::Compare => {
                Request::PullRecords { placement, part: PullPart::Floors, after: None, rows: 0 }
            }
        };
        self.open += 1;
        hub.ask(self.op, PAGE, self.from, request);
        self.heed(hub);
    }

    /// Something has come: the patience begins anew.
    fn heed(&mut self, hub: &Hub) {
        self.deadline = hub.now.mono + hub.setup.config.bulk_deadline;
    }

    fn end(&self, hub: &mut Hub, ended: Pulled) -> Progress {
        if matches!(ended, Pulled::Whole { .. }) {
            hub.reconciled(self.from, self.at.round);
        }
        hub.pull_ended(self.from, ended, self.blobs.absent > 0);
        Progress::Done
    }

    fn break_off(&self, hub: &mut Hub) -> Progress {
        self.end(hub, Pulled::Broken(self.at))
    }

    fn fault(&self, hub: &mut Hub, fault: PeerFault) -> Progress {
        hub.blame(&self.from, fault);
        self.break_off(hub)
    }

    fn page_came(&mut self, hub: &mut Hub, result: Result<Response, Failure>) -> Progress {
        if hub.placement_digest() != self.at.placement || hub.sync_round() != self.at.round {
            return self.break_off(hub);
        }
        match (self.at.stage, result) {
            (Stage::Rows(part), Ok(Response::PulledRecords(page))) => self.rows_came(hub, part, page),
            (Stage::Pins, Ok(Response::PulledPins(page))) => self.pins_came(hub, page),
            (Stage::Compare, Ok(Response::PulledRecords(_))) => {
                self.end(hub, Pulled::Whole { resumed: self.resumed })
            }
            (_, Ok(_)) => self.fault(hub, PeerFault::UnexpectedAnswer),
            (_, Err(Failure::Refused(error))) => {
                if error.code == ErrorCode::OtherSet {
                    hub.compare(&self.from);
                }
                self.break_off(hub)
            }
            (_, Err(Failure::Lost)) => self.break_off(hub),
        }
    }

    fn rows_came(&mut self, hub: &mut Hub, part: PullPart, page: RecordsPage) -> Progress {
        let suite = hub.setup.suite;
        if !is_page(&record_cursors(suite, part, &page), self.at.after, page.next) {
            return self.fault(hub, PeerFault::WrongContent);
        }
        self.next = page.next;
        for row in page.records {
            if (row.record.header().kind == Kind::Floor) == (part == PullPart::Floors) {
                self.open += 1;
                hub.keep_pulled(self.op, KEEP, self.from, row);
            }
        }
        for promises in page.promises.chunks(limit::CHECK_PINS) {
            self.open += 1;
            hub.keep_promises(self.op, KEEP, promises.to_vec());
        }
        self.progress(hub)
    }

    fn pins_came(&mut self, hub: &mut Hub, page: PinsPage) -> Progress {
        let cursors: Vec<_> = page.pins.iter().map(|row| PullCursor::of_pin(&row.pin)).collect();
        if !is_page(&cursors, self.at.after, page.next) {
            return self.fault(hub, PeerFault::WrongContent);
        }
        self.next = page.next;
        if !page.pins.is_empty() {
            self.open += 1;
            self.pins.clone_from(&page.pins);
            let request = Request::PutPins { pins: page.pins };
            hub.ask_own(self.op, KEEP, Origin::Own, Keep::Replica, request);
        }
        self.progress(hub)
    }

    /// This node's own store has dealt with a row, or with a page of pins.
    fn kept(&mut self, hub: &mut Hub, result: Result<Response, Failure>) -> Progress {
        match result {
            Ok(Response::PinsKept(kept)) => {
                let pins = core::mem::take(&mut self.pins);
                let missing = pins.iter().zip(&kept.kept).filter(|(_, kept)| **kept == PinKept::Missing);
                let missing: BTreeSet<(BlobId, u32)> =
                    missing.map(|(row, _)| (row.pin.body().blob, row.pin.body().length)).collect();
                for (id, length) in missing {
                    self.blobs.want(Missing::Blob(id, length), Vec::from([self.from]));
                }
                // What is dead here is alive there: it is told why.
                for record in kept.killers {
                    self.open += 1;
                    hub.ask(self.op, TELL, self.from, Request::PutRecord { record });
                }
            }
            Ok(_) => {}
            Err(Failure::Refused(error)) => match error.code {
                // Something newer is here, or a promise that it will not be taken: neither is lacking.
                // Of a damaged row more than one member is asked, apart from this.
                ErrorCode::Stale | ErrorCode::Past | ErrorCode::Damaged => {}
                ErrorCode::Invalid => return self.fault(hub, PeerFault::WrongContent),
                _ => return self.break_off(hub),
            },
            Err(Failure::Lost) => return self.break_off(hub),
        }
        self.progress(hub)
    }

    /// Goes on with blobs, and once nothing of the page is left, with the next one.
    fn progress(&mut self, hub: &mut Hub) -> Progress {
        self.heed(hub);
        self.blobs.go_on(hub);
        if self.blobs.failed > 0 {
            return self.break_off(hub);
        }
        if self.open > 0 || !self.blobs.is_idle() {
            return Progress::Going;
        }
        hub.pull_went_on(&self.from);
        self.at.after = self.next.take();
        if self.at.after.is_none() {
            self.at.stage = match self.at.stage {
                // Floors first: they decide about everything else.
                Stage::Rows(PullPart::Floors) => Stage::Rows(PullPart::Promises),
                Stage::Rows(PullPart::Promises) => Stage::Rows(PullPart::Records),
                Stage::Rows(PullPart::Records) => Stage::Pins,
                Stage::Pins | Stage::Compare => Stage::Compare,
            };
        }
        self.ask(hub);
        Progress::Going
    }
}

impl Operation for Pull {
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress {
        match answer.slot {
            PAGE => {
                self.open -= 1;
                self.page_came(hub, answer.result)
            }
            KEEP => {
                self.open -= 1;
                self.kept(hub, answer.result)
            }
            TELL => {
                self.open -= 1;
                self.progress(hub)
            }
            _ => {
                if answer.result.is_ok() {
                    hub.pull_went_on(&self.from);
                }
                self.blobs.answered(hub, answer);
                self.progress(hub)
            }
        }
    }

    fn timeout(&mut self, hub: &mut Hub) -> Progress {
        if hub.now.mono >= self.deadline {
            return self.break_off(hub);
        }
        self.blobs.go_on(hub);
        Progress::Going
    }

    fn is_background(&self) -> bool {
        true
    }

    fn deadline(&self) -> Instant {
        self.blobs.wake().map_or(self.deadline, |wake| wake.min(self.deadline))
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        self.blobs.gauge(config, limit::PULL_ROWS, gauges);
    }
}

fn record_cursors(suite: Suite, part: PullPart, page: &RecordsPage) -> Vec<PullCursor> {
    let records = page.records.iter().map(|row| {
        let header = row.record.header();
        match part {
            PullPart::Floors => PullCursor { owner: header.owner, ..PullCursor::default() },
            _ => PullCursor {
                at: record_position(suite, &header.owner, header.name.0[0]).0,
                owner: header.owner,
                name: header.name,
                ..PullCursor::default()
            },
        }
    });
    let promises = page.promises.iter().map(|row| PullCursor {
        owner: row.owner,
        name: row.name,
        object: row.object,
        ..PullCursor::default()
    });
    records.chain(promises).collect()
}

/// True for rows that rise after `after`, and a `next` that is theirs: such pages come to an end.
fn is_page(rows: &[PullCursor], after: Option<PullCursor>, next: Option<PullCursor>) -> bool {
    let mut last = after;
    for row in rows {
        if last.is_some_and(|last| last >= *row) {
            return false;
        }
        last = Some(*row);
    }
    // A page that goes on has brought something, or it might go on for ever.
    next.is_none_or(|next| !rows.is_empty() && last.is_some_and(|last| last <= next))
}
