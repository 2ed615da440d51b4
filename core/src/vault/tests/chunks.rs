//! Where files are cut.

use super::super::chunker::Chunker;
use super::*;
use proptest::prelude::*;

/// The lengths of the pieces of `data`, fed in portions of these lengths in turn.
fn cuts(data: &[u8], portions: &[usize]) -> Vec<usize> {
    let mut chunker = Chunker::new(gear_table(Suite::Real, &vault(1).keys().read.chunk));
    let (mut cuts, mut open, mut rest) = (vec![], 0, data);
    for &portion in portions.iter().cycle() {
        let (mut now, later) = rest.split_at(portion.min(rest.len()));
        rest = later;
        while let Some(end) = chunker.scan(now) {
            cuts.push(open + end);
            (open, now) = (0, &now[end..]);
        }
        open += now.len();
        if rest.is_empty() {
            break;
        }
    }
    cuts.extend(Some(open).filter(|&last| last > 0));
    cuts
}

#[test]
fn the_cuts_are_those_of_an_independent_fastcdc() {
    use fastcdc::v2020::{Normalization, cut_gear, select_masks};

    let gear = gear_table(Suite::Real, &vault(1).keys().read.chunk);
    let shifted = gear.map(|word| word << 1);
    let (short, long) = select_masks(CHUNK_AVERAGE, Normalization::Level1);
    let mut data = bytes(9, 24 << 20).to_vec();
    data.extend(vec![7; 9 << 20]);

    let (mut expected, mut rest) = (vec![], data.as_slice());
    while !rest.is_empty() {
        let (min, average, max) = (CHUNK_MIN, CHUNK_AVERAGE, CHUNK_MAX);
        let masks = (short, long, short << 1, long << 1);
        let (_, len) =
            cut_gear(rest, min, average, max, masks.0, masks.1, masks.2, masks.3, &*gear, &shifted);
        expected.push(len);
        rest = &rest[len..];
    }
    assert_eq!(cuts(&data, &[1 << 20]), expected);
}

#[test]
fn pieces_keep_their_bounds_and_add_up() {
    let data = [bytes(4, 20 << 20), vec![0; 10 << 20].into(), bytes(5, 1 << 20)].concat();
    let cuts = cuts(&data, &[data.len()]);
    assert_eq!(cuts.iter().sum::<usize>(), data.len());
    let (last, before) = cuts.split_last().unwrap();
    assert!(before.iter().all(|len| (CHUNK_MIN..=CHUNK_MAX).contains(len)) && *last <= CHUNK_MAX);
    assert!(cuts.contains(&CHUNK_MAX), "zeros are cut at the maximum");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn cuts_do_not_depend_on_how_the_stream_is_fed(portions in proptest::collection::vec(1..3_000_000usize, 1..6)) {
        let data = bytes(6, 10 << 20);
        prop_assert_eq!(cuts(&data, &portions), cuts(&data, &[data.len()]));
    }
}

#[test]
fn cuts_do_not_depend_on_single_bytes_or_empty_portions() {
    let data = bytes(6, 3 << 20);
    assert_eq!(cuts(&data, &[1, 0, 2]), cuts(&data, &[data.len()]));
}

#[test]
fn an_insertion_in_the_middle_changes_only_the_pieces_around_it() {
    let before = bytes(7, 40 << 20);
    let middle = 20 << 20;
    let after = Bytes::from([&before[..middle], b"a few new bytes", &before[middle..]].concat());
    let (_, old) = upload(&vault(1), &before, 4 << 20);
    let (_, new) = upload(&vault(1), &after, 4 << 20);
    let changed = new.keys().filter(|id| !old.contains_key(id)).count();
    assert!(new.len() > 20, "the file has many pieces");
    assert!(changed <= 5, "{changed} of {} blobs are new: the manifest and the pieces around", new.len());
}

/// The pieces of `data` themselves.
fn pieces(data: &[u8]) -> Vec<&[u8]> {
    let mut rest = data;
    cuts(data, &[data.len()]).into_iter().map(|len| rest.split_off(..len).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn whatever_is_inserted_or_taken_out_anywhere_most_pieces_stay(
        at in 0..24_000_000usize, inserted in 0..3000usize, removed in 0..3000usize, seed: u8,
    ) {
        let before = bytes(8, 24 << 20);
        let after = [&before[..at], &bytes(seed, inserted), &before[(at + removed)..]].concat();
        let old = pieces(&before);
        let new = pieces(&after);
        // Far from the change nothing moves: what is before it is cut as it was, and soon after it the cuts meet again.
        let begin = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
        let changed = old.len().saturating_sub(begin + end);
        prop_assert!(old.len() > 12 && changed < old.len() / 2, "{} of {} pieces are others", changed, old.len());
    }
}
