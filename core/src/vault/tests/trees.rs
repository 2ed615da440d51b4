//! Trees of every shape, and trees that no upload makes.

use super::super::manifest::{Child, level_of, node_payload};
use super::*;

/// The blobs of a tree in order, by a walk, and how many of them were fetched.
fn walk(root: &Root, blobs: &Blobs) -> Result<(Vec<(BlobId, u32)>, usize), ManifestError> {
    let mut walk = PieceWalk::new(root.clone())?;
    let (mut told, mut fetched) = (vec![], 0);
    loop {
        match walk.poll().expect("every step was answered") {
            WalkStep::Fetch { slot, id, .. } => {
                fetched += 1;
                walk.fetched(slot, blobs[&id].clone())?;
            }
            WalkStep::Open { slot, id, key, blob, plain_len } => {
                walk.opened(slot, open_piece(Suite::Real, &id, &key, blob, plain_len))?;
            }
            WalkStep::Blob { id, len } => told.push((id, len)),
            WalkStep::Done => return Ok((told, fetched)),
        }
    }
}

#[test]
fn a_tree_of_any_number_of_pieces_reads_back() {
    for (count, level) in [(1, 0), (2, 1), (255, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 3)] {
        let pieces = tiny_pieces(count);
        let (root, blobs) = tree_of(&vault(1), &pieces);
        assert_eq!((root.level, level_of(count as u32)), (level, level), "{count} pieces");
        let (back, _) = download(&root, &blobs, 0, root.length).unwrap();
        assert!(back == pieces.concat(), "{count} pieces");
    }
}

#[test]
fn the_highest_tree_has_four_levels() {
    assert_eq!(level_of(u32::MAX), 4);
    assert!(level_of(u32::MAX) <= limit::MANIFEST_DEPTH);
}

#[test]
fn pieces_wait_for_a_slow_one_before_them_only_in_bounded_number() {
    let mut tree = tree::TreeBuilder::default();
    let child = || Child { id: BlobId([1; 32]), key: Secret::new([2; 32]), length: 1 };
    tree.begin(0, 0);
    let mut begun = 1;
    while tree.takes_piece() {
        tree.begin(0, begun);
        tree.sealed(0, begun, child());
        begun += 1;
    }
    assert_eq!(begun, u64::from(FAN_OUT), "the first is still being sealed");
    tree.sealed(0, 0, child());
    let node = tree.next_node(false).expect("all children of a node are there");
    assert_eq!((node.level, node.length), (1, u64::from(FAN_OUT)));
    assert!(tree.takes_piece());
}

#[test]
fn one_byte_of_a_large_file_costs_one_blob_a_level() {
    let (root, blobs) = tree_of(&vault(1), &tiny_pieces(65_537));
    for at in [0, 255, 256, 65_535, 65_536] {
        let (back, fetched) = download(&root, &blobs, at, at + 1).unwrap();
        assert_eq!(back, [at as u8]);
        assert_eq!(fetched.len(), usize::from(root.level) + 1);
    }
}

#[test]
fn a_walk_names_every_blob_and_fetches_only_nodes() {
    let (content, blobs) = upload(&vault(1), &bytes(3, 12 << 20), 4 << 20);
    let Content::Tree { root, blobs: count, bytes: padded } = content else { panic!("it is large") };
    let (told, fetched) = walk(&root, &blobs).unwrap();
    assert_eq!(fetched, 1);
    assert_eq!(told.len(), count as usize);
    assert_eq!(told.iter().map(|(_, len)| u64::from(*len)).sum::<u64>(), padded);
    assert!(told.iter().all(|(id, len)| blobs[id].len() == *len as usize));

    let (root, blobs) = tree_of(&vault(1), &tiny_pieces(600));
    assert_eq!(walk(&root, &blobs).unwrap().0.len(), 600 + 3 + 1);
}

/// A root over three pieces of 100 bytes whose node has this payload.
fn forged(payload: &[u8]) -> (Root, Blobs) {
    let node = seal(&vault(1).keys().read.dedup_manifest, payload);
    let root = Root { id: node.id, key: node.key, level: 1, length: 300, pieces: 3 };
    (root, Blobs::from([(node.id, node.bytes)]))
}

/// The payload of that node, with other bytes at some place.
fn payload_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut payload = vec![1, 0, 3];
    for child in 0..3u8 {
        payload.extend_from_slice(&[child; 64]);
        payload.extend_from_slice(&100u64.to_be_bytes());
    }
    payload[at..at + bytes.len()].copy_from_slice(bytes);
    payload
}

fn refusal(payload: &[u8]) -> ManifestError {
    let (root, blobs) = forged(payload);
    let error = walk(&root, &blobs).unwrap_err();
    assert_eq!(download(&root, &blobs, 0, 300).unwrap_err(), error, "walk and download agree");
    error
}

#[test]
fn a_node_that_no_upload_makes_is_refused_by_name() {
    const FIRST_LENGTH: usize = 3 + 64;
    let number = u64::to_be_bytes;
    assert_eq!(walk_len(&payload_with(0, &[1])), 4, "the unchanged one is accepted");
    assert_eq!(refusal(&payload_with(0, &[0])), ManifestError::Level);
    assert_eq!(refusal(&payload_with(0, &[2])), ManifestError::Level);
    assert_eq!(refusal(&payload_with(1, &[0, 2])), ManifestError::FanOut);
    assert_eq!(refusal(&payload_with(1, &[0xff, 0xff])), ManifestError::FanOut);
    assert_eq!(refusal(&payload_with(FIRST_LENGTH, &number(0))), ManifestError::Length);
    assert_eq!(refusal(&payload_with(FIRST_LENGTH, &number(99))), ManifestError::Length);
    assert_eq!(refusal(&payload_with(FIRST_LENGTH, &number(101))), ManifestError::Length);
    assert_eq!(refusal(&payload_with(FIRST_LENGTH, &number(5 << 20))), ManifestError::Length);
    assert_eq!(refusal(&payload_with(FIRST_LENGTH, &number(u64::MAX))), ManifestError::Length);

    let whole = payload_with(0, &[1]);
    let longer = |extra: &[u8]| [whole.as_slice(), extra].concat();
    assert_eq!(refusal(&whole[..whole.len() - 1]), ManifestError::Length, "the last length ends early");
    assert_eq!(refusal(&longer(&[1])), ManifestError::Open(OpenError::Format), "that is where padding is");
    assert_eq!(refusal(&longer(&[0; 72])), ManifestError::Open(OpenError::Hash), "that is another length");
}

fn walk_len(payload: &[u8]) -> usize {
    let (root, blobs) = forged(payload);
    walk(&root, &blobs).unwrap().0.len()
}

#[test]
fn a_node_cannot_stand_below_one_of_its_own_level() {
    let (inner, mut blobs) = tree_of(&vault(1), &tiny_pieces(65_536));
    assert_eq!(inner.level, 2);
    let child = || Child { id: inner.id, key: inner.key.clone(), length: inner.length };
    let node = seal(&vault(1).keys().read.dedup_manifest, &node_payload(2, &[child(), child()]));
    blobs.insert(node.id, node.bytes);
    let root = Root { id: node.id, key: node.key, level: 2, length: 2 * inner.length, pieces: 512 };
    assert_eq!(walk(&root, &blobs).unwrap_err(), ManifestError::Level);
}

#[test]
fn a_root_of_an_impossible_tree_is_refused_before_anything_is_fetched() {
    let good = Root { id: BlobId([1; 32]), key: Secret::new([2; 32]), level: 1, length: 300, pieces: 3 };
    let refused = |root: Root| {
        let download = Download::new(root.clone(), 0, 0, &Config::default());
        (PieceWalk::new(root).err(), download.err()) == (Some(ManifestError::Root), Some(ManifestError::Root))
    };
    assert!(!refused(good.clone()));
    assert!(refused(Root { level: 0, ..good.clone() }));
    assert!(refused(Root { level: 2, ..good.clone() }));
    assert!(refused(Root { level: 255, ..good.clone() }));
    assert!(refused(Root { pieces: 0, ..good.clone() }));
    assert!(refused(Root { level: 0, pieces: 0, ..good.clone() }));
    assert!(refused(Root { level: 4, pieces: u32::MAX, ..good.clone() }), "more pieces than bytes");
    assert!(refused(Root { length: 2, ..good.clone() }));
    assert!(refused(Root { length: 3 * limit::PIECE as u64 + 1, ..good.clone() }));
    assert!(refused(Root { length: u64::MAX, level: 4, pieces: u32::MAX, ..good }));
}
