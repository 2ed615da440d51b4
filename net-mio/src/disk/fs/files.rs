//! Folders and files: made for the owner alone, made durable, moved and removed.

use super::OpenError;
use quantumsync_core::cas::PathTransform;
use quantumsync_core::error::DiskError;
use quantumsync_core::id::BlobId;
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Folders that are made durable at once.
const SYNCS_AT_ONCE: usize = 8;

/// A kind of change to the files of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Write,
    SyncFile,
    Rename,
    MakeFolder,
    SyncFolder,
    Unlink,
    Commit,
}

/// Performs one change. All of them go through here: in tests each of them can fail, or be the last of its process.
pub(super) fn step<T>(kind: Step, path: &Path, perform: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(test)]
    let result = super::tests::faults::step(kind, path, perform);
    #[cfg(not(test))]
    let (result, _) = (perform(), (kind, path));
    result
}

/// Where a disk keeps what.
pub(super) struct Folders {
    pub(super) index: PathBuf,
    pub(super) blobs: PathBuf,
    staging: PathBuf,
    pub(super) transform: PathTransform,
    staged: AtomicU64,
}

impl Folders {
    pub(super) fn make(folder: &Path, transform: PathTransform) -> Result<Self, OpenError> {
        let [index, blobs, staging] = ["index", "blobs", "staging"].map(|name| folder.join(name));
        for path in [&index, &blobs, &staging] {
            let made = step(Step::MakeFolder, path, || private_folders().recursive(true).create(path));
            made.map_err(|source| OpenError::Io { path: path.clone(), source })?;
        }
        sync_folder(folder).map_err(|source| OpenError::Io { path: folder.to_owned(), source })?;
        Ok(Self { index, blobs, staging, transform, staged: AtomicU64::new(0) })
    }

    /// Puts right what a crash may have left: files that were staged and not moved, and folders whose making
    /// may not be durable yet.
    pub(super) fn recover(&self) -> Result<(), OpenError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        for entry in fs::read_dir(&self.staging).map_err(at(&self.staging))? {
            let path = entry.map_err(at(&self.staging))?.path();
            unlink(&path).map_err(at(&path))?;
        }
        let depth = self.relative(&BlobId::default()).components().count();
        // The files' own folders are made durable with each file.
        self.sync_tree(&self.blobs, depth.saturating_sub(2)).map_err(at(&self.blobs))
    }

    fn sync_tree(&self, folder: &Path, levels: usize) -> io::Result<()> {
        if levels > 0 {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    self.sync_tree(&entry.path(), levels - 1)?;
                }
            }
        }
        sync_folder(folder)
    }

    fn relative(&self, id: &BlobId) -> PathBuf {
        self.transform.path(id).split('/').collect()
    }

    /// The place of a blob's file.
    pub(super) fn blob(&self, id: &BlobId) -> PathBuf {
        self.blobs.join(self.relative(id))
    }

    /// Writes bytes to a new file in `staging/` and makes them durable.
    pub(super) fn stage(&self, bytes: &[u8]) -> io::Result<Staged> {
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        let staged = Staged(Some(self.staging.join(format!("{number:016x}"))));
        let file = step(Step::Write, staged.path(), || {
            let mut file = private_file().open(staged.path())?;
            file.write_all(bytes)?;
            Ok(file)
        })?;
        step(Step::SyncFile, staged.path(), || file.sync_data())?;
        Ok(staged)
    }

    /// Moves a staged file to its place. The folders that must be made durable for it go into `touched`.
    pub(super) fn place(
        &self,
        mut staged: Staged,
        id: &BlobId,
        touched: &mut BTreeSet<PathBuf>,
    ) -> io::Result<()> {
        let place = self.blob(id);
        let folder = place.parent().unwrap_or(&self.blobs);
        let rename = || step(Step::Rename, &place, || fs::rename(staged.path(), &place));
        match rename() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_folder(folder, touched)?;
                rename()?;
            }
            result => result?,
        }
        staged.0 = None;
        touched.insert(folder.to_owned());
        Ok(())
    }

    fn make_folder(&self, folder: &Path, touched: &mut BTreeSet<PathBuf>) -> io::Result<()> {
        let create = || step(Step::MakeFolder, folder, || private_folders().create(folder));
        match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder != self.blobs => {
                self.make_folder(folder.parent().unwrap_or(&self.blobs), touched)?;
                create()?;
            }
            result => result?,
        }
        touched.extend(folder.parent().map(Path::to_owned));
        Ok(())
    }

    /// Removes a blob's file; one that is not there is no error.
    pub(super) fn remove(&self, id: &BlobId) -> io::Result<()> {
        match unlink(&self.blob(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// The length of a blob's file, if it is there.
    pub(super) fn length(&self, id: &BlobId) -> io::Result<Option<u64>> {
        match fs::metadata(self.blob(id)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Free bytes on the file system.
    pub(super) fn free(&self) -> io::Result<u64> {
        fs4::available_space(&self.blobs)
    }
}

/// A file in `staging/`; removed when it is dropped before it was moved to its place.
pub(super) struct Staged(Option<PathBuf>);

impl Staged {
    fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = unlink(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            // The next start removes it.
            tracing::warn!(%error, "a staged file is left behind");
        }
    }
}

/// Makes durable what was made, moved or removed in a folder.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    step(Step::SyncFolder, folder, || if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) })
}

fn unlink(path: &Path) -> io::Result<()> {
    step(Step::Unlink, path, || fs::remove_file(path))
}

/// Makes folders durable, several at once: devices do many flushes at once in the time of few.
pub(super) fn sync_folders(folders: &BTreeSet<PathBuf>) -> io::Result<()> {
    let next = Mutex::new(folders.iter());
    let sync = || {
        // The lock is let go before the folder is synced.
        while let Some(folder) = { next.lock().unwrap_or_else(PoisonError::into_inner).next() } {
            sync_folder(folder)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..folders.len().min(SYNCS_AT_ONCE)).map(|_| scope.spawn(sync)).collect();
        let panicked = |_| Err(io::Error::other("a thread that synced folders panicked"));
        helpers.into_iter().fold(sync(), |result, helper| result.and(helper.join().unwrap_or_else(panicked)))
    })
}

/// What a failed file operation means to a machine.
pub(super) fn disk_error(error: &io::Error) -> DiskError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            DiskError::NoSpace
        }
        _ => {
            tracing::warn!(%error, "a file operation failed");
            DiskError::Io
        }
    }
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_folders() -> DirBuilder {
    // Without modes the builder needs no change.
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
