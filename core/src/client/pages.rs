//! Reading an owner's records page by page: asked for, checked, verified.

use alloc::vec::Vec;

use super::context::{Context, Stop, refused};
use super::lookup::check_floor;
use super::seen::FLOOR_NAME;
use crate::config::limit;
use crate::error::{OpError, PeerFault};
use crate::id::Name;
use crate::job::Job;
use crate::record::{Kind, Record, Version, record_claims};
use crate::wire::{ListCursor, Request, Response};

/// Pages without a row in a row: one for each shard is what an honest node could give.
const MAX_EMPTY: u32 = 256;
/// Memory for one page: header and head of each row.
pub(super) const PAGE_RESERVE: usize = limit::LIST_ROWS as usize * 2048;

/// A walk over all records of the vault's owner.
pub(super) struct Pages {
    after: Option<ListCursor>,
    /// What is being verified: the rows, and how many signatures each has.
    verifying: Vec<(Record, usize)>,
    next: Option<ListCursor>,
    empty: u32,
    /// Every responsible set of replicas answered, up to now.
    pub(super) complete: bool,
    /// The highest floor that came.
    pub(super) floor: Version,
}

impl Pages {
    pub(super) fn new() -> Self {
        Self {
            after: None,
            verifying: Vec::new(),
            next: None,
            empty: 0,
            complete: true,
            floor: Version::ZERO,
        }
    }

    /// Asks for the page after the last.
    pub(super) fn ask(&mut self, cx: &mut Context<'_>) -> Result<(), OpError> {
        let owner = cx.owner()?;
        cx.ask(Request::ListRecords {
            owner,
            after: self.after,
            rows: limit::LIST_ROWS,
            shards: (0, u8::MAX),
        });
        Ok(())
    }

    /// A page came: its signatures go out to be verified.
    pub(super) fn answered(&mut self, cx: &mut Context<'_>, response: Response) -> Result<(), Stop> {
        let (records, next, floor, complete) = match response {
            Response::Records { records, next, floor, complete } => (records, next, floor, complete),
            Response::Error(error) => return Err(refused(&error).into()),
            _ => return Err(PeerFault::UnexpectedAnswer.into()),
        };
        let owner = cx.owner()?;
        let floor = floor.map(|floor| check_floor(cx, &owner, &floor)).transpose()?;
        let mut last = self.after.map(|ListCursor(name)| name);
        let mut claims = Vec::new();
        let mut rows = Vec::new();
        if records.len() > usize::from(limit::LIST_ROWS) {
            return Err(PeerFault::WrongContent.into());
        }
        for record in records {
            let header = record.header();
            let is_next = last.is_none_or(|last| header.name > last) && header.name != FLOOR_NAME;
            if header.owner != owner || header.kind != Kind::File || !is_next {
                return Err(PeerFault::WrongContent.into());
            }
            last = Some(header.name);
            let of_record = record_claims(&cx.env.network, &record, floor.as_ref())
                .map_err(|_| PeerFault::WrongContent)?;
            rows.push((record, of_record.len()));
            claims.extend(of_record);
        }
        let empty = if rows.is_empty() { self.empty + 1 } else { 0 };
        if !goes_on(self.after, last, next) || empty > MAX_EMPTY {
            return Err(PeerFault::WrongContent.into());
        }
        self.empty = empty;
        self.floor = self.floor.max(floor.map_or(Version::ZERO, |floor| floor.version));
        self.complete &= complete;
        self.next = next;
        self.verifying = rows;
        cx.job(Job::VerifySignatures { suite: cx.env.suite, claims });
        Ok(())
    }

    /// The page was verified: its records. One that is not valid is not a row, and the list not complete.
    pub(super) fn verified(&mut self, verdicts: &[bool]) -> Vec<Record> {
        let mut verdicts = verdicts.iter().copied();
        let mut valid = Vec::new();
        for (record, claims) in core::mem::take(&mut self.verifying) {
            // All are taken, also after one that is wrong.
            let wrong = (0..claims).filter(|_| verdicts.next() != Some(true)).count();
            if wrong == 0 {
                valid.push(record);
            } else {
                self.complete = false;
            }
        }
        self.after = self.next;
        valid
    }

    /// True if there are no more pages.
    pub(super) const fn is_last(&self) -> bool {
        self.next.is_none()
    }
}

/// A list goes on after its last row, and never at the same place twice.
fn goes_on(after: Option<ListCursor>, last: Option<Name>, next: Option<ListCursor>) -> bool {
    next.is_none_or(|next| {
        after.is_none_or(|after| next > after) && last.is_none_or(|last| next >= ListCursor(last))
    })
}
