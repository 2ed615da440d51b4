//! A user's state machine: operations on files through an entry node. Must not know the node's modules.
/// A user's state machine.
#[derive(Debug)]
pub struct Client {}
