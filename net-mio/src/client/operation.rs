//! One operation of the client's machine, awaited: its events come by a route of its own, its bytes go in and out with credit.

use std::collections::HashMap;
use std::io::Read;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use quantumsync_core::client::{Client as Machine, ClientEvent, Outcome};
use quantumsync_core::error::OpError;
use quantumsync_core::id::OpId;
use quantumsync_core::time::Now;

use super::Client;
use crate::error::Error;
use crate::runtime::Handle;

/// Bytes read from a reader at once: large enough that a call to the machine's thread costs nothing beside it.
const READ_AT_ONCE: usize = 1 << 20;

/// To whom events of which operation go.
pub(super) type Routes = Arc<Mutex<HashMap<OpId, Sender<ClientEvent>>>>;

impl Client {
    /// Begins an operation, to be taken step by step: for callers that have to look up between two steps, such as
    /// interpreters, which must see an interrupt. The other methods are this and a loop.
    pub fn begin(
        &self,
        command: impl FnOnce(&mut Machine, Now) -> OpId + Send + 'static,
    ) -> Result<Operation, Error> {
        let (sender, events) = mpsc::channel();
        let routes = Arc::clone(&self.routes);
        // On the machine's own thread, so that no event comes before its route is there.
        let op = self.handle.call(move |machine, now| {
            let op = command(machine, now);
            routes.lock().unwrap_or_else(PoisonError::into_inner).insert(op, sender);
            op
        })?;
        Ok(Operation { handle: self.handle.clone(), op, events, ended: false })
    }
}

/// Sends an event to whoever waits for it.
pub(super) fn deliver(routes: &Routes, event: ClientEvent) {
    let (op, last) = match &event {
        ClientEvent::Connected { .. } | ClientEvent::Disconnected { .. } => return,
        ClientEvent::NeedData { op, .. }
        | ClientEvent::Found { op, .. }
        | ClientEvent::Data { op, .. }
        | ClientEvent::Entries { op, .. } => (*op, false),
        ClientEvent::Done { op, .. } | ClientEvent::Failed { op, .. } => (*op, true),
    };
    let mut routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
    let route = if last { routes.remove(&op) } else { routes.get(&op).cloned() };
    if let Some(route) = route {
        // Whoever waited may have given up; then nobody needs the event.
        let _ = route.send(event);
    }
}

/// One operation under way; dropped before its end, it is cancelled.
pub struct Operation {
    handle: Handle<Machine>,
    op: OpId,
    events: Receiver<ClientEvent>,
    ended: bool,
}

impl Operation {
    /// The next event, if one comes within `patience`. The last is [`ClientEvent::Done`] or [`ClientEvent::Failed`].
    pub fn next_within(&mut self, patience: Duration) -> Result<Option<ClientEvent>, Error> {
        match self.events.recv_timeout(patience) {
            Ok(event) => Ok(Some(self.noted(event))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }

    /// Gives a store some of its content: at most what [`ClientEvent::NeedData`] asked for.
    pub fn provide(&self, bytes: Bytes) -> Result<(), Error> {
        let op = self.op;
        self.post(move |machine, now| machine.provide(now, op, bytes))
    }

    /// Tells a store that its content is complete.
    pub fn finish(&self) -> Result<(), Error> {
        let op = self.op;
        self.post(move |machine, now| machine.finish(now, op))
    }

    /// So much of what it delivered is dealt with: bytes of a get, entries of a list.
    pub fn consumed(&self, count: usize) -> Result<(), Error> {
        let op = self.op;
        self.post(move |machine, now| machine.consumed(now, op, count))
    }

    /// Waits for its end.
    pub(super) fn wait(self) -> Result<Outcome, Error> {
        self.run(|_, _| Ok(()))
    }

    /// Gives every event but the last to `each`; an error of its ends the operation.
    pub(super) fn run(
        mut self,
        mut each: impl FnMut(&Self, ClientEvent) -> Result<(), Error>,
    ) -> Result<Outcome, Error> {
        loop {
            let event = self.events.recv().map_err(|_| gone())?;
            match self.noted(event) {
                ClientEvent::Done { outcome, .. } => return Ok(outcome),
                ClientEvent::Failed { error, .. } => return Err(error.into()),
                event => each(&self, event)?,
            }
        }
    }

    /// Gives it what `content` reads, to its end.
    pub(super) fn feed(self, mut content: impl Read) -> Result<Outcome, Error> {
        self.run(|operation, event| {
            let ClientEvent::NeedData { mut max, .. } = event else { return Ok(()) };
            while max > 0 {
                let bytes = read_up_to(&mut content, max.min(READ_AT_ONCE))?;
                if bytes.is_empty() {
                    return operation.finish();
                }
                max -= bytes.len();
                operation.provide(bytes)?;
            }
            Ok(())
        })
    }

    fn noted(&mut self, event: ClientEvent) -> ClientEvent {
        self.ended = matches!(event, ClientEvent::Done { .. } | ClientEvent::Failed { .. });
        event
    }

    /// Calls the machine. It may have ended the operation meanwhile: then its last event says so, not this call.
    fn post<E>(
        &self,
        f: impl FnOnce(&mut Machine, Now) -> Result<(), E> + Send + 'static,
    ) -> Result<(), Error> {
        Ok(self.handle.post(move |machine, now| drop(f(machine, now)))?)
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if !self.ended {
            let op = self.op;
            // A runtime that has stopped has no operation to cancel.
            let _ = self.handle.post(move |machine, now| machine.cancel(now, op));
        }
    }
}

/// The machine's thread drops its routes only when it ends.
fn gone() -> Error {
    Error::Operation(OpError::Cancelled)
}

/// Fills a buffer of `len` bytes as far as the reader goes; empty at its end.
fn read_up_to(reader: &mut impl Read, len: usize) -> Result<Bytes, Error> {
    let mut bytes = BytesMut::zeroed(len);
    let mut filled = 0;
    while filled < len {
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::Input(error)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.freeze())
}
