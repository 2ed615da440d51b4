//! One streaming download of a file or a range of it: only the subtrees it needs, in order, within a window.

use alloc::collections::VecDeque;
use bytes::Bytes;
use core::fmt;

use super::manifest::NodeRef;
use super::{ManifestError, Root};
use crate::config::Config;
use crate::crypto::{OpenError, Secret};
use crate::id::BlobId;

/// What a download wants done.
#[derive(Clone)]
pub enum DownloadStep {
    /// Get this blob; answer [`Download::fetched`].
    Fetch {
        /// Names the blob in its answer.
        slot: u64,
        /// Its id.
        id: BlobId,
        /// Its bytes.
        len: u32,
    },
    /// Check and open this blob (`Job::OpenPiece`); answer [`Download::opened`].
    Open {
        /// Names the blob in its answer.
        slot: u64,
        /// Its id.
        id: BlobId,
        /// Opens it.
        key: Secret<32>,
        /// What was fetched.
        blob: Bytes,
        /// The length of its payload.
        plain_len: u32,
    },
    /// The next bytes of the range; report them with [`Download::consumed`] when they are used.
    Data {
        /// Their place in the file.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// Everything was delivered; nothing follows.
    Done,
}

impl fmt::Debug for DownloadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch { slot, id, len } => write!(f, "Fetch {slot}: {id:?}, {len} bytes"),
            Self::Open { slot, id, .. } => write!(f, "Open {slot}: {id:?}"),
            Self::Data { offset, bytes } => write!(f, "Data at {offset}: {} bytes", bytes.len()),
            Self::Done => f.write_str("Done"),
        }
    }
}

/// One file on its way out.
pub struct Download {
    first: u64,
    last_excl: u64,
    window: usize,
    max_in_flight: usize,
    /// What is left, in the order of the file: the front is next.
    queue: VecDeque<Item>,
    next_slot: u64,
    /// Bytes of the blobs under way.
    in_flight: usize,
    /// Bytes delivered and not reported used.
    delivered: usize,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Running,
    /// `Done` was said, or an error ended it.
    Ended,
}

struct Item {
    place: NodeRef,
    progress: Progress,
}

enum Progress {
    Idle,
    Fetching {
        slot: u64,
    },
    Fetched {
        slot: u64,
        blob: Bytes,
    },
    Opening {
        slot: u64,
    },
    /// An opened piece.
    Open(Bytes),
}

impl Progress {
    fn waits_under(&self, slot: u64) -> bool {
        matches!(self, Self::Fetching { slot: own } | Self::Opening { slot: own } if *own == slot)
    }
}

impl Download {
    /// The bytes from `first` up to, not including, `last_excl`. An empty range is `Done` at once.
    pub fn new(root: Root, first: u64, last_excl: u64, config: &Config) -> Result<Self, ManifestError> {
        let root = NodeRef::root(root)?;
        if first > last_excl || last_excl > root.length {
            return Err(ManifestError::Range);
        }
        let mut download = Self {
            first,
            last_excl,
            window: config.client_window,
            max_in_flight: config.pieces_in_flight.max(1),
            queue: VecDeque::new(),
            next_slot: 0,
            in_flight: 0,
            delivered: 0,
            state: State::Running,
        };
        download.enqueue([root]);
        Ok(download)
    }

    /// The next thing to do; `None` until the next call of another method.
    pub fn poll(&mut self) -> Option<DownloadStep> {
        if self.state == State::Ended {
            return None;
        }
        if self.queue.is_empty() {
            self.state = State::Ended;
            return Some(DownloadStep::Done);
        }
        self.deliver().or_else(|| self.open()).or_else(|| self.fetch())
    }

    /// A blob came.
    pub fn fetched(&mut self, slot: u64, blob: Bytes) -> Result<(), ManifestError> {
        let at = self.waiting(slot, |progress| matches!(progress, Progress::Fetching { .. }))?;
        let item = &mut self.queue[at];
        if blob.len() != item.place.blob_len() as usize {
            return Err(OpenError::Hash.into());
        }
        item.progress = Progress::Fetched { slot, blob };
        Ok(())
    }

    /// A blob was opened. After [`ManifestError::Open`] the slot waits for [`fetched`](Self::fetched) again, so that the
    /// caller may try another copy; any other error but [`ManifestError::Slot`] ends the download.
    pub fn opened(&mut self, slot: u64, result: Result<Bytes, OpenError>) -> Result<(), ManifestError> {
        let at = self.waiting(slot, |progress| matches!(progress, Progress::Opening { .. }))?;
        let item = &mut self.queue[at];
        let payload = match result {
            Ok(payload) => payload,
            Err(error) => {
                item.progress = Progress::Fetching { slot };
                return Err(error.into());
            }
        };
        if item.place.level == 0 {
            if payload.len() as u64 != item.place.length {
                return self.fail(ManifestError::Length);
            }
            item.progress = Progress::Open(payload);
            return Ok(());
        }
        match item.place.expand(&payload) {
            Ok(children) => {
                self.in_flight -= item.place.blob_len() as usize;
                let behind = self.queue.split_off(at + 1);
                self.queue.pop_back();
                self.enqueue(children);
                self.queue.extend(behind);
                Ok(())
            }
            Err(error) => self.fail(error),
        }
    }

    /// So many delivered bytes were used.
    pub const fn consumed(&mut self, bytes: usize) {
        self.delivered = self.delivered.saturating_sub(bytes);
    }

    /// Bytes held now, as they count against the window: blobs under way, and what was delivered and not used.
    pub const fn held(&self) -> usize {
        self.in_flight + self.delivered
    }

    /// Hands out the front if it is an opened piece.
    fn deliver(&mut self) -> Option<DownloadStep> {
        let Some(Item { place, progress: Progress::Open(piece) }) = self.queue.front_mut() else {
            return None;
        };
        let piece = core::mem::take(piece);
        // Within the piece, whose length is that of its place.
        let from = self.first.saturating_sub(place.offset) as usize;
        let to = (self.last_excl.min(place.end()) - place.offset) as usize;
        let step = DownloadStep::Data { offset: place.offset + from as u64, bytes: piece.slice(from..to) };
        self.in_flight -= place.blob_len() as usize;
        self.delivered += to - from;
        self.queue.pop_front();
        Some(step)
    }

    /// Gives out the first blob that came and is not open.
    fn open(&mut self) -> Option<DownloadStep> {
        let fetched = |item: &&mut Item| matches!(item.progress, Progress::Fetched { .. });
        let Item { place, progress } = self.queue.iter_mut().take(self.max_in_flight).find(fetched)?;
        let Progress::Fetched { slot, blob } = core::mem::replace(progress, Progress::Idle) else {
            return None;
        };
        *progress = Progress::Opening { slot };
        let (id, key, plain_len) = (place.id, place.key.clone(), place.plain_len());
        Some(DownloadStep::Open { slot, id, key, blob, plain_len })
    }

    /// Asks for the next blob, if there is room. Never beyond a node that is not open: what is below it comes first, and
    /// must find room.
    fn fetch(&mut self) -> Option<DownloadStep> {
        let mut ahead = self.queue.iter_mut().take(self.max_in_flight);
        let next = ahead.find(|item| item.place.level > 0 || matches!(item.progress, Progress::Idle))?;
        let len = next.place.blob_len();
        let held = self.in_flight + self.delivered;
        if !matches!(next.progress, Progress::Idle) || (held > 0 && held + len as usize > self.window) {
            return None;
        }
        let slot = self.next_slot;
        self.next_slot += 1;
        self.in_flight += len as usize;
        next.progress = Progress::Fetching { slot };
        Some(DownloadStep::Fetch { slot, id: next.place.id, len })
    }

    /// Appends those of these places that the range needs.
    fn enqueue(&mut self, places: impl IntoIterator<Item = NodeRef>) {
        let needed = |place: &NodeRef| place.offset.max(self.first) < place.end().min(self.last_excl);
        let items = places.into_iter().filter(needed);
        self.queue.extend(items.map(|place| Item { place, progress: Progress::Idle }));
    }

    fn waiting(&self, slot: u64, expected: impl Fn(&Progress) -> bool) -> Result<usize, ManifestError> {
        let item = |item: &Item| item.progress.waits_under(slot) && expected(&item.progress);
        let ahead = self.queue.iter().take(self.max_in_flight);
        ahead.enumerate().find(|(_, i)| item(i)).map(|(at, _)| at).ok_or(ManifestError::Slot)
    }

    fn fail(&mut self, error: ManifestError) -> Result<(), ManifestError> {
        self.state = State::Ended;
        Err(error)
    }
}
