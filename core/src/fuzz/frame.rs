//! Frames and segments, against a reading of the whole stream at once.

use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};

use super::choices::Choices;
use crate::error::PeerFault;
use crate::wire::{FrameBuffer, MAX_SEGMENT, SEGMENT_HEADER, Segment};

/// `largest frame u16 ‖ portion u8 ‖ stream`: cuts the stream into frames as it comes in such portions, and each frame into segments.
///
/// The frames are those that a reading of the whole stream finds, however it came; a frame over the limit is a fault; nothing
/// is held that was given out. A segment is written again as it was read.
pub fn frame(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (max, portion) = (usize::from(choices.u16()), usize::from(choices.byte()).max(1));
    let stream = choices.rest();

    let (expected, too_large, left) = read_whole(stream, max);
    let mut buffer = FrameBuffer::default();
    let mut frames = Vec::new();
    let mut fault = None;
    for part in stream.chunks(portion) {
        buffer.push(Bytes::copy_from_slice(part));
        while fault.is_none() {
            match buffer.frame(max) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => fault = Some(error),
            }
        }
    }
    assert_eq!(frames, expected, "the frames do not depend on the portions");
    assert_eq!(fault, too_large.then_some(PeerFault::TooLarge));
    assert_eq!(buffer.buffered(), left, "what was given out is not held");
    frames.into_iter().for_each(|frame| segments(frame.freeze()));
}

/// The frames of a whole stream, if one of them is too large, and how many bytes are in none.
fn read_whole(mut stream: &[u8], max: usize) -> (Vec<&[u8]>, bool, usize) {
    let mut frames = Vec::new();
    while let Some((prefix, rest)) = stream.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*prefix));
        if len > max {
            return (frames, true, stream.len());
        }
        let Some((frame, rest)) = rest.split_at_checked(len) else { break };
        frames.push(frame);
        stream = rest;
    }
    (frames, false, stream.len())
}

fn segments(mut frame: Bytes) {
    while !frame.is_empty() {
        let before = frame.clone();
        let Ok(segment) = Segment::decode(&mut frame) else { return };
        assert!(segment.bytes.len() <= MAX_SEGMENT);
        let mut again = BytesMut::new();
        segment.encode_into(&mut again);
        assert_eq!(again.len(), SEGMENT_HEADER + segment.bytes.len());
        assert_eq!(again[..], before[..before.len() - frame.len()]);
    }
}
