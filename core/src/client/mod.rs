//! A user's state machine: operations on files through one entry node. Seals, names and signs with the vault; sends only
//! ciphertext. Must not know the node's modules.
//!
//! Every command returns an [`OpId`] at once and ends with one [`ClientEvent::Done`] or [`ClientEvent::Failed`].

mod clear;
mod context;
mod control;
mod delete;
mod event;
mod get;
mod link;
mod list;
mod lookup;
mod pages;
mod pass;
mod place;
mod recording;
mod requests;
mod round;
mod running;
mod seen;
mod setup;
mod store;
mod window;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::string::String;
use bytes::Bytes;

use self::clear::Clear;
use self::context::{Context, Operation};
use self::control::{Question, Verify};
use self::delete::Delete;
use self::get::Get;
use self::list::List;
use self::running::Running;
use self::store::Store;
#[cfg(any(test, feature = "sim"))]
use crate::config::Config;
use crate::driver::{Input, Machine, Output};
use crate::error::{ApiMisuse, OpError};
#[cfg(any(test, feature = "sim"))]
use crate::gauge::Gauges;
use crate::id::{NodeId, OpId};
use crate::time::{Instant, Now};
use crate::vault::normalise_key;
use crate::wire::Request;

pub use event::{ClientEvent, FileMeta, Outcome};
pub use setup::{ClientSetup, GetOptions, StoreOptions};

/// A user's state machine.
pub struct Client {
    running: Running,
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client that will dial when its first operation needs a link.
    pub fn new(now: Now, setup: ClientSetup) -> Self {
        Self { running: Running::new(now, setup) }
    }

    /// Stores a file under `key`: asks for its content with [`ClientEvent::NeedData`]. Ends in [`Outcome::Stored`].
    pub fn store(&mut self, now: Now, key: &str, options: StoreOptions) -> OpId {
        self.start_with_key(now, key, |cx, key| Ok(Box::new(Store::new(cx, key, options)?)))
    }

    /// Gets a file: [`ClientEvent::Found`], then [`ClientEvent::Data`] in order. Ends in [`Outcome::Got`].
    pub fn get(&mut self, now: Now, key: &str, options: GetOptions) -> OpId {
        self.start_with_key(now, key, |cx, key| Ok(Box::new(Get::new(cx, key, options)?)))
    }

    /// Deletes a file everywhere. Ends in [`Outcome::Deleted`].
    pub fn delete(&mut self, now: Now, key: &str) -> OpId {
        self.start_with_key(now, key, |cx, key| Ok(Box::new(Delete::new(cx, &key)?)))
    }

    /// Deletes everything of this vault everywhere. Ends in [`Outcome::Cleared`].
    pub fn clear(&mut self, now: Now) -> OpId {
        self.running.start(now, |cx| {
            cx.keys()?;
            Ok(Box::new(Clear::new()))
        })
    }

    /// Lists the files whose normalised key begins with `prefix`: [`ClientEvent::Entries`]. Ends in [`Outcome::Listed`].
    pub fn list(&mut self, now: Now, prefix: &str) -> OpId {
        self.running.start(now, |cx| {
            cx.keys()?;
            let prefix = if prefix.is_empty() { Ok(String::new()) } else { normalise_key(prefix) };
            Ok(Box::new(List::new(prefix.map_err(|_| OpError::BadKey)?)))
        })
    }

    /// Drops the entry node's own bytes of one file, or of all of this vault. Ends in [`Outcome::Evicted`].
    pub fn evict(&mut self, now: Now, key: Option<&str>) -> OpId {
        self.running.start(now, |cx| {
            let owner = cx.owner()?;
            let name = match key {
                None => None,
                Some(key) => Some(cx.keys()?.name(0, &normalise_key(key).map_err(|_| OpError::BadKey)?)),
            };
            Ok(Box::new(Question(Request::Evict { owner, name })))
        })
    }

    /// What the entry node is and holds. Ends in [`Outcome::Status`].
    pub fn status(&mut self, now: Now) -> OpId {
        self.running.start(now, |_| Ok(Box::new(Question(Request::Status))))
    }

    /// Who is in the network. Ends in [`Outcome::Peers`].
    pub fn peers(&mut self, now: Now) -> OpId {
        self.running.start(now, |_| Ok(Box::new(Question(Request::Peers))))
    }

    /// Lets the entry node hash everything that it holds. Ends in [`Outcome::Verified`].
    pub fn verify(&mut self, now: Now) -> OpId {
        self.running.start(now, |_| Ok(Box::new(Verify::default())))
    }

    /// Lets the entry node leave the network for good, or stay after all; to be repeated until it is done, which takes
    /// as long as the others need to take over what it holds. Ends in [`Outcome::Leaving`].
    pub fn leave(&mut self, now: Now, cancel: bool) -> OpId {
        self.running.start(now, |_| Ok(Box::new(Question(Request::Leave { cancel }))))
    }

    /// Removes a member for good. Ends in [`Outcome::Banned`].
    pub fn ban(&mut self, now: Now, node: NodeId) -> OpId {
        self.running.start(now, |_| Ok(Box::new(Question(Request::Ban { node }))))
    }

    /// A token that lets a client, or a node, into the network. Ends in [`Outcome::Invite`].
    pub fn invite(&mut self, now: Now, node: bool) -> OpId {
        self.running.start(now, |_| Ok(Box::new(Question(Request::Invite { node }))))
    }

    /// Gives a store some of its content: at most what [`ClientEvent::NeedData`] asked for.
    pub fn provide(&mut self, now: Now, op: OpId, bytes: Bytes) -> Result<(), ApiMisuse> {
        self.running.call(now, op, !bytes.is_empty(), |operation, cx| operation.provide(cx, bytes))
    }

    /// Tells a store that its content is complete.
    pub fn finish(&mut self, now: Now, op: OpId) -> Result<(), ApiMisuse> {
        self.running.call(now, op, true, |operation, cx| operation.finish(cx))
    }

    /// Gives back credit: bytes of a get, or entries of a list, that were dealt with.
    pub fn consumed(&mut self, now: Now, op: OpId, count: usize) -> Result<(), ApiMisuse> {
        self.running.call(now, op, count > 0, |operation, cx| operation.consumed(cx, count))
    }

    /// Ends an operation with [`OpError::Cancelled`]; nothing if it ended before.
    /// What a store had sent lapses with its lease.
    pub fn cancel(&mut self, now: Now, op: OpId) {
        self.running.cancel(now, op);
    }

    /// Cancels everything and closes the link; commands given later are cancelled, too.
    pub fn close(&mut self, now: Now) {
        self.running.close(now);
    }

    /// Tells what it holds, beside the limits of `config`.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn gauge(&self, config: &Config, gauges: &mut Gauges) {
        self.running.gauge(config, gauges);
    }

    fn start_with_key(
        &mut self,
        now: Now,
        key: &str,
        make: impl FnOnce(&Context<'_>, String) -> Result<Box<dyn Operation>, OpError>,
    ) -> OpId {
        self.running.start(now, |cx| {
            cx.keys()?;
            make(cx, normalise_key(key).map_err(|_| OpError::BadKey)?)
        })
    }
}

impl Machine for Client {
    type Event = ClientEvent;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        self.running.handle_input(now, input)
    }

    fn poll_output(&mut self) -> Option<Output<ClientEvent>> {
        self.running.poll_output()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.running.poll_timeout()
    }
}
