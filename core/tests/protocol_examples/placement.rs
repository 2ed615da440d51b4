//! Who keeps what.

use crate::block::Block;
use crate::given::{SUITE, keys};
use quantumsync_core::id::NodeId;
use quantumsync_core::node::View;
use quantumsync_core::node::view::record_position;

pub(crate) fn blocks() -> Vec<Block> {
    let members = (1..=5).map(|n| (NodeId([n; 32]), 2));
    let view = View::new(SUITE, 3, members, 5);
    let position = record_position(SUITE, &keys().owner(), 0x5a);
    let node = |n: u8, i: u8| SUITE.hash(&[&[n; 32], &[i]]);
    let mut block = Block::new("placement");
    for n in 1..=5 {
        for i in 0..2 {
            block = block.part(&format!("position {i} of member {n}"), &node(n, i));
        }
    }
    block = block.part("position of the owner's shard 5a", position.as_bytes());
    for replica in view.replicas(&position) {
        block = block.part("replica", replica.as_bytes());
    }
    vec![block.part("hash of the set", &view.set_hash(&position).0)]
}
