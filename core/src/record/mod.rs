//! What is signed: records, pins, floors, grants, and the membership of a network.
//!
//! Everything here is verified from its own bytes. Signed bytes are kept and forwarded verbatim.
//! Knows nothing of plaintext (see `vault`) nor of who keeps what (see `node`).

mod codec;
mod fields;
mod grant;
mod header;
mod membership;
mod network;
mod pin;
mod verify;
mod version;

#[cfg(test)]
pub(crate) mod tests;

pub use codec::Record;
pub use fields::Fields;
pub use grant::Grant;
pub use header::{Floor, Header, Kind, LiveObject, PartInfo};
pub use membership::{Membership, MembershipChange};
pub use network::{Admission, Removal, Settings, network_id};
pub use pin::{Pin, PinBody};
pub use verify::{SignedError, pin_claims, record_claims, verify_pin, verify_record};
pub use version::Version;
