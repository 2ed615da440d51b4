//! One round over the entry addresses in vain, and what it means for whoever waits.

use alloc::vec::Vec;

use crate::error::{OpError, PeerFault};

/// Why an address did not lead to an open link.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody answered, or went away.
    Unreachable,
    /// The peer closed after our first message.
    Refused,
    /// The peer broke the protocol.
    Fault(PeerFault),
}

/// How the addresses failed up to now.
#[derive(Debug, Default)]
pub(super) struct Round(Vec<Failure>);

impl Round {
    /// Adds one; how many there are.
    pub(super) fn add(&mut self, failure: Failure) -> usize {
        self.0.push(failure);
        self.0.len()
    }

    /// How many.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is wrong. Of another network speaks only what all addresses say; a fault says more than an absence.
    pub(super) fn verdict(self) -> OpError {
        if !self.0.is_empty() && self.0.iter().all(|failure| matches!(failure, Failure::Refused)) {
            return OpError::WrongNetwork;
        }
        let fault = self.0.into_iter().find_map(|failure| match failure {
            Failure::Fault(fault) => Some(fault),
            Failure::Unreachable | Failure::Refused => None,
        });
        fault.map_or(OpError::Unreachable, OpError::Peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(failures: impl IntoIterator<Item = Failure>) -> OpError {
        Round(failures.into_iter().collect()).verdict()
    }

    #[test]
    fn only_what_all_addresses_say_is_another_network() {
        assert_eq!(verdict([Failure::Refused, Failure::Refused]), OpError::WrongNetwork);
        assert_eq!(verdict([Failure::Refused, Failure::Unreachable]), OpError::Unreachable);
        assert_eq!(verdict([]), OpError::Unreachable);
    }

    #[test]
    fn a_fault_says_more_than_an_absence() {
        let failures = [Failure::Unreachable, Failure::Fault(PeerFault::WrongNode), Failure::Refused];
        assert_eq!(verdict(failures), OpError::Peer(PeerFault::WrongNode));
    }
}
