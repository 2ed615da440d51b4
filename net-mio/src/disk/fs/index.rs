//! The index database: rows, entries of blobs, and small blobs themselves.

use super::OpenError;
use super::files::{Folders, Step, step};
use crate::disk::KEY_MAX;
use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, OwnedWriteBatch, PersistMode};
use quantumsync_core::driver::TableOp;
use quantumsync_core::error::DiskError;
use quantumsync_core::id::BlobId;
use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

// A node's memory must not grow with what it stores: these bound the database's part of it.
const CACHE: u64 = 4 << 20;
const MEMTABLE: usize = 2 << 20;
/// Memtables of one part that wait to be flushed: one below the number at which the database waits itself, without
/// looking whether the thread that flushes is still alive.
const UNFLUSHED_MOST: usize = 3;
/// How often to look whether the database has caught up.
const CATCH_UP: Duration = Duration::from_millis(5);
/// What a row takes there beside its bytes.
const ROW_OVERHEAD: usize = 100;
/// The smallest that the database takes.
const JOURNALS: u64 = 64 << 20;
const OPEN_FILES: usize = 128;

/// The open database.
pub(super) struct Index {
    db: Database,
    rows: Part,
    entries: Part,
    small: Part,
    about: Keyspace,
    folder: PathBuf,
}

/// A part of the database, and how much was written to it since its last flush began.
struct Part {
    keys: Keyspace,
    unflushed: AtomicUsize,
}

impl Part {
    fn new(keys: Keyspace) -> Self {
        Self { keys, unflushed: AtomicUsize::new(0) }
    }

    fn put(&self, batch: &mut OwnedWriteBatch, key: &[u8], value: &[u8]) {
        batch.insert(&self.keys, key, value);
        self.unflushed.fetch_add(key.len() + value.len() + ROW_OVERHEAD, Ordering::Relaxed);
    }

    fn remove(&self, batch: &mut OwnedWriteBatch, key: &[u8]) {
        batch.remove(&self.keys, key);
        self.unflushed.fetch_add(key.len() + ROW_OVERHEAD, Ordering::Relaxed);
    }

    /// True if the database would let the next writer wait for its flushes.
    fn is_behind(&self) -> bool {
        self.keys.sealed_memtable_count() >= UNFLUSHED_MOST
    }

    /// Begins a flush when there is enough. The database would do it itself, but on a thread that is busy for
    /// seconds at times, while its memory grows; and only what waits to be flushed slows its writers down.
    fn bound_memory(&self) -> fjall::Result<()> {
        if self.unflushed.load(Ordering::Relaxed) >= MEMTABLE {
            self.unflushed.store(0, Ordering::Relaxed);
            self.keys.rotate_memtable()?;
        }
        Ok(())
    }
}

/// An index entry: that a blob is there, where and how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) len: u32,
}

/// Where a blob's bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In the index database.
    Index,
    /// In a file of its own.
    File,
}

impl Entry {
    const LEN: usize = 5;

    fn encode(self) -> [u8; Self::LEN] {
        let [a, b, c, d] = self.len.to_be_bytes();
        [matches!(self.place, Place::File).into(), a, b, c, d]
    }

    fn decode(bytes: &[u8]) -> Result<Self, DiskError> {
        let &[place, a, b, c, d] = bytes else { return Err(DiskError::Corrupt) };
        let place = match place {
            0 => Place::Index,
            1 => Place::File,
            _ => return Err(DiskError::Corrupt),
        };
        Ok(Self { place, len: u32::from_be_bytes([a, b, c, d]) })
    }
}

impl Index {
    pub(super) fn open(folder: &Path) -> Result<Self, OpenError> {
        // The database panics on some damage.
        match catch_unwind(AssertUnwindSafe(|| Self::open_database(folder))) {
            Ok(Ok(index)) => Ok(index),
            Ok(Err(fjall::Error::Locked)) => Err(OpenError::InUse { path: folder.to_owned() }),
            Ok(Err(fjall::Error::Io(source))) => Err(OpenError::Io { path: folder.to_owned(), source }),
            Ok(Err(error)) => Err(OpenError::Damaged { path: folder.to_owned(), reason: error.to_string() }),
            Err(_) => {
                let reason = "the database stopped while it read it".to_owned();
                Err(OpenError::Damaged { path: folder.to_owned(), reason })
            }
        }
    }

    fn open_database(folder: &Path) -> fjall::Result<Self> {
        let db = Database::builder(folder)
            .cache_size(CACHE)
            .max_journaling_size(JOURNALS)
            .max_cached_files(Some(OPEN_FILES))
            // More than one would wait for each other by spinning.
            .worker_threads(1)
            .open()?;
        // Values of some size stay where they were first written: merging moves keys only.
        let apart =
            || KeyspaceCreateOptions::default().with_kv_separation(Some(KvSeparationOptions::default()));
        Ok(Self {
            rows: Part::new(db.keyspace("rows", apart)?),
            entries: Part::new(db.keyspace("entries", KeyspaceCreateOptions::default)?),
            small: Part::new(db.keyspace("small", apart)?),
            about: db.keyspace("about", KeyspaceCreateOptions::default)?,
            folder: folder.to_owned(),
            db,
        })
    }

    /// Remembers the layout of the blobs' files at the first opening, and compares it at every other.
    pub(super) fn check_layout(&self, folders: &Folders) -> Result<(), OpenError> {
        let damaged = |error: fjall::Error| OpenError::Damaged {
            path: folders.index.clone(),
            reason: error.to_string(),
        };
        let wanted = folders.transform.path(&BlobId::default());
        let Some(found) = self.about.get("layout").map_err(damaged)? else {
            self.about.insert("layout", wanted.as_bytes()).map_err(damaged)?;
            return self.db.persist(PersistMode::SyncAll).map_err(damaged);
        };
        if *found == *wanted.as_bytes() {
            return Ok(());
        }
        let found = String::from_utf8_lossy(&found).into_owned();
        Err(OpenError::Layout { path: folders.blobs.clone(), found, wanted })
    }

    pub(super) fn entry(&self, id: &BlobId) -> Result<Option<Entry>, DiskError> {
        let found = self.entries.keys.get(id.as_bytes()).map_err(database_error)?;
        found.map(|bytes| Entry::decode(&bytes)).transpose()
    }

    pub(super) fn entries_after(
        &self,
        after: Option<BlobId>,
        rows: u32,
    ) -> Result<Vec<(BlobId, u32)>, DiskError> {
        let after = after.as_ref().map(BlobId::as_bytes);
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(&id[..]));
        let found = self.entries.keys.range::<&[u8], _>((from, Bound::Unbounded)).take(rows as usize);
        found
            .map(|item| {
                let (id, entry) = item.into_inner().map_err(database_error)?;
                let id: [u8; BlobId::LEN] = id[..].try_into().map_err(|_| DiskError::Corrupt)?;
                Ok((BlobId(id), Entry::decode(&entry)?.len))
            })
            .collect()
    }

    pub(super) fn small(&self, id: &BlobId) -> Result<Option<fjall::Slice>, DiskError> {
        self.small.keys.get(id.as_bytes()).map_err(database_error)
    }

    pub(super) fn row(&self, key: &[u8]) -> Result<Option<Bytes>, DiskError> {
        if !(1..=KEY_MAX).contains(&key.len()) {
            return Ok(None);
        }
        Ok(self.rows.keys.get(key).map_err(database_error)?.map(|value| Bytes::copy_from_slice(&value)))
    }

    /// Rows in order; `from` is below `to`.
    pub(super) fn rows<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), DiskError>> + 'a {
        // The database takes no bound that no row can have. No row is longer than the cut, so those from a longer
        // bound on are those behind the cut.
        let from =
            if from.len() > KEY_MAX { Bound::Excluded(&from[..KEY_MAX]) } else { Bound::Included(from) };
        let to = if to.len() > KEY_MAX { Bound::Included(&to[..KEY_MAX]) } else { Bound::Excluded(to) };
        self.rows.keys.range::<&[u8], _>((from, to)).map(|item| {
            let (key, value) = item.into_inner().map_err(database_error)?;
            Ok((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)))
        })
    }

    /// Makes all changes at once, and durable.
    pub(super) fn commit(&self, changes: Changes) -> Result<(), DiskError> {
        self.write(changes).map_err(|error| {
            // The journal is not what it should be: the database takes no more writes.
            tracing::error!(%error, "the index cannot be written");
            DiskError::Fatal
        })
    }

    fn write(&self, changes: Changes) -> fjall::Result<()> {
        let parts = [&self.rows, &self.entries, &self.small];
        while parts.iter().any(|part| part.is_behind()) {
            // Fails once the database has failed to flush.
            self.db.persist(PersistMode::Buffer)?;
            thread::sleep(CATCH_UP);
        }
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncAll));
        for (key, value) in changes.rows {
            match value {
                Some(value) => self.rows.put(&mut batch, &key, &value),
                None => self.rows.remove(&mut batch, &key),
            }
        }
        for (id, change) in changes.blobs {
            match change {
                Some((entry, bytes)) => {
                    self.entries.put(&mut batch, id.as_bytes(), &entry.encode());
                    if let Some(bytes) = bytes {
                        self.small.put(&mut batch, id.as_bytes(), &bytes);
                    }
                }
                None => {
                    self.entries.remove(&mut batch, id.as_bytes());
                    self.small.remove(&mut batch, id.as_bytes());
                }
            }
        }
        step(Step::Commit, &self.folder, || Ok(batch.commit()))??;
        parts.into_iter().try_for_each(Part::bound_memory)
    }
}

/// Changes that are made together; of several to one thing the last wins. (In one batch of the database they
/// would have no order.)
#[derive(Default)]
pub(super) struct Changes {
    rows: BTreeMap<Bytes, Option<Bytes>>,
    blobs: BTreeMap<BlobId, Option<(Entry, Option<Bytes>)>>,
}

impl Changes {
    pub(super) fn rows(&mut self, ops: Vec<TableOp>) {
        self.rows.extend(ops.into_iter().map(|op| match op {
            TableOp::Put { key, value } => (key, Some(value)),
            TableOp::Remove { key } => (key, None),
        }));
    }

    pub(super) fn put_small(&mut self, id: BlobId, bytes: Bytes) {
        // Small blobs are shorter than a large one.
        let entry = Entry { place: Place::Index, len: bytes.len() as u32 };
        self.blobs.insert(id, Some((entry, Some(bytes))));
    }

    pub(super) fn put_file(&mut self, id: BlobId, len: u32) {
        self.blobs.insert(id, Some((Entry { place: Place::File, len }, None)));
    }

    pub(super) fn remove(&mut self, id: BlobId) {
        self.blobs.insert(id, None);
    }

    /// True if these changes leave a blob that has a file.
    pub(super) fn keep_file(&self, id: &BlobId) -> bool {
        matches!(self.blobs.get(id), Some(Some((Entry { place: Place::File, .. }, _))))
    }
}

/// What an error of the database means to a machine.
fn database_error(error: fjall::Error) -> DiskError {
    tracing::warn!(%error, "the index reported an error");
    match error {
        fjall::Error::Poisoned => DiskError::Fatal,
        fjall::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => DiskError::NoSpace,
        fjall::Error::Io(_) => DiskError::Io,
        _ => DiskError::Corrupt,
    }
}
