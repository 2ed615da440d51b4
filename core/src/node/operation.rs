//! What takes more than one answer: an operation asks this node's store and other members, and ends.
//!
//! What all of them have in common, and nothing of any.

use core::fmt::Debug;

use super::calls::Answered;
use super::hub::Hub;
#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::time::Instant;

/// Whether an operation has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// Answers are to come.
    Going,
    /// Over: whoever asked has been answered.
    Done,
}

/// One operation. It is told of every answer to what it asked, and when its time has come.
pub(super) trait Operation: Debug + Send {
    /// An answer came.
    fn answered(&mut self, hub: &mut Hub, answer: Answered) -> Progress;

    /// The time of [`deadline`](Self::deadline) has come.
    fn timeout(&mut self, hub: &mut Hub) -> Progress;

    /// When to call [`timeout`](Self::timeout).
    fn deadline(&self) -> Instant;

    /// True for work that nobody waits for: a node that stops leaves it for the next start.
    fn is_background(&self) -> bool {
        false
    }

    /// Tells what it holds, if that grows with anything.
    #[cfg(any(test, feature = "sim"))]
    fn gauge(&self, _config: &Config, _gauges: &mut Gauges) {}
}
