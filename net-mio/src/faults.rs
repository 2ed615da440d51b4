//! What the log says of peers at fault: enough to see who does what, and no more than a line now and then, whatever
//! they send.
//!
//! Knows nothing of what a fault does to a link.

use std::collections::HashMap;
use std::mem::{self, Discriminant};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use quantumsync_core::error::PeerFault;
use quantumsync_core::id::ConnId;

/// Lines of one kind of fault at once: what a person needs to see a pattern.
const AT_ONCE: u32 = 16;
/// After that one line in this time: under attack for a day, some megabytes.
const AGAIN: Duration = Duration::from_secs(10);

/// Writes faults into the log. There are some twenty kinds of them, so this is small.
#[derive(Debug, Default)]
pub(crate) struct FaultLog {
    kinds: HashMap<Discriminant<PeerFault>, Kind>,
}

#[derive(Debug)]
struct Kind {
    left: u32,
    refilled: Instant,
    unsaid: u64,
}

impl FaultLog {
    /// A peer's fault has ended its link.
    pub(crate) fn say(&mut self, now: Instant, conn: ConnId, remote: SocketAddr, fault: &PeerFault) {
        if let Some(unsaid) = self.admit(now, fault) {
            tracing::warn!(%conn, %remote, ?fault, why = %fault, unsaid, "a link was closed: the peer is at fault");
        }
    }

    /// Whether there is room for a line of this kind; if so, how many before it were left out.
    fn admit(&mut self, now: Instant, fault: &PeerFault) -> Option<u64> {
        let new = Kind { left: AT_ONCE, refilled: now, unsaid: 0 };
        let kind = self.kinds.entry(mem::discriminant(fault)).or_insert(new);
        let lines = now.duration_since(kind.refilled).as_secs() / AGAIN.as_secs();
        if lines > 0 {
            kind.left = AT_ONCE.min(kind.left.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX)));
            kind.refilled = now;
        }
        match kind.left.checked_sub(1) {
            Some(left) => {
                kind.left = left;
                Some(mem::take(&mut kind.unsaid))
            }
            None => {
                kind.unsaid += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_fault_costs_a_few_lines_and_hides_no_other() {
        let (mut log, start) = (FaultLog::default(), Instant::now());
        let said = (0..1000).filter(|_| log.admit(start, &PeerFault::Handshake).is_some()).count();
        assert_eq!(said, AT_ONCE as usize);
        assert_eq!(log.admit(start, &PeerFault::BadFrame), Some(0));
        // What differs only in a number that the peer chose is one kind.
        let versions = (0..1000).filter(|&n| log.admit(start, &PeerFault::Version(n)).is_some()).count();
        assert_eq!(versions, AT_ONCE as usize);
    }

    #[test]
    fn after_a_while_there_is_a_line_again_which_tells_how_many_were_left_out() {
        let (mut log, start) = (FaultLog::default(), Instant::now());
        (0..100).for_each(|_| {
            let _ = log.admit(start, &PeerFault::Silent);
        });
        assert_eq!(log.admit(start + AGAIN, &PeerFault::Silent), Some(100 - u64::from(AT_ONCE)));
        assert_eq!(log.admit(start + AGAIN, &PeerFault::Silent), None);
        let later = start + AGAIN * 1000;
        let said = (0..100).filter(|_| log.admit(later, &PeerFault::Silent).is_some()).count();
        assert_eq!(said, AT_ONCE as usize, "quiet times are not saved up");
    }
}
