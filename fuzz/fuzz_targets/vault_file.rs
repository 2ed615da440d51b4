//! See `quantumsync_core::fuzz::vault_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| quantumsync_core::fuzz::vault_file(bytes));
