//! The only code that touches the operating system: sockets, files, clocks, threads.
//!
//! [`Runtime`] gives a machine of [`quantumsync_core`] a thread, a network, a disk and workers, and performs
//! its effects as [`quantumsync_core::driver`] asks. It takes no decision of the protocol.
//!
//! [`Node`] is a whole peer in this process, [`Client`] its user:
//!
//! ```
//! use quantumsync::client::{Client, ClientOptions, GetOptions, StoreOptions};
//! use quantumsync::node::{Node, NodeOptions};
//! use quantumsync_core::crypto::Suite;
//! use quantumsync_core::vault::Vault;
//!
//! let folder = tempfile::tempdir()?;
//! let home = quantumsync::Home::new(folder.path());
//! let node = Node::start(&home, NodeOptions::new("127.0.0.1:0".parse()?))?;
//! // 32 bytes of the operating system's randomness; these are only an example.
//! let vault = Vault::create(Suite::Real, [7; 32]);
//! let client = Client::start(ClientOptions::new(node.token(false), vault))?;
//!
//! client.store("greeting", &b"hello, peers"[..], StoreOptions::default())?;
//! let mut content = Vec::new();
//! client.get("greeting", &mut content, GetOptions::default())?;
//! assert_eq!(content, b"hello, peers");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod buffers;
pub mod client;
mod clock;
mod conn;
mod dial;
pub mod disk;
mod entropy;
mod error;
mod faults;
pub mod home;
mod jobs;
mod listen;
pub mod node;
mod queue;
mod reactor;
mod runtime;
mod wake;

pub use client::Client;
pub use error::{Error, file_code};
pub use home::Home;
pub use node::Node;
pub use runtime::{CallError, EndError, Handle, Runtime, RuntimeOptions, StartError};
