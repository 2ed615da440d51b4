//! Small values both ways: times, links, addresses, ids, tokens.

use std::net::SocketAddr;

use pyo3::prelude::*;
use quantumsync_core::client::GetOptions;
use quantumsync_core::crypto::Secret;
use quantumsync_core::id::{ConnId, NodeId};
use quantumsync_core::time;
use quantumsync_core::wire::Token;

use crate::errors::{bad_value, internal, raised};

/// Both clocks at one moment, as the caller reads them.
#[pyclass(frozen, eq, hash, from_py_object, module = "quantumsync._quantumsync")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Now {
    /// Microseconds of a monotonic clock.
    #[pyo3(get)]
    mono_us: u64,
    /// Milliseconds since 1970-01-01 UTC.
    #[pyo3(get)]
    unix_ms: u64,
}

#[pymethods]
impl Now {
    #[new]
    fn new(mono_us: u64, unix_ms: u64) -> Self {
        Self { mono_us, unix_ms }
    }

    fn __repr__(&self) -> String {
        format!("Now(mono_us={}, unix_ms={})", self.mono_us, self.unix_ms)
    }
}

impl From<Now> for time::Now {
    fn from(now: Now) -> Self {
        Self { mono: time::Instant(now.mono_us), unix_ms: now.unix_ms }
    }
}

/// One link, as the machine names it. Never used again.
#[pyclass(frozen, eq, hash, from_py_object, module = "quantumsync._quantumsync")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Conn(pub(crate) ConnId);

#[pymethods]
impl Conn {
    fn __repr__(&self) -> String {
        format!("Conn({})", self.0)
    }
}

/// An entry: a node's id where it is known, and `IP:PORT`.
pub(crate) type Entry = (Option<String>, String);

pub(crate) fn entries(entries: Vec<Entry>) -> PyResult<Vec<(Option<NodeId>, SocketAddr)>> {
    entries
        .into_iter()
        .map(|(node, addr)| Ok((node.map(|n| node_id(&n)).transpose()?, address(&addr)?)))
        .collect()
}

pub(crate) fn address(text: &str) -> PyResult<SocketAddr> {
    text.parse().map_err(|_| bad_value(format_args!("{text:?} is no address of the form IP:PORT")))
}

pub(crate) fn node_id(text: &str) -> PyResult<NodeId> {
    NodeId::from_hex(text).ok_or_else(|| bad_value("a node's id is 64 hexadecimal digits"))
}

pub(crate) fn token(text: &str) -> PyResult<Token> {
    Token::from_text(text).map_err(raised)
}

/// What of a file to get: its bytes from `first` to `last`, both included.
pub(crate) fn get_options(first: Option<u64>, last: Option<u64>, fresh: bool) -> GetOptions {
    let range = (first.is_some() || last.is_some()).then(|| (first.unwrap_or(0), last));
    GetOptions { range, fresh }
}

/// Randomness of the operating system.
pub(crate) fn entropy<const N: usize>() -> PyResult<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| internal(&error.to_string()))?;
    Ok(bytes)
}

/// 32 bytes that were given, or fresh ones.
pub(crate) fn given_or_fresh(bytes: Option<&[u8]>) -> PyResult<Secret<32>> {
    match bytes {
        None => Ok(Secret::new(entropy()?)),
        Some(bytes) => {
            bytes.try_into().map(Secret::new).map_err(|_| bad_value("exactly 32 bytes are needed"))
        }
    }
}
