//! Errors on their way to JavaScript: each is its code and its message; `js/errors.js` chooses the class.

use std::fmt::Display;

use quantumsync_core::error::{ApiMisuse, OpError, VaultError};
use quantumsync_core::wire::TokenError;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(raw_module = "../js/errors.js")]
extern "C" {
    #[wasm_bindgen(js_name = fromCode)]
    fn from_code(code: &str, message: &str) -> JsValue;
}

/// How an operation ended.
pub(crate) fn failed(error: OpError) -> JsValue {
    coded(error.code(), error)
}

/// Why a vault is not to be had.
pub(crate) fn no_vault(error: VaultError) -> JsValue {
    coded(error.code(), error)
}

/// Why a text is no token.
pub(crate) fn no_token(error: TokenError) -> JsValue {
    coded("bad_token", error)
}

/// A call that the machine does not allow now; it had no effect.
pub(crate) fn misuse(error: ApiMisuse) -> JsValue {
    coded("misuse", error)
}

/// An argument that is no value of its kind.
pub(crate) fn bad_value(why: &str) -> JsValue {
    coded("bad_value", why)
}

/// A defect of this package.
pub(crate) fn internal(why: &str) -> JsValue {
    coded("internal", format_args!("a defect of quantumsync, please report it: {why}"))
}

fn coded(code: &str, message: impl Display) -> JsValue {
    from_code(code, &message.to_string())
}
