//! Deleting one file: a tombstone above everything known of its name.

use super::context::{Context, Operation, Step, check_past, good_until, refused};
use super::event::Outcome;
use super::lookup::{check, check_current};
use super::place::is_stale;
use super::requests::RequestId;
use super::seen::FLOOR_NAME;
use crate::error::{OpError, PeerFault};
use crate::id::Name;
use crate::record::Version;
use crate::vault::tombstone;
use crate::wire::{Request, Response};

/// How often a tombstone is put above a record that another device has written meanwhile.
const MAX_TRIES: u32 = 8;

enum Phase {
    Loading,
    Looking,
    Recording,
    Raising,
}

/// One delete.
pub(super) struct Delete {
    name: Name,
    phase: Phase,
    version: Version,
    copies: u8,
    wanted: u8,
    tries: u32,
}

impl Delete {
    /// `key` is normalised.
    pub(super) fn new(cx: &Context<'_>, key: &str) -> Result<Self, OpError> {
        Ok(Self {
            name: cx.keys()?.name(0, key),
            phase: Phase::Loading,
            version: Version::ZERO,
            copies: 0,
            wanted: 0,
            tries: 0,
        })
    }

    fn look(&mut self, cx: &mut Context<'_>) -> Step {
        self.phase = Phase::Looking;
        cx.ask(Request::GetRecord { owner: cx.owner()?, name: self.name });
        Ok(None)
    }

    fn found(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        let (record, floor, fresh) = match response {
            Response::Record { record, floor, fresh } => (record, floor, fresh),
            Response::Error(error) => return Err(refused(&error).into()),
            _ => return Err(PeerFault::UnexpectedAnswer.into()),
        };
        let found = check(cx, &self.name, record, floor)?;
        // An older record than was seen is deleted all the same: the tombstone is above both. Where no quorum has
        // answered there may be a file that those who did do not know of.
        if fresh && found.living(cx.now.unix_ms).is_none() {
            return Err(OpError::NotFound.into());
        }
        self.put(cx, found.version().max(found.floor))
    }

    fn put(&mut self, cx: &mut Context<'_>, highest: Version) -> Step {
        self.version = cx.next_version(&self.name, highest, cx.now.unix_ms)?;
        let record = tombstone(cx.keys()?, &cx.env.network, &self.name, self.version)
            .map_err(|_| OpError::TooLarge)?;
        self.phase = Phase::Recording;
        cx.ask_until(Request::PutRecord { record }, good_until(cx.now));
        Ok(None)
    }

    fn recorded(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        match response {
            Response::Stored { copies, wanted } => {
                (self.copies, self.wanted) = (copies, wanted);
                self.phase = Phase::Raising;
                if cx.raise_seen(&[(self.name, self.version)]) { self.seen_settled(cx) } else { Ok(None) }
            }
            Response::Error(error) if is_stale(error.code) => {
                check_past(cx.now, &error, self.version)?;
                if let Some(current) = &error.current {
                    check_current(cx, &self.name, current)?;
                }
                self.tries += 1;
                if self.tries > MAX_TRIES { Err(OpError::Conflict.into()) } else { self.look(cx) }
            }
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }
}

impl Operation for Delete {
    fn start(&mut self, cx: &mut Context<'_>) -> Step {
        if cx.load_seen(&[self.name, FLOOR_NAME]) { self.look(cx) } else { Ok(None) }
    }

    fn answered(&mut self, cx: &mut Context<'_>, _request: RequestId, response: Response) -> Step {
        match self.phase {
            Phase::Looking => self.found(cx, response),
            _ => self.recorded(cx, response),
        }
    }

    fn seen_settled(&mut self, cx: &mut Context<'_>) -> Step {
        match self.phase {
            Phase::Loading => self.look(cx),
            Phase::Raising => Ok(Some(Outcome::Deleted { copies: self.copies, wanted: self.wanted })),
            Phase::Looking | Phase::Recording => Ok(None),
        }
    }
}
