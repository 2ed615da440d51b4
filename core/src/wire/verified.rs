//! What a node found when it verified the records that it holds.

use alloc::vec::Vec;

use super::PullCursor;
use super::pull::{decode_cursor, encode_cursor};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::error::MalformedMessage;
use crate::id::{Name, OwnerId};

/// The answer to a `VerifyRecords`: a page.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerifiedRecords {
    /// How many records were verified.
    pub checked: u64,
    /// Those that were damaged: whose, and of which name. At most [`limit::DAMAGED`] are sent.
    pub damaged: Vec<(OwnerId, Name)>,
    /// The last one verified, if there are more.
    pub next: Option<PullCursor>,
}

impl VerifiedRecords {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.u64(self.checked);
        let count = out.count(self.damaged.len(), limit::DAMAGED);
        for (owner, name) in self.damaged.iter().take(count) {
            out.raw(owner.as_bytes());
            out.raw(name.as_bytes());
        }
        encode_cursor(self.next.as_ref(), out);
    }

    pub(super) fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        let checked = body.u64()?;
        let count = body.count(limit::DAMAGED)?;
        let damaged = (0..count)
            .map(|_| Ok((OwnerId(body.array()?), Name(body.array()?))))
            .collect::<Result<_, MalformedMessage>>()?;
        Ok(Self { checked, damaged, next: decode_cursor(body)? })
    }
}
