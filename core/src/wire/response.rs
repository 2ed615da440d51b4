//! Answers.

use alloc::vec::Vec;
use bytes::Bytes;

use super::check::{decode_states, encode_states};
use super::message::kind;
use super::pull::{decode_proofs, encode_proofs};
use super::request::{
    decode_blob_ids, decode_optional_id, decode_record, encode_blob_ids, encode_optional_id,
};
use super::status::{decode_nodes, encode_nodes};
use super::{
    ErrorCode, ListCursor, MembershipPage, PeerStatus, PinState, PinsKept, PinsPage, RecordsPage, Status,
    Token, VerifiedRecords, Vote, WireError,
};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::Suite;
use crate::error::MalformedMessage;
use crate::id::{BlobId, Name, NodeId};
use crate::record::Record;

/// What one side answers to a [`Request`](super::Request).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Response {
    /// To `Have`.
    Have {
        /// For each pin, on how many of the wanted replicas blob and pin are durable now; at most
        /// [`limit::HAVE_PINS`] are sent.
        copies: Vec<u8>,
        /// How many there should be (W).
        wanted: u8,
    },
    /// To `PutBlob` and `PutRecord`: it is durable. Fewer copies than wanted are a degraded write; a single node
    /// answers 1 of 1.
    Stored {
        /// On how many of the wanted replicas.
        copies: u8,
        /// How many there should be (W).
        wanted: u8,
    },
    /// To `GetBlob`.
    Blob {
        /// Which node had them.
        source: NodeId,
        /// The bytes, fewer than asked for only at the blob's end; at most [`limit::BLOB`] are sent.
        bytes: Bytes,
    },
    /// To `GetRecord`.
    Record {
        /// The newest record known, a tombstone too; `None` if there never was one.
        record: Option<Record>,
        /// The owner's floor record, if there is one.
        floor: Option<Record>,
        /// A quorum agreed.
        fresh: bool,
    },
    /// To `ListRecords`: a page.
    Records {
        /// Records without their bodies, in the order of their names. At most [`limit::LIST_ROWS`] and
        /// [`limit::LIST_BYTES`] are sent; `next` then says where the page really ends.
        records: Vec<Record>,
        /// Where the list goes on; `None` at its end.
        next: Option<ListCursor>,
        /// The owner's floor record, if there is one.
        floor: Option<Record>,
        /// Every responsible replica set answered.
        complete: bool,
    },
    /// To `Status`.
    Status(Status),
    /// To `Evict`: what was dropped.
    Evicted {
        /// How many blobs.
        blobs: u64,
        /// Their bytes, and those of records' parts.
        bytes: u64,
    },
    /// To `Verify`: a page.
    Verified {
        /// How many blobs were hashed.
        checked: u64,
        /// Their bytes.
        bytes: u64,
        /// Those that were damaged; at most [`limit::DAMAGED`] are sent.
        damaged: Vec<BlobId>,
        /// The last one hashed, if there are more.
        next: Option<BlobId>,
    },
    /// To `VerifyRecords`: a page.
    VerifiedRecords(VerifiedRecords),
    /// To `Peers`: the members, at most [`limit::MEMBERS`].
    Peers(Vec<PeerStatus>),
    /// To `Invite`.
    Invite {
        /// The token; peers that do not fit its text are left out.
        token: Token,
    },
    /// To `Leave`: how far it is.
    Leave {
        /// The node is no member any more, and another one knows: it stops.
        done: bool,
        /// The members that still take over what it holds, or cannot be reached; at most [`limit::MEMBERS`] are sent.
        waits_for: Vec<NodeId>,
        /// How much is still here alone.
        strays: u64,
    },
    /// To `Ban`: it was done.
    Done,
    /// To `Ping`.
    Pong {
        /// The sender's wall clock, Unix milliseconds.
        unix_ms: u64,
    },
    /// To `View`.
    View(MembershipPage),
    /// To `PullRecords`.
    PulledRecords(RecordsPage),
    /// To `PullPins`.
    PulledPins(PinsPage),
    /// To `Prove`: SHA-256(nonce ‖ blob) for each blob that is here; at most [`limit::PROVE_BLOBS`] are sent.
    Proved(Vec<Option<[u8; 32]>>),
    /// To `PutPins`: it is durable.
    PinsKept(PinsKept),
    /// To `CheckPins`: what is known of the first ones, as many as fit; at most [`limit::CHECK_PINS`] are sent.
    Checked(Vec<PinState>),
    /// To `Forget`.
    Forgotten {
        /// Nothing older was here, and nothing of the name is but the tombstone.
        clean: bool,
    },
    /// To any request: it was not done.
    Error(WireError),
}

impl Response {
    pub(super) const fn kind(&self) -> u8 {
        match self {
            Self::Have { .. } => kind::ANSWER | kind::HAVE,
            Self::Stored { .. } => kind::ANSWER | kind::PUT_BLOB,
            Self::Blob { .. } => kind::ANSWER | kind::GET_BLOB,
            Self::Record { .. } => kind::ANSWER | kind::GET_RECORD,
            Self::Records { .. } => kind::ANSWER | kind::LIST_RECORDS,
            Self::Status(_) => kind::ANSWER | kind::STATUS,
            Self::Evicted { .. } => kind::ANSWER | kind::EVICT,
            Self::Verified { .. } => kind::ANSWER | kind::VERIFY,
            Self::VerifiedRecords(_) => kind::ANSWER | kind::VERIFY_RECORDS,
            Self::Peers(_) => kind::ANSWER | kind::PEERS,
            Self::Invite { .. } => kind::ANSWER | kind::INVITE,
            Self::Leave { .. } => kind::ANSWER | kind::LEAVE,
            Self::Done => kind::ANSWER | kind::BAN,
            Self::Pong { .. } => kind::ANSWER | kind::PING,
            Self::View(_) => kind::ANSWER | kind::VIEW,
            Self::PulledRecords(_) => kind::ANSWER | kind::PULL_RECORDS,
            Self::PulledPins(_) => kind::ANSWER | kind::PULL_PINS,
            Self::Proved(_) => kind::ANSWER | kind::PROVE,
            Self::PinsKept(_) => kind::ANSWER | kind::PUT_PINS,
            Self::Checked(_) => kind::ANSWER | kind::CHECK_PINS,
            Self::Forgotten { .. } => kind::ANSWER | kind::FORGET,
            Self::Error(_) => kind::ERROR,
        }
    }

    /// True for answers whose worth depends on who keeps what: with them a node may send its [`Vote`].
    pub const fn may_vote(&self) -> bool {
        match self {
            Self::Have { .. }
            | Self::Stored { .. }
            | Self::Record { .. }
            | Self::Records { .. }
            | Self::Proved(_)
            | Self::PinsKept(_)
            | Self::Checked(_)
            | Self::Error(_) => true,
            Self::Blob { .. }
            | Self::Status(_)
            | Self::Evicted { .. }
            | Self::Verified { .. }
            | Self::VerifiedRecords(_)
            | Self::Peers(_)
            | Self::Invite { .. }
            | Self::Leave { .. }
            | Self::Done
            | Self::Pong { .. }
            | Self::View(_)
            | Self::PulledRecords(_)
            | Self::PulledPins(_)
            | Self::Forgotten { .. } => false,
        }
    }

    /// Writes the body; a bulk payload is given back and follows as the last field.
    pub(super) fn encode(&self, out: &mut Writer) -> Option<Bytes> {
        match self {
            Self::Have { copies, wanted } => {
                out.bytes16(&copies[..copies.len().min(limit::HAVE_PINS)]);
                out.u8(*wanted);
            }
            Self::Stored { copies, wanted } => {
                out.u8(*copies);
                out.u8(*wanted);
            }
            Self::Blob { source, bytes } => {
                out.raw(source.as_bytes());
                return Some(bytes.slice(..bytes.len().min(limit::BLOB)));
            }
            Self::Record { record, floor, fresh } => {
                encode_optional_record(record.as_ref(), out);
                encode_optional_record(floor.as_ref(), out);
                out.flag(*fresh);
            }
            Self::Records { records, next, floor, complete } => {
                let next = encode_records(records, *next, out);
                encode_optional_id(next.as_ref().map(|cursor| cursor.0.as_bytes()), out);
                encode_optional_record(floor.as_ref(), out);
                out.flag(*complete);
            }
            Self::Status(status) => status.encode(out),
            Self::Evicted { blobs, bytes } => {
                out.u64(*blobs);
                out.u64(*bytes);
            }
            Self::Verified { checked, bytes, damaged, next } => {
                out.u64(*checked);
                out.u64(*bytes);
                encode_blob_ids(damaged, limit::DAMAGED, out);
                encode_optional_id(next.as_ref().map(BlobId::as_bytes), out);
            }
            Self::VerifiedRecords(page) => page.encode(out),
            Self::Peers(peers) => {
                let count = out.count(peers.len(), limit::MEMBERS);
                peers.iter().take(count).for_each(|peer| peer.encode(out));
            }
            Self::Invite { token } => out.bytes16(token.to_text().as_bytes()),
            Self::Leave { done, waits_for, strays } => {
                out.flag(*done);
                encode_nodes(waits_for, out);
                out.u64(*strays);
            }
            Self::Done => {}
            Self::Pong { unix_ms } => out.u64(*unix_ms),
            Self::View(page) => page.encode(out),
            Self::PulledRecords(page) => page.encode(out),
            Self::PulledPins(page) => page.encode(out),
            Self::Proved(proofs) => encode_proofs(proofs, out),
            Self::PinsKept(kept) => kept.encode(out),
            Self::Checked(states) => encode_states(states, out),
            Self::Forgotten { clean } => out.flag(*clean),
            Self::Error(error) => {
                out.u8(error.code as u8);
                encode_optional_record(error.current.as_ref(), out);
            }
        }
        None
    }

    pub(super) fn decode(
        suite: Suite,
        kind: u8,
        mut body: Reader,
    ) -> Result<(Self, Option<Vote>), MalformedMessage> {
        if kind == kind::ERROR {
            let error = WireError {
                code: ErrorCode::from_number(body.u8()?),
                current: decode_optional_record(suite, &mut body)?,
            };
            return Ok((Self::Error(error), Vote::decode(body)?));
        }
        let response = match kind & !kind::ANSWER {
            kind::HAVE => Self::Have { copies: body.bytes16(limit::HAVE_PINS)?.to_vec(), wanted: body.u8()? },
            kind::PUT_BLOB => Self::Stored { copies: body.u8()?, wanted: body.u8()? },
            kind::GET_BLOB => {
                let source = NodeId(body.array()?);
                return Ok((Self::Blob { source, bytes: body.payload(limit::BLOB)? }, None));
            }
            kind::GET_RECORD => Self::Record {
                record: decode_optional_record(suite, &mut body)?,
                floor: decode_optional_record(suite, &mut body)?,
                fresh: body.flag()?,
            },
            kind::LIST_RECORDS => Self::Records {
                records: decode_records(suite, &mut body)?,
                next: decode_optional_id(&mut body)?.map(|name| ListCursor(Name(name))),
                floor: decode_optional_record(suite, &mut body)?,
                complete: body.flag()?,
            },
            kind::STATUS => Self::Status(Status::decode(&mut body)?),
            kind::EVICT => Self::Evicted { blobs: body.u64()?, bytes: body.u64()? },
            kind::VERIFY => Self::Verified {
                checked: body.u64()?,
                bytes: body.u64()?,
                damaged: decode_blob_ids(limit::DAMAGED, &mut body)?,
                next: decode_optional_id(&mut body)?.map(BlobId),
            },
            kind::VERIFY_RECORDS => Self::VerifiedRecords(VerifiedRecords::decode(&mut body)?),
            kind::PEERS => {
                let count = body.count(limit::MEMBERS)?;
                Self::Peers((0..count).map(|_| PeerStatus::decode(&mut body)).collect::<Result<_, _>>()?)
            }
            kind::INVITE => Self::Invite { token: decode_token(&mut body)? },
            kind::LEAVE => {
                Self::Leave { done: body.flag()?, waits_for: decode_nodes(&mut body)?, strays: body.u64()? }
            }
            kind::BAN => Self::Done,
            kind::PING => Self::Pong { unix_ms: body.u64()? },
            kind::VIEW => Self::View(MembershipPage::decode(&mut body)?),
            kind::PULL_RECORDS => Self::PulledRecords(RecordsPage::decode(suite, &mut body)?),
            kind::PULL_PINS => Self::PulledPins(PinsPage::decode(&mut body)?),
            kind::PROVE => Self::Proved(decode_proofs(&mut body)?),
            kind::PUT_PINS => Self::PinsKept(PinsKept::decode(suite, &mut body)?),
            kind::CHECK_PINS => Self::Checked(decode_states(suite, &mut body)?),
            kind::FORGET => Self::Forgotten { clean: body.flag()? },
            _ => return Err(MalformedMessage::Value),
        };
        if response.may_vote() {
            return Ok((response, Vote::decode(body)?));
        }
        body.finish()?;
        Ok((response, None))
    }
}

/// Writes as many records as a page may have, and returns where it ends.
fn encode_records(records: &[Record], next: Option<ListCursor>, out: &mut Writer) -> Option<ListCursor> {
    let mut bytes = 0;
    let fits = |record: &&Record| {
        bytes += record.bytes().len();
        bytes <= limit::LIST_BYTES
    };
    let fitting = records.iter().take(usize::from(limit::LIST_ROWS)).take_while(fits).count();
    let count = out.count(fitting, usize::from(limit::LIST_ROWS));
    let (page, rest) = records.split_at(count);
    page.iter().for_each(|record| out.bytes32(record.bytes()));
    match page.last() {
        Some(last) if !rest.is_empty() => Some(ListCursor(last.header().name)),
        _ => next,
    }
}

fn decode_records(suite: Suite, body: &mut Reader) -> Result<Vec<Record>, MalformedMessage> {
    let count = body.count(usize::from(limit::LIST_ROWS))?;
    let mut left = limit::LIST_BYTES;
    let mut decode = || {
        let record = decode_record(suite, body)?;
        left = left.checked_sub(record.bytes().len()).ok_or(MalformedMessage::Value)?;
        Ok(record)
    };
    (0..count).map(|_| decode()).collect()
}

fn encode_optional_record(record: Option<&Record>, out: &mut Writer) {
    out.flag(record.is_some());
    if let Some(record) = record {
        out.bytes32(record.bytes());
    }
}

fn decode_optional_record(suite: Suite, body: &mut Reader) -> Result<Option<Record>, MalformedMessage> {
    if body.flag()? { Ok(Some(decode_record(suite, body)?)) } else { Ok(None) }
}

fn decode_token(body: &mut Reader) -> Result<Token, MalformedMessage> {
    let text = body.bytes16(limit::TOKEN)?;
    let text = core::str::from_utf8(&text).map_err(|_| MalformedMessage::Value)?;
    Token::from_text(text).map_err(|_| MalformedMessage::Value)
}
