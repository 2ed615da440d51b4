//! Memory that C owns, and bytes that it borrows.

use std::ffi::{CString, c_char};
use std::ptr;

use zeroize::Zeroize as _;

use crate::guard::guard_or;
use crate::result::c_text;

/// Bytes that somebody else owns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_bytes {
    /// The first of them; NULL says that there is no value at all.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

/// Bytes that the caller owns: frees with qs_buffer_free.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_buffer {
    /// The first of them; NULL if there are none.
    pub data: *mut u8,
    /// How many.
    pub len: usize,
}

impl qs_buffer {
    pub(crate) const EMPTY: Self = Self { data: ptr::null_mut(), len: 0 };

    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() {
            return Self::EMPTY;
        }
        let bytes = Box::leak(bytes.into_boxed_slice());
        Self { data: bytes.as_mut_ptr(), len: bytes.len() }
    }
}

/// A text that the caller owns.
pub(crate) fn owned_text(text: &str) -> *mut c_char {
    c_text(text).into_raw()
}

/// Wipes and frees what a function has put there, and empties it. An empty buffer, freed before or never filled, and NULL are left
/// alone. From any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_buffer_free(buffer: *mut qs_buffer) {
    guard_or((), || {
        if buffer.is_null() {
            return Ok(());
        }
        // SAFETY: not NULL, so a buffer of the caller's by the rules of the header.
        let full = unsafe { buffer.replace(qs_buffer::EMPTY) };
        if !full.data.is_null() {
            // SAFETY: made by `qs_buffer::new` from a boxed slice of this length, and, emptied just now, not freed again.
            let mut bytes = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(full.data, full.len)) };
            bytes.zeroize();
        }
        Ok(())
    });
}

/// Wipes and frees a text that a function has given to the caller. NULL is left alone. From any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_string_free(text: *mut c_char) {
    guard_or((), || {
        if !text.is_null() {
            // SAFETY: made by `owned_text`, and not freed before, by the rules of the header.
            let text = unsafe { CString::from_raw(text) };
            text.into_bytes().zeroize();
        }
        Ok(())
    });
}
