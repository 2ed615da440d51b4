//! The ciphertext side: peers, placement, replication, disk. Must not know the vault's or the client's modules.

pub mod store;

/// A peer's state machine.
#[derive(Debug)]
pub struct Node {}
