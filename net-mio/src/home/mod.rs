//! A user's folder: the vault, the network's keys, this device's memory, and the node's own files.
//!
//! Reads and writes files; decides nothing of the protocol. Everything secret is readable by its owner alone, and
//! every file is replaced whole or not at all.
//!
//! ```text
//! vault            the vault, locked
//! settings.toml    settings (TOML), below the environment and the flags
//! network          keys and known addresses of the network
//! device/secret    32 bytes that tell this device's versions apart
//! device/seen/     the highest version seen of each name
//! node/            identity, control, address, lock, blobs/, staging/, index/
//! ```

mod files;
mod network;
mod node;
mod seen;

pub use files::HomeError;
pub use network::NetworkFile;
pub use node::{NodeAddress, NodeFolder, NodeLock};
pub use seen::SeenDisk;

use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use quantumsync_core::crypto::Secret;

use crate::entropy::entropy;

use self::files::{at, create_folder, read_secret, replace, try_read};

/// The largest vault file that is read: a vault has a few slots of some hundred bytes.
const MAX_VAULT: u64 = 64 << 10;

/// The bytes of a vault file, wherever it is.
pub fn read_vault(path: &Path) -> Result<Vec<u8>, HomeError> {
    try_read(path, MAX_VAULT)?.ok_or_else(|| at(path)(io::ErrorKind::NotFound.into()))
}

/// Writes a vault file, wherever it shall be; one that is there is kept unless `over` is true.
pub fn write_vault(path: &Path, bytes: &[u8], over: bool) -> Result<(), HomeError> {
    if !over && path.exists() {
        return Err(HomeError::Exists { path: path.to_path_buf() });
    }
    replace(path, bytes)
}

/// One user's folder.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The home in this folder, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder that the platform keeps such data in; `None` if it names none.
    pub fn default_folder() -> Option<PathBuf> {
        let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
        Some(folders.data_dir().join("quantumsync"))
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where its settings are.
    pub fn settings_path(&self) -> PathBuf {
        self.root.join("settings.toml")
    }

    /// The vault file's bytes; `None` if there is none.
    pub fn vault(&self) -> Result<Option<Vec<u8>>, HomeError> {
        try_read(&self.root.join("vault"), MAX_VAULT)
    }

    /// Writes the vault file where there is none yet.
    pub fn create_vault(&self, bytes: &[u8]) -> Result<(), HomeError> {
        create_folder(&self.root)?;
        write_vault(&self.root.join("vault"), bytes, false)
    }

    /// The network that this home belongs to; `None` if it belongs to none.
    pub fn network(&self) -> Result<Option<NetworkFile>, HomeError> {
        NetworkFile::load(&self.root.join("network"))
    }

    /// Remembers the network.
    pub fn save_network(&self, network: &NetworkFile) -> Result<(), HomeError> {
        create_folder(&self.root)?;
        network.save(&self.root.join("network"))
    }

    /// The secret of this device, made at its first use.
    pub fn device_secret(&self) -> Result<Secret<32>, HomeError> {
        let folder = self.root.join("device");
        let path = folder.join("secret");
        if let Some(secret) = read_secret(&path)? {
            return Ok(secret);
        }
        create_folder(&folder)?;
        let secret = Secret::new(entropy()?);
        replace(&path, secret.expose())?;
        Ok(secret)
    }

    /// The disk on which a client remembers the highest versions seen.
    pub fn seen_disk(&self) -> Result<SeenDisk, HomeError> {
        let folder = self.root.join("device").join("seen");
        create_folder(&folder)?;
        Ok(SeenDisk::start(folder))
    }

    /// The node's own folder.
    pub fn node(&self) -> NodeFolder {
        NodeFolder::new(self.root.join("node"))
    }
}
