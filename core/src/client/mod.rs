//! A user's state machine: operations on files through one entry node. Seals, names and signs with the vault; sends only
//! ciphertext. Must not know the node's modules.
//!
//! Every command returns an [`OpId`] at once and ends with one [`ClientEvent::Done`] or [`ClientEvent::Failed`].

mod event;
mod setup;

use bytes::Bytes;

use crate::driver::{Input, Machine, Output};
use crate::error::ApiMisuse;
use crate::id::OpId;
use crate::time::{Instant, Now};

pub use event::{ClientEvent, FileMeta, Outcome};
pub use setup::{ClientSetup, GetOptions, StoreOptions};

/// A user's state machine.
#[derive(Debug)]
pub struct Client {}

impl Client {
    /// A client that will dial when its first operation needs a link.
    pub fn new(_now: Now, _setup: ClientSetup) -> Self {
        todo!()
    }

    /// Stores a file under `key`: asks for its content with [`ClientEvent::NeedData`]. Ends in [`Outcome::Stored`].
    pub fn store(&mut self, _now: Now, _key: &str, _options: StoreOptions) -> OpId {
        todo!()
    }

    /// Gets a file: [`ClientEvent::Found`], then [`ClientEvent::Data`] in order. Ends in [`Outcome::Got`].
    pub fn get(&mut self, _now: Now, _key: &str, _options: GetOptions) -> OpId {
        todo!()
    }

    /// Deletes a file everywhere. Ends in [`Outcome::Deleted`].
    pub fn delete(&mut self, _now: Now, _key: &str) -> OpId {
        todo!()
    }

    /// Deletes everything of this vault everywhere. Ends in [`Outcome::Cleared`].
    pub fn clear(&mut self, _now: Now) -> OpId {
        todo!()
    }

    /// Lists the files whose normalised key begins with `prefix`: [`ClientEvent::Entries`]. Ends in [`Outcome::Listed`].
    pub fn list(&mut self, _now: Now, _prefix: &str) -> OpId {
        todo!()
    }

    /// Drops the entry node's own bytes of one file, or of all of this vault. Ends in [`Outcome::Evicted`].
    pub fn evict(&mut self, _now: Now, _key: Option<&str>) -> OpId {
        todo!()
    }

    /// What the entry node is and holds. Ends in [`Outcome::Status`].
    pub fn status(&mut self, _now: Now) -> OpId {
        todo!()
    }

    /// Who is in the network. Ends in [`Outcome::Peers`].
    pub fn peers(&mut self, _now: Now) -> OpId {
        todo!()
    }

    /// Lets the entry node hash everything that it holds. Ends in [`Outcome::Verified`].
    pub fn verify(&mut self, _now: Now) -> OpId {
        todo!()
    }

    /// A token that lets a client, or a node, into the network. Ends in [`Outcome::Invite`].
    pub fn invite(&mut self, _now: Now, _node: bool) -> OpId {
        todo!()
    }

    /// Gives a store some of its content: at most what [`ClientEvent::NeedData`] asked for.
    pub fn provide(&mut self, _now: Now, _op: OpId, _bytes: Bytes) -> Result<(), ApiMisuse> {
        todo!()
    }

    /// Tells a store that its content is complete.
    pub fn finish(&mut self, _now: Now, _op: OpId) -> Result<(), ApiMisuse> {
        todo!()
    }

    /// Gives back credit: bytes of a get, or entries of a list, that were dealt with.
    pub fn consumed(&mut self, _now: Now, _op: OpId, _count: usize) -> Result<(), ApiMisuse> {
        todo!()
    }

    /// Ends an operation with [`OpError::Cancelled`](crate::error::OpError::Cancelled); nothing if it ended before.
    /// What a store had sent lapses with its lease.
    pub fn cancel(&mut self, _now: Now, _op: OpId) {
        todo!()
    }

    /// Cancels everything and closes the link; commands given later are cancelled, too.
    pub fn close(&mut self, _now: Now) {
        todo!()
    }
}

impl Machine for Client {
    type Event = ClientEvent;

    fn handle_input(&mut self, _now: Now, _input: Input) -> Result<(), ApiMisuse> {
        todo!()
    }

    fn poll_output(&mut self) -> Option<Output<ClientEvent>> {
        todo!()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
}
