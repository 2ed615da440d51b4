//! Answers about the membership that wait until all that they say is durable.
//!
//! Knows when the node's own rows are on disk, and nothing of what stands in them.

use super::hub::Hub;
use super::link::Caller;
use crate::wire::{MembershipPage, Response};
use alloc::boxed::Box;

/// An answer that waits for the change of this number, and of all before it.
#[derive(Debug)]
pub(super) struct Held {
    caller: Caller,
    answer: Answer,
    after: u64,
}

#[derive(Debug)]
enum Answer {
    /// To a page of this digest; `noted` is the digest of a placement that the other side told.
    View { digest: [u8; 32], noted: Option<[u8; 32]> },
    /// A member was banned.
    Banned,
}

impl Hub {
    /// Answers a `View` once everything that the answer says is durable.
    pub(super) fn hold_view(&mut self, caller: Caller, digest: [u8; 32], noted: Option<[u8; 32]>) {
        self.hold(caller, Answer::View { digest, noted });
    }

    /// Answers a `Ban` once the removal is durable.
    pub(super) fn hold_ban(&mut self, caller: Caller) {
        self.hold(caller, Answer::Banned);
    }

    fn hold(&mut self, caller: Caller, answer: Answer) {
        let after = self.standing.rests_on.max(self.saved_membership);
        self.standing.held.push_back(Held { caller, answer, after });
        self.answer_held();
    }

    /// Gives the answers that have waited long enough.
    pub(super) fn answer_held(&mut self) {
        let saved = self.store.saved();
        while let Some(Held { caller, answer, .. }) =
            self.standing.held.pop_front_if(|held| held.after <= saved)
        {
            let response = match answer {
                Answer::View { digest, noted } => self.view_of(digest, noted),
                Answer::Banned => Response::Done,
            };
            self.settle(&caller, response);
        }
    }

    fn view_of(&self, digest: [u8; 32], noted: Option<[u8; 32]>) -> Response {
        let known = digest == self.members.digest();
        let page = if known { self.question() } else { self.everything() };
        let standing = Some(Box::new(self.tell_standing(noted)));
        Response::View(MembershipPage { standing, ..page })
    }
}
