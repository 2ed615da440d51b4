//! QuantumSync's protocol as pure state machines: no I/O, no clock, no threads.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "sim"))]
extern crate std;

pub mod cas;
pub mod client;
pub mod codec;
pub mod config;
pub mod crypto;
pub mod driver;
pub mod error;
pub mod id;
pub mod job;
pub mod node;
pub mod record;
pub mod rng;
pub mod session;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod time;
pub mod vault;
pub mod wire;

pub use bytes::Bytes;
