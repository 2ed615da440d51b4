//! The table of a client without a node: what it has seen of each name, in 256 small files under a short-held lock, so
//! that several processes of one home can work at once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use quantumsync_core::crypto::Suite;
use quantumsync_core::driver::{DiskReply, DiskRequest, TableOp};
use quantumsync_core::error::DiskError;

use super::files::{create_private, sync_folder, try_read};
use crate::disk::{Answer, Disk, DiskResult};

/// Begins every file; the number is the version of their form.
const MAGIC: &[u8; 8] = b"qs-seen1";

/// The largest file that is read: half a million names, 2,000 in each.
const MAX_FILE: u64 = 1 << 20;

/// Requests that are made durable together.
const MAX_GROUP: usize = 512;

type Rows = BTreeMap<Bytes, Bytes>;

/// A disk for rows alone, of which there are few and small: `Get` and `Apply`, nothing else.
pub struct SeenDisk {
    requests: Option<Sender<(DiskRequest, Answer)>>,
    thread: Option<JoinHandle<()>>,
}

impl SeenDisk {
    /// Serves the rows of this folder, which exists.
    pub(super) fn start(folder: PathBuf) -> Self {
        let (requests, queue) = mpsc::channel();
        let thread = thread::spawn(move || serve(&folder, &queue));
        Self { requests: Some(requests), thread: Some(thread) }
    }
}

impl Disk for SeenDisk {
    fn submit(&mut self, request: DiskRequest, answer: Answer) {
        if let Some(requests) = &self.requests {
            // A thread that is gone drops the answer, which answers it with an error.
            let _ = requests.send((request, answer));
        }
    }
}

impl Drop for SeenDisk {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by it; every answer was given by its drop.
            let _ = thread.join();
        }
    }
}

fn serve(folder: &Path, queue: &Receiver<(DiskRequest, Answer)>) {
    while let Ok(first) = queue.recv() {
        let group: Vec<_> = std::iter::once(first).chain(queue.try_iter().take(MAX_GROUP - 1)).collect();
        let (requests, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let results = match locked(folder, &requests) {
            Ok(results) => results,
            Err(error) => {
                tracing::warn!(%error, "cannot use the table of versions seen");
                let kind = if error.kind() == io::ErrorKind::StorageFull {
                    DiskError::NoSpace
                } else {
                    DiskError::Io
                };
                requests.iter().map(|_| Err(kind)).collect()
            }
        };
        for (answer, result) in answers.into_iter().zip(results) {
            answer.send(result);
        }
    }
}

/// Performs a group in its order under the lock; every change is durable at the end.
fn locked(folder: &Path, requests: &[DiskRequest]) -> io::Result<Vec<DiskResult>> {
    let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    if requests.iter().any(DiskRequest::is_mutation) {
        lock.lock()?
    } else {
        lock.lock_shared()?
    }
    let mut shards = Shards { folder, loaded: BTreeMap::new() };
    let results = requests.iter().map(|request| shards.perform(request)).collect::<io::Result<_>>()?;
    shards.save()?;
    Ok(results)
}

struct Shards<'a> {
    folder: &'a Path,
    /// By the last byte of a key: its rows, and whether they changed.
    loaded: BTreeMap<u8, (Rows, bool)>,
}

impl Shards<'_> {
    fn perform(&mut self, request: &DiskRequest) -> io::Result<DiskResult> {
        Ok(match request {
            DiskRequest::Get { keys } => {
                let values = keys.iter().map(|key| Ok(self.of(key)?.0.get(key).cloned()));
                Ok(DiskReply::Values(values.collect::<io::Result<_>>()?))
            }
            DiskRequest::Apply { ops } => {
                for op in ops {
                    match op {
                        TableOp::Put { key, value } => {
                            let (rows, changed) = self.of(key)?;
                            *changed |= rows.insert(key.clone(), value.clone()).as_ref() != Some(value);
                        }
                        TableOp::Remove { key } => {
                            let (rows, changed) = self.of(key)?;
                            *changed |= rows.remove(key).is_some();
                        }
                    }
                }
                Ok(DiskReply::Done)
            }
            _ => Err(DiskError::Io),
        })
    }

    fn of(&mut self, key: &Bytes) -> io::Result<&mut (Rows, bool)> {
        let shard = key.last().copied().unwrap_or(0);
        if !self.loaded.contains_key(&shard) {
            let path = self.folder.join(format!("{shard:02x}"));
            let bytes = try_read(&path, MAX_FILE).map_err(io::Error::other)?;
            // A damaged file is as good as none: what it remembered is seen anew. It must not stop its user.
            let rows = match bytes.map(|bytes| decode(bytes.into())) {
                Some(None) => {
                    tracing::warn!(path = %path.display(), "damaged table of versions seen: begun anew");
                    Rows::new()
                }
                Some(Some(rows)) => rows,
                None => Rows::new(),
            };
            self.loaded.insert(shard, (rows, false));
        }
        Ok(self.loaded.get_mut(&shard).expect("it was loaded just now"))
    }

    fn save(self) -> io::Result<()> {
        let mut written = None;
        for (shard, (rows, _)) in self.loaded.iter().filter(|(_, (_, changed))| *changed) {
            let path = self.folder.join(format!("{shard:02x}"));
            let aside = path.with_extension("new");
            // Left over from a process that was killed: the lock is ours, so nobody writes it.
            match fs::remove_file(&aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = create_private(&aside)?;
            io::Write::write_all(&mut file, &encode(rows))?;
            file.sync_data()?;
            fs::rename(&aside, &path)?;
            written = Some(path);
        }
        written.map_or(Ok(()), |path| sync_folder(&path))
    }
}

/// `magic ‖ (u16 length ‖ key ‖ u16 length ‖ value)… ‖ SHA-256 of all before`.
fn encode(rows: &Rows) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for bytes in rows.iter().flat_map(|(key, value)| [key, value]) {
        let length = u16::try_from(bytes.len()).expect("rows of versions seen have some hundred bytes");
        out.extend(length.to_be_bytes());
        out.extend_from_slice(bytes);
    }
    let hash = Suite::Real.hash(&[&out]);
    out.extend(hash);
    out
}

fn decode(mut bytes: Bytes) -> Option<Rows> {
    let hash = bytes.split_off(bytes.len().checked_sub(32)?);
    if Suite::Real.hash(&[&bytes]) != *hash
        || bytes.len() < MAGIC.len()
        || bytes.split_to(MAGIC.len()) != MAGIC[..]
    {
        return None;
    }
    let mut take = || {
        let length = usize::from(u16::from_be_bytes(bytes.get(..2)?.try_into().ok()?));
        if bytes.len() < 2 + length {
            return None;
        }
        Some(bytes.split_to(2 + length).slice(2..))
    };
    let mut rows = Rows::new();
    while let Some(key) = take() {
        rows.insert(key, take()?);
    }
    bytes.is_empty().then_some(rows)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use quantumsync_core::id::Ticket;

    use super::*;

    fn ask(disk: &mut SeenDisk, request: DiskRequest) -> DiskResult {
        let (sender, receiver) = mpsc::channel();
        disk.submit(request, Answer::new(Ticket(1), Arc::new(move |_, result| sender.send(result).unwrap())));
        receiver.recv().unwrap()
    }

    fn put(key: &'static [u8], value: &'static [u8]) -> DiskRequest {
        let (key, value) = (Bytes::from_static(key), Bytes::from_static(value));
        DiskRequest::Apply { ops: vec![TableOp::Put { key, value }] }
    }

    fn get(key: &'static [u8]) -> DiskRequest {
        DiskRequest::Get { keys: vec![Bytes::from_static(key)] }
    }

    fn value(value: &'static [u8]) -> DiskResult {
        Ok(DiskReply::Values(vec![Some(Bytes::from_static(value))]))
    }

    #[test]
    fn two_processes_of_one_home_see_each_others_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut a = SeenDisk::start(folder.path().into());
        let mut b = SeenDisk::start(folder.path().into());
        assert_eq!(ask(&mut a, get(b"key")), Ok(DiskReply::Values(vec![None])));
        assert_eq!(ask(&mut a, put(b"key", b"1")), Ok(DiskReply::Done));
        assert_eq!(ask(&mut b, get(b"key")), value(b"1"));
        assert_eq!(ask(&mut b, put(b"other key", b"2")), Ok(DiskReply::Done));
        assert_eq!(ask(&mut a, get(b"other key")), value(b"2"));
        assert_eq!(ask(&mut a, get(b"key")), value(b"1"));
    }

    #[test]
    fn a_damaged_file_is_begun_anew_and_a_left_over_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = SeenDisk::start(folder.path().into());
        ask(&mut disk, put(b"key", b"1")).unwrap();
        let path = folder.path().join(format!("{:02x}", b'y'));
        let mut bytes = fs::read(&path).unwrap();
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            assert_eq!(decode(bytes.clone().into()), None, "byte {index} altered");
            bytes[index] ^= 1;
            assert_eq!(decode(bytes[..index].to_vec().into()), None, "cut at {index}");
        }
        fs::write(&path, b"garbage").unwrap();
        fs::write(path.with_extension("new"), b"left over").unwrap();
        assert_eq!(ask(&mut disk, get(b"key")), Ok(DiskReply::Values(vec![None])));
        ask(&mut disk, put(b"key", b"2")).unwrap();
        assert_eq!(ask(&mut disk, get(b"key")), value(b"2"));
    }

    #[test]
    fn what_this_table_does_not_have_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = SeenDisk::start(folder.path().into());
        assert_eq!(ask(&mut disk, DiskRequest::Space), Err(DiskError::Io));
    }
}
