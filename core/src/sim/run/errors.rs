//! Which errors a user may be given, by what stands around the run just then. Must not know what an operation found.

use alloc::format;
use alloc::string::String;

use super::model::Model;
use super::users::{Around, Doing, User};
use crate::error::{OpError, PeerFault};

impl User {
    /// Some errors an honest network never gives, others only while something is wrong.
    pub(super) fn check_error(
        &self,
        model: &Model,
        doing: &Doing,
        around: &Around,
        error: &OpError,
    ) -> Result<(), String> {
        let is_range = matches!(doing, Doing::Get { part: Some(_), .. });
        let is_other = matches!(doing, Doing::Other);
        let fits = match error {
            _ if is_other => true,
            OpError::NotFound | OpError::Cancelled | OpError::Busy => true,
            OpError::BadRange => is_range,
            // A node whose clock is ahead drops what has expired while others still show it.
            OpError::Missing => {
                let is_promised = match doing {
                    Doing::Get { key, meta: Some(meta), .. } => {
                        model.is_promised(self.vault, *key, meta.version)
                    }
                    Doing::Get { key, .. } => !model.has_unpromised(self.vault, *key),
                    _ => true,
                };
                !around.is_calm || around.clocks_off_ms > 0 || !(around.all_counts || is_promised)
            }
            OpError::Clock | OpError::Conflict | OpError::Quota => true,
            // Whoever cannot be reached any more is silent; whoever stands still takes nothing.
            OpError::Peer(PeerFault::Silent | PeerFault::Stalled | PeerFault::HandshakeTimeout) => {
                !around.is_calm
            }
            OpError::WrongNetwork => (around.liars || around.some_ends) && !around.is_calm,
            OpError::Peer(_) | OpError::WrongKey | OpError::Refused => around.liars && !around.is_calm,
            // What it has seen last, and be it its own delete, may be gone with a disk, unless it was promised to last.
            OpError::Rollback => {
                let all_promised = match doing {
                    Doing::Get { key, .. } => !model.has_unpromised(self.vault, *key),
                    _ => true,
                };
                !around.is_calm || !(around.all_counts || all_promised)
            }
            OpError::Unreachable
            | OpError::Deadline
            | OpError::Damaged
            | OpError::NotFresh
            | OpError::NoSpace
            | OpError::Disk(_)
            | OpError::PeerDisk => !around.is_calm,
            OpError::Forbidden
            | OpError::WrongPassword
            | OpError::BadKey
            | OpError::TooLarge
            | OpError::Unknown(_) => false,
        };
        match fits {
            true => Ok(()),
            false => Err(format!("c{}: {doing:?} failed: {error}", self.number)),
        }
    }
}
