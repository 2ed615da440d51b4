//! Deleting one file: a tombstone above everything known of its name.

use super::context::{Context, Operation, Step};
use super::event::Outcome;
use super::lookup::check;
use super::recording::{Recorded, Recording};
use super::requests::RequestId;
use super::seen::FLOOR_NAME;
use crate::error::OpError;
use crate::id::Name;
use crate::record::Version;
use crate::vault::tombstone;
use crate::wire::{Request, Response};

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
    recording: Recording,
}

impl Delete {
    /// `key` is normalised.
    pub(super) fn new(cx: &Context<'_>, key: &str) -> Result<Self, OpError> {
        Ok(Self { name: cx.keys()?.name(0, key), phase: Phase::Loading, recording: Recording::new() })
    }

    fn look(&mut self, cx: &mut Context<'_>) -> Step {
        self.phase = Phase::Looking;
        cx.ask(Request::GetRecord { owner: cx.owner()?, name: self.name });
        Ok(None)
    }

    fn found(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        let (found, fresh) = check(cx, &self.name, response)?;
        // An older record than was seen is deleted all the same: the tombstone is above both. Where no quorum has
        // answered there may be a file that those who did do not know of.
        if fresh && found.living(cx.now.unix_ms).is_none() {
            return Err(OpError::NotFound.into());
        }
        self.put(cx, found.version().max(found.floor))
    }

    fn put(&mut self, cx: &mut Context<'_>, highest: Version) -> Step {
        let version = cx.next_version(&self.name, highest, cx.now.unix_ms)?;
        let record =
            tombstone(cx.keys()?, &cx.env.network, &self.name, version).map_err(|_| OpError::TooLarge)?;
        self.phase = Phase::Recording;
        self.recording.put(cx, record);
        Ok(None)
    }

    fn recorded(&mut self, cx: &mut Context<'_>, response: Response) -> Step {
        match self.recording.answered(cx, &self.name, response)? {
            Recorded::Stored { settled } => {
                self.phase = Phase::Raising;
                if settled { self.seen_settled(cx) } else { Ok(None) }
            }
            Recorded::Stale { .. } => self.look(cx),
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
            Phase::Raising => {
                let Recording { copies, wanted, version, .. } = self.recording;
                Ok(Some(Outcome::Deleted { copies, wanted, version }))
            }
            Phase::Looking | Phase::Recording => Ok(None),
        }
    }
}
