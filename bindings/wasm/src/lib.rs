//! The native layer of the npm package `quantumsync`. Converts, calls, maps the error; whatever makes it feel like JavaScript
//! stands beside it in `js/`, whatever decides stands in the core.
//!
//! Arguments have their types when they arrive: `js/check.js` has seen to that. Times and sizes are `f64`, as all numbers of
//! JavaScript; none of them reaches 2^53. Randomness is handed in.
//!
//! A panic, which is a defect of ours, ends in a trap that `js/handle.js` catches; what it said is kept for [`panic_message`].

mod errors;
mod machine;
mod open;
mod outputs;
mod seal;
mod values;
mod vault;

use std::cell::RefCell;
use std::panic;

use wasm_bindgen::prelude::*;

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs when the module is loaded.
#[wasm_bindgen(start)]
pub fn start() {
    panic::set_hook(Box::new(|info| {
        let message = info.to_string();
        // Should there be a panic within this, the earlier message says more.
        PANIC.with(|last| last.try_borrow_mut().map(|mut last| *last = message).unwrap_or(()));
    }));
}

/// What the last panic said; empty if there was none.
#[wasm_bindgen(js_name = panicMessage)]
pub fn panic_message() -> String {
    PANIC.with(|last| last.try_borrow().map(|last| last.clone()).unwrap_or_default())
}
