//! The memory of all operations together: how many bytes each may hold. Knows sizes only.
//!
//! One half of [`Config::client_window`](crate::config::Config::client_window) is for reads, which reserve what they need before they
//! begin, in turn. The other half is for stores, whose length nobody knows: they get it in steps. Half of that is the
//! oldest store's, which can so always go on up to a whole piece: stores that wait for each other cannot come to a halt. The
//! rest is for all others, so that small files do not wait for a large one. A store that is alone may take all.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
use crate::config::limit;
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
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
        // With less than this, one read or store could not go on.
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
            self.wake_stores();
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
        self.wake_stores();
    }

    /// Forgets an operation that ended.
    pub(super) fn release(&mut self, op: OpId) {
        self.ready.retain(|ready| *ready != op);
        self.starved.remove(&op);
        if let Some(held) = self.held.remove(&op) {
            self.writes_used -= held;
            self.wake_stores();
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

    /// Tells what it holds of so many operations.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn gauge(&self, operations: usize, config: &Config, gauges: &mut Gauges) {
        let half = config.client_window / 2;
        gauges.bytes("client: bytes for reads", self.reads_used, half.max(limit::BLOB), "client_window");
        gauges.bytes(
            "client: bytes for stores",
            self.writes_used,
            half.max(2 * limit::BLOB),
            "client_window",
        );
        let tables =
            [self.reserved.len(), self.queue.len(), self.held.len(), self.starved.len(), self.ready.len()];
        let most = tables.into_iter().max().unwrap_or(0);
        gauges.count("client: operations with room, or that wait for it", most, operations, "operations");
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
        let (Some(held), Some((oldest, of_oldest))) = (self.held.get(&op), self.held.first_key_value())
        else {
            return 0;
        };
        let free = self.writes.saturating_sub(self.writes_used);
        let half = self.writes / 2;
        if *oldest == op {
            let share = if self.held.len() == 1 { self.writes } else { half };
            return share.saturating_sub(*held).min(free).min(STEP);
        }
        let step = if *held == 0 { limit::INLINE + 1 } else { (half / 8).max(limit::INLINE + 1) };
        half.saturating_sub(self.writes_used - of_oldest).min(free).min(step)
    }

    /// Wakes those who come next and have room now: the oldest store, and the first of the others. Each that takes its part
    /// wakes the next.
    fn wake_stores(&mut self) {
        let next: Vec<OpId> = self.starved.iter().take(2).copied().filter(|op| self.room(*op) > 0).collect();
        for op in next {
            self.starved.remove(&op);
            self.ready.push_back(op);
        }
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

    fn take_all(window: &mut Window, op: OpId) -> usize {
        core::iter::from_fn(|| Some(window.take(op, usize::MAX)).filter(|taken| *taken > 0)).sum()
    }

    #[test]
    fn the_oldest_store_always_reaches_a_whole_piece() {
        let mut window = Window::new(16 << 20);
        (1..=2000).for_each(|op| window.join(OpId(op)));
        let others: usize = (2..=2000).map(|op| take_all(&mut window, OpId(op))).sum();
        let oldest = take_all(&mut window, A);
        assert!(oldest >= limit::PIECE, "{oldest}");
        assert!(oldest + others <= 8 << 20, "and all together stay within their half");
    }

    #[test]
    fn a_store_that_is_alone_may_take_the_whole_half_but_not_refill_it_before_others() {
        let mut window = Window::new(16 << 20);
        window.join(A);
        assert_eq!(take_all(&mut window, A), 8 << 20);
        window.join(B);
        assert_eq!(window.take(B, 1), 0);
        window.give_back(A, 1 << 20);
        assert_eq!((window.next_ready(), window.next_ready()), (Some(B), None));
        assert_eq!(window.take(B, 100), 100);
    }

    #[test]
    fn stores_that_found_no_room_are_woken_in_their_order() {
        let mut window = Window::new(16 << 20);
        for op in [A, B, C] {
            window.join(op);
        }
        for op in [A, B, C] {
            take_all(&mut window, op);
        }
        while let Some(op) = window.next_ready() {
            assert_eq!(window.take(op, usize::MAX), 0);
        }
        window.give_back(A, 1 << 20);
        assert_eq!(
            (window.next_ready(), window.next_ready()),
            (Some(A), None),
            "what the oldest gave is its own"
        );
        window.release(B);
        assert_eq!((window.next_ready(), window.next_ready()), (Some(C), None), "what others gave is theirs");
    }
}
