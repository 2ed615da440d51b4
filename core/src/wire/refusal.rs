//! Why a request was not done: reasons, with their numbers, and what comes with them.

use thiserror::Error;

use crate::record::Record;

/// Why a request was not done.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{code}")]
pub struct WireError {
    /// The reason.
    pub code: ErrorCode,
    /// With `Stale`: the newer record (as a stub, where that is enough) or the floor.
    pub current: Option<Record>,
}

/// Reasons, with their numbers on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[repr(u8)]
pub enum ErrorCode {
    /// A request of an unknown kind, or not built yet.
    #[error("unsupported")]
    Unsupported = 1,
    /// Not for this role or owner.
    #[error("forbidden")]
    Forbidden = 2,
    /// A blob that is not here, nor on any peer that answered.
    #[error("not found")]
    NotFound = 3,
    /// A newer record of the name, or a floor, is known: see `current`.
    #[error("stale")]
    Stale = 4,
    /// The version is older than half a lease.
    #[error("past")]
    Past = 5,
    /// The version is more than 15 minutes ahead.
    #[error("future")]
    Future = 6,
    /// No space on the disk.
    #[error("no space")]
    NoSpace = 7,
    /// The owner's quota is used up.
    #[error("quota")]
    Quota = 8,
    /// Signature, grant or form of a record or pin, or the hash of a blob.
    #[error("invalid")]
    Invalid = 9,
    /// Too much to do.
    #[error("busy")]
    Busy = 10,
    /// The replicas did not answer in time, or none could be reached.
    #[error("deadline")]
    Deadline = 11,
    /// The disk failed.
    #[error("disk")]
    Disk = 12,
    /// Stored bytes are damaged.
    #[error("damaged")]
    Damaged = 13,
    /// The node is stopping.
    #[error("stopping")]
    Stopping = 14,
    /// The members are placed otherwise here: compare memberships, then ask again.
    #[error("another set of replicas")]
    OtherSet = 15,
    /// A reason that this version does not know.
    #[error("unknown")]
    Other = 255,
}

impl ErrorCode {
    pub(super) fn from_number(number: u8) -> Self {
        use ErrorCode::*;
        [
            Unsupported,
            Forbidden,
            NotFound,
            Stale,
            Past,
            Future,
            NoSpace,
            Quota,
            Invalid,
            Busy,
            Deadline,
            Disk,
            Damaged,
            Stopping,
            OtherSet,
        ]
        .into_iter()
        .find(|code| *code as u8 == number)
        .unwrap_or(Other)
    }
}
