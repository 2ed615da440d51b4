//! Requests. What a client sends to its entry node is placed and replicated; the same from a node is stored here and never forwarded.

use alloc::vec::Vec;
use bytes::Bytes;

use super::check::{decode_checks, encode_checks};
use super::message::kind;
use super::pull::{decode_cursor, decode_part, decode_pulled_pins, encode_cursor, encode_pulled_pins};
use super::{Class, MembershipPage, PinCheck, PullCursor, PullPart, PulledPin};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::Suite;
use crate::error::MalformedMessage;
use crate::id::{BlobId, Name, NodeId, OwnerId};
use crate::record::{Pin, Record};

/// Where a list goes on: after this name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub struct ListCursor(pub Name);

/// What one side asks of the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Are these blobs here under a pin of the same owner? Where yes, the new pin is kept too, durably.
    Have {
        /// The new pins, one or more; at most [`limit::HAVE_PINS`] are sent.
        pins: Vec<Pin>,
    },
    /// Keep this blob under these pins.
    PutBlob {
        /// The pins, all of this blob, one or more; at most [`limit::BLOB_PINS`] are sent.
        pins: Vec<Pin>,
        /// The blob; at most [`limit::BLOB`] bytes are sent.
        blob: Bytes,
    },
    /// Bytes of a blob.
    GetBlob {
        /// Which.
        id: BlobId,
        /// The first byte that is wanted.
        offset: u32,
        /// How many; 0 for all that follow.
        len: u32,
    },
    /// Keep this record (between nodes also a stub).
    PutRecord {
        /// The record.
        record: Record,
    },
    /// The newest record of a name.
    GetRecord {
        /// Whose.
        owner: OwnerId,
        /// Of which name.
        name: Name,
    },
    /// Records of an owner in the order of their names, without their bodies. From a client: of the whole network,
    /// tombstones left out. From a node: what is stored here, tombstones (as stubs) included so that the newest wins.
    ListRecords {
        /// Whose.
        owner: OwnerId,
        /// Only names after this one.
        after: Option<ListCursor>,
        /// At most so many; never more than [`limit::LIST_ROWS`] are given.
        rows: u16,
        /// Only names whose first byte is one of these or between them.
        shards: (u8, u8),
    },
    /// What this node is and holds.
    Status,
    /// Control: drop the local bytes of an owner's blobs and records.
    Evict {
        /// Whose.
        owner: OwnerId,
        /// Of one name; `None` for all.
        name: Option<Name>,
    },
    /// Control: hash blobs that are held, as many as a page has.
    Verify {
        /// Begin after this one.
        after: Option<BlobId>,
    },
    /// Control: verify records that are held, as many as a page has.
    VerifyRecords {
        /// Begin after this one.
        after: Option<PullCursor>,
    },
    /// Control: who is in the network, and how they are.
    Peers,
    /// Control: a token.
    Invite {
        /// For a node, with the network's signing key; else for a client.
        node: bool,
    },
    /// Control: leave the network for good, as soon as nothing that this node holds is needed any more. Repeated until
    /// it is done.
    Leave {
        /// Stay after all.
        cancel: bool,
    },
    /// Control: remove a member for good, and whatever only it holds.
    Ban {
        /// Which.
        node: NodeId,
    },
    /// Between nodes: are you there?
    Ping {
        /// The sender's wall clock, Unix milliseconds.
        unix_ms: u64,
    },
    /// Between nodes: what I know of the membership. Answered with a page of what the other side knows.
    View(MembershipPage),
    /// Between nodes: what is held here of which the asker is a replica.
    PullRecords {
        /// The asker's placement: another one than the receiver's is answered `OtherSet`.
        placement: [u8; 32],
        /// Which rows.
        part: PullPart,
        /// Only rows after this one.
        after: Option<PullCursor>,
        /// At most so many; never more than [`limit::PULL_ROWS`] are given. With 0 only the placements are compared.
        rows: u16,
    },
    /// Between nodes: pins held here on blobs of which the asker is a replica.
    PullPins {
        /// See `PullRecords`.
        placement: [u8; 32],
        /// Only rows after this one.
        after: Option<PullCursor>,
        /// See `PullRecords`.
        rows: u16,
    },
    /// Between nodes: prove that these blobs are here.
    Prove {
        /// Drawn for this question: no answer can be older.
        nonce: [u8; 32],
        /// Which; at most [`limit::PROVE_BLOBS`] are sent.
        blobs: Vec<BlobId>,
    },
    /// Between nodes: keep these pins, with the age of their leases.
    PutPins {
        /// The pins; at most [`limit::PULL_ROWS`] and [`limit::PULL_BYTES`] are sent.
        pins: Vec<PulledPin>,
    },
    /// Between nodes: what is known of these objects, all of one owner and names of one first byte?
    CheckPins {
        /// Of those of which nothing is known, promise to refuse any record that lists them.
        lapse: bool,
        /// The objects, one or more; at most [`limit::CHECK_PINS`] are sent.
        checks: Vec<PinCheck>,
    },
    /// Between nodes: is there anything of this name that is older than this tombstone?
    Forget {
        /// The tombstone, or the stub of an expired record. It is kept where anything older is.
        record: Record,
    },
}

impl Request {
    /// Which credit its bytes use when a client (`from_client`) or a node sends it.
    pub const fn class(&self, from_client: bool) -> Class {
        Class::of_request(self.kind(), from_client)
    }

    pub(super) const fn kind(&self) -> u8 {
        match self {
            Self::Have { .. } => kind::HAVE,
            Self::PutBlob { .. } => kind::PUT_BLOB,
            Self::GetBlob { .. } => kind::GET_BLOB,
            Self::PutRecord { .. } => kind::PUT_RECORD,
            Self::GetRecord { .. } => kind::GET_RECORD,
            Self::ListRecords { .. } => kind::LIST_RECORDS,
            Self::Status => kind::STATUS,
            Self::Evict { .. } => kind::EVICT,
            Self::Verify { .. } => kind::VERIFY,
            Self::VerifyRecords { .. } => kind::VERIFY_RECORDS,
            Self::Peers => kind::PEERS,
            Self::Invite { .. } => kind::INVITE,
            Self::Leave { .. } => kind::LEAVE,
            Self::Ban { .. } => kind::BAN,
            Self::Ping { .. } => kind::PING,
            Self::View(_) => kind::VIEW,
            Self::PullRecords { .. } => kind::PULL_RECORDS,
            Self::PullPins { .. } => kind::PULL_PINS,
            Self::Prove { .. } => kind::PROVE,
            Self::PutPins { .. } => kind::PUT_PINS,
            Self::CheckPins { .. } => kind::CHECK_PINS,
            Self::Forget { .. } => kind::FORGET,
        }
    }

    /// Writes the body; a bulk payload is given back and follows as the last field.
    pub(super) fn encode(&self, out: &mut Writer) -> Option<Bytes> {
        match self {
            Self::Have { pins } => encode_pins(pins, limit::HAVE_PINS, out),
            Self::PutBlob { pins, blob } => {
                encode_pins(pins, limit::BLOB_PINS, out);
                return Some(blob.slice(..blob.len().min(limit::BLOB)));
            }
            Self::GetBlob { id, offset, len } => {
                out.raw(id.as_bytes());
                out.u32(*offset);
                out.u32(*len);
            }
            Self::PutRecord { record } => out.bytes32(record.bytes()),
            Self::GetRecord { owner, name } => {
                out.raw(owner.as_bytes());
                out.raw(name.as_bytes());
            }
            Self::ListRecords { owner, after, rows, shards } => {
                out.raw(owner.as_bytes());
                encode_optional_id(after.as_ref().map(|cursor| cursor.0.as_bytes()), out);
                out.u16(*rows);
                out.u8(shards.0);
                out.u8(shards.1);
            }
            Self::Status | Self::Peers => {}
            Self::Evict { owner, name } => {
                out.raw(owner.as_bytes());
                encode_optional_id(name.as_ref().map(Name::as_bytes), out);
            }
            Self::Verify { after } => encode_optional_id(after.as_ref().map(BlobId::as_bytes), out),
            Self::VerifyRecords { after } => encode_cursor(after.as_ref(), out),
            Self::Invite { node } => out.flag(*node),
            Self::Leave { cancel } => out.flag(*cancel),
            Self::Ban { node } => out.raw(node.as_bytes()),
            Self::Ping { unix_ms } => out.u64(*unix_ms),
            Self::View(page) => page.encode(out),
            Self::PullRecords { placement, part, after, rows } => {
                out.raw(placement);
                out.u8(*part as u8);
                encode_cursor(after.as_ref(), out);
                out.u16(*rows);
            }
            Self::PullPins { placement, after, rows } => {
                out.raw(placement);
                encode_cursor(after.as_ref(), out);
                out.u16(*rows);
            }
            Self::Prove { nonce, blobs } => {
                out.raw(nonce);
                encode_blob_ids(blobs, limit::PROVE_BLOBS, out);
            }
            Self::PutPins { pins } => encode_pulled_pins(pins, out),
            Self::CheckPins { lapse, checks } => {
                out.flag(*lapse);
                encode_checks(checks, out);
            }
            Self::Forget { record } => out.bytes32(record.bytes()),
        }
        None
    }

    /// Reads the body of a request; `None` for a kind that this version does not know.
    pub(super) fn decode(suite: Suite, kind: u8, mut body: Reader) -> Result<Option<Self>, MalformedMessage> {
        let request = match kind {
            kind::HAVE => Self::Have { pins: decode_pins(&mut body, limit::HAVE_PINS)? },
            kind::PUT_BLOB => {
                let pins = decode_pins(&mut body, limit::BLOB_PINS)?;
                return Ok(Some(Self::PutBlob { pins, blob: body.payload(limit::BLOB)? }));
            }
            kind::GET_BLOB => {
                Self::GetBlob { id: BlobId(body.array()?), offset: body.u32()?, len: body.u32()? }
            }
            kind::PUT_RECORD => Self::PutRecord { record: decode_record(suite, &mut body)? },
            kind::GET_RECORD => Self::GetRecord { owner: OwnerId(body.array()?), name: Name(body.array()?) },
            kind::LIST_RECORDS => Self::ListRecords {
                owner: OwnerId(body.array()?),
                after: decode_optional_id(&mut body)?.map(|name| ListCursor(Name(name))),
                rows: body.u16()?,
                shards: (body.u8()?, body.u8()?),
            },
            kind::STATUS => Self::Status,
            kind::EVICT => {
                Self::Evict { owner: OwnerId(body.array()?), name: decode_optional_id(&mut body)?.map(Name) }
            }
            kind::VERIFY => Self::Verify { after: decode_optional_id(&mut body)?.map(BlobId) },
            kind::VERIFY_RECORDS => Self::VerifyRecords { after: decode_cursor(&mut body)? },
            kind::PEERS => Self::Peers,
            kind::INVITE => Self::Invite { node: body.flag()? },
            kind::LEAVE => Self::Leave { cancel: body.flag()? },
            kind::BAN => Self::Ban { node: NodeId(body.array()?) },
            kind::PING => Self::Ping { unix_ms: body.u64()? },
            kind::VIEW => Self::View(MembershipPage::decode(&mut body)?),
            kind::PULL_RECORDS => Self::PullRecords {
                placement: body.array()?,
                part: decode_part(&mut body)?,
                after: decode_cursor(&mut body)?,
                rows: body.u16()?,
            },
            kind::PULL_PINS => Self::PullPins {
                placement: body.array()?,
                after: decode_cursor(&mut body)?,
                rows: body.u16()?,
            },
            kind::PROVE => {
                Self::Prove { nonce: body.array()?, blobs: decode_blob_ids(limit::PROVE_BLOBS, &mut body)? }
            }
            kind::PUT_PINS => Self::PutPins { pins: decode_pulled_pins(&mut body)? },
            kind::CHECK_PINS => Self::CheckPins { lapse: body.flag()?, checks: decode_checks(&mut body)? },
            kind::FORGET => Self::Forget { record: decode_record(suite, &mut body)? },
            _ => return Ok(None),
        };
        body.finish()?;
        Ok(Some(request))
    }
}

fn encode_pins(pins: &[Pin], max: usize, out: &mut Writer) {
    let count = out.count(pins.len(), max);
    pins.iter().take(count).for_each(|pin| out.bytes16(pin.bytes()));
}

fn decode_pins(body: &mut Reader, max: usize) -> Result<Vec<Pin>, MalformedMessage> {
    let count = body.count(max)?;
    (0..count).map(|_| Ok(Pin::parse(body.bytes16(usize::MAX)?)?)).collect()
}

pub(super) fn decode_record(suite: Suite, body: &mut Reader) -> Result<Record, MalformedMessage> {
    Ok(Record::parse(suite, body.bytes32(limit::RECORD)?)?)
}

/// A list of at most `most` ids.
pub(super) fn encode_blob_ids(ids: &[BlobId], most: usize, out: &mut Writer) {
    let count = out.count(ids.len(), most);
    ids.iter().take(count).for_each(|id| out.raw(id.as_bytes()));
}

pub(super) fn decode_blob_ids(most: usize, body: &mut Reader) -> Result<Vec<BlobId>, MalformedMessage> {
    let count = body.count(most)?;
    (0..count).map(|_| Ok(BlobId(body.array()?))).collect()
}

/// `u8 0`, or `u8 1 ‖ 32 bytes`.
pub(super) fn encode_optional_id(id: Option<&[u8; 32]>, out: &mut Writer) {
    out.flag(id.is_some());
    if let Some(id) = id {
        out.raw(id);
    }
}

pub(super) fn decode_optional_id(body: &mut Reader) -> Result<Option<[u8; 32]>, MalformedMessage> {
    if body.flag()? { Ok(Some(body.array()?)) } else { Ok(None) }
}
