//! The boundary: panics end here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::result::{Failure, internal, qs_result};

/// Runs what C called. A panic, which is a defect of ours, becomes `QS_INTERNAL`; the handle whose lock it held is dead from then
/// on, and says so at every later call.
pub(crate) fn guard(body: impl FnOnce() -> Result<(), Failure>) -> qs_result {
    guarded(body).map_or_else(Failure::tell, |()| qs_result::QS_OK)
}

/// The same for a function that cannot fail but by a panic, or returns `otherwise`.
pub(crate) fn guard_or<T>(otherwise: T, body: impl FnOnce() -> Result<T, Failure>) -> T {
    guarded(body).unwrap_or_else(|failure| {
        failure.tell();
        otherwise
    })
}

fn guarded<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What a panic leaves behind a lock is poisoned, and said so at the next call.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(internal(text_of(panic.as_ref()))))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without a message",
    }
}
