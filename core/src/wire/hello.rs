//! The first message of each side on a link.

use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::Signature;
use crate::error::MalformedMessage;
use crate::id::OwnerId;
use crate::record::Admission;

/// What the sender is on this link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// A member of the network.
    Node = 0,
    /// A user.
    Client = 1,
    /// The home of the node that answers, proved with its control key.
    Control = 2,
}

impl Role {
    fn from_number(number: u8) -> Result<Self, MalformedMessage> {
        [Self::Node, Self::Client, Self::Control]
            .into_iter()
            .find(|role| *role as u8 == number)
            .ok_or(MalformedMessage::Value)
    }
}

/// Proof of a key over a link: a signature over the handshake hash ‖ role ‖ both statics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OwnerProof {
    /// The owner, or the control key.
    pub key: OwnerId,
    /// With label [`LINK_OWNER`](crate::crypto::label::LINK_OWNER) or [`LINK_CONTROL`](crate::crypto::label::LINK_CONTROL).
    pub signature: Signature,
}

/// Version, role, admission, proofs, limits, credit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// [`PROTOCOL_VERSION`](super::PROTOCOL_VERSION).
    pub version: u16,
    /// What the sender is.
    pub role: Role,
    /// Of a node.
    pub admission: Option<Admission>,
    /// Of a client: the owner it writes for.
    pub owner: Option<OwnerProof>,
    /// Of a control link.
    pub control: Option<OwnerProof>,
    /// Of a node: where it listens, as hints to dial. At most [`limit::ADDRS`] are sent.
    pub addrs: Vec<SocketAddr>,
    /// The wall clock, Unix milliseconds.
    pub unix_ms: u64,
    /// Requests that the sender of this Hello bears open at once.
    pub max_requests: u16,
    /// Bytes of terminal class that it takes before it gives more credit.
    pub credit_terminal: u32,
    /// The same of relay class.
    pub credit_relay: u32,
    /// The incarnation of a node's disk: random, made with the index. A change voids acknowledgements under way.
    pub incarnation: [u8; 16],
}

impl Hello {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.u16(self.version);
        out.u8(self.role as u8);
        out.flag(self.admission.is_some());
        if let Some(admission) = &self.admission {
            admission.encode(out);
        }
        encode_proof(self.owner.as_ref(), out);
        encode_proof(self.control.as_ref(), out);
        encode_addrs(&self.addrs, out);
        out.u64(self.unix_ms);
        out.u16(self.max_requests);
        out.u32(self.credit_terminal);
        out.u32(self.credit_relay);
        out.raw(&self.incarnation);
    }

    pub(super) fn decode(mut body: Reader) -> Result<Self, MalformedMessage> {
        let hello = Self {
            version: body.u16()?,
            role: Role::from_number(body.u8()?)?,
            admission: if body.flag()? { Some(Admission::decode(&mut body)?) } else { None },
            owner: decode_proof(&mut body)?,
            control: decode_proof(&mut body)?,
            addrs: decode_addrs(&mut body)?,
            unix_ms: body.u64()?,
            max_requests: body.u16()?,
            credit_terminal: body.u32()?,
            credit_relay: body.u32()?,
            incarnation: body.array()?,
        };
        body.finish()?;
        Ok(hello)
    }
}

fn encode_proof(proof: Option<&OwnerProof>, out: &mut Writer) {
    out.flag(proof.is_some());
    if let Some(proof) = proof {
        out.raw(proof.key.as_bytes());
        out.raw(&proof.signature.0);
    }
}

fn decode_proof(body: &mut Reader) -> Result<Option<OwnerProof>, MalformedMessage> {
    if !body.flag()? {
        return Ok(None);
    }
    Ok(Some(OwnerProof { key: OwnerId(body.array()?), signature: Signature(body.array()?) }))
}

pub(super) fn encode_addrs(addrs: &[SocketAddr], out: &mut Writer) {
    let count = out.count(addrs.len(), limit::ADDRS);
    addrs.iter().take(count).for_each(|addr| out.addr(addr));
}

pub(super) fn decode_addrs(body: &mut Reader) -> Result<Vec<SocketAddr>, MalformedMessage> {
    let count = body.count(limit::ADDRS)?;
    (0..count).map(|_| body.addr()).collect()
}
