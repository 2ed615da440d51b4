//! What a node tells of itself and of the members that it sees.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::error::MalformedMessage;
use crate::id::{NetworkId, NodeId};

/// What a node is and holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Status {
    /// Its id.
    pub node: NodeId,
    /// Its network.
    pub network: NetworkId,
    /// Where it listens.
    pub addr: Option<SocketAddr>,
    /// Its program's version; at most [`limit::VERSION_TEXT`] bytes are sent.
    pub version: String,
    /// How long it has been up.
    pub uptime_ms: u64,
    /// Members with a link, or heard of lately.
    pub peers_alive: u32,
    /// Silent for a while.
    pub peers_suspect: u32,
    /// Silent for longer than `gone_after`.
    pub peers_gone: u32,
    /// Members in all, this one included.
    pub members: u32,
    /// Copies wanted of everything (R).
    pub replicas: u8,
    /// Blobs held.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Records held, tombstones not counted.
    pub records: u64,
    /// Tombstones held.
    pub tombstones: u64,
    /// Items whose replica this node is.
    pub copies_wanted: u64,
    /// Those that are here.
    pub copies_present: u64,
    /// Those that are not.
    pub copies_missing: u64,
    /// Still catching up.
    pub syncing: bool,
    /// Requests and repairs under way or waiting.
    pub pending_ops: u64,
    /// Bytes that one owner may store here; 0 for no limit.
    pub quota: u64,
    /// Free space.
    pub free_bytes: u64,
    /// The members that must come back, or be banned, before this node has all it needs. At most
    /// [`limit::MEMBERS`] are sent.
    pub waits_for: Vec<NodeId>,
    /// Pins of uploads whose record has not come yet.
    pub pending_pins: u64,
    /// Confirmed pins of names of which this node is a replica and has no record: kept, since nothing proves that they
    /// may go.
    pub unlisted_pins: u64,
    /// Blobs and records here that belong on other members, and are handed on to them.
    pub strays: u64,
}

/// How a member is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum PeerState {
    /// This node itself.
    Own = 0,
    /// There.
    Alive = 1,
    /// Silent for a while.
    Suspect = 2,
    /// Silent for longer than `gone_after`.
    Gone = 3,
    /// About to leave: out of the placement, and still there to hand on what it has.
    Leaving = 4,
}

/// One member as this node sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerStatus {
    /// Its id.
    pub node: NodeId,
    /// Where it was last reached, or is said to be.
    pub addr: Option<SocketAddr>,
    /// How it is.
    pub state: PeerState,
    /// Smoothed round-trip time in microseconds; 0 if unknown.
    pub rtt_us: u32,
    /// Since when nothing came from it, in milliseconds.
    pub silent_ms: u64,
    /// Positions on the ring.
    pub positions: u8,
    /// It is out of the placement: nothing lies on it.
    pub out: bool,
    /// It says that its word does not count everywhere yet.
    pub syncing: bool,
    /// There is a link to it.
    pub linked: bool,
}

/// A list of members: `u16` count, at most [`limit::MEMBERS`], and their ids.
pub(super) fn encode_nodes(nodes: &[NodeId], out: &mut Writer) {
    let count = out.count(nodes.len(), limit::MEMBERS);
    nodes.iter().take(count).for_each(|node| out.raw(node.as_bytes()));
}

pub(super) fn decode_nodes(body: &mut Reader) -> Result<Vec<NodeId>, MalformedMessage> {
    let count = body.count(limit::MEMBERS)?;
    (0..count).map(|_| Ok(NodeId(body.array()?))).collect()
}

impl Status {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.raw(self.node.as_bytes());
        out.raw(self.network.as_bytes());
        encode_optional_addr(self.addr.as_ref(), out);
        out.bytes16(beginning(&self.version, limit::VERSION_TEXT).as_bytes());
        out.u64(self.uptime_ms);
        for count in [self.peers_alive, self.peers_suspect, self.peers_gone, self.members] {
            out.u32(count);
        }
        out.u8(self.replicas);
        for count in [self.blobs, self.blob_bytes, self.records, self.tombstones] {
            out.u64(count);
        }
        for count in [self.copies_wanted, self.copies_present, self.copies_missing] {
            out.u64(count);
        }
        out.flag(self.syncing);
        for count in [self.pending_ops, self.quota, self.free_bytes] {
            out.u64(count);
        }
        encode_nodes(&self.waits_for, out);
        for count in [self.pending_pins, self.unlisted_pins, self.strays] {
            out.u64(count);
        }
    }

    pub(super) fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        Ok(Self {
            node: NodeId(body.array()?),
            network: NetworkId(body.array()?),
            addr: decode_optional_addr(body)?,
            version: text(body.bytes16(limit::VERSION_TEXT)?.to_vec())?,
            uptime_ms: body.u64()?,
            peers_alive: body.u32()?,
            peers_suspect: body.u32()?,
            peers_gone: body.u32()?,
            members: body.u32()?,
            replicas: body.u8()?,
            blobs: body.u64()?,
            blob_bytes: body.u64()?,
            records: body.u64()?,
            tombstones: body.u64()?,
            copies_wanted: body.u64()?,
            copies_present: body.u64()?,
            copies_missing: body.u64()?,
            syncing: body.flag()?,
            pending_ops: body.u64()?,
            quota: body.u64()?,
            free_bytes: body.u64()?,
            waits_for: decode_nodes(body)?,
            pending_pins: body.u64()?,
            unlisted_pins: body.u64()?,
            strays: body.u64()?,
        })
    }
}

impl PeerState {
    fn from_number(number: u8) -> Result<Self, MalformedMessage> {
        [Self::Own, Self::Alive, Self::Suspect, Self::Gone, Self::Leaving]
            .into_iter()
            .find(|state| *state as u8 == number)
            .ok_or(MalformedMessage::Value)
    }
}

impl PeerStatus {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.raw(self.node.as_bytes());
        encode_optional_addr(self.addr.as_ref(), out);
        out.u8(self.state as u8);
        out.u32(self.rtt_us);
        out.u64(self.silent_ms);
        out.u8(self.positions);
        out.flag(self.out);
        out.flag(self.syncing);
        out.flag(self.linked);
    }

    pub(super) fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        Ok(Self {
            node: NodeId(body.array()?),
            addr: decode_optional_addr(body)?,
            state: PeerState::from_number(body.u8()?)?,
            rtt_us: body.u32()?,
            silent_ms: body.u64()?,
            positions: body.u8()?,
            out: body.flag()?,
            syncing: body.flag()?,
            linked: body.flag()?,
        })
    }
}

fn encode_optional_addr(addr: Option<&SocketAddr>, out: &mut Writer) {
    out.flag(addr.is_some());
    if let Some(addr) = addr {
        out.addr(addr);
    }
}

fn decode_optional_addr(body: &mut Reader) -> Result<Option<SocketAddr>, MalformedMessage> {
    if body.flag()? { Ok(Some(body.addr()?)) } else { Ok(None) }
}

/// As much of the beginning of `text` as fits `max` bytes.
fn beginning(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

fn text(bytes: Vec<u8>) -> Result<String, MalformedMessage> {
    String::from_utf8(bytes).map_err(|_| MalformedMessage::Value)
}
