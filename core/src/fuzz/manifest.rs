//! Manifests: trees that nobody sane would write, read by a walk and by a download.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use super::choices::Choices;
use crate::config::{Config, limit};
use crate::crypto::{Secret, Suite, open_piece, padded_len, seal_piece};
use crate::id::BlobId;
use crate::vault::{Download, DownloadStep, FAN_OUT, ManifestError, PieceWalk, Root, WalkStep};

/// More pieces than fit one node: with these a tree has two levels of nodes.
const MOST_PIECES: usize = FAN_OUT as usize + 10;
const HEADER: usize = 3;
const CHILD: usize = 32 + 32 + 8;

/// A tree that an honest writer made; the same with one node altered and everything above it made right again; and a root
/// whose node is the bytes themselves.
///
/// The honest tree comes back whole and in every range. Of the others, what is delivered lies in order, without gaps, inside the
/// range, or the tree is refused; what a download takes, a walk takes too, and names each child of a node as it stands there.
pub fn manifest(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let count = usize::from(choices.u16()) % MOST_PIECES + 1;
    let longest = u64::from(choices.byte()) + 1;
    let mut range = [choices.u32(), choices.u32()].map(u64::from);
    let changes = choices.rest();

    let pieces: Vec<Vec<u8>> = (0..count).map(|at| piece(at, longest)).collect();
    let content = pieces.concat();
    range = range.map(|at| at % (content.len() as u64 + 1));
    range.sort_unstable();

    let (root, tree) = Tree::grow(&pieces, &[]);
    let whole = tree.download(&root, 0, root.length).expect("an honest tree");
    assert!(whole == content, "the file comes back");
    let part = tree.download(&root, range[0], range[1]).expect("an honest tree");
    assert!(part[..] == content[range[0] as usize..range[1] as usize], "a range is the slice");
    assert_eq!(tree.walk(&root), Ok(tree.blobs_in_all));

    let (root, tree) = Tree::grow(&pieces, changes);
    tree.read(&root, range);
    raw_node(bytes);
}

/// `pieces u32 ‖ length u64 ‖ level u8 ‖ payload`, as the root of a tree.
fn raw_node(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (pieces, length, level) = (choices.u32(), choices.u64(), choices.byte());
    let payload = choices.rest();
    if payload.len() > limit::PIECE {
        return;
    }
    let mut tree = Tree::default();
    let (id, key) = tree.keep(payload);
    let root = Root { id, key, level, length, pieces };
    tree.read(&root, [0, length]);
    let Ok(mut walk) = PieceWalk::new(root) else { return };
    let Some(children) = tree.expand_first(&mut walk, payload) else { return };
    let told: Vec<&[u8]> = payload[HEADER..].chunks(CHILD).map(|child| &child[..32]).collect();
    assert!(children.len() <= told.len() && !children.is_empty());
    assert!(children.iter().zip(told).all(|(child, told)| child.as_bytes() == told));
}

/// Sealed blobs, as peers would keep them.
#[derive(Default)]
struct Tree {
    blobs: BTreeMap<BlobId, Bytes>,
    /// Pieces and nodes, equal ones each time.
    blobs_in_all: usize,
}

impl Tree {
    /// The tree over these pieces, each node altered as `changes` say (`node u8 ‖ place u16 ‖ change u8`) before it is sealed; the
    /// last five bytes alter the root.
    fn grow(pieces: &[Vec<u8>], changes: &[u8]) -> (Root, Self) {
        let mut tree = Self::default();
        let mut level: Vec<Vec<u8>> = Vec::new();
        for piece in pieces {
            let (id, key) = tree.keep(piece);
            level.push(child(&id, &key, piece.len() as u64));
        }
        let (mut height, mut node) = (0, 0);
        while level.len() > 1 {
            height += 1;
            let mut above = Vec::new();
            for children in level.chunks(FAN_OUT as usize) {
                let mut payload = [&[height][..], &(children.len() as u16).to_be_bytes()].concat();
                payload.extend(children.concat());
                alter(&mut payload, node, changes);
                node += 1;
                let length = children.iter().map(|child| length_of(child)).sum();
                let (id, key) = tree.keep(&payload);
                above.push(child(&id, &key, length));
            }
            level = above;
        }
        let mut top = Choices::new(&level[0]);
        let mut id = BlobId([0; 32]);
        id.0.copy_from_slice(top.take(32));
        let mut key = [0; 32];
        key.copy_from_slice(top.take(32));
        let mut root =
            Root { id, key: Secret::new(key), level: height, length: top.u64(), pieces: pieces.len() as u32 };
        if let Some((_, [level, length @ .., pieces])) = changes.split_last_chunk::<5>() {
            root.level ^= level & 1;
            root.length ^= u64::from(length[2]) | u64::from(length[0] & 1) << 40;
            root.pieces ^= u32::from(*pieces);
        }
        (root, tree)
    }

    fn keep(&mut self, payload: &[u8]) -> (BlobId, Secret<32>) {
        let sealed = seal_piece(Suite::Sim, &Secret::new([1; 32]), payload);
        self.blobs.insert(sealed.id, sealed.bytes);
        self.blobs_in_all += 1;
        (sealed.id, sealed.key)
    }

    /// What a download takes a walk takes.
    fn read(&self, root: &Root, [first, last]: [u64; 2]) {
        // Longer ones are never complete here, as no tree of so few blobs is.
        let whole = self.download(root, 0, root.length.min(1 << 20));
        let part = self.download(root, first, last);
        if let (Ok(whole), Ok(part)) = (&whole, &part) {
            let inside = whole.get(first as usize..last as usize);
            assert!(inside.is_none_or(|inside| inside == part), "a range is the slice of the whole");
        }
        if whole.is_ok_and(|whole| whole.len() as u64 == root.length) {
            assert!(self.walk(root).is_ok(), "a download took a tree that a walk refuses");
        }
    }

    /// The bytes of a range, which come in order and without a gap.
    fn download(&self, root: &Root, first: u64, last: u64) -> Result<Vec<u8>, ManifestError> {
        let config = Config::default();
        let mut download = Download::new(root.clone(), first, last, &config)?;
        let mut content = Vec::new();
        while let Some(step) = download.poll() {
            match step {
                DownloadStep::Fetch { slot, id, len } => {
                    let blob = self.blobs.get(&id).filter(|blob| blob.len() == len as usize);
                    download.fetched(slot, blob.cloned().unwrap_or_default())?;
                }
                DownloadStep::Open { slot, id, key, blob, plain_len } => {
                    download.opened(slot, open_piece(Suite::Sim, &id, &key, blob, plain_len))?;
                }
                DownloadStep::Data { offset, bytes } => {
                    assert_eq!(offset, first + content.len() as u64, "data come in order, without a gap");
                    content.extend_from_slice(&bytes);
                    assert!(content.len() as u64 <= last - first, "no more than the range");
                    download.consumed(bytes.len());
                }
                DownloadStep::Done => {
                    assert_eq!(content.len() as u64, last - first, "done means that all was delivered");
                    assert_eq!(download.held(), 0);
                    return Ok(content);
                }
            }
        }
        panic!("a download stands still though every step was answered");
    }

    /// How many blobs a walk names.
    fn walk(&self, root: &Root) -> Result<usize, ManifestError> {
        let mut walk = PieceWalk::new(root.clone())?;
        let mut named = 0;
        while let Some(step) = walk.poll() {
            match step {
                WalkStep::Fetch { slot, id, .. } => {
                    walk.fetched(slot, self.blobs.get(&id).cloned().unwrap_or_default())?;
                }
                WalkStep::Open { slot, id, key, blob, plain_len } => {
                    walk.opened(slot, open_piece(Suite::Sim, &id, &key, blob, plain_len))?;
                }
                WalkStep::Blob { .. } => named += 1,
                WalkStep::Done => return Ok(named),
            }
        }
        panic!("a walk stands still though every step was answered");
    }

    /// Walks into the root, and on as long as nothing is to be fetched: its first children.
    fn expand_first(&self, walk: &mut PieceWalk, payload: &[u8]) -> Option<Vec<BlobId>> {
        let (mut children, mut opened) = (Vec::new(), false);
        while let Some(step) = walk.poll() {
            match step {
                WalkStep::Fetch { slot, id, .. } if !opened => {
                    walk.fetched(slot, self.blobs.get(&id).cloned()?).ok()?;
                }
                WalkStep::Open { slot, id, key, blob, plain_len } => {
                    walk.opened(slot, open_piece(Suite::Sim, &id, &key, blob, plain_len)).ok()?;
                    assert_eq!(plain_len as usize, payload.len(), "a node of this place has this length");
                    opened = true;
                }
                WalkStep::Blob { id, len } if opened => {
                    assert!(len <= padded_len(limit::PIECE as u32));
                    children.push(id);
                }
                WalkStep::Blob { .. } => {}
                WalkStep::Fetch { .. } | WalkStep::Done => break,
            }
        }
        opened.then_some(children)
    }
}

/// Some bytes, few of them alike.
fn piece(at: usize, longest: u64) -> Vec<u8> {
    let len = (at as u64 * 7) % longest + 1;
    vec![at as u8; len as usize]
}

fn child(id: &BlobId, key: &Secret<32>, length: u64) -> Vec<u8> {
    [&id.as_bytes()[..], key.expose(), &length.to_be_bytes()].concat()
}

fn length_of(child: &[u8]) -> u64 {
    Choices::new(&child[64..]).u64()
}

fn alter(payload: &mut Vec<u8>, node: u8, changes: &[u8]) {
    for change in changes.chunks_exact(4).filter(|change| change[0] == node) {
        let (place, change) = (usize::from(u16::from_be_bytes([change[1], change[2]])), change[3]);
        match payload.get_mut(place) {
            Some(byte) => *byte ^= change,
            // Past its end: longer or shorter.
            None if change > 128 => payload.push(change),
            None => drop(payload.pop()),
        }
    }
}
