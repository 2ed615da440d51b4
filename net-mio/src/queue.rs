//! A queue that threads wait at: for workers, and for the threads of a disk.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// First in, first out. What waits in it is bounded by whoever puts it there.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { items: VecDeque::new(), closed: false }), changed: Condvar::new() }
    }

    /// Adds an item; one that comes after the end is dropped.
    pub(crate) fn push(&self, item: T) {
        let mut state = self.lock();
        if !state.closed {
            state.items.push_back(item);
            self.changed.notify_one();
        }
    }

    /// Waits for the next item; `None` once the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<T> {
        self.wait_for_items()?.items.pop_front()
    }

    /// Waits for an item, then takes all that are there, in their order and until `full` says that these are
    /// enough; `None` once the queue is closed and empty.
    pub(crate) fn next_group(&self, mut full: impl FnMut(&T) -> bool) -> Option<Vec<T>> {
        let mut state = self.wait_for_items()?;
        let mut group = Vec::new();
        while let Some(item) = state.items.pop_front() {
            let enough = full(&item);
            group.push(item);
            if enough {
                break;
            }
        }
        Some(group)
    }

    /// No more items: what waits is still taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// No more items, and what waits is dropped.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.items);
        drop(state);
        drop(dropped);
        self.changed.notify_all();
    }

    fn wait_for_items(&self) -> Option<MutexGuard<'_, State<T>>> {
        let mut state = self.lock();
        while state.items.is_empty() {
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Some(state)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A queue is whole at every moment at which a panic could leave the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
