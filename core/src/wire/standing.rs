//! How a node stands among the members, as it tells them: whom it has put out of the placement, whom it has heard,
//! and whether its own word counts.

use alloc::vec::Vec;

use super::request::{decode_optional_id, encode_optional_id};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::error::MalformedMessage;
use crate::id::NodeId;

/// How the sender stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// There are positions at which its word does not count yet.
    pub syncing: bool,
    /// It is about to leave the network, and already out of the placement.
    pub leaving: bool,
    /// It has taken over from every member of this placement: what lay elsewhere before is needed no more by it.
    pub settled: bool,
    /// In an answer: the receiver of this has put the sender out, and the sender has durably noted that, for this
    /// placement of the receiver's.
    pub noted: Option<[u8; 32]>,
    /// The digest of its placement.
    pub placement: [u8; 32],
    /// Higher than that of any placement it has known.
    pub epoch: u64,
    /// The members that are out of its placement. At most [`limit::MEMBERS`] are sent.
    pub out: Vec<(NodeId, Out)>,
    /// For how many milliseconds each member has not been heard, by it or by whom it hears. At most
    /// [`limit::MEMBERS`] are sent.
    pub unheard: Vec<(NodeId, u64)>,
    /// Placements from which not everything has been taken over yet, the oldest first. At most
    /// [`limit::PLACEMENTS`] are sent.
    pub previous: Vec<PastPlacement>,
}

/// Why a member is out of the placement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Out {
    /// Nobody has heard it for a long time.
    Gone = 0,
    /// It said that it leaves.
    Leaving = 1,
}

/// A placement that was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastPlacement {
    /// Tells it from equal ones at other times.
    pub epoch: u64,
    /// Copies of everything.
    pub replicas: u8,
    /// All members that could hold what counts. At most [`limit::MEMBERS`] are sent.
    pub members: Vec<PastMember>,
}

/// A member of a placement that was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct PastMember {
    /// Which.
    pub node: NodeId,
    /// At how many positions.
    pub positions: u8,
    /// False if it was out.
    pub placed: bool,
}

impl Out {
    /// Reads its number.
    pub fn from_number(number: u8) -> Result<Self, MalformedMessage> {
        [Self::Gone, Self::Leaving]
            .into_iter()
            .find(|out| *out as u8 == number)
            .ok_or(MalformedMessage::Value)
    }
}

impl Standing {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.flag(self.syncing);
        out.flag(self.leaving);
        out.flag(self.settled);
        encode_optional_id(self.noted.as_ref(), out);
        out.raw(&self.placement);
        out.u64(self.epoch);
        let count = out.count(self.out.len(), limit::MEMBERS);
        for (node, why) in self.out.iter().take(count) {
            out.raw(node.as_bytes());
            out.u8(*why as u8);
        }
        let count = out.count(self.unheard.len(), limit::MEMBERS);
        for (node, ms) in self.unheard.iter().take(count) {
            out.raw(node.as_bytes());
            out.u64(*ms);
        }
        let count = out.count(self.previous.len(), limit::PLACEMENTS);
        self.previous.iter().take(count).for_each(|past| past.encode(out));
    }

    pub(super) fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        let (syncing, leaving, settled) = (body.flag()?, body.flag()?, body.flag()?);
        let noted = decode_optional_id(body)?;
        let placement = body.array()?;
        let epoch = body.u64()?;
        let count = body.count(limit::MEMBERS)?;
        let out = (0..count)
            .map(|_| Ok((NodeId(body.array()?), Out::from_number(body.u8()?)?)))
            .collect::<Result<_, MalformedMessage>>()?;
        let count = body.count(limit::MEMBERS)?;
        let unheard = (0..count)
            .map(|_| Ok((NodeId(body.array()?), body.u64()?)))
            .collect::<Result<_, MalformedMessage>>()?;
        let count = body.count(limit::PLACEMENTS)?;
        let previous =
            (0..count).map(|_| PastPlacement::decode(body)).collect::<Result<_, MalformedMessage>>()?;
        Ok(Self { syncing, leaving, settled, noted, placement, epoch, out, unheard, previous })
    }
}

impl PastPlacement {
    /// Appends the bytes.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.epoch);
        out.u8(self.replicas);
        let count = out.count(self.members.len(), limit::MEMBERS);
        for member in self.members.iter().take(count) {
            out.raw(member.node.as_bytes());
            out.u8(member.positions);
            out.flag(member.placed);
        }
    }

    /// Reads them off the front.
    pub fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        let (epoch, replicas) = (body.u64()?, body.u8()?);
        let count = body.count(limit::MEMBERS)?;
        let member = |body: &mut Reader| -> Result<PastMember, MalformedMessage> {
            Ok(PastMember { node: NodeId(body.array()?), positions: body.u8()?, placed: body.flag()? })
        };
        let members = (0..count).map(|_| member(body)).collect::<Result<_, MalformedMessage>>()?;
        Ok(Self { epoch, replicas, members })
    }
}
