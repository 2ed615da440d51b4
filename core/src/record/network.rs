//! What a network signs with its own key: admissions, removals, settings. Each is
//! `magic ‖ fields in their order ‖ u16 length ‖ optional fields ‖ signature`.

use core::time::Duration;

use bytes::Bytes;

use super::codec::SIGNATURE;
use super::{Fields, SignedError};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::crypto::{Signature, SigningKey, Suite, label, signed_message};
use crate::id::{NetworkId, NodeId};

/// The identity of a network: a labelled hash of the public key it was founded with.
pub fn network_id(suite: Suite, founding_key: &[u8; 32]) -> NetworkId {
    // Labels are far below 256 bytes.
    let len = label::NETWORK.len() as u8;
    NetworkId(suite.hash(&[&[len], label::NETWORK.as_bytes(), founding_key]))
}

/// Leave for a node to take part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admission {
    /// Which node.
    pub node: NodeId,
    /// At how many positions it stands on the ring, 1 to [`limit::POSITIONS`].
    pub positions: u8,
    /// It holds only extra copies, in memory.
    pub volatile: bool,
    /// The higher serial wins; at equal ones a removal.
    pub serial: u64,
    /// Unix milliseconds after which it opens no links; 0 for no end.
    pub not_after: u64,
    /// Optional fields that this version does not know.
    pub unknown: Fields,
    /// The network's.
    pub signature: Signature,
}

/// Word that a node takes part no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// Which node.
    pub node: NodeId,
    /// True if it was banned, false if it left.
    pub banned: bool,
    /// As in [`Admission`].
    pub serial: u64,
    /// Optional fields that this version does not know.
    pub unknown: Fields,
    /// The network's.
    pub signature: Signature,
}

/// What all members hold to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The higher number wins.
    pub number: u64,
    /// Copies of everything, 1 to [`limit::REPLICAS`].
    pub replicas: u8,
    /// Silence after which a member leaves the placement, in whole milliseconds.
    pub gone_after: Duration,
    /// How long a blob outlives its last pin, for readers in flight, in whole milliseconds.
    pub linger: Duration,
    /// Optional fields that this version does not know.
    pub unknown: Fields,
    /// The network's.
    pub signature: Signature,
}

/// What all three have in common: a signature over the content, which follows it.
macro_rules! signed_by_the_network {
    ($word:ty, $label:expr) => {
        impl $word {
            fn signed(mut self, network: &NetworkId, key: &SigningKey) -> Self {
                self.signature = key.sign($label, network, &[&self.content()]);
                self
            }

            /// Checks the signature.
            pub fn verify(
                &self,
                suite: Suite,
                network: &NetworkId,
                network_key: &[u8; 32],
            ) -> Result<(), SignedError> {
                let message = signed_message($label, network, &[&self.content()]);
                check(suite.verify(network_key, &message, &self.signature))
            }

            /// Appends the bytes.
            pub fn encode(&self, out: &mut Writer) {
                out.raw(&self.content());
                out.raw(&self.signature.0);
            }
        }
    };
}

signed_by_the_network!(Admission, label::ADMISSION);
signed_by_the_network!(Removal, label::REMOVAL);
signed_by_the_network!(Settings, label::SETTINGS);

impl Admission {
    /// Signs; `signature` of `self` is replaced, and `positions` brought into its range.
    pub fn sign(mut self, network: &NetworkId, key: &SigningKey) -> Self {
        self.positions = self.positions.clamp(1, limit::POSITIONS);
        self.signed(network, key)
    }

    /// Reads them off the front.
    pub fn decode(reader: &mut Reader) -> Result<Self, SignedError> {
        magic(reader, Self::MAGIC)?;
        let node = NodeId(reader.array()?);
        let positions = in_range(reader.u8()?, limit::POSITIONS)?;
        Ok(Self {
            node,
            positions,
            volatile: reader.flag()?,
            serial: reader.u64()?,
            not_after: reader.u64()?,
            unknown: decode_fields(reader)?,
            signature: Signature(reader.array()?),
        })
    }

    const MAGIC: [u8; 4] = *b"QSa\x01";

    fn content(&self) -> Bytes {
        let mut out = begin(Self::MAGIC);
        out.raw(self.node.as_bytes());
        out.u8(self.positions);
        out.flag(self.volatile);
        out.u64(self.serial);
        out.u64(self.not_after);
        end(out, &self.unknown)
    }
}

impl Removal {
    /// Signs; `signature` of `self` is replaced.
    pub fn sign(self, network: &NetworkId, key: &SigningKey) -> Self {
        self.signed(network, key)
    }

    /// Reads them off the front.
    pub fn decode(reader: &mut Reader) -> Result<Self, SignedError> {
        magic(reader, Self::MAGIC)?;
        Ok(Self {
            node: NodeId(reader.array()?),
            banned: reader.flag()?,
            serial: reader.u64()?,
            unknown: decode_fields(reader)?,
            signature: Signature(reader.array()?),
        })
    }

    const MAGIC: [u8; 4] = *b"QSx\x01";

    fn content(&self) -> Bytes {
        let mut out = begin(Self::MAGIC);
        out.raw(self.node.as_bytes());
        out.flag(self.banned);
        out.u64(self.serial);
        end(out, &self.unknown)
    }
}

impl Settings {
    /// Signs; `signature` of `self` is replaced, `replicas` brought into its range, both durations cut to whole
    /// milliseconds.
    pub fn sign(mut self, network: &NetworkId, key: &SigningKey) -> Self {
        self.replicas = self.replicas.clamp(1, limit::REPLICAS);
        self.gone_after = Duration::from_millis(millis(self.gone_after));
        self.linger = Duration::from_millis(millis(self.linger));
        self.signed(network, key)
    }

    /// Reads them off the front.
    pub fn decode(reader: &mut Reader) -> Result<Self, SignedError> {
        magic(reader, Self::MAGIC)?;
        let number = reader.u64()?;
        let replicas = in_range(reader.u8()?, limit::REPLICAS)?;
        Ok(Self {
            number,
            replicas,
            gone_after: Duration::from_millis(reader.u64()?),
            linger: Duration::from_millis(reader.u64()?),
            unknown: decode_fields(reader)?,
            signature: Signature(reader.array()?),
        })
    }

    const MAGIC: [u8; 4] = *b"QSs\x01";

    fn content(&self) -> Bytes {
        let mut out = begin(Self::MAGIC);
        out.u64(self.number);
        out.u8(self.replicas);
        out.u64(millis(self.gone_after));
        out.u64(millis(self.linger));
        end(out, &self.unknown)
    }
}

fn begin(magic: [u8; 4]) -> Writer {
    let mut out = Writer::with_capacity(64 + SIGNATURE);
    out.raw(&magic);
    out
}

fn end(mut out: Writer, unknown: &Fields) -> Bytes {
    // At most limit::FIELDS, which a u16 holds.
    out.u16(unknown.encoded_len() as u16);
    unknown.encode(&mut out);
    out.freeze()
}

fn magic(reader: &mut Reader, magic: [u8; 4]) -> Result<(), SignedError> {
    if reader.array()? == magic { Ok(()) } else { Err(SignedError::Unknown) }
}

fn decode_fields(reader: &mut Reader) -> Result<Fields, SignedError> {
    Fields::decode(Reader::new(reader.bytes16(limit::FIELDS)?))
}

fn in_range(value: u8, max: u8) -> Result<u8, SignedError> {
    if (1..=max).contains(&value) { Ok(value) } else { Err(SignedError::Limit) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn check(verified: bool) -> Result<(), SignedError> {
    if verified { Ok(()) } else { Err(SignedError::Signature) }
}
