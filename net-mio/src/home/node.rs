//! The node's own files: who it is, where it listens, the key by which its home commands it, and the lock that keeps
//! a second node out.

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use quantumsync_core::crypto::{LinkIdentity, Secret, SigningKey, Suite};
use quantumsync_core::id::NodeId;

use crate::entropy::entropy;

use super::files::{HomeError, at, create_folder, read_secret, replace, try_read};

/// How often, and after what pause, a lock that is held is tried again.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The folder `node/` of a home.
#[derive(Clone, Debug)]
pub struct NodeFolder {
    path: PathBuf,
}

/// Where the home's node listens, or did last, and who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeAddress {
    /// Its id.
    pub node: NodeId,
    /// Its address.
    pub addr: SocketAddr,
}

/// Held while a node runs; the operating system releases it with the process.
#[derive(Debug)]
pub struct NodeLock {
    _file: File,
}

impl NodeFolder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Locks the folder for one node, making it if need be.
    pub fn lock(&self) -> Result<NodeLock, HomeError> {
        create_folder(&self.path)?;
        let path = self.path.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
        // A command that asks whether a node runs holds the lock for a moment: that is no node.
        for attempt in 0.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(HomeError::InUse { path: self.path.clone() }),
                Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
            }
        }
        Ok(NodeLock { _file: file })
    }

    /// True if a node of this home runs.
    pub fn is_running(&self) -> Result<bool, HomeError> {
        let path = self.path.join("lock");
        match File::open(&path) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Ok(false),
                Err(TryLockError::WouldBlock) => Ok(true),
                Err(TryLockError::Error(error)) => Err(at(&path)(error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// The node's identity; `None` before its first start.
    pub fn identity(&self, suite: Suite) -> Result<Option<LinkIdentity>, HomeError> {
        let secret = read_secret(&self.path.join("identity"))?;
        Ok(secret.map(|secret| LinkIdentity::from_secret(suite, secret)))
    }

    /// The node's identity, made at its first start.
    pub fn make_identity(&self, suite: Suite) -> Result<LinkIdentity, HomeError> {
        Ok(LinkIdentity::from_secret(suite, self.make_secret("identity")?))
    }

    /// The key that commands this node; `None` before its first start.
    pub fn control(&self, suite: Suite) -> Result<Option<SigningKey>, HomeError> {
        let seed = read_secret(&self.path.join("control"))?;
        Ok(seed.map(|seed| SigningKey::from_seed(suite, seed)))
    }

    /// The key that commands this node, made at its first start.
    pub fn make_control(&self, suite: Suite) -> Result<SigningKey, HomeError> {
        Ok(SigningKey::from_seed(suite, self.make_secret("control")?))
    }

    /// Where the node listens, or did when it last ran.
    pub fn address(&self) -> Result<Option<NodeAddress>, HomeError> {
        let path = self.path.join("address");
        let Some(bytes) = try_read(&path, 256)? else { return Ok(None) };
        let parse = || {
            let (node, addr) = std::str::from_utf8(&bytes).ok()?.trim().split_once('@')?;
            Some(NodeAddress { node: NodeId::from_hex(node)?, addr: addr.parse().ok()? })
        };
        let damaged = || HomeError::Damaged { path: path.clone(), what: "not NODEID@IP:PORT".into() };
        parse().map(Some).ok_or_else(damaged)
    }

    /// Remembers where the node listens.
    pub fn save_address(&self, address: &NodeAddress) -> Result<(), HomeError> {
        replace(&self.path.join("address"), format!("{}@{}\n", address.node, address.addr).as_bytes())
    }

    fn make_secret(&self, name: &str) -> Result<Secret<32>, HomeError> {
        let path = self.path.join(name);
        if let Some(secret) = read_secret(&path)? {
            return Ok(secret);
        }
        create_folder(&self.path)?;
        let secret = Secret::new(entropy()?);
        replace(&path, secret.expose())?;
        Ok(secret)
    }
}
