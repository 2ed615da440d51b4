//! Building the manifest of an upload while its pieces are sealed, in whatever order.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

use super::manifest::{CHILD, Child, FAN_OUT, NODE_HEADER, node_payload};

/// The part of a tree that is in no finished node yet: at most a node's worth of children a level.
#[derive(Default)]
pub(super) struct TreeBuilder {
    levels: Vec<Level>,
}

/// What stands at one level and in no node yet.
#[derive(Default)]
struct Level {
    /// In the order of the file: begun, and sealed or not.
    waiting: VecDeque<(u64, Option<Child>)>,
    /// The first children of the next node.
    children: Vec<Child>,
}

/// A node that has all its children.
pub(super) struct Node {
    pub(super) level: u8,
    /// Bytes of the file below it.
    pub(super) length: u64,
    pub(super) payload: Bytes,
}

impl TreeBuilder {
    /// Bytes of the largest node's payload.
    pub(super) const NODE: usize = NODE_HEADER + CHILD * FAN_OUT as usize;

    /// True unless too many pieces wait for an earlier one that is still being sealed.
    pub(super) fn takes_piece(&self) -> bool {
        self.levels.first().is_none_or(|level| level.waiting.len() < FAN_OUT as usize)
    }

    /// The next piece or node of this level, in the order of the file, was given out under this slot.
    pub(super) fn begin(&mut self, level: u8, slot: u64) {
        let level = usize::from(level);
        if level == self.levels.len() {
            self.levels.push(Level::default());
        }
        self.levels[level].waiting.push_back((slot, None));
    }

    /// It was sealed.
    pub(super) fn sealed(&mut self, level: u8, slot: u64, child: Child) {
        let level = &mut self.levels[usize::from(level)];
        if let Some((_, sealed)) = level.waiting.iter_mut().find(|(waiting, _)| *waiting == slot) {
            *sealed = Some(child);
        }
        level.gather();
    }

    /// The next node that has all its children. `ended`: no piece will begin any more.
    pub(super) fn next_node(&mut self, mut ended: bool) -> Option<Node> {
        let top = self.levels.len().checked_sub(1)?;
        for (at, level) in self.levels.iter_mut().enumerate() {
            ended &= level.waiting.is_empty();
            let count = level.children.len();
            // The only child of the highest level is no node's child but the root.
            let rest = ended && count > usize::from(at == top);
            if count == FAN_OUT as usize || rest {
                let children = core::mem::take(&mut level.children);
                level.gather();
                // There are at most five levels: see `level_of`.
                let above = at as u8 + 1;
                let length = children.iter().map(|child| child.length).sum();
                return Some(Node { level: above, length, payload: node_payload(above, &children) });
            }
        }
        None
    }

    /// The root and its level, once [`next_node`](Self::next_node) has ended and everything is sealed.
    pub(super) fn root(&self) -> Option<(u8, &Child)> {
        let (top, below) = self.levels.split_last()?;
        let done = |level: &Level| level.waiting.is_empty() && level.children.is_empty();
        match top.children.as_slice() {
            [root] if top.waiting.is_empty() && below.iter().all(done) => Some((below.len() as u8, root)),
            _ => None,
        }
    }
}

impl Level {
    /// Moves what is sealed, up to the first that is not, to the children.
    fn gather(&mut self) {
        while self.children.len() < FAN_OUT as usize
            && let Some((slot, sealed)) = self.waiting.pop_front()
        {
            match sealed {
                Some(child) => self.children.push(child),
                None => return self.waiting.push_front((slot, None)),
            }
        }
    }
}
