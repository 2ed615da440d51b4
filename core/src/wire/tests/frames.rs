//! Frames cut from a stream, and segments in them.

use alloc::vec;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::error::{MalformedMessage, PeerFault};
use crate::wire::*;

fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
    let with_len = |frame: &Vec<u8>| [&u16::try_from(frame.len()).unwrap().to_be_bytes()[..], frame].concat();
    frames.iter().flat_map(with_len).collect()
}

proptest! {
    #[test]
    fn frames_come_out_as_they_went_in_however_the_stream_is_cut(
        frames in vec(vec(any::<u8>(), 0..200), 0..8), cuts in vec(1..50_usize, 1..20),
    ) {
        let stream = framed(&frames);
        let mut buffer = FrameBuffer::default();
        let (mut rest, mut out) = (&stream[..], Vec::new());
        for len in cuts.iter().cycle() {
            let (portion, after) = rest.split_at(rest.len().min(*len));
            buffer.push(Bytes::copy_from_slice(portion));
            while let Some(frame) = buffer.frame(MAX_FRAME).unwrap() {
                out.push(frame.to_vec());
            }
            prop_assert!(buffer.buffered() < 202);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(out, frames);
        prop_assert_eq!(buffer.buffered(), 0);
    }

    #[test]
    fn segments_read_back_one_after_the_other(
        segments in vec((any::<u32>(), any::<bool>(), any::<bool>(), vec(any::<u8>(), 0..100)), 1..5),
    ) {
        let segments: Vec<Segment> = segments
            .into_iter()
            .map(|(stream, first, last, bytes)| Segment { stream, first, last, bytes: bytes.into() })
            .collect();
        let mut out = BytesMut::new();
        segments.iter().for_each(|segment| segment.encode_into(&mut out));
        let mut frame = out.freeze();
        for segment in &segments {
            for len in 0..frame.len().min(SEGMENT_HEADER + segment.bytes.len()) {
                prop_assert_eq!(Segment::decode(&mut frame.slice(..len)), Err(MalformedMessage::Short));
            }
            prop_assert_eq!(&Segment::decode(&mut frame).unwrap(), segment);
        }
        prop_assert!(frame.is_empty());
    }
}

#[test]
fn frames_pushed_before_any_is_asked_for_all_come_out() {
    let frames = [vec![1; 5], vec![], vec![2; 70]];
    let stream = Bytes::from(framed(&frames));
    let mut buffer = FrameBuffer::default();
    (0..stream.len()).for_each(|i| buffer.push(stream.slice(i..=i)));
    assert_eq!(buffer.buffered(), stream.len());
    for frame in &frames {
        assert_eq!(buffer.frame(MAX_FRAME).unwrap().unwrap()[..], frame[..]);
    }
    assert_eq!(buffer.frame(MAX_FRAME), Ok(None));
}

#[test]
fn a_frame_over_the_limit_is_a_fault_before_its_bytes_have_come() {
    let mut buffer = FrameBuffer::default();
    buffer.push(Bytes::from_static(&[0, 101]));
    assert_eq!(buffer.frame(100), Err(PeerFault::TooLarge));
    assert_eq!(buffer.frame(101), Ok(None));
}

#[test]
fn a_segment_has_these_bytes() {
    let segment = Segment { stream: 9, first: true, last: true, bytes: Bytes::from_static(b"abc") };
    let mut out = BytesMut::new();
    segment.encode_into(&mut out);
    assert_eq!(out[..], [0, 0, 0, 9, 3, 0, 3, b'a', b'b', b'c']);
    let mut by_header = BytesMut::new();
    Segment::encode_header(9, true, true, 3, &mut by_header);
    assert_eq!(by_header[..], out[..SEGMENT_HEADER]);
}

#[test]
fn a_segment_with_unknown_flags_or_longer_than_a_frame_is_malformed() {
    let flags = Bytes::from_static(&[0, 0, 0, 9, 4, 0, 0]);
    assert_eq!(Segment::decode(&mut flags.clone()), Err(MalformedMessage::Value));
    let longer = u16::try_from(MAX_SEGMENT + 1).unwrap().to_be_bytes();
    let mut long = Bytes::from([&[0, 0, 0, 9, 0][..], &longer, &vec![0; MAX_SEGMENT + 1]].concat());
    assert_eq!(Segment::decode(&mut long), Err(MalformedMessage::Limit));
}

#[test]
fn the_longest_segment_fills_the_longest_frame() {
    let segment = Segment { stream: 1, first: true, last: false, bytes: vec![7; MAX_SEGMENT + 5].into() };
    let mut out = BytesMut::new();
    segment.encode_into(&mut out);
    assert_eq!(out.len() + FRAME_TAG, MAX_FRAME);
    assert_eq!(Segment::decode(&mut out.freeze()).unwrap().bytes.len(), MAX_SEGMENT);
}
