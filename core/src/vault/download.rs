//! One streaming download of a file or a range of it: only the subtrees it needs, in order, within a window.

use bytes::Bytes;

use super::{ManifestError, Root};
use crate::config::Config;
use crate::crypto::{OpenError, Secret};
use crate::id::BlobId;

/// What a download wants done.
#[derive(Clone, Debug)]
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

/// One file on its way out.
pub struct Download {}

impl Download {
    /// The bytes from `first` up to, not including, `last_excl`. An empty range is `Done` at once.
    pub fn new(_root: Root, _first: u64, _last_excl: u64, _config: &Config) -> Result<Self, ManifestError> {
        todo!()
    }
    /// The next thing to do; `None` until the next call of another method.
    pub fn poll(&mut self) -> Option<DownloadStep> {
        todo!()
    }
    /// A blob came.
    pub fn fetched(&mut self, _slot: u64, _blob: Bytes) -> Result<(), ManifestError> {
        todo!()
    }
    /// A blob was opened. After [`ManifestError::Open`] the slot waits for [`fetched`](Self::fetched) again, so that the
    /// caller may try another copy; any other error ends the download.
    pub fn opened(&mut self, _slot: u64, _result: Result<Bytes, OpenError>) -> Result<(), ManifestError> {
        todo!()
    }
    /// So many delivered bytes were used.
    pub fn consumed(&mut self, _bytes: usize) {
        todo!()
    }
}
