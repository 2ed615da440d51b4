//! Operations that are one question to the entry node, or a row of them: nothing of the vault is opened.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::context::{Context, Operation, Step, refused};
use super::event::Outcome;
use super::requests::RequestId;
#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
use crate::config::limit;
use crate::error::{OpError, PeerFault};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{BlobId, Name, OwnerId};
use crate::wire::{ErrorCode, PullCursor, Request, Response, VerifiedRecords};

/// One question: its answer is the outcome.
pub(super) struct Question(pub(super) Request);

impl Operation for Question {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        cx.ask(self.0.clone());
        Ok(None)
    }

    fn answered(&mut self, _cx: &mut Context<'_>, _request: RequestId, response: Response) -> Step {
        match response {
            Response::Status(status) => Ok(Some(Outcome::Status(Box::new(status)))),
            Response::Peers(peers) => Ok(Some(Outcome::Peers(peers))),
            Response::Evicted { blobs, bytes } => Ok(Some(Outcome::Evicted { blobs, bytes })),
            Response::Invite { token } => Ok(Some(Outcome::Invite(token))),
            Response::Leave { done, waits_for, strays } => {
                Ok(Some(Outcome::Leaving { done, waits_for, strays }))
            }
            Response::Done => Ok(Some(Outcome::Banned)),
            // It is a member that is not there, not a piece of a file.
            Response::Error(error) if error.code == ErrorCode::NotFound => Err(OpError::NotFound.into()),
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }
}

/// Everything that the entry node holds is verified, page by page: its blobs, then its records.
#[derive(Default)]
pub(super) struct Verify {
    after: Option<BlobId>,
    checked: u64,
    bytes: u64,
    damaged: Vec<BlobId>,
    records_after: Option<PullCursor>,
    records: u64,
    damaged_records: Vec<(OwnerId, Name)>,
}

impl Verify {
    fn blobs(
        &mut self,
        cx: &mut Context<'_>,
        (checked, bytes): (u64, u64),
        damaged: Vec<BlobId>,
        next: Option<BlobId>,
    ) -> Step {
        if next.is_some() && next <= self.after {
            return Err(PeerFault::WrongContent.into());
        }
        self.checked = self.checked.saturating_add(checked);
        self.bytes = self.bytes.saturating_add(bytes);
        extend(&mut self.damaged, damaged);
        self.after = next;
        match next {
            Some(_) => self.start(cx),
            None => self.ask_for_records(cx),
        }
    }

    fn ask_for_records(&self, cx: &mut Context<'_>) -> Step {
        cx.ask(Request::VerifyRecords { after: self.records_after });
        Ok(None)
    }

    fn records(&mut self, cx: &mut Context<'_>, page: VerifiedRecords) -> Step {
        if page.next.is_some() && page.next <= self.records_after {
            return Err(PeerFault::WrongContent.into());
        }
        self.records = self.records.saturating_add(page.checked);
        extend(&mut self.damaged_records, page.damaged);
        self.records_after = page.next;
        if page.next.is_some() {
            return self.ask_for_records(cx);
        }
        Ok(Some(Outcome::Verified {
            checked: self.checked,
            bytes: self.bytes,
            damaged: core::mem::take(&mut self.damaged),
            records: self.records,
            damaged_records: core::mem::take(&mut self.damaged_records),
        }))
    }
}

impl Operation for Verify {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        cx.ask(Request::Verify { after: self.after });
        Ok(None)
    }

    fn answered(&mut self, cx: &mut Context<'_>, _request: RequestId, response: Response) -> Step {
        match response {
            Response::Verified { checked, bytes, damaged, next } => {
                self.blobs(cx, (checked, bytes), damaged, next)
            }
            Response::VerifiedRecords(page) => self.records(cx, page),
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }

    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, _: &Config, gauges: &mut Gauges) {
        let damaged = self.damaged.len().max(self.damaged_records.len());
        gauges.count("client: damaged things that are named", damaged, limit::DAMAGED, "limit::DAMAGED");
    }
}

/// Names no more than is of use to anyone.
fn extend<T>(known: &mut Vec<T>, more: Vec<T>) {
    let room = limit::DAMAGED.saturating_sub(known.len());
    known.extend(more.into_iter().take(room));
}
