//! When somebody is killed, and who, in which order.

/// When.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    /// The first bytes of a piece are on their way.
    FirstBytes,
    /// Half of the file's bytes went out.
    MidUpload,
    /// Every piece is on the victim's disk (for a client: the entry's), and no record is acknowledged.
    AllPieces,
    /// A store has just been acknowledged.
    Stored,
    /// A delete is on its way and not acknowledged.
    DeleteSent,
    /// A delete has just been acknowledged: its pieces linger.
    Deleted,
    /// Some of the deleted pieces' files are gone, some are not.
    Sweep,
    /// A clear is on its way and not acknowledged.
    ClearSent,
    /// A clear has just been acknowledged.
    Cleared,
    /// A node that was killed opens its disk and is not ready.
    Starting,
    /// A node that missed a store takes what it missed from the others.
    CatchingUp,
}

/// Who.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Victim {
    /// The node that the client talks to.
    Entry,
    /// Another one.
    Replica,
    Client,
}

use Phase::*;
use Victim::{Entry, Replica};

/// One after the other; the first eleven are of all phases.
pub(crate) const ROUNDS: [(Phase, Victim); 28] = [
    (FirstBytes, Entry),
    (MidUpload, Victim::Client),
    (AllPieces, Entry),
    (Stored, Replica),
    (DeleteSent, Entry),
    (Deleted, Entry),
    (Sweep, Entry),
    (ClearSent, Victim::Client),
    (Cleared, Entry),
    (Starting, Replica),
    (CatchingUp, Replica),
    (FirstBytes, Victim::Client),
    (MidUpload, Replica),
    (AllPieces, Victim::Client),
    (Stored, Entry),
    (DeleteSent, Victim::Client),
    (Deleted, Replica),
    (Sweep, Replica),
    (ClearSent, Entry),
    (Cleared, Replica),
    (FirstBytes, Replica),
    (MidUpload, Entry),
    (AllPieces, Replica),
    (Stored, Victim::Client),
    (DeleteSent, Replica),
    (ClearSent, Replica),
    (Starting, Entry),
    (CatchingUp, Entry),
];
