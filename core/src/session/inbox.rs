//! Puts messages together from their segments, within limits that are checked before a byte is allocated.

use alloc::collections::BTreeMap;

use bytes::{Buf as _, Bytes, BytesMut};

use crate::config::limit;
use crate::error::{MalformedMessage, PeerFault};
use crate::wire::{Class, MESSAGE_HEADER, Segment};

/// The messages of one link of which some segments are still to come.
#[derive(Debug)]
pub(super) struct Inbox {
    streams: BTreeMap<u32, Incoming>,
    max_streams: usize,
}

#[derive(Debug)]
struct Incoming {
    class: Class,
    total: usize,
    bytes: BytesMut,
}

/// A message whose last segment came.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) class: Class,
    pub(super) bytes: Bytes,
}

impl Inbox {
    pub(super) const fn new(max_streams: usize) -> Self {
        Self { streams: BTreeMap::new(), max_streams }
    }

    /// Forgets what has come of messages that are not whole.
    pub(super) fn clear(&mut self) {
        self.streams.clear();
    }

    /// How many messages are not whole, and the memory that is taken for them.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.streams.len(), self.streams.values().map(|incoming| incoming.total).sum())
    }

    /// Takes a segment. `admit` decides from the first bytes and the whole length of a message what pays for it.
    pub(super) fn take(
        &mut self,
        segment: Segment,
        admit: impl FnOnce(&[u8; MESSAGE_HEADER], usize) -> Result<Class, PeerFault>,
    ) -> Result<Option<Whole>, PeerFault> {
        if segment.first { self.begin(segment, admit) } else { self.go_on(segment) }
    }

    fn begin(
        &mut self,
        mut segment: Segment,
        admit: impl FnOnce(&[u8; MESSAGE_HEADER], usize) -> Result<Class, PeerFault>,
    ) -> Result<Option<Whole>, PeerFault> {
        let total = segment.bytes.try_get_u32().map_err(|_| MalformedMessage::Short)? as usize;
        if total > limit::MESSAGE {
            return Err(PeerFault::TooLarge);
        }
        if self.streams.contains_key(&segment.stream) {
            return Err(MalformedMessage::Value.into());
        }
        let header = segment.bytes.first_chunk::<MESSAGE_HEADER>().ok_or(MalformedMessage::Short)?;
        check_end(segment.bytes.len(), total, segment.last)?;
        let class = admit(header, total)?;
        if segment.last {
            return Ok(Some(Whole { class, bytes: segment.bytes }));
        }
        if self.streams.len() >= self.max_streams {
            return Err(PeerFault::TooLarge);
        }
        let mut bytes = BytesMut::with_capacity(total);
        bytes.extend_from_slice(&segment.bytes);
        self.streams.insert(segment.stream, Incoming { class, total, bytes });
        Ok(None)
    }

    fn go_on(&mut self, segment: Segment) -> Result<Option<Whole>, PeerFault> {
        let incoming = self.streams.get_mut(&segment.stream).ok_or(MalformedMessage::Value)?;
        // Empty segments would be work without end.
        if segment.bytes.is_empty() {
            return Err(MalformedMessage::Value.into());
        }
        check_end(incoming.bytes.len() + segment.bytes.len(), incoming.total, segment.last)?;
        incoming.bytes.extend_from_slice(&segment.bytes);
        if !segment.last {
            return Ok(None);
        }
        let whole = self.streams.remove(&segment.stream);
        Ok(whole.map(|incoming| Whole { class: incoming.class, bytes: incoming.bytes.freeze() }))
    }
}

/// The last segment, and no other, completes the announced length.
fn check_end(so_far: usize, total: usize, last: bool) -> Result<(), MalformedMessage> {
    match so_far.cmp(&total) {
        core::cmp::Ordering::Greater => Err(MalformedMessage::Trailing),
        core::cmp::Ordering::Equal if !last => Err(MalformedMessage::Value),
        core::cmp::Ordering::Less if last => Err(MalformedMessage::Short),
        _ => Ok(()),
    }
}
