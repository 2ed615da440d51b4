//! A queue into the reactor's thread, which wakes it.
//!
//! It knows nothing of what it carries.

use mio::Waker;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Messages of other threads for the one that polls.
pub(crate) struct Mailbox<T> {
    state: Mutex<State<T>>,
    space: Condvar,
    waker: Waker,
}

struct State<T> {
    queue: VecDeque<T>,
    closed: bool,
}

impl<T> Mailbox<T> {
    pub(crate) fn new(waker: Waker) -> Self {
        let state = State { queue: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), space: Condvar::new(), waker }
    }

    /// Delivers without waiting; for what is bounded elsewhere, as answers are by their requests.
    /// False if nobody reads any more.
    pub(crate) fn push(&self, message: T) -> bool {
        self.deliver(self.lock(), message)
    }

    /// Delivers once fewer than `limit` messages wait. False if nobody reads any more.
    pub(crate) fn push_within(&self, message: T, limit: usize) -> bool {
        let mut state = self.lock();
        while state.queue.len() >= limit && !state.closed {
            state = self.space.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.deliver(state, message)
    }

    fn deliver(&self, mut state: MutexGuard<'_, State<T>>, message: T) -> bool {
        if state.closed {
            return false;
        }
        state.queue.push_back(message);
        // The reader takes all at once, so only the first needs to wake it.
        let first = state.queue.len() == 1;
        drop(state);
        if first && let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the reactor cannot be woken");
        }
        true
    }

    /// Takes all that waits, in its order.
    pub(crate) fn take(&self) -> VecDeque<T> {
        let taken = std::mem::take(&mut self.lock().queue);
        if !taken.is_empty() {
            self.space.notify_all();
        }
        taken
    }

    /// Refuses everything from now on and drops what waits.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.queue);
        // Dropping a message may run anything: not under the lock.
        drop(state);
        drop(dropped);
        self.space.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A queue is whole at every moment at which a panic could leave the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
