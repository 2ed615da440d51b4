//! Names for things: content ids, identities, and the ids of operations in flight.
//!
//! Every id is a plain value. Nothing here knows how an id is made from keys or bytes: that is
//! [`crate::crypto`] and [`crate::cas`].

use core::fmt;

/// Writes `bytes` as lower-case hexadecimal.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Reads the id from its lower- or upper-case hexadecimal form; `None` if it is anything else.
            pub fn from_hex(text: &str) -> Option<Self> {
                let text = text.as_bytes();
                if text.len() != 2 * $len {
                    return None;
                }
                let mut bytes = [0u8; $len];
                for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
                    let high = char::from(pair[0]).to_digit(16)?;
                    let low = char::from(pair[1]).to_digit(16)?;
                    // Two digits of base 16 are at most 255.
                    *byte = (high * 16 + low) as u8;
                }
                Some(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                write_hex(f, &self.0[..4])?;
                f.write_str("…)")
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }
    };
}

byte_id!(
    /// SHA-256 of a blob's bytes: its name, its place on disk and on the ring, and its proof of integrity.
    BlobId, 32
);
byte_id!(
    /// SHA-256 of a node's static X25519 public key.
    NodeId, 32
);
byte_id!(
    /// The Ed25519 public key of a space: whose record or pin it is.
    OwnerId, 32
);
byte_id!(
    /// The keyed hash of a key string; peers see only this.
    Name, 32
);
byte_id!(
    /// Identity of a network, fixed at its founding; every signature covers it.
    NetworkId, 32
);
byte_id!(
    /// One stored version of one file: the pieces that live and die together.
    ObjectId, 16
);
byte_id!(
    /// A point on the ring of 2^256 positions, compared as a big-endian number.
    Position, 32
);
byte_id!(
    /// The hash of a set of members: two nodes that give the same one place a key on the same replicas.
    SetHash, 32
);

/// One link. Allocated by whoever opens it, never used again.
///
/// The lowest bit tells the two allocators apart: a driver numbers what it accepted with
/// [`ConnId::accepted`], a machine what it dials with [`ConnId::dialled`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(u64);

impl ConnId {
    /// The `n`-th link that a driver accepted.
    pub const fn accepted(n: u64) -> Self {
        Self(n << 1)
    }

    /// The `n`-th link that a machine dialled.
    pub const fn dialled(n: u64) -> Self {
        Self(n << 1 | 1)
    }

    /// The id as a number, for languages that have no types of ids.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The id of a number that [`to_u64`](Self::to_u64) gave.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// True for a link that this side dialled.
    pub const fn is_dialled(self) -> bool {
        self.0 & 1 == 1
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_dialled() { "out" } else { "in" }, self.0 >> 1)
    }
}

macro_rules! counter_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

counter_id!(
    /// One command given to a machine, from its call to the event that ends it. Never used again.
    OpId
);
counter_id!(
    /// One request to the disk or one job, answered exactly once. Never used again.
    Ticket
);

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_the_hex_form_of_one_id_or_of_none(bytes: [u8; 32], text in "[0-9a-fA-F]{63,65}") {
            prop_assert_eq!(BlobId::from_hex(&BlobId(bytes).to_string()), Some(BlobId(bytes)));
            let read = BlobId::from_hex(&text).map(|id| id.to_string());
            prop_assert_eq!(read, (text.len() == 64).then(|| text.to_lowercase()));
        }
    }

    #[test]
    fn an_id_reads_back_from_its_hex_form() {
        let id = BlobId(core::array::from_fn(|i| i as u8 * 7));
        assert_eq!(BlobId::from_hex(&id.to_string()), Some(id));
        assert_eq!(BlobId::from_hex(&id.to_string().to_uppercase()), Some(id));
    }

    #[test]
    fn anything_but_hex_of_the_right_length_is_no_id() {
        for bad in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(BlobId::from_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn dialled_and_accepted_links_never_share_an_id() {
        assert_ne!(ConnId::accepted(3), ConnId::dialled(3));
        assert!(ConnId::dialled(3).is_dialled() && !ConnId::accepted(3).is_dialled());
    }
}
