//! QuantumSync's protocol as pure state machines: no I/O, no clock, no threads, no randomness of its own.
//!
//! Two machines do everything: a [`Client`](client::Client) stores and gets a user's files, a [`Node`](node::Node) keeps sealed bytes
//! for others. Each is an ordinary value that is told what happened and that says what it wants done. Whoever performs that
//! is its *driver*: an event loop over sockets and files, a browser tab, or the few lines below.
//!
//! # The driver contract
//!
//! Both machines have the three verbs of [`driver::Machine`], and commands of their own beside them.
//!
//! | verb | meaning |
//! |---|---|
//! | [`handle_input(now, input)`](driver::Machine::handle_input) | something happened |
//! | [`poll_output()`](driver::Machine::poll_output) | the next effect to perform, until there is none |
//! | [`poll_timeout()`](driver::Machine::poll_timeout) | when to give [`Input::Timeout`](driver::Input::Timeout), if nothing happens before |
//!
//! After every input and every command the driver takes all outputs. To forget it delays things, but breaks nothing.
//!
//! **Effects are one ordered list.** Perform them in the order in which they come:
//!
//! | output | answer |
//! |---|---|
//! | `Dial{conn, addr}` | `Connected` with 32 fresh bytes of the operating system's randomness, or `DialFailed` |
//! | `Send{conn, bytes}` | `Sent`, as the bytes leave: without it the machine stops at its window |
//! | `Close{conn}` | what was given before still goes out if that is soon; then `Disconnected` |
//! | `Disk{ticket, request}` | `Disk` with the same ticket: **exactly once**, in any order, failures too |
//! | `Job{ticket, job}` | `Job` with what [`Job::run`](job::Job::run) returned: exactly once, in any order, from any thread |
//! | `Event(event)` | none: it is for the user |
//!
//! What happens without being asked for is a link from outside (`Connected` under [`ConnId::accepted`](id::ConnId::accepted)), bytes
//! (`Received`, cut in any way), the end of a link (`Disconnected`, whoever ended it), and the time.
//!
//! **Done means durable.** `Ok` for a request that changes the disk may only be given when it will survive a loss of power. Answers to
//! other peers hang on it. A machine has at most one such request under way for a row or a blob, so a driver may perform
//! requests at once and in any order.
//!
//! **Time is told.** [`Now`](time::Now) carries a monotonic clock, for deadlines, and the wall clock, for versions and expiry; both come with
//! every call. Ids (`ConnId`, `OpId`, `Ticket`) are never used twice.
//!
//! **Errors keep to their kind.** [`ApiMisuse`](error::ApiMisuse) is the only `Err` of these methods, means a mistake in the driver, and has changed nothing.
//! What a peer does wrong becomes `Close` and an event; what the disk does wrong is an input like any other; how an operation
//! ends is an event. Nothing that comes from outside makes a machine panic.
//!
//! # A whole driver
//!
//! This one has no network and no disk, and its clock jumps. It is complete all the same: a client driven by it ends its operation.
//!
//! ```
//! use quantumsync_core::client::{Client, ClientEvent, ClientSetup};
//! use quantumsync_core::config::Config;
//! use quantumsync_core::crypto::{Secret, Suite};
//! use quantumsync_core::driver::{Input, Machine, Output};
//! use quantumsync_core::error::{ApiMisuse, DiskError, OpError};
//! use quantumsync_core::record::network_id;
//! use quantumsync_core::time::{Instant, Now};
//! use std::collections::VecDeque;
//!
//! /// Performs what the machine wants, and tells it what came of that, until it only waits for time to pass.
//! fn drive<M: Machine>(machine: &mut M, now: Now) -> Result<Vec<M::Event>, ApiMisuse> {
//!     let mut events = Vec::new();
//!     let mut answers = VecDeque::new();
//!     loop {
//!         while let Some(output) = machine.poll_output() {
//!             match output {
//!                 Output::Dial { conn, .. } => answers.push_back(Input::DialFailed { conn }),
//!                 Output::Send { conn, bytes } => {
//!                     answers.push_back(Input::Sent { conn, bytes: bytes.len() });
//!                 }
//!                 Output::Close { conn } => answers.push_back(Input::Disconnected { conn }),
//!                 Output::Disk { ticket, .. } => {
//!                     answers.push_back(Input::Disk { ticket, result: Err(DiskError::Io) });
//!                 }
//!                 Output::Job { ticket, job } => {
//!                     answers.push_back(Input::Job { ticket, result: job.run() });
//!                 }
//!                 Output::Event(event) => events.push(event),
//!             }
//!         }
//!         match answers.pop_front() {
//!             Some(answer) => machine.handle_input(now, answer)?,
//!             None => return Ok(events),
//!         }
//!     }
//! }
//!
//! let network_key = [1; 32];
//! let mut now = Now { mono: Instant(0), unix_ms: 1_800_000_000_000 };
//! let mut client = Client::new(
//!     now,
//!     ClientSetup {
//!         suite: Suite::Real,
//!         config: Config::default(),
//!         network: network_id(Suite::Real, &network_key),
//!         network_key,
//!         psks: vec![(0, Secret::new([2; 32]))],
//!         vault: None,
//!         control: None,
//!         device: Secret::new([3; 32]),
//!         entry: vec![(None, "192.0.2.1:4270".parse().unwrap())],
//!         seed: [4; 32],
//!     },
//! );
//!
//! let op = client.status(now);
//! let mut events = drive(&mut client, now)?;
//! let ended = |events: &[ClientEvent]| {
//!     events.iter().any(|event| matches!(event, ClientEvent::Done { .. } | ClientEvent::Failed { .. }))
//! };
//! while !ended(&events) {
//!     // A real driver sleeps until then, or until something happens.
//!     now.mono = client.poll_timeout().expect("every operation has a deadline");
//!     client.handle_input(now, Input::Timeout)?;
//!     events.extend(drive(&mut client, now)?);
//! }
//! assert_eq!(events, [ClientEvent::Failed { op, error: OpError::Unreachable }]);
//! # Ok::<(), ApiMisuse>(())
//! ```
//!
//! `examples/in_memory.rs` is the same with three nodes, their disks and a network in memory.
//!
//! # The floors
//!
//! Each module imports only from those below it; [`vault`] and [`client`] hold the keys, [`node`] sees only sealed bytes, and neither side
//! imports the other.
//!
//! | | |
//! |---|---|
//! | `fuzz` | laws that hold for any bytes, with feature `sim` |
//! | `sim` | the test harness, with feature `sim` |
//! | [`client`], [`node`] | the machines |
//! | [`vault`], [`session`] | the plaintext side; one encrypted link |
//! | [`wire`] | what is sent |
//! | [`record`], [`job`] | what is signed; heavy work as an effect |
//! | [`crypto`], [`cas`], [`codec`] | primitives, content addresses, fields |
//! | [`id`], [`time`], [`config`], [`error`], [`driver`], [`rng`] | the ground |
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
#[cfg(any(test, feature = "sim"))]
pub mod fuzz;
#[cfg(any(test, feature = "sim"))]
pub mod gauge;
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
