//! The boundary: panics end here, and so does waiting that nobody could interrupt.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::errors::internal;

/// How long Python is kept from seeing a signal.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Runs what Python called. A panic, which is a defect of ours, becomes `InternalError`: a `RuntimeError`, where pyo3's own
/// answer would slip through `except Exception`.
pub(crate) fn guard<T>(body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // What a panic leaves behind a lock is poisoned, and said so at the next call.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(internal(text_of(panic.as_ref()))))
}

/// Runs `work` on a thread of its own and waits for it, detached from Python and open to signals. Interrupted, the work goes on
/// to its end and its result is dropped.
pub(crate) fn on_thread<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (sender, mut receiver) = mpsc::sync_channel(1);
    thread::Builder::new().name("quantumsync-call".into()).spawn(move || {
        // Whoever was interrupted does not wait any more.
        let _ = sender.send(work());
    })?;
    loop {
        let came = py.detach(|| {
            let came = receiver.recv_timeout(SLICE);
            (came, receiver)
        });
        receiver = came.1;
        match came.0 {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Err(internal("a thread panicked")),
        }
    }
}

fn text_of(panic: &(dyn Any + std::marker::Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without a message",
    }
}

/// Panics, so that a test can see what becomes of it.
#[pyfunction]
pub(crate) fn panic_on_purpose() -> PyResult<()> {
    guard(|| panic!("on purpose"))
}
