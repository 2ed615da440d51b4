//! A disk of files: an index database, and one file for each large blob.
//!
//! What is always true: **an index entry is there only if its blob is durable.** A large blob goes through three
//! hands: a [stager](mod@stage) writes it to `staging/` and makes it durable there; the [committer](commit) moves it to
//! its place under `blobs/`, makes the folders durable and only then writes the index entry, together with those of
//! all requests that wait. [Readers](read) never stand behind a write. A crash leaves at worst a file without an
//! entry, which the [`sweep`] finds.
//!
//! Files are made for the owner alone (0600, folders 0700, where the system has such modes); the index database
//! makes its own files inside such a folder.

mod commit;
mod files;
mod index;
mod read;
mod stage;
mod sweep;
#[cfg(test)]
mod tests;

use super::{Answer, Disk};
use crate::queue::Queue;
use commit::{Change, Committer, Work};
use files::Folders;
use index::Index;
use quantumsync_core::cas::PathTransform;
use quantumsync_core::driver::DiskRequest;
use stage::{Stage, Stager};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use sweep::Sweep;
use thiserror::Error;

/// Blobs from here up are files of their own.
const LARGE: usize = 64 << 10;
/// Threads that write blobs to `staging/`: while one waits for the device, another writes.
const STAGERS: usize = 8;
/// Threads that read.
const READERS: usize = 2;

/// How an [`FsDisk`] is set up.
#[derive(Clone, Debug)]
pub struct FsOptions {
    /// Where the file of a blob is, below `blobs/`. The same for the life of a disk.
    pub transform: PathTransform,
    /// Space that is left alone: below it a blob is refused with `NoSpace`, below half of it a change of rows
    /// too, so that the index database itself never meets a full disk. What removes is always done.
    pub reserve: u64,
    /// Bytes of blobs in `staging/` at once; further ones wait in their requests.
    pub staged_bytes: u64,
    /// The sweep rests this long after each folder it has looked through.
    pub sweep_rest: Duration,
    /// From the end of one sweep to the next; the first begins at once.
    pub sweep_every: Duration,
}

impl Default for FsOptions {
    fn default() -> Self {
        Self {
            transform: PathTransform::DEFAULT,
            reserve: 256 << 20,
            staged_bytes: 64 << 20,
            sweep_rest: Duration::from_millis(20),
            sweep_every: Duration::from_secs(24 * 3600),
        }
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
        "the index in {path} cannot be read: {reason}; move the folder above it away to start anew from the other peers"
    )]
    Damaged {
        /// The index's folder.
        path: PathBuf,
        /// What the database says.
        reason: String,
    },
    /// The files are laid out by another path transform.
    #[error(
        "the blobs in {path} are laid out like {found}, not like {wanted}: keep the setting they were made with"
    )]
    Layout {
        /// The blobs' folder.
        path: PathBuf,
        /// The place of the id of zeros as it is on the disk.
        found: String,
        /// And as it was asked for.
        wanted: String,
    },
}

/// Rows and small blobs in an index database, larger blobs in files of their own.
pub struct FsDisk {
    shared: Arc<Shared>,
    reads: Arc<Queue<(DiskRequest, Answer)>>,
    stage: Arc<Stage>,
    commits: Arc<Queue<Work>>,
    sweep: Arc<Sweep>,
    readers: Vec<JoinHandle<()>>,
    stagers: Vec<JoinHandle<()>>,
    committer: Vec<JoinHandle<()>>,
    sweeper: Vec<JoinHandle<()>>,
}

/// What all threads of a disk see.
struct Shared {
    index: Index,
    folders: Folders,
    options: FsOptions,
    /// Set once the index cannot be written any more: nothing changes from then on.
    failed: AtomicBool,
}

impl Shared {
    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}

impl FsDisk {
    /// Opens the disk in `folder`, making `index/`, `blobs/` and `staging/` there if they are missing. What a crash
    /// left in `staging/` is removed.
    pub fn open(folder: &Path, options: FsOptions) -> Result<Self, OpenError> {
        let folders = Folders::make(folder, options.transform)?;
        // Opening the index takes its lock: from here on nobody else works in these folders.
        let index = Index::open(&folders.index)?;
        index.check_layout(&folders)?;
        folders.recover()?;
        let stage = Arc::new(Stage::new(options.staged_bytes));
        let mut disk = Self {
            shared: Arc::new(Shared { index, folders, options, failed: AtomicBool::new(false) }),
            reads: Arc::new(Queue::new()),
            stage,
            commits: Arc::new(Queue::new()),
            sweep: Arc::new(Sweep::default()),
            readers: Vec::new(),
            stagers: Vec::new(),
            committer: Vec::new(),
            sweeper: Vec::new(),
        };
        disk.start_threads().map_err(|source| OpenError::Io { path: folder.to_owned(), source })?;
        Ok(disk)
    }

    fn start_threads(&mut self) -> io::Result<()> {
        for _ in 0..READERS {
            let (shared, reads) = (Arc::clone(&self.shared), Arc::clone(&self.reads));
            self.readers.push(spawn("disk read", move || read::run(&shared, &reads))?);
        }
        for _ in 0..STAGERS {
            let stager = Stager {
                shared: Arc::clone(&self.shared),
                stage: Arc::clone(&self.stage),
                commits: Arc::clone(&self.commits),
            };
            self.stagers.push(spawn("disk stage", move || stager.run())?);
        }
        let committer = Committer { shared: Arc::clone(&self.shared) };
        let commits = Arc::clone(&self.commits);
        self.committer.push(spawn("disk commit", move || committer.run(&commits))?);
        let (shared, sweep) = (Arc::clone(&self.shared), Arc::clone(&self.sweep));
        let commits = Arc::clone(&self.commits);
        self.sweeper.push(spawn("disk sweep", move || sweep.run(&shared, &commits))?);
        Ok(())
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(run)
}

impl Disk for FsDisk {
    fn submit(&mut self, request: DiskRequest, answer: Answer) {
        match request {
            DiskRequest::PutBlob { id, bytes, then } if bytes.len() >= LARGE => {
                self.stage.push(stage::Put { id, bytes, then, answer });
            }
            DiskRequest::PutBlob { id, bytes, then } => {
                self.commits.push(Work::change(Change::PutSmall { id, bytes }, then, answer));
            }
            DiskRequest::RemoveBlob { id, first } => {
                self.commits.push(Work::change(Change::Remove { id }, first, answer));
            }
            DiskRequest::Apply { ops } => self.commits.push(Work::change(Change::Rows, ops, answer)),
            DiskRequest::Get { .. }
            | DiskRequest::Scan { .. }
            | DiskRequest::ReadBlob { .. }
            | DiskRequest::ScanBlobs { .. }
            | DiskRequest::Space => self.reads.push((request, answer)),
        }
    }
}

impl Drop for FsDisk {
    /// Performs what was submitted, hand by hand, then ends the threads.
    fn drop(&mut self) {
        let join = |threads: &mut Vec<JoinHandle<()>>| {
            for thread in threads.drain(..) {
                if thread.join().is_err() {
                    tracing::error!("a thread of the disk had panicked");
                }
            }
        };
        self.sweep.stop();
        join(&mut self.sweeper);
        self.reads.close();
        join(&mut self.readers);
        self.stage.close();
        join(&mut self.stagers);
        self.commits.close();
        join(&mut self.committer);
    }
}
