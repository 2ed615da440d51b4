//! What an observer of a world sees: every input, every output and every fault, in the order in which they happen.
//!
//! From this a trace is written, a digest of a run is made and what machines do is checked. An observer only looks.

use alloc::boxed::Box;
use core::time::Duration;

use super::network::{Cut, HostId};
use crate::driver::{Input, Output};
use crate::error::DiskError;
use crate::id::BlobId;
use crate::time::{Instant, Now};

/// Is told what happens, when by the world's clocks, and at which host.
pub type Observer<E> = Box<dyn FnMut(Now, HostId, Seen<'_, E>)>;

/// Something that happens at a host.
#[derive(Debug)]
pub enum Seen<'a, E> {
    /// The machine is about to be told this.
    Input(&'a Input),
    /// The machine wants this, and it is about to be performed. What commands do is seen by it, too.
    Output(&'a Output<E>),
    /// The world does this to the host.
    Fault(&'a Fault),
}

/// What a world does to a host besides telling its machine what it waits for. Not all of it is bad: a host starts, a cut heals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A machine starts.
    Start,
    /// The machine is gone.
    Crash,
    /// Two hosts are kept apart.
    Cut {
        /// The other one.
        with: HostId,
        /// How.
        cut: Cut,
    },
    /// Nothing gets through to another host, while what that one sends still arrives.
    CutOneWay {
        /// Whom it cannot reach.
        to: HostId,
    },
    /// Two hosts can reach each other again.
    Heal {
        /// The other one.
        with: HostId,
    },
    /// The links to another host end, by order or by chance.
    Reset {
        /// The other one.
        with: HostId,
    },
    /// All that it sends and gets is under way for so much longer.
    Slow(Duration),
    /// The machine stands still.
    Pause,
    /// It goes on.
    Resume,
    /// Its monotonic clock jumps ahead: it slept.
    Jump(Duration),
    /// Its monotonic clock gains so many millionths from now on.
    Drift(i32),
    /// Its wall clock is set so many milliseconds ahead of the world's.
    SetClock(i64),
    /// Its wall clock gains so many millionths from now on.
    WallDrift(i32),
    /// Its disk does something bad.
    Disk(DiskFault),
}

/// What a disk does besides what it is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DiskFault {
    /// A request ends in this error, and is not done.
    Failed(DiskError),
    /// A read is answered with other bytes than those of this blob.
    Misdirected(BlobId),
    /// A crash leaves this blob's bytes without an index entry.
    Torn(BlobId),
    /// A bit of a blob flips.
    RottenBlob(BlobId),
    /// A bit of a row's value flips.
    RottenRow(crate::Bytes),
    /// No answer comes before then, by the world's clock.
    Stalled(Instant),
    /// All is gone: it is a new disk.
    Lost,
}

impl Fault {
    /// True if it only says that all is as usual, which ends a fault at most.
    pub const fn is_usual(&self) -> bool {
        match self {
            Self::Slow(by) => by.is_zero(),
            Self::Drift(ppm) | Self::WallDrift(ppm) => *ppm == 0,
            Self::SetClock(ahead_ms) => *ahead_ms == 0,
            _ => false,
        }
    }

    /// One word for it, to count by.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Crash => "crash",
            Self::Cut { cut: Cut::Reset, .. } => "cut",
            Self::Cut { cut: Cut::Silent, .. } => "silent cut",
            Self::CutOneWay { .. } => "one-way cut",
            Self::Heal { .. } => "heal",
            Self::Reset { .. } => "reset",
            Self::Slow(_) => "slow",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Jump(_) => "jump",
            Self::Drift(_) => "drift",
            Self::SetClock(_) => "clock set",
            Self::WallDrift(_) => "wall drift",
            Self::Disk(DiskFault::Failed(_)) => "disk error",
            Self::Disk(DiskFault::Misdirected(_)) => "misdirected read",
            Self::Disk(DiskFault::Torn(_)) => "torn write",
            Self::Disk(DiskFault::RottenBlob(_)) => "rotten blob",
            Self::Disk(DiskFault::RottenRow(_)) => "rotten row",
            Self::Disk(DiskFault::Stalled(_)) => "disk stall",
            Self::Disk(DiskFault::Lost) => "disk lost",
        }
    }
}
