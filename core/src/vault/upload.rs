//! One streaming upload: cuts, seals, builds the tree, and holds no more than its window.
//!
//! What counts as held: bytes provided and not yet sealed, twice while they are sealed (the payload and the blob it
//! becomes), blobs until they are stored. The lists of the unfinished nodes, some 20 KiB a level, come on top.

use alloc::collections::{BTreeMap, VecDeque};
use bytes::{Bytes, BytesMut};
use core::fmt;
use thiserror::Error;

use super::chunker::{Chunker, gear_table};
use super::manifest::Child;
use super::tree::TreeBuilder;
use super::{Content, Root};
use crate::config::{Config, limit};
use crate::crypto::{SealedPiece, Secret, SpaceKeys, padded_len};
use crate::id::BlobId;

/// What an upload wants done.
#[derive(Clone)]
pub enum UploadStep {
    /// Seal this payload (`Job::SealPiece`); answer [`Upload::sealed`].
    Seal {
        /// Names the piece in its answer.
        slot: u64,
        /// The fingerprint key.
        dedup_key: Secret<32>,
        /// The piece, or the node of the manifest.
        payload: Bytes,
    },
    /// Make this blob durable; answer [`Upload::stored`].
    Piece {
        /// Names the piece in its answer.
        slot: u64,
        /// The blob's id.
        id: BlobId,
        /// The blob.
        bytes: Bytes,
    },
}

impl fmt::Debug for UploadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seal { slot, payload, .. } => write!(f, "Seal {slot}: {} bytes", payload.len()),
            Self::Piece { slot, id, bytes } => write!(f, "Piece {slot}: {id:?}, {} bytes", bytes.len()),
        }
    }
}

/// Why an upload does not take a call. The call had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum UploadError {
    /// More bytes than [`Upload::want`] said.
    #[error("more bytes than the upload asked for")]
    TooMuch,
    /// Bytes after the end.
    #[error("the upload was finished before")]
    Finished,
    /// An answer for a slot that waits for none.
    #[error("an answer for a slot that does not wait for it")]
    Slot,
    /// The file is larger than the format allows.
    #[error("the file is larger than the format allows")]
    TooLarge,
}

/// One file on its way in. Pieces may be sealed and stored in any order.
pub struct Upload {
    dedup_data: Secret<32>,
    dedup_manifest: Secret<32>,
    window: usize,
    max_in_flight: usize,

    chunker: Chunker,
    received: u64,
    finished: bool,
    /// The piece that is not cut yet.
    open: Assembly,
    /// Pieces that wait to be sealed.
    cut: VecDeque<Bytes>,
    /// Bytes of `open` and `cut`.
    unsealed: usize,
    /// Room that is kept for bytes that may come at any time.
    promised: usize,
    /// The whole content of a small file that has ended.
    inline: Option<Bytes>,

    next_slot: u64,
    slots: BTreeMap<u64, Slot>,
    /// What the slots hold.
    in_flight: usize,
    /// Blobs that were not handed out yet.
    sealed: VecDeque<(u64, BlobId, Bytes)>,
    tree: TreeBuilder,
    pieces: u32,
    blobs: u32,
    padded: u64,
}

/// A piece or node from when it is given out to be sealed until it is stored.
struct Slot {
    level: u8,
    /// Bytes of the file below it.
    length: u64,
    /// What it counts against the window.
    held: usize,
    state: SlotState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SlotState {
    Sealing,
    Sealed,
    Storing,
}

impl Upload {
    /// An upload under these keys, within the limits of `config`. Its window is the client's, but never less than two
    /// of the largest blobs: with less it could not go on.
    pub fn new(keys: &SpaceKeys, config: &Config) -> Self {
        Self {
            dedup_data: keys.read.dedup_data.clone(),
            dedup_manifest: keys.read.dedup_manifest.clone(),
            window: config.client_window.max(2 * limit::BLOB),
            max_in_flight: config.pieces_in_flight.max(1),
            chunker: Chunker::new(gear_table(keys.suite, &keys.read.chunk)),
            received: 0,
            finished: false,
            open: Assembly::default(),
            cut: VecDeque::new(),
            unsealed: 0,
            promised: 0,
            inline: None,
            next_slot: 0,
            slots: BTreeMap::new(),
            in_flight: 0,
            sealed: VecDeque::new(),
            tree: TreeBuilder::default(),
            pieces: 0,
            blobs: 0,
            padded: 0,
        }
    }

    /// How many bytes it takes now; 0 while its window is full, and after the end.
    pub const fn want(&self) -> usize {
        if self.finished {
            return 0;
        }
        // One blob is kept free, so that the largest piece can always be sealed.
        (self.window - limit::BLOB).saturating_sub(self.held())
    }

    /// Keeps room for so many of the bytes that it takes now, whatever it seals before they come.
    pub fn promise(&mut self, bytes: usize) {
        self.promised = bytes.min(self.want());
    }

    /// The next bytes of the file, at most [`want`](Self::want) or as many as were promised. Pieces may be slices of them.
    pub fn provide(&mut self, mut bytes: Bytes) -> Result<(), UploadError> {
        if self.finished {
            return Err(UploadError::Finished);
        }
        if bytes.len() > self.want().max(self.promised) {
            return Err(UploadError::TooMuch);
        }
        if self.received + bytes.len() as u64 > limit::FILE {
            return Err(UploadError::TooLarge);
        }
        self.received += bytes.len() as u64;
        self.promised = self.promised.saturating_sub(bytes.len());
        self.unsealed += bytes.len();
        while !bytes.is_empty() {
            let Some(end) = self.chunker.scan(&bytes) else {
                self.open.push(bytes);
                break;
            };
            self.open.push(bytes.split_to(end));
            self.cut.push_back(self.open.take());
        }
        Ok(())
    }

    /// The file ends here.
    pub fn finish(&mut self) -> Result<(), UploadError> {
        if self.finished {
            return Err(UploadError::Finished);
        }
        self.finished = true;
        self.promised = 0;
        let last = self.open.take();
        if self.received <= limit::INLINE as u64 {
            self.inline = Some(last);
        } else if !last.is_empty() {
            self.cut.push_back(last);
        }
        Ok(())
    }

    /// The next thing to do; `None` until the next call of another method.
    pub fn poll(&mut self) -> Option<UploadStep> {
        if let Some((slot, id, bytes)) = self.sealed.pop_front() {
            if let Some(entry) = self.slots.get_mut(&slot) {
                entry.state = SlotState::Storing;
            }
            return Some(UploadStep::Piece { slot, id, bytes });
        }
        if self.has_room(TreeBuilder::NODE)
            && let Some(node) = self.tree.next_node(self.pieces_ended())
        {
            return Some(self.seal(node.level, node.length, self.dedup_manifest.clone(), node.payload));
        }
        if !self.tree.takes_piece() || !self.has_room(self.cut.front()?.len()) {
            return None;
        }
        let payload = self.cut.pop_front()?;
        self.unsealed -= payload.len();
        self.pieces += 1;
        Some(self.seal(0, payload.len() as u64, self.dedup_data.clone(), payload))
    }

    /// A piece was sealed.
    pub fn sealed(&mut self, slot: u64, piece: SealedPiece) -> Result<(), UploadError> {
        let entry = self.slot_in(slot, SlotState::Sealing)?;
        entry.state = SlotState::Sealed;
        let held = core::mem::replace(&mut entry.held, piece.bytes.len());
        let (level, child) = (entry.level, Child { id: piece.id, key: piece.key, length: entry.length });
        self.in_flight = self.in_flight - held + piece.bytes.len();
        self.blobs += 1;
        self.padded += piece.bytes.len() as u64;
        self.tree.sealed(level, slot, child);
        self.sealed.push_back((slot, piece.id, piece.bytes));
        Ok(())
    }

    /// A piece is durable where it has to be.
    pub fn stored(&mut self, slot: u64) -> Result<(), UploadError> {
        let held = self.slot_in(slot, SlotState::Storing)?.held;
        self.in_flight -= held;
        self.slots.remove(&slot);
        Ok(())
    }

    /// Bytes provided so far.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Bytes held now, as they count against the window.
    pub const fn held(&self) -> usize {
        self.unsealed + self.in_flight
    }

    /// The content, once the file has ended and every piece is stored.
    pub fn result(&self) -> Option<Content> {
        if let Some(content) = &self.inline {
            return Some(Content::Inline(content.clone()));
        }
        if !self.pieces_ended() || !self.slots.is_empty() {
            return None;
        }
        let (level, child) = self.tree.root()?;
        let Child { id, ref key, length } = *child;
        let root = Root { id, key: key.clone(), level, length, pieces: self.pieces };
        Some(Content::Tree { root, blobs: self.blobs, bytes: self.padded })
    }

    /// True once the last piece was given out.
    fn pieces_ended(&self) -> bool {
        self.finished && self.cut.is_empty() && self.inline.is_none()
    }

    /// True if a payload of this length may be sealed now: within the window, or as the only one.
    fn has_room(&self, payload: usize) -> bool {
        let blob = padded_len(payload as u32) as usize;
        let taken = self.held() + self.promised;
        self.slots.is_empty() || (self.slots.len() < self.max_in_flight && taken + blob <= self.window)
    }

    fn seal(&mut self, level: u8, length: u64, dedup_key: Secret<32>, payload: Bytes) -> UploadStep {
        let slot = self.next_slot;
        self.next_slot += 1;
        let held = payload.len() + padded_len(payload.len() as u32) as usize;
        self.in_flight += held;
        self.slots.insert(slot, Slot { level, length, held, state: SlotState::Sealing });
        self.tree.begin(level, slot);
        UploadStep::Seal { slot, dedup_key, payload }
    }

    fn slot_in(&mut self, slot: u64, state: SlotState) -> Result<&mut Slot, UploadError> {
        self.slots.get_mut(&slot).filter(|entry| entry.state == state).ok_or(UploadError::Slot)
    }
}

/// A piece as it comes in: a slice of what was provided if it came in one portion, else one buffer.
#[derive(Default)]
struct Assembly {
    first: Bytes,
    joined: BytesMut,
}

impl Assembly {
    fn push(&mut self, portion: Bytes) {
        if self.first.is_empty() && self.joined.is_empty() {
            self.first = portion;
            return;
        }
        if !self.first.is_empty() {
            let first = core::mem::take(&mut self.first);
            self.joined.reserve(first.len() + portion.len());
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&portion);
    }

    fn take(&mut self) -> Bytes {
        if self.joined.is_empty() {
            return core::mem::take(&mut self.first);
        }
        core::mem::take(&mut self.joined).freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Suite, seal_piece};
    use crate::rng::Rng;
    use crate::vault::Vault;

    #[test]
    fn what_was_promised_is_taken_whatever_is_sealed_before_it_comes() {
        let config = Config::default();
        let vault = Vault::create(Suite::Real, [1; 32]);
        let mut upload = Upload::new(vault.keys(), &config);
        let mut rng = Rng::from_seed([2; 32]);
        let mut content = alloc::vec![0; 3 << 20];
        rng.fill(&mut content);
        let content = Bytes::from(content);
        let mut sealing: VecDeque<(u64, Secret<32>, Bytes)> = VecDeque::new();
        let (mut asked, mut storing) = (0, VecDeque::new());
        for _ in 0..400 {
            if asked == 0 {
                asked = upload.want();
                upload.promise(asked);
            }
            match rng.below(8) {
                0..4 => {
                    let part = asked.min(rng.below(1 << 20) as usize);
                    let from = rng.below(2 << 20) as usize;
                    assert_eq!(upload.provide(content.slice(from..from + part)), Ok(()), "of {asked}");
                    asked -= part;
                }
                4..7 => {
                    if let Some((slot, dedup_key, payload)) = sealing.pop_front() {
                        let piece = seal_piece(Suite::Real, &dedup_key, &payload);
                        upload.sealed(slot, piece).unwrap();
                    }
                }
                _ => {
                    if let Some(slot) = storing.pop_front() {
                        upload.stored(slot).unwrap();
                    }
                }
            }
            while let Some(step) = upload.poll() {
                match step {
                    UploadStep::Seal { slot, dedup_key, payload } => {
                        sealing.push_back((slot, dedup_key, payload));
                    }
                    UploadStep::Piece { slot, .. } => storing.push_back(slot),
                }
            }
            assert!(upload.held() <= config.client_window);
        }
        assert!(upload.received() > 40 << 20);
    }

    #[test]
    fn a_file_over_the_formats_limit_is_refused_at_its_first_byte_too_many() {
        let vault = Vault::create(Suite::Real, [1; 32]);
        let mut upload = Upload::new(vault.keys(), &Config::default());
        // As if all before it had come: nobody waits for 256 TiB.
        upload.received = limit::FILE - 1;
        assert_eq!(upload.provide(Bytes::from_static(&[1, 2])), Err(UploadError::TooLarge));
        assert_eq!(upload.provide(Bytes::from_static(&[1])), Ok(()));
        assert_eq!(upload.provide(Bytes::from_static(&[2])), Err(UploadError::TooLarge));
        assert_eq!(upload.received(), limit::FILE);
    }
}
