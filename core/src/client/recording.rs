//! Putting the record by which something is deleted: counted, and told when another device has written meanwhile.
//!
//! Knows neither what is deleted nor how its version is chosen.

use super::context::{Context, Stop, check_past, good_until, refused};
use super::lookup::check_current;
use super::place::is_stale;
use crate::error::{OpError, PeerFault};
use crate::id::Name;
use crate::record::{Record, Version};
use crate::wire::{ErrorCode, Request, Response};

/// How often a record is put above one that another device has written meanwhile.
const MAX_TRIES: u32 = 8;

/// One record on its way.
pub(super) struct Recording {
    /// Of the record that is put.
    pub(super) version: Version,
    pub(super) copies: u8,
    pub(super) wanted: u8,
    tries: u32,
}

/// What came of it.
pub(super) enum Recorded {
    /// It is stored. `settled`: that its version was seen is written down, too.
    Stored { settled: bool },
    /// It was refused as too old: this is known, or it has waited for too long.
    Stale { code: ErrorCode, newer: Option<Version> },
}

impl Recording {
    pub(super) const fn new() -> Self {
        Self { version: Version::ZERO, copies: 0, wanted: 0, tries: 0 }
    }

    pub(super) fn put(&mut self, cx: &mut Context<'_>, record: Record) {
        self.version = record.header().version;
        cx.ask_until(Request::PutRecord { record }, good_until(cx.now));
    }

    /// `name`: under which its version is seen.
    pub(super) fn answered(
        &mut self,
        cx: &mut Context<'_>,
        name: &Name,
        response: Response,
    ) -> Result<Recorded, Stop> {
        match response {
            Response::Stored { copies, wanted } => {
                (self.copies, self.wanted) = (copies, wanted);
                Ok(Recorded::Stored { settled: cx.raise_seen(&[(*name, self.version)]) })
            }
            Response::Error(error) if is_stale(error.code) => {
                check_past(cx.now, &error, self.version)?;
                let newer = error.current.map(|current| check_current(cx, name, &current)).transpose()?;
                self.tries += 1;
                if self.tries > MAX_TRIES {
                    return Err(OpError::Conflict.into());
                }
                Ok(Recorded::Stale { code: error.code, newer })
            }
            Response::Error(error) => Err(refused(&error).into()),
            _ => Err(PeerFault::UnexpectedAnswer.into()),
        }
    }
}
