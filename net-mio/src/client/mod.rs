//! A blocking client: the core's state machine on a thread of its own, one call an operation, from any thread.
//!
//! Moves bytes between readers, writers and the machine; decides nothing of the protocol.

mod operation;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use quantumsync_core::client::{Client as Machine, ClientEvent, ClientSetup, FileMeta, Outcome};
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{Secret, SigningKey, Suite};
use quantumsync_core::id::{BlobId, Name, NodeId, OwnerId};
use quantumsync_core::record::Version;
use quantumsync_core::vault::Vault;
use quantumsync_core::wire::{PeerStatus, Status, Token};

pub use quantumsync_core::client::{GetOptions, StoreOptions};

pub use self::operation::Operation;

use self::operation::{Routes, deliver};
use crate::disk::{Disk, MemoryDisk};
use crate::entropy::entropy;
use crate::error::Error;
use crate::runtime::{Handle, Runtime, RuntimeOptions};

/// What a client is made of.
pub struct ClientOptions {
    /// The network: its keys, and addresses to enter by.
    pub token: Token,
    /// Whose files; without a vault only [`Client::status`], [`Client::peers`], [`Client::verify`] and [`Client::invite`] work.
    pub vault: Option<Vault>,
    /// Nodes to enter by, before those of the token.
    pub entry: Vec<(Option<NodeId>, SocketAddr)>,
    /// The control key of a node's home.
    pub control: Option<SigningKey>,
    /// Tells this device's versions from others'; random unless it is given.
    pub device: Option<Secret<32>>,
    /// Where the highest versions seen are remembered. In memory, a rollback is noticed only within the process.
    pub seen: Box<dyn Disk>,
    /// Limits.
    pub config: Config,
    /// The cryptography.
    pub suite: Suite,
}

impl ClientOptions {
    /// A client of this vault in the network of this token.
    pub fn new(token: Token, vault: Vault) -> Self {
        Self { vault: Some(vault), ..Self::without_vault(token) }
    }

    /// A client that looks at a network without a vault.
    pub fn without_vault(token: Token) -> Self {
        Self {
            token,
            vault: None,
            entry: Vec::new(),
            control: None,
            device: None,
            seen: Box::new(MemoryDisk::new(SEEN_IN_MEMORY)),
            config: Config::default(),
            suite: Suite::Real,
        }
    }
}

/// Bytes of versions seen that a client without a home remembers: some 400,000 names.
const SEEN_IN_MEMORY: u64 = 64 << 20;

/// A stored file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Length of the content.
    pub size: u64,
    /// Replicas on which everything is durable.
    pub copies: u8,
    /// How many are wanted; with fewer copies the store is degraded.
    pub wanted: u8,
    /// Bytes of blobs that had to be sent.
    pub sent_bytes: u64,
    /// The version that it became.
    pub version: Version,
}

/// A file that was got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Got {
    /// What it is.
    pub meta: FileMeta,
    /// Bytes delivered.
    pub size: u64,
    /// A quorum agreed that there is nothing newer.
    pub fresh: bool,
    /// Which nodes gave how many bytes.
    pub sources: Vec<(NodeId, u64)>,
}

/// A write without content: a delete or clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Replicas on which it is durable.
    pub copies: u8,
    /// How many are wanted.
    pub wanted: u8,
    /// Its version: what is older is gone.
    pub version: Version,
}

/// How far a node is that leaves.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// It is no member any more.
    pub done: bool,
    /// The members that still take over what it holds, or cannot be reached.
    pub waits_for: Vec<NodeId>,
    /// How much only it holds.
    pub strays: u64,
}

/// A node's own check of what it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Blobs hashed.
    pub checked: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those that were damaged. They are dropped, and fetched from other nodes.
    pub damaged: Vec<BlobId>,
    /// Records verified.
    pub records: u64,
    /// Those that were damaged, as pseudonyms of owners and names. They are asked for at other nodes.
    pub damaged_records: Vec<(OwnerId, Name)>,
}

/// A user of a network. Clones share one link; every method may be called from any thread.
#[derive(Clone)]
pub struct Client {
    handle: Handle<Machine>,
    routes: Routes,
}

impl Client {
    /// Starts a client. It dials when its first operation needs a link.
    pub fn start(options: ClientOptions) -> Result<Self, Error> {
        let ClientOptions { token, vault, mut entry, control, device, seen, config, suite } = options;
        // Whichever member is there by now: one that lost its disk is another one than the token knows.
        entry.extend(token.peers.iter().map(|&(_, addr)| (None, addr)));
        if entry.is_empty() {
            return Err(Error::NoAddress);
        }
        let device = match device {
            Some(device) => device,
            None => Secret::new(entropy()?),
        };
        let setup = ClientSetup {
            suite,
            network: token.network(suite),
            network_key: token.network_key,
            psks: vec![(token.psk_epoch, token.psk.clone())],
            vault,
            control,
            device,
            entry,
            seed: entropy()?,
            config,
        };
        let routes = Routes::default();
        let events = Arc::clone(&routes);
        let mut runtime = RuntimeOptions::new(seen);
        runtime.name = "quantumsync-client".into();
        let handle =
            Runtime::start(runtime, |now, _| Machine::new(now, setup), move |event| deliver(&events, event))?;
        Ok(Self { handle, routes })
    }

    /// Stores what `content` reads to its end under `key`.
    pub fn store(&self, key: &str, content: impl Read, options: StoreOptions) -> Result<Stored, Error> {
        let key = key.to_owned();
        let operation = self.begin(move |machine, now| machine.store(now, &key, options))?;
        match operation.feed(content)? {
            Outcome::Stored { size, copies, wanted, sent_bytes, version } => {
                Ok(Stored { size, copies, wanted, sent_bytes, version })
            }
            other => unreachable!("a store ended as {other:?}"),
        }
    }

    /// Writes the file under `key`, or a range of it, to `output`. Only checked bytes are written.
    pub fn get(&self, key: &str, mut output: impl Write, options: GetOptions) -> Result<Got, Error> {
        self.get_into(key, options, |_| Ok(&mut output))
    }

    /// As [`get`](Self::get), with an output that is made when the file was found.
    pub fn get_into<W: Write>(
        &self,
        key: &str,
        options: GetOptions,
        open: impl FnOnce(&FileMeta) -> Result<W, Error>,
    ) -> Result<Got, Error> {
        let key = key.to_owned();
        let operation = self.begin(move |machine, now| machine.get(now, &key, options))?;
        let mut open = Some(open);
        let mut output = None;
        let outcome = operation.run(|operation, event| {
            match event {
                ClientEvent::Found { meta, .. } => {
                    if let Some(open) = open.take() {
                        let writer = open(&meta)?;
                        output = Some((meta, writer));
                    }
                }
                ClientEvent::Data { bytes, .. } => {
                    if let Some((_, writer)) = &mut output {
                        writer.write_all(&bytes).map_err(Error::Output)?;
                    }
                    operation.consumed(bytes.len())?;
                }
                _ => {}
            }
            Ok(())
        })?;
        match (outcome, output) {
            (Outcome::Got { size, fresh, sources }, Some((meta, mut writer))) => {
                writer.flush().map_err(Error::Output)?;
                Ok(Got { meta, size, fresh, sources })
            }
            (other, _) => unreachable!("a get ended as {other:?}"),
        }
    }

    /// Deletes the file under `key` everywhere.
    pub fn delete(&self, key: &str) -> Result<Written, Error> {
        let key = key.to_owned();
        match self.begin(move |machine, now| machine.delete(now, &key))?.wait()? {
            Outcome::Deleted { copies, wanted, version } => Ok(Written { copies, wanted, version }),
            other => unreachable!("a delete ended as {other:?}"),
        }
    }

    /// Deletes everything of this vault everywhere.
    pub fn clear(&self) -> Result<Written, Error> {
        match self.begin(|machine, now| machine.clear(now))?.wait()? {
            Outcome::Cleared { copies, wanted, version } => Ok(Written { copies, wanted, version }),
            other => unreachable!("a clear ended as {other:?}"),
        }
    }

    /// Gives each file whose key begins with `prefix` to `entry`, page by page. `false` if part of the network did
    /// not answer and more files may exist.
    pub fn list(
        &self,
        prefix: &str,
        mut entry: impl FnMut(FileMeta) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let prefix = prefix.to_owned();
        let operation = self.begin(move |machine, now| machine.list(now, &prefix))?;
        let outcome = operation.run(|operation, event| {
            if let ClientEvent::Entries { entries, .. } = event {
                let count = entries.len();
                entries.into_iter().try_for_each(&mut entry)?;
                operation.consumed(count)?;
            }
            Ok(())
        })?;
        match outcome {
            Outcome::Listed { complete } => Ok(complete),
            other => unreachable!("a list ended as {other:?}"),
        }
    }

    /// Drops the entry node's own bytes of one file, or of all of this vault: how many blobs and bytes.
    pub fn evict(&self, key: Option<&str>) -> Result<(u64, u64), Error> {
        let key = key.map(str::to_owned);
        match self.begin(move |machine, now| machine.evict(now, key.as_deref()))?.wait()? {
            Outcome::Evicted { blobs, bytes } => Ok((blobs, bytes)),
            other => unreachable!("an evict ended as {other:?}"),
        }
    }

    /// What the entry node is and holds.
    pub fn status(&self) -> Result<Status, Error> {
        match self.begin(|machine, now| machine.status(now))?.wait()? {
            Outcome::Status(status) => Ok(*status),
            other => unreachable!("a status ended as {other:?}"),
        }
    }

    /// Who is in the network.
    pub fn peers(&self) -> Result<Vec<PeerStatus>, Error> {
        match self.begin(|machine, now| machine.peers(now))?.wait()? {
            Outcome::Peers(peers) => Ok(peers),
            other => unreachable!("a peers ended as {other:?}"),
        }
    }

    /// Lets the entry node hash everything that it holds.
    pub fn verify(&self) -> Result<Verified, Error> {
        match self.begin(|machine, now| machine.verify(now))?.wait()? {
            Outcome::Verified { checked, bytes, damaged, records, damaged_records } => {
                Ok(Verified { checked, bytes, damaged, records, damaged_records })
            }
            other => unreachable!("a verify ended as {other:?}"),
        }
    }

    /// Asks the entry node to leave the network for good, or to stay after all. To be repeated until it is done.
    pub fn leave(&self, cancel: bool) -> Result<Leaving, Error> {
        match self.begin(move |machine, now| machine.leave(now, cancel))?.wait()? {
            Outcome::Leaving { done, waits_for, strays } => Ok(Leaving { done, waits_for, strays }),
            other => unreachable!("a leave ended as {other:?}"),
        }
    }

    /// Removes a member for good.
    pub fn ban(&self, node: NodeId) -> Result<(), Error> {
        match self.begin(move |machine, now| machine.ban(now, node))?.wait()? {
            Outcome::Banned => Ok(()),
            other => unreachable!("a ban ended as {other:?}"),
        }
    }

    /// The text of a token for users, or for nodes.
    pub fn invite(&self, node: bool) -> Result<String, Error> {
        match self.begin(move |machine, now| machine.invite(now, node))?.wait()? {
            Outcome::Invite(token) => Ok(token.to_text().to_string()),
            other => unreachable!("an invite ended as {other:?}"),
        }
    }

    /// Cancels what is under way and closes the link. Operations of clones end, too.
    pub fn close(self) -> Result<(), Error> {
        // A runtime that has stopped by itself is closed already; join says why.
        let _ = self.handle.call(|machine, now| machine.close(now));
        self.handle.stop();
        Ok(self.handle.join()?)
    }
}
