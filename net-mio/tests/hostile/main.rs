//! Hostile peers against real nodes. The attacker is its own small implementation of PROTOCOL.md, which shares no code with
//! the node, holds every key that a token gives, and keeps to no rule.
//!
//! Each behaviour ends in a fault that the node's log names, or in an error that says why, within bounded memory; and
//! while it goes on somebody else stores and reads through the same node.

mod before_open;
mod bytes;
#[path = "../common/mod.rs"]
mod common;
mod content;
mod crowd;
mod flow;
mod impostors;
mod link;
mod members;
mod messages;
mod noise;
mod pulls;
mod requests;
mod ring;
mod signed;
mod standing;
mod target;
mod votes;
