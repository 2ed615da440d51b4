//! A machine on a thread of its own, and the handle by which other threads reach it.

use crate::disk::Disk;
use quantumsync_core::driver::Machine;
use quantumsync_core::time::Now;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;

/// What a machine is given to live on.
pub struct RuntimeOptions {
    /// The thread's name.
    pub name: String,
    /// Addresses to accept links on; port 0 lets the system choose (see [`Handle::addresses`]).
    pub listen: Vec<SocketAddr>,
    /// Where its rows and blobs are.
    pub disk: Box<dyn Disk>,
    /// Threads for jobs; `None` is one for each core.
    pub workers: Option<usize>,
    /// Links at once. At the limit further ones wait in the system's queue until one ends.
    pub max_links: usize,
    /// A dial without outcome fails after this.
    pub dial_deadline: Duration,
    /// Commands of other threads that wait for the machine's thread; [`Handle::post`] waits beyond it.
    pub max_commands: usize,
}

impl RuntimeOptions {
    /// Nothing listens; the rest as a node or client of default configuration needs it.
    pub fn new(disk: Box<dyn Disk>) -> Self {
        Self {
            name: "quantumsync".into(),
            listen: Vec::new(),
            disk,
            workers: None,
            // Above the machine's own limit: the machine decides whom it turns away.
            max_links: 1200,
            dial_deadline: Duration::from_secs(5),
            max_commands: 1024,
        }
    }
}

/// Why a runtime does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system refuses an event queue or a thread.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Why a closure was not run on the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CallError {
    /// The runtime has stopped.
    #[error("the runtime has stopped")]
    Stopped,
    /// Called from the machine's own thread, where waiting for an answer would never end.
    #[error("called from the machine's own thread: use post there")]
    OwnThread,
}

/// How a runtime ended that did not simply stop.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum EndError {
    /// Its thread or one of its workers panicked.
    #[error("the runtime ended by a panic: this is a defect of the program")]
    Panicked,
    /// The system's event queue failed.
    #[error("the system's event queue failed: {0}")]
    System(String),
}

/// Starts machines.
pub struct Runtime<M>(PhantomData<M>);

impl<M: Machine + Send + 'static> Runtime<M> {
    /// Binds the addresses, builds the machine with them and the time, and runs it on a thread of its own until
    /// [`Handle::stop`] or until the last handle is dropped.
    ///
    /// `on_event` is called on that thread; it may [`post`](Handle::post) but not [`call`](Handle::call).
    pub fn start(
        _options: RuntimeOptions,
        _build: impl FnOnce(Now, &[SocketAddr]) -> M,
        _on_event: impl FnMut(M::Event) + Send + 'static,
    ) -> Result<Handle<M>, StartError> {
        todo!()
    }
}

/// Reaches a running machine from any thread.
pub struct Handle<M>(PhantomData<fn(M)>);

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<M: Machine + Send + 'static> Handle<M> {
    /// Runs `f` on the machine's thread and returns what it returns.
    pub fn call<R: Send + 'static>(
        &self,
        _f: impl FnOnce(&mut M, Now) -> R + Send + 'static,
    ) -> Result<R, CallError> {
        todo!()
    }

    /// Has `f` run on the machine's thread, after what was called and posted before, without waiting for it.
    pub fn post(&self, _f: impl FnOnce(&mut M, Now) + Send + 'static) -> Result<(), CallError> {
        todo!()
    }

    /// The addresses that are listened on, in the order they were asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        todo!()
    }

    /// Asks the runtime to end: links are flushed for at most a second, disk requests are completed. Returns at once.
    pub fn stop(&self) {
        todo!()
    }

    /// Waits until the runtime has ended; everything on its disk is closed then. From the machine's own thread it
    /// returns [`EndError`] never, but at once.
    pub fn join(&self) -> Result<(), EndError> {
        todo!()
    }
}
