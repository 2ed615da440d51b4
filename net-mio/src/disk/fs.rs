//! A disk of files: an index database and one file for each large blob.

use super::{Answer, Disk};
use quantumsync_core::cas::PathTransform;
use quantumsync_core::driver::DiskRequest;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How an [`FsDisk`] is set up.
#[derive(Clone, Debug)]
pub struct FsOptions {
    /// Where the file of a blob is, below `blobs/`. The same for the life of a disk.
    pub transform: PathTransform,
    /// Space that is left alone: below it a request that writes ends in `NoSpace`, so that the index
    /// database itself never meets a full disk.
    pub reserve: u64,
    /// Bytes of blobs that are taken from requests and not durable yet; more wait in their requests.
    pub staged_bytes: usize,
}

impl Default for FsOptions {
    fn default() -> Self {
        Self { transform: PathTransform::DEFAULT, reserve: 256 << 20, staged_bytes: 16 << 20 }
    }
}

/// Why a disk does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A folder or file could not be made or read.
    #[error("cannot use {path}: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process: stop it first, or use another home")]
    InUse {
        /// The index's folder.
        path: PathBuf,
    },
    /// The index database is damaged or of another format.
    #[error(
        "the index in {path} cannot be read: {reason}; move the folder away to start anew from the other peers"
    )]
    Damaged {
        /// The index's folder.
        path: PathBuf,
        /// What the database says.
        reason: String,
    },
}

/// Rows and small blobs in an index database, larger blobs in files of their own.
pub struct FsDisk {}

impl FsDisk {
    /// Opens the disk in `folder`, making `index/`, `blobs/` and `staging/` there if they are missing.
    pub fn open(_folder: &Path, _options: FsOptions) -> Result<Self, OpenError> {
        todo!()
    }
}

impl Disk for FsDisk {
    fn submit(&mut self, _request: DiskRequest, _answer: Answer) {
        todo!()
    }
}
