//! See `quantumsync_core::fuzz::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quantumsync_core::fuzz::session(bytes));
