//! The only place that reads what C's pointers point to, and the only one that writes there. Each function asks what the header's
//! first lines ask of every pointer: NULL, or valid for the call.

use std::ffi::{CStr, OsStr, c_char};
use std::path::PathBuf;
use std::slice;

use crate::result::Failure;

/// Where a result goes.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place that must be given; holds `nothing` until it is set, so that freeing it after a failure is harmless.
    ///
    /// # Safety
    /// `place` is NULL or valid for a write, now and as long as this lives.
    pub(crate) unsafe fn new(place: *mut T, nothing: T, what: &str) -> Result<Self, Failure> {
        if place.is_null() {
            return Err(Failure::null(what));
        }
        let mut out = Self(place);
        out.set(nothing);
        Ok(out)
    }

    /// A place that may be left out.
    ///
    /// # Safety
    /// As for [`Out::new`].
    pub(crate) unsafe fn optional(place: *mut T) -> Self {
        Self(place)
    }

    pub(crate) fn set(&mut self, value: T) {
        if !self.0.is_null() {
            // SAFETY: valid for a write by the promise made to `new` or `optional`. What was there is not dropped: it may be
            // uninitialised, and is plain data.
            unsafe { self.0.write(value) };
        }
    }
}

/// A structure of the caller's, or its default if it is left out.
///
/// # Safety
/// `place` is NULL or points to a `T` that C has initialised.
pub(crate) unsafe fn copied<T: Copy + Default>(place: *const T) -> T {
    if place.is_null() {
        return T::default();
    }
    // SAFETY: not NULL, so initialised and readable by the caller's promise.
    unsafe { place.read() }
}

/// A text that must be given.
///
/// # Safety
/// `text` is NULL or ends with a NUL, and does not change during `'a`.
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: the same promise.
    unsafe { optional_text(text, what) }?.ok_or_else(|| Failure::null(what))
}

/// A text that may be left out.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn optional_text<'a>(text: *const c_char, what: &str) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so it ends with a NUL by the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| Failure::bad_value(format!("{what} is not UTF-8")))
}

/// Texts of which there are `count`.
///
/// # Safety
/// `texts` is NULL or points to `count` texts, each as for [`text`].
pub(crate) unsafe fn texts<'a>(
    texts: *const *const c_char,
    count: usize,
    what: &str,
) -> Result<Vec<&'a str>, Failure> {
    // SAFETY: the same promise.
    let all = unsafe { array(texts, count, what) }?;
    // SAFETY: the same promise, for each of them.
    all.iter().map(|&one| unsafe { text(one, what) }).collect()
}

/// A path, whose bytes on Unix are any.
///
/// # Safety
/// As for [`text`].
pub(crate) unsafe fn optional_path(path: *const c_char, what: &str) -> Result<Option<PathBuf>, Failure> {
    if path.is_null() {
        return Ok(None);
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        // SAFETY: not NULL, so it ends with a NUL by the caller's promise.
        let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
        let _ = what;
        Ok(Some(OsStr::from_bytes(bytes).into()))
    }
    #[cfg(not(unix))]
    {
        // SAFETY: the same promise.
        Ok(unsafe { optional_text(path, what) }?.map(|path| OsStr::new(path).into()))
    }
}

/// `count` values; NULL only where there are none.
///
/// # Safety
/// `values` is NULL or points to `count` initialised values that do not change during `'a`.
pub(crate) unsafe fn array<'a, T>(values: *const T, count: usize, what: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if values.is_null() {
        return Err(Failure::null(what));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Failure::bad_value(format!("{what} is longer than memory can be")));
    }
    // SAFETY: not NULL, of a length that can exist, and initialised by the caller's promise.
    Ok(unsafe { slice::from_raw_parts(values, count) })
}

/// 32 bytes that may be left out.
///
/// # Safety
/// `bytes` is NULL or points to 32 initialised bytes.
pub(crate) unsafe fn optional_32(bytes: *const u8) -> Option<[u8; 32]> {
    if bytes.is_null() {
        return None;
    }
    // SAFETY: not NULL, so 32 bytes by the caller's promise; bytes have no alignment.
    Some(unsafe { bytes.cast::<[u8; 32]>().read() })
}
