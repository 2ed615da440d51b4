//! What waits to be sent, and in which order it fills the frames.
//!
//! Small messages go ahead of bulk, bulk takes turns frame by frame, and a class without credit waits without holding up
//! another. Knows nothing of keys: it writes plaintext into the buffer that it is given.

use alloc::collections::VecDeque;

use bytes::{Buf as _, Bytes, BytesMut};

use super::credit::Allowance;
use crate::wire::{Class, MESSAGE_HEADER, Message, SEGMENT_HEADER, Segment};

/// Bytes of the length that the first segment of a message begins with.
const LENGTH: usize = 4;
/// A message up to this length is never cut and goes ahead of bulk: a request, or a small record or blob.
const SMALL: usize = 8 * 1024;
/// A frame with less room than this is closed rather than filled with a sliver of bulk.
const LEAST_BULK: usize = 256;
const _: () = assert!(LEAST_BULK > SEGMENT_HEADER + LENGTH + MESSAGE_HEADER);

/// The messages of one link that are not given out yet.
#[derive(Debug)]
pub(super) struct SendQueue {
    /// `Hello`, and a goodbye before the link is open: all that may be sent before it is.
    greetings: VecDeque<Outgoing>,
    /// Small messages of class `Control`.
    urgent: VecDeque<Outgoing>,
    /// Small messages that are paid for.
    small: VecDeque<Outgoing>,
    /// Long messages that are paid for, in turns.
    bulk: VecDeque<Outgoing>,
    /// What is not paid for, or waits for a free stream, by class.
    waiting: [VecDeque<Outgoing>; 3],
    /// Bytes not given out, by class.
    queued: [usize; 3],
    /// Bytes of all that waits for nothing but room.
    ready: usize,
    max_streams: usize,
    next_stream: u32,
    open: bool,
}

/// A message on its way out.
#[derive(Debug)]
struct Outgoing {
    stream: u32,
    class: Class,
    /// The id of the request that it answers.
    answers: Option<u32>,
    begun: bool,
    head: Bytes,
    payload: Bytes,
}

impl Outgoing {
    fn len(&self) -> usize {
        self.head.len() + self.payload.len()
    }
}

impl SendQueue {
    pub(super) fn new(max_streams: usize) -> Self {
        Self {
            greetings: VecDeque::new(),
            urgent: VecDeque::new(),
            small: VecDeque::new(),
            bulk: VecDeque::new(),
            waiting: Default::default(),
            queued: [0; 3],
            ready: 0,
            max_streams: max_streams.max(1),
            next_stream: 0,
            open: false,
        }
    }

    /// Queues a message that this side pays for from `class`.
    pub(super) fn push(&mut self, message: &Message, class: Class) {
        let outgoing = self.outgoing(message, class);
        self.queued[class as usize] += outgoing.len();
        if class == Class::Control && outgoing.len() <= SMALL {
            self.ready += outgoing.len();
            self.urgent.push_back(outgoing);
        } else {
            self.waiting[class as usize].push_back(outgoing);
        }
    }

    /// Queues a message that goes before all others, and before the link is open.
    pub(super) fn greet(&mut self, message: &Message) {
        let outgoing = self.outgoing(message, Class::Control);
        self.queued[Class::Control as usize] += outgoing.len();
        self.ready += outgoing.len();
        self.greetings.push_back(outgoing);
    }

    /// From now on more than greetings may go.
    pub(super) const fn open(&mut self) {
        self.open = true;
    }

    /// Drops all but greetings and small control messages, and queues the last message.
    pub(super) fn finish(&mut self, goodbye: &Message) {
        self.small.clear();
        self.bulk.clear();
        self.waiting.iter_mut().for_each(VecDeque::clear);
        if !self.open {
            self.urgent.clear();
        }
        self.queued = [0; 3];
        self.queued[Class::Control as usize] =
            self.greetings.iter().chain(&self.urgent).map(Outgoing::len).sum();
        self.ready = self.queued[Class::Control as usize];
        if self.open { self.push(goodbye, Class::Control) } else { self.greet(goodbye) }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        *self = Self { open: self.open, ..Self::new(self.max_streams) };
    }

    /// Bytes of a class that are not given out.
    pub(super) const fn queued(&self, class: Class) -> usize {
        self.queued[class as usize]
    }

    /// How many long messages are under way.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn under_way(&self) -> usize {
        self.bulk.len()
    }

    /// True if nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.queued == [0; 3]
    }

    /// How long the plaintext of the next frame can get, at most `longest`; zero if there is nothing to send now.
    pub(super) fn next_frame_len(&mut self, allowance: &mut Allowance, longest: usize) -> usize {
        if self.open {
            self.start_paid(allowance);
        }
        let (bytes, messages) = if self.only_greetings() {
            (self.greetings.iter().map(Outgoing::len).sum(), self.greetings.len())
        } else {
            (self.ready, self.urgent.len() + self.small.len() + self.bulk.len())
        };
        longest.min(bytes + messages * (SEGMENT_HEADER + LENGTH))
    }

    /// Appends segments to `out` until its plaintext has `longest` bytes or nothing more fits. Calls `answered` with the request
    /// of each answer that is out whole.
    pub(super) fn fill(&mut self, out: &mut BytesMut, longest: usize, mut answered: impl FnMut(u32)) {
        let end = out.len() + longest;
        let only_greetings = self.only_greetings();
        while let Some((queue, room)) = self.next_queue(end - out.len(), only_greetings) {
            let Some(mut outgoing) = queue.pop_front() else { break };
            let before = outgoing.len();
            outgoing.write_segment(out, room);
            let written = before - outgoing.len();
            self.ready -= written;
            self.queued[outgoing.class as usize] -= written;
            if outgoing.len() > 0 {
                self.bulk.push_back(outgoing);
            } else if let Some(id) = outgoing.answers {
                answered(id);
            }
        }
    }

    /// A greeting shares its frame with nothing else: what the peer takes before the link is open is bounded.
    fn only_greetings(&self) -> bool {
        !self.open || !self.greetings.is_empty()
    }

    /// The queue whose front is next, if it fits in so much room.
    fn next_queue(&mut self, room: usize, only_greetings: bool) -> Option<(&mut VecDeque<Outgoing>, usize)> {
        let fits = |front: &Outgoing| SEGMENT_HEADER + LENGTH + front.len() <= room;
        if only_greetings {
            return self.greetings.front().is_some_and(fits).then_some((&mut self.greetings, room));
        }
        for queue in [&mut self.urgent, &mut self.small] {
            if let Some(front) = queue.front() {
                return fits(front).then_some((queue, room));
            }
        }
        let least = LEAST_BULK.min(SEGMENT_HEADER + LENGTH + self.bulk.front()?.len());
        (room >= least).then_some((&mut self.bulk, room))
    }

    /// Moves what can be paid for, and has a stream, from waiting to ready. Each class waits only for itself.
    fn start_paid(&mut self, allowance: &mut Allowance) {
        for class in [Class::Control, Class::Terminal, Class::Relay] {
            let waiting = &mut self.waiting[class as usize];
            while let Some(front) = waiting.front() {
                let small = front.len() <= SMALL;
                let stream_free = small || self.bulk.len() < self.max_streams;
                if !stream_free || !allowance.pay(class, front.len()) {
                    break;
                }
                self.ready += front.len();
                let target = if small { &mut self.small } else { &mut self.bulk };
                target.extend(waiting.pop_front());
            }
        }
    }

    fn outgoing(&mut self, message: &Message, class: Class) -> Outgoing {
        let (head, payload) = message.encode();
        let answers = match message {
            Message::Response { id, .. } => Some(*id),
            _ => None,
        };
        let stream = self.next_stream;
        self.next_stream = self.next_stream.wrapping_add(1);
        Outgoing { stream, class, answers, begun: false, head, payload }
    }
}

impl Outgoing {
    /// Appends as much of the message as `room` holds, as one segment.
    fn write_segment(&mut self, out: &mut BytesMut, room: usize) {
        let first = !self.begun;
        let overhead = SEGMENT_HEADER + if first { LENGTH } else { 0 };
        let len = self.len().min(room.saturating_sub(overhead));
        let last = len == self.len();
        // A frame is shorter than 65,536 bytes, a message than 4 GiB.
        let segment_len = (len + overhead - SEGMENT_HEADER) as u16;
        Segment::encode_header(self.stream, first, last, segment_len, out);
        if first {
            out.extend_from_slice(&(self.len() as u32).to_be_bytes());
        }
        let from_head = len.min(self.head.len());
        out.extend_from_slice(&self.head[..from_head]);
        out.extend_from_slice(&self.payload[..len - from_head]);
        self.head.advance(from_head);
        self.payload.advance(len - from_head);
        self.begun = true;
    }
}
