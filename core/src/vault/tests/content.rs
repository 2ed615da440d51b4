//! Content goes in and comes out again.

use super::*;
use proptest::prelude::*;

/// Sizes at which something changes: inline or not, padding, piece bounds.
const SIZES: [usize; 12] = [
    0,
    1,
    limit::INLINE - 1,
    limit::INLINE,
    limit::INLINE + 1,
    CHUNK_MIN - 1,
    CHUNK_MIN,
    CHUNK_MIN + 1,
    CHUNK_AVERAGE,
    CHUNK_MAX - 1,
    CHUNK_MAX,
    CHUNK_MAX + 1,
];

fn round_trip(data: &Bytes, portion: usize) {
    let (content, blobs) = upload(&vault(1), data, portion);
    assert_eq!(content.size(), data.len() as u64);
    match content {
        Content::Inline(inline) => {
            assert!(data.len() <= limit::INLINE && blobs.is_empty());
            assert_eq!(inline, data);
        }
        Content::Tree { root, .. } => {
            assert!(data.len() > limit::INLINE);
            let (back, _) = download(&root, &blobs, 0, root.length).unwrap();
            assert!(back == *data, "other bytes came back");
        }
    }
}

#[test]
fn content_of_every_boundary_size_comes_back() {
    for size in SIZES {
        round_trip(&bytes(2, size), 1 << 20);
        round_trip(&vec![0; size].into(), 1 << 20);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn content_fed_in_any_portions_comes_back(
        size in prop_oneof![0..40_000usize, 200_000..6_000_000usize],
        portion in prop_oneof![1000..70_000usize, 500_000..8_000_000usize],
        seed: u8,
    ) {
        round_trip(&bytes(seed, size), portion);
    }

    #[test]
    fn a_range_is_the_slice_of_the_whole(from in 0..9_000_000u64, len in 0..9_000_000u64) {
        let data = bytes(3, 9_000_000);
        let (content, blobs) = upload(&vault(1), &data, 4 << 20);
        let to = (from + len).min(9_000_000);
        let (back, _) = download(&root_of(&content), &blobs, from, to).unwrap();
        prop_assert!(back == data[from as usize..to as usize]);
    }
}

#[test]
fn a_range_outside_the_file_is_refused() {
    let (content, blobs) = upload(&vault(1), &bytes(3, 1 << 20), 1 << 20);
    let root = root_of(&content);
    assert_eq!(download(&root, &blobs, 0, (1 << 20) + 1).unwrap_err(), ManifestError::Range);
    assert_eq!(download(&root, &blobs, 2, 1).unwrap_err(), ManifestError::Range);
    assert_eq!(download(&root, &blobs, 5, 5).unwrap(), (vec![], vec![]));
}
