//! See `quantumsync_core::fuzz::cluster`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quantumsync_core::fuzz::cluster(bytes));
