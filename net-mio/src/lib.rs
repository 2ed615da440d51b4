//! The only code that touches the operating system: sockets, files, clocks, threads.
//!
//! [`Runtime`] gives a machine of [`quantumsync_core`] a thread, a network, a disk and workers, and performs
//! its effects as [`quantumsync_core::driver`] asks. It takes no decision of the protocol.
#![forbid(unsafe_code)]

mod buffers;
pub mod client;
mod clock;
mod conn;
mod dial;
pub mod disk;
mod entropy;
mod error;
pub mod home;
mod jobs;
mod listen;
pub mod node;
mod queue;
mod reactor;
mod runtime;
mod wake;

pub use client::Client;
pub use error::Error;
pub use home::Home;
pub use node::Node;
pub use runtime::{CallError, EndError, Handle, Runtime, RuntimeOptions, StartError};
