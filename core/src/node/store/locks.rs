//! Who may change what: at most one operation at a time changes a given blob, record or floor.
//!
//! An operation asks for all its locks at once and gets them together, in the order of asking; so nobody
//! waits in a circle.

use super::operation::Op;
use crate::id::{BlobId, Name, OwnerId};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// What is locked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum LockKey {
    /// The floor of an owner: shared by everything that relies on it, held alone by whoever raises it.
    Owner(OwnerId),
    /// A record: shared by whoever adds pins of its name, held alone by whoever changes it.
    Record(OwnerId, Name),
    /// A blob and the pins on it.
    Blob(BlobId),
    /// The long walk of a `Status`: one at a time.
    Walk,
}

/// How it is held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Hold {
    /// Beside others that share it.
    Shared,
    /// Alone.
    Alone,
}

/// The locks that are held and those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Locks {
    queues: BTreeMap<LockKey, VecDeque<Entry>>,
    asked: BTreeMap<Op, Asked>,
}

#[derive(Debug)]
struct Entry {
    op: Op,
    hold: Hold,
    granted: bool,
}

#[derive(Debug)]
struct Asked {
    keys: Vec<LockKey>,
    missing: usize,
}

impl Locks {
    /// How many operations hold locks or wait for them.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn count(&self) -> usize {
        self.asked.len()
    }

    /// Asks for these locks; true if all are granted at once. An operation that holds some has to
    /// [`release`](Self::release) them first.
    pub(super) fn ask(&mut self, op: Op, mut locks: Vec<(LockKey, Hold)>) -> bool {
        debug_assert!(!self.asked.contains_key(&op), "an operation asks for all its locks at once");
        // Of one key asked for twice the stronger hold stays: `Alone` sorts last.
        locks.sort_unstable_by(|a, b| b.cmp(a));
        locks.dedup_by_key(|(key, _)| *key);
        let mut missing = 0;
        for (key, hold) in &locks {
            let queue = self.queues.entry(*key).or_default();
            let granted = match hold {
                Hold::Alone => queue.is_empty(),
                Hold::Shared => queue.iter().all(|e| e.granted && e.hold == Hold::Shared),
            };
            missing += usize::from(!granted);
            queue.push_back(Entry { op, hold: *hold, granted });
        }
        self.asked.insert(op, Asked { keys: locks.into_iter().map(|(key, _)| key).collect(), missing });
        missing == 0
    }

    /// Gives up everything held or asked for; returns who has all its locks now.
    pub(super) fn release(&mut self, op: Op) -> Vec<Op> {
        let mut complete = Vec::new();
        let Some(asked) = self.asked.remove(&op) else { return complete };
        for key in asked.keys {
            let Some(queue) = self.queues.get_mut(&key) else { continue };
            queue.retain(|entry| entry.op != op);
            if queue.is_empty() {
                self.queues.remove(&key);
                continue;
            }
            let alone = queue.front().is_some_and(|first| first.hold == Hold::Alone);
            let front = if alone { 1 } else { queue.len() };
            for entry in queue.iter_mut().take(front) {
                if entry.hold == Hold::Alone && !alone {
                    break;
                }
                if !entry.granted {
                    entry.granted = true;
                    if let Some(waiter) = self.asked.get_mut(&entry.op) {
                        waiter.missing -= 1;
                        if waiter.missing == 0 {
                            complete.push(entry.op);
                        }
                    }
                }
            }
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn blob(n: u8) -> LockKey {
        LockKey::Blob(BlobId([n; 32]))
    }

    #[test]
    fn an_operation_waits_until_it_has_all_of_its_locks() {
        let mut locks = Locks::default();
        assert!(locks.ask(Op(1), vec![(blob(1), Hold::Alone)]));
        assert!(locks.ask(Op(2), vec![(blob(2), Hold::Alone)]));
        assert!(!locks.ask(Op(3), vec![(blob(1), Hold::Alone), (blob(2), Hold::Shared)]));
        assert_eq!(locks.release(Op(1)), vec![]);
        assert_eq!(locks.release(Op(2)), vec![Op(3)]);
    }

    #[test]
    fn those_who_share_do_not_overtake_one_who_waits_to_be_alone() {
        let mut locks = Locks::default();
        assert!(locks.ask(Op(1), vec![(blob(1), Hold::Shared)]));
        assert!(locks.ask(Op(2), vec![(blob(1), Hold::Shared)]));
        assert!(!locks.ask(Op(3), vec![(blob(1), Hold::Alone)]));
        assert!(!locks.ask(Op(4), vec![(blob(1), Hold::Shared)]));
        assert!(!locks.ask(Op(5), vec![(blob(1), Hold::Shared)]));
        assert_eq!(locks.release(Op(1)), vec![]);
        assert_eq!(locks.release(Op(2)), vec![Op(3)]);
        assert_eq!(locks.release(Op(3)), vec![Op(4), Op(5)]);
    }

    #[test]
    fn a_key_asked_for_twice_is_held_in_the_stronger_way() {
        let mut locks = Locks::default();
        assert!(locks.ask(Op(1), vec![(blob(1), Hold::Alone), (blob(1), Hold::Shared)]));
        assert!(!locks.ask(Op(2), vec![(blob(1), Hold::Shared)]));
        assert_eq!(locks.release(Op(1)), vec![Op(2)]);
    }

    #[test]
    fn nothing_is_remembered_of_locks_that_are_free() {
        let mut locks = Locks::default();
        locks.ask(Op(1), vec![(blob(1), Hold::Alone)]);
        locks.ask(Op(2), vec![(blob(1), Hold::Alone)]);
        locks.release(Op(2));
        locks.release(Op(1));
        assert!(locks.queues.is_empty() && locks.asked.is_empty());
    }

    proptest! {
        #[test]
        fn everyone_gets_its_turn_and_nobody_shares_what_is_held_alone(
            asks in proptest::collection::vec(proptest::collection::vec((0u8..4, any::<bool>()), 1..4), 1..40),
        ) {
            let mut locks = Locks::default();
            let mut holding: BTreeMap<Op, Vec<(LockKey, Hold)>> = BTreeMap::new();
            let mut wanted = BTreeMap::new();
            let mut ready = VecDeque::new();
            for (n, keys) in asks.into_iter().enumerate() {
                let keys: Vec<_> =
                    keys.into_iter().map(|(k, a)| (blob(k), if a { Hold::Alone } else { Hold::Shared })).collect();
                let op = Op(n as u64);
                wanted.insert(op, keys.clone());
                if locks.ask(op, keys) {
                    ready.push_back(op);
                }
            }
            while !ready.is_empty() || !holding.is_empty() {
                while let Some(op) = ready.pop_front() {
                    holding.insert(op, wanted.remove(&op).unwrap());
                }
                for (a, keys) in &holding {
                    for (b, others) in &holding {
                        let clash = a != b && keys.iter().any(|(k, h)| {
                            others.iter().any(|(l, i)| k == l && (*h == Hold::Alone || *i == Hold::Alone))
                        });
                        prop_assert!(!clash, "{a:?} and {b:?}");
                    }
                }
                let (op, _) = holding.pop_first().unwrap();
                ready.extend(locks.release(op));
            }
            prop_assert!(wanted.is_empty());
        }
    }
}
