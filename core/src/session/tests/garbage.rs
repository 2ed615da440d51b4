//! Whatever bytes come, at whatever moment: a session goes on, waits, or names a fault. It never panics, and never forgets a fault.

use bytes::BytesMut;
use proptest::prelude::*;

use super::hostile::Hostile;
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bytes_that_are_no_protocol_end_a_link_that_is_not_open(
        portions in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 1..8),
    ) {
        let mut end = End::new(Session::accept(&Config::default(), NOW, Arc::new(node(20)), [3; 32]));
        for portion in portions {
            let before = end.fault.clone();
            end.receive(portion.into());
            if before.is_some() {
                prop_assert_eq!(&end.fault, &before);
            }
        }
        prop_assert!(end.events.is_empty() && !end.session.heard());
        prop_assert!(end.session.is_drained());
    }

    #[test]
    fn any_plaintext_in_a_good_frame_is_taken_or_named_as_a_fault(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..8),
    ) {
        let mut hostile = Hostile::open(&Config::default());
        for frame in frames {
            hostile.frame(BytesMut::from(&frame[..]));
        }
        hostile.read();
        prop_assert!(hostile.node.session.is_drained());
    }

    #[test]
    fn segments_of_any_shape_are_taken_or_named_as_a_fault(
        segments in proptest::collection::vec(
            (0..3_u32, any::<Option<u16>>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60)),
            1..20,
        ),
    ) {
        let mut hostile = Hostile::open(&Config::default());
        for (stream, total, last, mut part) in segments {
            // A kind that exists, so that more than the first check is reached.
            if let (Some(_), Some(kind)) = (total, part.first_mut()) {
                *kind = 0x10 + *kind % 8;
            }
            hostile.segment(stream, total.map(|total| u32::from(total % 100)), last, &part);
        }
        hostile.read();
        prop_assert!(hostile.node.session.is_drained());
    }

    #[test]
    fn a_link_that_is_cut_off_or_altered_at_any_byte_never_opens_wrongly(position in 0_usize..900, value in 1_u8..) {
        let mut pair = Pair::new(&Config::default(), client(7), node(20));
        let mut passed = 0;
        for _ in 0..4 {
            for bytes in pair.dialler.transmit() {
                let mut bytes = bytes.to_vec();
                if let Some(byte) = position.checked_sub(passed).and_then(|at| bytes.get_mut(at)) {
                    *byte ^= value;
                }
                passed += bytes.len();
                pair.answerer.receive(bytes.into());
            }
            pair.answerer.transmit().into_iter().for_each(|bytes| pair.dialler.receive(bytes));
        }
        // Every byte that the dialler sends until then is needed to open the link.
        prop_assert_eq!(pair.answerer.opened(), position >= passed);
    }
}
