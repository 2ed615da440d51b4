//! Requests. What a client sends to its entry node is placed and replicated; the same from a node is stored here and never forwarded.

use super::Class;
use crate::id::{BlobId, Name, OwnerId};
use crate::record::{Admission, Pin, Record, Removal, Settings};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::SocketAddr;

/// Where a list goes on: after this name in this shard (first byte of names).
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct ListCursor(pub Name);

/// What one side asks of the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Are these blobs here under a pin of the same owner? Where yes, the new pin is kept too, durably. 1 to 256 pins.
    Have { pins: Vec<Pin> },
    /// Keep this blob under these pins (1 to 16, all of this blob).
    PutBlob { pins: Vec<Pin>, blob: Bytes },
    /// Bytes of a blob; `len` 0 for all after `offset`.
    GetBlob { id: BlobId, offset: u32, len: u32 },
    /// Keep this record (between nodes also a stub).
    PutRecord { record: Record },
    /// The newest record of a name.
    GetRecord { owner: OwnerId, name: Name },
    /// Records of an owner without their bodies in the order of their names, tombstones left out, at most `rows`. From a client: of the whole network;
    /// from a node: what is stored here, tombstones (as stubs) included so that the newest wins, for the shards named (first bytes of names, inclusive).
    ListRecords { owner: OwnerId, after: Option<ListCursor>, rows: u16, shards: (u8, u8) },
    /// Reserved: answered `Unsupported`.
    WatchRecords { owner: OwnerId },
    /// What this node is and holds.
    Status,
    /// Control: drop the local bytes of one name, or of all names of the owner.
    Evict { owner: OwnerId, name: Option<Name> },
    /// Control: hash the blobs held after this one, as many as a page has.
    Verify { after: Option<BlobId> },
    /// Control: who is in the network, and how they are.
    Peers,
    /// Control: a token, for clients or for nodes.
    Invite { node: bool },
    /// Control: leave the network. (Answered `Unsupported` until it is built.)
    Leave,
    /// Between nodes: are you there? Carries the wall clock.
    Ping { unix_ms: u64 },
    /// Between nodes: what I know of the membership (in pages), and its digest when that is all. Answered with `View` by whoever knows more.
    View {
        digest: [u8; 32],
        admissions: Vec<(Admission, Vec<SocketAddr>)>,
        removals: Vec<Removal>,
        settings: Option<Settings>,
    },
    // FindSuccessor, Notify, Digest, CheckPins: kinds reserved in PROTOCOL.md.
}

impl Request {
    /// Which credit its bytes use when a client (`from_client`) or a node sends it.
    pub const fn class(&self, _from_client: bool) -> Class {
        todo!()
    }
}
