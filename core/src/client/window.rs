//! The memory of all operations together: how many bytes each may hold. Knows sizes only.
//!
//! One half of [`Config::client_window`](crate::config::Config::client_window) is for reads, which reserve what they need before they
//! begin, in turn. The other half is for stores, whose length nobody knows: they get it in steps. The oldest store may always
//! go on up to a whole piece, so that stores that wait for each other cannot come to a halt; a small file needs one small step.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::config::limit;
use crate::id::OpId;

/// A step of the oldest store, and of one that is alone.
const STEP: usize = 1 << 20;

/// Who holds how much.
#[derive(Debug)]
pub(super) struct Window {
    /// What reads may hold together, and what they do.
    reads: usize,
    reads_used: usize,
    reserved: BTreeMap<OpId, usize>,
    queue: VecDeque<(OpId, usize)>,
    /// The same for stores.
    writes: usize,
    writes_used: usize,
    held: BTreeMap<OpId, usize>,
    /// Stores that found no room.
    starved: BTreeSet<OpId>,
    ready: VecDeque<OpId>,
}

impl Window {
    pub(super) fn new(bytes: usize) -> Self {
        // With less than this, one store or read alone could not go on.
        let reads = (bytes / 2).max(limit::BLOB);
        let writes = (bytes / 2).max(2 * limit::BLOB);
        Self {
            reads,
            reads_used: 0,
            reserved: BTreeMap::new(),
            queue: VecDeque::new(),
            writes,
            writes_used: 0,
            held: BTreeMap::new(),
            starved: BTreeSet::new(),
            ready: VecDeque::new(),
        }
    }

    /// Asks for `bytes`, at most all that there are, for a read. `true` if it has them now, in place of what it had; else it
    /// will be [`ready`](Self::next_ready) when it has.
    pub(super) fn reserve(&mut self, op: OpId, bytes: usize) -> bool {
        self.reads_used -= self.reserved.remove(&op).unwrap_or(0);
        self.queue.push_back((op, bytes.min(self.reads)));
        self.grant_reads();
        // Granted just now, it stands last.
        self.ready.pop_back_if(|ready| *ready == op).is_some()
    }

    /// What a read has reserved.
    pub(super) fn reserved(&self, op: OpId) -> usize {
        self.reserved.get(&op).copied().unwrap_or(0)
    }

    /// Takes part as a store; in the order of age.
    pub(super) fn join(&mut self, op: OpId) {
        self.held.insert(op, 0);
    }

    /// Takes up to `want` bytes for a store; zero: none now, and it will be [`ready`](Self::next_ready) when there may be.
    pub(super) fn take(&mut self, op: OpId, want: usize) -> usize {
        let taken = want.min(self.room(op));
        if taken > 0 {
            *self.held.entry(op).or_default() += taken;
            self.writes_used += taken;
            // What is left is for the next one.
            self.wake_store();
        } else if want > 0 {
            self.starved.insert(op);
        }
        taken
    }

    /// Gives back what a store no longer holds.
    pub(super) fn give_back(&mut self, op: OpId, bytes: usize) {
        if let Some(held) = self.held.get_mut(&op) {
            let bytes = bytes.min(*held);
            *held -= bytes;
            self.writes_used -= bytes;
        }
        self.wake_store();
    }

    /// Forgets an operation that ended.
    pub(super) fn release(&mut self, op: OpId) {
        self.ready.retain(|ready| *ready != op);
        self.starved.remove(&op);
        if let Some(held) = self.held.remove(&op) {
            self.writes_used -= held;
            self.wake_store();
        } else {
            self.reads_used -= self.reserved.remove(&op).unwrap_or(0);
            self.queue.retain(|(waiting, _)| *waiting != op);
            self.grant_reads();
        }
    }

    /// An operation that waited and may go on.
    pub(super) fn next_ready(&mut self) -> Option<OpId> {
        self.ready.pop_front()
    }

    fn grant_reads(&mut self) {
        while let Some((op, bytes)) =
            self.queue.pop_front_if(|(_, bytes)| self.reads_used + *bytes <= self.reads)
        {
            self.reads_used += bytes;
            self.reserved.insert(op, bytes);
            self.ready.push_back(op);
        }
    }

    fn room(&self, op: OpId) -> usize {
        let used = self.writes_used;
        let Some((oldest, of_oldest)) = self.held.first_key_value() else { return 0 };
        if *oldest == op {
            return self.writes.saturating_sub(used).min(STEP);
        }
        let Some(held) = self.held.get(&op) else { return 0 };
        let young = self.writes.saturating_sub(limit::PIECE);
        let step = if *held == 0 { limit::INLINE + 1 } else { (young / 8).max(limit::INLINE + 1) };
        young.saturating_sub(used - of_oldest).min(step)
    }

    /// Wakes the oldest store that found no room; it wakes the next when it has taken its part.
    fn wake_store(&mut self) {
        self.ready.extend(self.starved.pop_first());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: OpId = OpId(1);
    const B: OpId = OpId(2);
    const C: OpId = OpId(3);

    #[test]
    fn reads_get_their_bytes_in_turn() {
        let mut window = Window::new(0);
        let most = limit::BLOB / 10 * 6;
        assert!(window.reserve(A, most));
        assert!(!window.reserve(B, most), "only four tenths are left");
        assert!(!window.reserve(C, 10), "a small read does not overtake for ever");
        window.release(A);
        assert_eq!((window.next_ready(), window.next_ready(), window.next_ready()), (Some(B), Some(C), None));
    }

    #[test]
    fn a_read_larger_than_the_window_gets_the_window() {
        let mut window = Window::new(0);
        assert!(window.reserve(A, usize::MAX));
        assert!(!window.reserve(B, 1));
        window.release(A);
        assert_eq!(window.next_ready(), Some(B));
    }

    #[test]
    fn the_oldest_store_always_reaches_a_whole_piece() {
        let mut window = Window::new(16 << 20);
        for op in 1..=2000 {
            window.join(OpId(op));
        }
        for op in 2..=2000 {
            while window.take(OpId(op), 1 << 20) > 0 {}
        }
        let mut held = 0;
        loop {
            match window.take(A, usize::MAX) {
                0 => break,
                taken => held += taken,
            }
        }
        assert!(held >= limit::PIECE, "{held}");
    }

    #[test]
    fn stores_that_found_no_room_are_woken_one_by_one() {
        let mut window = Window::new(0);
        window.join(A);
        window.join(B);
        while window.take(A, usize::MAX) > 0 {}
        while window.take(B, usize::MAX) > 0 {}
        while let Some(op) = window.next_ready() {
            assert_eq!(window.take(op, usize::MAX), 0);
        }
        window.give_back(A, 1 << 20);
        assert_eq!((window.next_ready(), window.next_ready()), (Some(A), None), "the oldest first");
        assert!(window.take(A, 1) > 0);
        assert_eq!(window.next_ready(), Some(B), "then the next");
        window.release(A);
        assert!(window.take(B, 1) > 0);
    }
}
