//! Operations that are one question to the entry node, or a row of them: nothing of the vault is opened.

use alloc::vec::Vec;

use super::context::{Context, Operation, Step, refused};
use super::event::Outcome;
use super::requests::RequestId;
use crate::config::limit;
use crate::error::PeerFault;
use crate::id::BlobId;
use crate::wire::{Request, Response};

/// One question: its answer is the outcome.
pub(super) struct Question(pub(super) Request);

impl Operation for Question {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        cx.ask(self.0.clone());
        Ok(None)
    }

    fn answered(&mut self, _cx: &mut Context<'_>, _request: RequestId, response: Response) -> Step {
        match response {
            Response::Status(status) => Ok(Some(Outcome::Status(status))),
            Response::Peers(peers) => Ok(Some(Outcome::Peers(peers))),
            Response::Evicted { blobs, bytes } => Ok(Some(Outcome::Evicted { blobs, bytes })),
            Response::Invite { token } => Ok(Some(Outcome::Invite(token))),
            Response::Leave { done, waits_for, strays } => {
                Ok(Some(Outcome::Leaving { done, waits_for, strays }))
            }
            Response::Done => Ok(Some(Outcome::Banned)),
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }
}

/// Everything that the entry node holds is hashed, page by page.
#[derive(Default)]
pub(super) struct Verify {
    after: Option<BlobId>,
    checked: u64,
    bytes: u64,
    damaged: Vec<BlobId>,
}

impl Operation for Verify {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        cx.ask(Request::Verify { after: self.after });
        Ok(None)
    }

    fn answered(&mut self, cx: &mut Context<'_>, _request: RequestId, response: Response) -> Step {
        let (checked, bytes, damaged, next) = match response {
            Response::Verified { checked, bytes, damaged, next } => (checked, bytes, damaged, next),
            Response::Error(error) => return Err(refused(&error).into()),
            _ => return Err(PeerFault::UnexpectedAnswer.into()),
        };
        if next.is_some() && next <= self.after {
            return Err(PeerFault::WrongContent.into());
        }
        self.checked = self.checked.saturating_add(checked);
        self.bytes = self.bytes.saturating_add(bytes);
        let room = limit::DAMAGED - self.damaged.len().min(limit::DAMAGED);
        self.damaged.extend(damaged.into_iter().take(room));
        if next.is_some() {
            self.after = next;
            return self.start(cx);
        }
        let damaged = core::mem::take(&mut self.damaged);
        Ok(Some(Outcome::Verified { checked: self.checked, bytes: self.bytes, damaged }))
    }
}
