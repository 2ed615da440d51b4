//! The four ways in which something can be wrong, kept apart: the caller misused a machine, a peer
//! misbehaved, the disk failed, an operation ended without success. Parsers have errors of their own.
//!
//! No error carries a secret, a key string or a byte of content.

use alloc::string::String;
use thiserror::Error;

use crate::id::{ConnId, OpId, Ticket};

/// The caller broke the driver contract: the only `Err` that a machine's methods return.
/// The call had no effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum ApiMisuse {
    /// An input names a link that is not there, or not any more.
    #[error("link {0} is not open: inputs may only name links that the machine knows")]
    UnknownConn(ConnId),
    /// A link was reported connected twice.
    #[error("link {0} was reported connected before: never use a ConnId again")]
    DuplicateConn(ConnId),
    /// A result for a ticket that was never issued or was answered before.
    #[error("ticket {0} is not waiting: answer each request exactly once")]
    UnknownTicket(Ticket),
    /// A result of another kind than the request.
    #[error("the result for ticket {0} is of another kind than its request")]
    WrongResult(Ticket),
    /// More bytes were reported sent than were given out.
    #[error("more bytes were reported as sent on link {0} than were handed out")]
    SentTooMuch(ConnId),
    /// A command names an operation that is not running, or not one of this sort.
    #[error("operation {0} is not running or does not take this call")]
    UnknownOp(OpId),
    /// More data were provided than asked for, or consumed than delivered.
    #[error("operation {0}: more bytes than were asked for or delivered")]
    TooMuchData(OpId),
}

/// What a peer did wrong. It ends the link; the machine goes on.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PeerFault {
    /// The bytes are no Noise handshake under this network's key.
    #[error("handshake failed: the peer does not hold this network's key, or does not speak this protocol")]
    Handshake,
    /// The link was not open in time.
    #[error("the handshake was not finished within its deadline")]
    HandshakeTimeout,
    /// More bytes came before the link was open than a handshake has.
    #[error("too many bytes before the link was open")]
    TooManyBytesBeforeOpen,
    /// A frame that does not decrypt: altered, replayed or out of order.
    #[error("a frame failed authentication")]
    BadFrame,
    /// A message that does not parse.
    #[error("malformed message: {0}")]
    Malformed(#[from] MalformedMessage),
    /// Another major version of the protocol.
    #[error("the peer speaks protocol version {0}, this one speaks {ours}", ours = crate::config::PROTOCOL_VERSION)]
    Version(u16),
    /// The answering side is not the node that was asked for.
    #[error("the peer is not the node that was dialled")]
    WrongNode,
    /// This side has reached itself.
    #[error("the address that was dialled is this node's own; name another node, if no other is known")]
    Oneself,
    /// No valid admission of this network, an expired one, or one that was removed.
    #[error("the peer has no valid admission to this network")]
    NotAdmitted,
    /// A claim to an owner or a role without a valid signature.
    #[error("the peer's proof of its owner or role is wrong")]
    BadProof,
    /// A message that is not allowed at this point or from this role.
    #[error("a message that this role may not send, or not now")]
    NotAllowed,
    /// More bytes of a class than credit was given for.
    #[error("the peer exceeded the credit it was given")]
    CreditExceeded,
    /// More requests at once than announced.
    #[error("the peer has more requests open than its limit")]
    TooManyRequests,
    /// A message longer than the largest allowed, or more streams at once.
    #[error("a message or number of streams over the limit")]
    TooLarge,
    /// An answer that nobody asked for, or of another kind.
    #[error("an answer to no request, or of another kind than its request")]
    UnexpectedAnswer,
    /// An answer whose content is not what was asked for: a blob of another hash, a record of another name.
    #[error("an answer that is not what was asked for")]
    WrongContent,
    /// Nothing came for longer than the idle limit.
    #[error("the peer fell silent")]
    Silent,
    /// It takes nothing of what is sent to it.
    #[error("the peer reads nothing of what it is sent")]
    Stalled,
    /// Too many links of one address that are not open yet, or too many links.
    #[error("too many links")]
    TooManyLinks,
}

/// Why a message does not parse.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum MalformedMessage {
    /// It ends too early.
    #[error("it ends too early")]
    Short,
    /// Bytes follow its end.
    #[error("bytes follow its end")]
    Trailing,
    /// A count or length over its limit.
    #[error("a count or length is over its limit")]
    Limit,
    /// A value outside its range.
    #[error("a value is outside its range")]
    Value,
    /// Optional fields out of order or given twice.
    #[error("optional fields are out of order or given twice")]
    FieldOrder,
    /// A record, pin or admission inside it is malformed.
    #[error("a signed part of it is malformed")]
    Signed,
}

/// What went wrong with the disk. Absence is no error but a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DiskError {
    /// No space: nothing of the request was done.
    #[error("no space left on the disk: free some, or lower what this node offers")]
    NoSpace,
    /// Stored bytes are not what was written.
    #[error("stored bytes are damaged: run verify")]
    Corrupt,
    /// The request failed; whether it was done is unknown.
    #[error("the disk reported an error")]
    Io,
    /// Nothing written from now on can be trusted: the node goes down cleanly.
    #[error("the store failed for good: the node must stop; restart it when the disk is sound")]
    Fatal,
}

/// How an operation ends when it does not succeed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum OpError {
    /// No record under this key.
    #[error("there is nothing under this key")]
    NotFound,
    /// No peer of the network could be reached.
    #[error("no peer could be reached")]
    Unreachable,
    /// A peer answered the dial but closed after our first message: another network, or a removed token.
    #[error(
        "the peer closed the link after our first message: the token is of another network, or no longer accepted"
    )]
    WrongNetwork,
    /// The record or the pieces exist but do not open: another vault, or damage.
    #[error("what is stored under this key does not open with this vault")]
    WrongKey,
    /// A file password is needed, or the given one is wrong.
    #[error("the password of this file is missing or wrong")]
    WrongPassword,
    /// The operation's deadline passed.
    #[error("no complete answer before the deadline")]
    Deadline,
    /// Too many operations at once.
    #[error("too many operations at once: wait for one to end")]
    Busy,
    /// The key is empty, too long, holds NUL or unassigned code points.
    #[error("not a usable key: 1 to 1,024 bytes of UTF-8 without NUL or unassigned code points")]
    BadKey,
    /// A range that is not inside the file.
    #[error("the range is not inside the file")]
    BadRange,
    /// Some piece of the file is on no peer that answered.
    #[error("a piece of the file could not be had from any peer")]
    Missing,
    /// Stored bytes are damaged on every peer that has them.
    #[error("stored bytes are damaged on every peer that answered")]
    Damaged,
    /// Another device wrote this key meanwhile, again and again.
    #[error("another writer keeps changing this key: try again")]
    Conflict,
    /// The peers serve only an older version than this device has seen.
    #[error("the peers serve an older version than this device has seen")]
    Rollback,
    /// The newest version is not certain: too few replicas answered, and none of them knows any, or `--fresh` was asked for.
    #[error("too few replicas answered to be sure of the newest version")]
    NotFresh,
    /// This device's clock is further off than the network tolerates.
    #[error("this device's clock is too far from the network's: set it")]
    Clock,
    /// The peers have no space.
    #[error("the peers have no space left")]
    NoSpace,
    /// The owner's quota on the entry node is used up.
    #[error("what this user may store through this peer is used up")]
    Quota,
    /// The peer refused: this role or owner may not do it.
    #[error("the peer refused: this is not allowed for this client")]
    Forbidden,
    /// A limit of the format: file too large, tree too deep.
    #[error("over a limit of the format")]
    TooLarge,
    /// The local disk failed.
    #[error("the local disk failed: {0}")]
    Disk(#[from] DiskError),
    /// The peer misbehaved and no other is left.
    #[error("the peer misbehaved: {0}")]
    Peer(#[from] PeerFault),
    /// The disk of the peer failed.
    #[error("the peer's disk failed: look at that peer, or enter by another one")]
    PeerDisk,
    /// The peer holds what was sent for invalid.
    #[error("the peer refused what was sent as invalid: is its program, or this one, of another version?")]
    Refused,
    /// The caller cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The peer answered with an error that this version does not know.
    #[error("the peer answered with an unknown error {0}")]
    Unknown(u8),
}

impl OpError {
    /// A short, stable name for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unreachable => "unreachable",
            Self::WrongNetwork => "wrong_network",
            Self::WrongKey => "wrong_key",
            Self::WrongPassword => "wrong_password",
            Self::Deadline => "deadline",
            Self::Busy => "busy",
            Self::BadKey => "bad_key",
            Self::BadRange => "bad_range",
            Self::Missing => "missing_piece",
            Self::Damaged => "damaged",
            Self::Conflict => "conflict",
            Self::Rollback => "rollback",
            Self::NotFresh => "not_fresh",
            Self::Clock => "clock",
            Self::NoSpace => "no_space",
            Self::Quota => "quota",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too_large",
            Self::Disk(_) => "disk",
            Self::Peer(_) => "peer_fault",
            Self::PeerDisk => "peer_disk",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Why a vault file does not open.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum VaultError {
    /// Not a vault file, or of another format version.
    #[error("this is not a vault file of a version that this program knows")]
    NotAVault,
    /// No slot opens with this passphrase.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The vault has no slot without a passphrase.
    #[error("this vault needs its passphrase")]
    NeedsPassphrase,
    /// The file was altered or cut.
    #[error("the vault file is damaged: restore it from its 24 words")]
    Damaged,
    /// Parameters that would use more memory or time than allowed, or more memory than there is.
    #[error("stretching the passphrase takes more memory or time than is allowed, or than this machine has")]
    Parameters,
    /// Not 24 words of the list with a right checksum; the text names what is wrong, never a word.
    #[error("not a valid list of 24 words: {0}")]
    Words(String),
}

impl VaultError {
    /// A short, stable name for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAVault => "not_a_vault",
            Self::WrongPassphrase => "wrong_passphrase",
            Self::NeedsPassphrase => "needs_passphrase",
            Self::Damaged => "vault_damaged",
            Self::Parameters => "vault_parameters",
            Self::Words(_) => "bad_words",
        }
    }
}
