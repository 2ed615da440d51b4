//! Objects that C holds: looked up in one table by a number that is never used twice, and never dereferenced. So a handle
//! that was freed, or is of another kind, is an error and not a crash; and an object that is freed while another thread is in a
//! call on it lives until that call returns.

use std::any::Any;
use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::guard::guard_or;
use crate::result::{Failure, qs_result};

type Object = Arc<dyn Any + Send + Sync>;

// Nothing panics while it holds this lock, so poison means nothing here.
static OBJECTS: RwLock<BTreeMap<usize, Object>> = RwLock::new(BTreeMap::new());

/// Handles look like aligned pointers, so that no tool of C's wonders.
const STEP: usize = 16;
static NEXT: AtomicUsize = AtomicUsize::new(STEP);

/// Gives an object a handle.
pub(crate) fn open<T: Any + Send + Sync>(object: T) -> *mut T {
    let number = NEXT.fetch_add(STEP, Ordering::Relaxed);
    OBJECTS.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::new(object));
    ptr::without_provenance_mut(number)
}

/// The object of a handle; an error for NULL, for what was freed and for an object of another kind.
pub(crate) fn find<T: Any + Send + Sync>(handle: *const T, what: &str) -> Result<Arc<T>, Failure> {
    if handle.is_null() {
        return Err(Failure::null(what));
    }
    let object = OBJECTS.read().unwrap_or_else(PoisonError::into_inner).get(&handle.addr()).cloned();
    object
        .and_then(|object| object.downcast::<T>().ok())
        .ok_or_else(|| Failure::new(qs_result::QS_BAD_HANDLE, format!("{what} was freed, or never was one")))
}

/// As [`find`], for an object that may be left out.
pub(crate) fn find_optional<T: Any + Send + Sync>(
    handle: *const T,
    what: &str,
) -> Result<Option<Arc<T>>, Failure> {
    if handle.is_null() { Ok(None) } else { find(handle, what).map(Some) }
}

/// Frees a handle. NULL and what is no handle of this kind are left alone.
pub(crate) fn free<T: Any + Send + Sync>(handle: *mut T) -> Option<Arc<T>> {
    let mut objects = OBJECTS.write().unwrap_or_else(PoisonError::into_inner);
    let object = objects.get(&handle.addr())?.clone().downcast::<T>().ok()?;
    let last = objects.remove(&handle.addr());
    // Dropped by the caller, after the lock.
    drop(objects);
    drop(last);
    Some(object)
}

/// How many objects exist that were not freed: vaults, nodes, clients, machines, rows, and jobs of outputs.
/// For tests of leaks.
#[unsafe(no_mangle)]
pub extern "C" fn qs_handle_count() -> usize {
    guard_or(0, || Ok(OBJECTS.read().unwrap_or_else(PoisonError::into_inner).len()))
}
