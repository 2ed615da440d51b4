//! Small files: read with a bound, replaced whole, closed to others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use quantumsync_core::crypto::Secret;
use thiserror::Error;
use zeroize::Zeroize as _;

use crate::entropy::entropy;

/// What can be wrong with a home.
#[derive(Debug, Error)]
pub enum HomeError {
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is there that would be overwritten.
    #[error("{} exists already and is kept", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it; never its content.
        what: String,
    },
    /// Another process uses this home's node folder.
    #[error("{} is in use by another node", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Entropy(String),
}

/// Adds the path to an error.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_path_buf();
    move |source| HomeError::Io { path, source }
}

/// Makes a folder and those above it; what is made is closed to others.
pub(super) fn create_folder(path: &Path) -> Result<(), HomeError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(at(path))
}

/// The whole of a file of at most `max` bytes; `None` if it is not there.
pub(super) fn try_read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, HomeError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(at(path))?;
    if bytes.len() as u64 > max {
        return Err(HomeError::Damaged {
            path: path.to_path_buf(),
            what: format!("longer than {max} bytes"),
        });
    }
    Ok(Some(bytes))
}

/// A file of exactly 32 secret bytes; `None` if it is not there.
pub(super) fn read_secret(path: &Path) -> Result<Option<Secret<32>>, HomeError> {
    let Some(mut bytes) = try_read(path, 32)? else { return Ok(None) };
    let secret = <[u8; 32]>::try_from(bytes.as_slice());
    bytes.zeroize();
    secret
        .map(|secret| Some(Secret::new(secret)))
        .map_err(|_| HomeError::Damaged { path: path.to_path_buf(), what: "not 32 bytes".into() })
}

/// Replaces a file: written aside, made durable, renamed, its folder made durable. Only the owner may read it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    // Two processes may replace the same file; each writes aside under a name of its own.
    let aside =
        path.with_extension(format!("new-{}-{:08x}", std::process::id(), u32::from_ne_bytes(entropy()?)));
    let written = (|| {
        let mut file = create_private(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&aside, path)?;
        sync_folder(path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written.map_err(at(path))
}

/// Opens a new file that only its owner may read.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the name of a file durable. Only Unix has folders that can be synced.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
