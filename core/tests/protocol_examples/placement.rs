//! Who keeps what.

use crate::block::Block;
use crate::given::{SUITE, keys};
use quantumsync_core::id::{NodeId, Position};
use quantumsync_core::node::View;
use quantumsync_core::node::view::record_position;

/// The shard whose replicas are shown.
pub(crate) const SHARD: u8 = 0x5a;

pub(crate) fn view() -> View {
    View::new(SUITE, 3, (1..=5).map(|n| (NodeId([n; 32]), 2)), 5)
}

pub(crate) fn position(shard: u8) -> Position {
    record_position(SUITE, &keys().owner(), shard)
}

pub(crate) fn blocks() -> Vec<Block> {
    let view = view();
    let node = |n: u8, i: u8| SUITE.hash(&[&[n; 32], &[i]]);
    let mut block = Block::new("placement");
    for n in 1..=5 {
        for i in 0..2 {
            block = block.part(&format!("position {i} of member {n}"), &node(n, i));
        }
    }
    block = block.part("position of the owner's shard 5a", position(SHARD).as_bytes());
    vec![set(block, &view), with_one_out()]
}

/// The set of the shard, and the digest of it all.
fn set(mut block: Block, view: &View) -> Block {
    let position = position(SHARD);
    for replica in view.replicas(&position) {
        block = block.part("replica", replica.as_bytes());
    }
    block = block.part("hash of the set", &view.set_hash(&position).0);
    block.part("digest of the placement", &view.digest())
}

/// Member 5 is out: who is left takes over, and W stays what it was.
fn with_one_out() -> Block {
    let view = View::new(SUITE, 3, (1..=4).map(|n| (NodeId([n; 32]), 2)), 5);
    set(Block::new("placement-out"), &view)
}
