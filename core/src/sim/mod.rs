//! The test harness: a world of machines with a virtual clock, a network and disks in memory, everything from one seed.
//!
//! For tests, examples and the simulator (feature `sim`); nothing here belongs into a real peer. A world does to machines only
//! what a driver may do: see the [driver contract](crate).

mod clock;
mod disk;
mod liar;
mod network;
mod observer;
mod peer;
pub mod run;
#[cfg(test)]
mod tests;
mod town;
mod world;

pub use disk::{DiskResult, RequestKind, SimDisk};
pub use liar::{Liar, LieChances};
pub use network::{Captured, Cut, HostId, NetworkOptions};
pub use observer::{DiskFault, Fault, Observer, Seen};
pub use peer::{Peer, PeerEvent};
pub use town::{Town, TownOptions};
pub use world::World;
