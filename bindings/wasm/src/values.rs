//! Small values both ways: objects, numbers, bytes, times, addresses, ids, tokens.

use std::net::SocketAddr;

use js_sys::{Object, Reflect, Uint8Array};
use quantumsync_core::client::FileMeta;
use quantumsync_core::crypto::Secret;
use quantumsync_core::id::NodeId;
use quantumsync_core::record::Version;
use quantumsync_core::time::{Instant, Now};
use quantumsync_core::wire::Token;
use wasm_bindgen::prelude::*;

use crate::errors::{bad_value, no_token};

/// A plain object with these fields; values are anything that becomes a `JsValue`.
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::values::object_of(&[$(($name, ::wasm_bindgen::JsValue::from($value))),*])
    };
}
pub(crate) use object;

pub(crate) fn object_of(fields: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A field of a plain object that is our own can always be set.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// A count, size or time: none reaches 2^53, but an expiry of "never, almost" may, and is rounded.
pub(crate) fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

/// A copy that belongs to JavaScript.
pub(crate) fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// Both clocks. They are whole numbers of at least 0: a cast loses nothing.
pub(crate) fn now(mono_us: f64, unix_ms: f64) -> Now {
    Now { mono: Instant(mono_us as u64), unix_ms: unix_ms as u64 }
}

pub(crate) fn address(text: &str) -> Result<SocketAddr, JsValue> {
    text.parse().map_err(|_| bad_value("an address has the form IP:PORT"))
}

pub(crate) fn node_id(text: &str) -> Result<NodeId, JsValue> {
    NodeId::from_hex(text).ok_or_else(|| bad_value("a node's id is 64 hexadecimal digits"))
}

pub(crate) fn token(text: &str) -> Result<Token, JsValue> {
    Token::from_text(text).map_err(no_token)
}

/// Exactly so many bytes.
pub(crate) fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], JsValue> {
    bytes.try_into().map_err(|_| bad_value(&format!("exactly {N} bytes are needed")))
}

pub(crate) fn secret<const N: usize>(bytes: &[u8]) -> Result<Secret<N>, JsValue> {
    array(bytes).map(Secret::new)
}

/// A version as 32 hexadecimal digits.
pub(crate) fn version_text(version: Version) -> String {
    version.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is known of a file without its content.
pub(crate) fn file_info(meta: FileMeta) -> JsValue {
    let FileMeta { key, size, modified_ms, version, expires } = meta;
    let expires_ms = if expires > 0 { number(expires) } else { JsValue::UNDEFINED };
    object! {
        "key": key,
        "size": number(size),
        "modifiedMs": number(modified_ms),
        "version": version_text(version),
        "expiresMs": expires_ms,
    }
}
