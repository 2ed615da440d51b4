//! QuantumSync for C: `include/quantumsync.h` and the functions behind it. Converts, calls, maps the error; whatever decides stands
//! in the core. Types and variants have the names that C knows them by, so that one search finds both sides.
//!
//! Every exported function runs inside `guard`, so that a panic is a result code and never unwinds into C. Objects are
//! [`handle`]s that are looked up and never dereferenced; plain memory that C owns has a function that frees it. What a function
//! asks of its pointers is the same everywhere and stands at the top of the header (`cbindgen.toml`).
#![allow(non_camel_case_types, reason = "names as C writes them")]
#![allow(clippy::missing_safety_doc, reason = "one set of rules for all pointers, at the top of the header")]

mod guard;
mod pointers;
mod values;

// In the order in which a reader of the header meets them, which the blank lines keep.

pub mod result;

pub mod memory;

pub mod vault;

pub mod node;

pub mod options;

pub mod transfer;

pub mod client;

pub mod time;

pub mod machine;

pub mod inputs;

pub mod output;

pub mod owner;

pub mod job;

pub mod rows;

pub mod outcome;

pub mod handle;

use std::ffi::{CString, c_char};
use std::sync::OnceLock;

/// The version of this library, such as "0.1.0". Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn qs_version() -> *const c_char {
    static VERSION: OnceLock<CString> = OnceLock::new();
    guard::guard_or(c"".as_ptr(), || {
        Ok(VERSION.get_or_init(|| result::c_text(env!("CARGO_PKG_VERSION"))).as_ptr())
    })
}
