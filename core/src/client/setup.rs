//! What a client is made of, and the choices that its commands take.

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::config::Config;
use crate::crypto::{Secret, SigningKey, Suite};
use crate::id::{NetworkId, NodeId};
use crate::vault::Vault;

/// Everything that a [`Client`](super::Client) begins with.
#[derive(Clone, Debug)]
pub struct ClientSetup {
    /// The cryptography.
    pub suite: Suite,
    /// Limits.
    pub config: Config,
    /// The network.
    pub network: NetworkId,
    /// The key that its admissions are signed with.
    pub network_key: [u8; 32],
    /// Its link keys with their epochs, current first; at most two.
    pub psks: Vec<(u32, Secret<32>)>,
    /// Whose files. Without a vault only `status`, `peers`, `verify` and `invite` can be done.
    pub vault: Option<Vault>,
    /// The home's control key: for links to its own node, which then also takes `evict`, `peers`, `verify` and `invite`.
    pub control: Option<SigningKey>,
    /// Tells this device's versions from other devices' (see [`SpaceKeys::writer_tag`](crate::crypto::SpaceKeys::writer_tag)).
    pub device: Secret<32>,
    /// Nodes to enter by, best first, with their ids where they are known.
    pub entry: Vec<(Option<NodeId>, SocketAddr)>,
    /// Seeds the jitter of waits; never a key.
    pub seed: [u8; 32],
}

/// How to store a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoreOptions {
    /// Milliseconds from now after which the file counts as deleted; `None` for never.
    pub ttl_ms: Option<u64>,
    /// When the content was last modified, in Unix milliseconds; the time of the store if it is not given.
    pub modified_ms: Option<u64>,
}

/// How to get a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GetOptions {
    /// First and last byte, both inclusive as in HTTP; without a last byte up to the end. A last byte past the end means the end.
    pub range: Option<(u64, Option<u64>)>,
    /// Fail with [`OpError::NotFresh`](crate::error::OpError::NotFresh) rather than take a record on which no quorum agreed.
    pub fresh: bool,
}
