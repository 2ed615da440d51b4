//! Bodies of requests (PROTOCOL.md 12), and what comes of the common ones.

use crate::bytes::Out;
use crate::link::{Link, kind};
use crate::noise::sha256;
use crate::signed::{Owner, version};

/// Codes of errors.
pub(crate) mod code {
    pub(crate) const UNSUPPORTED: u8 = 1;
    pub(crate) const FORBIDDEN: u8 = 2;
    pub(crate) const NOT_FOUND: u8 = 3;
    pub(crate) const STALE: u8 = 4;
    pub(crate) const PAST: u8 = 5;
    pub(crate) const FUTURE: u8 = 6;
    pub(crate) const INVALID: u8 = 9;
    pub(crate) const OTHER_SET: u8 = 15;
}

pub(crate) fn have(pins: &[Vec<u8>]) -> Vec<u8> {
    let count = Out::new().u16(u16::try_from(pins.len()).unwrap());
    pins.iter().fold(count, |out, pin| out.short(pin)).done()
}

pub(crate) fn put_blob(pin: &[u8], blob: &[u8]) -> Vec<u8> {
    Out::new().u16(1).short(pin).u16(0xffff).long(blob).done()
}

pub(crate) fn get_blob(id: &[u8; 32]) -> Vec<u8> {
    Out::new().raw(id).u32(0).u32(0).done()
}

pub(crate) fn put_record(record: &[u8]) -> Vec<u8> {
    Out::new().long(record).done()
}

pub(crate) fn get_record(owner: &[u8; 32], name: &[u8; 32]) -> Vec<u8> {
    Out::new().raw(owner).raw(name).done()
}

pub(crate) fn list_records(owner: &[u8; 32]) -> Vec<u8> {
    Out::new().raw(owner).u8(0).u16(256).u8(0).u8(255).done()
}

pub(crate) fn view(
    digest: &[u8; 32],
    admissions: &[Vec<u8>],
    removals: &[Vec<u8>],
    settings: Option<&[u8]>,
) -> Vec<u8> {
    let mut out = Out::new().raw(digest).u16(u16::try_from(admissions.len()).unwrap());
    for admission in admissions {
        out = out.raw(admission).u16(0);
    }
    out = out.u16(u16::try_from(removals.len()).unwrap());
    out = removals.iter().fold(out, |out, removal| out.raw(removal));
    out = match settings {
        Some(settings) => out.u8(1).raw(settings),
        None => out.u8(0),
    };
    // No standing.
    out.u8(0).done()
}

/// What a member tells of how it stands.
#[derive(Default)]
pub(crate) struct Standing {
    pub(crate) epoch: u64,
    /// Who is out, and why.
    pub(crate) out: Vec<([u8; 32], u8)>,
    /// For how many milliseconds nobody has heard whom.
    pub(crate) unheard: Vec<([u8; 32], u64)>,
    /// The members of earlier placements, all of them placed.
    pub(crate) previous: Vec<Vec<[u8; 32]>>,
}

/// A page that tells nothing but this.
pub(crate) fn view_standing(standing: &Standing) -> Vec<u8> {
    let length = |length: usize| u16::try_from(length).unwrap();
    let page = Out::new().raw(&[1; 32]).u16(0).u16(0).u8(0).u8(1);
    let out = page.raw(&[1, 0, 1]).u8(0).raw(&[3; 32]).u64(standing.epoch).u16(length(standing.out.len()));
    let out = standing.out.iter().fold(out, |out, (node, why)| out.raw(node).u8(*why));
    let out = out.u16(length(standing.unheard.len()));
    let out = standing.unheard.iter().fold(out, |out, (node, ms)| out.raw(node).u64(*ms));
    let out = out.u16(length(standing.previous.len()));
    let previous = standing.previous.iter().fold(out, |out, members| {
        let out = out.u64(standing.epoch).u8(3).u16(length(members.len()));
        members.iter().fold(out, |out, node| out.raw(node).u8(8).u8(1))
    });
    previous.done()
}

/// Stores bytes as the owner; returns the id of the blob.
#[track_caller]
pub(crate) fn store_blob(link: &mut Link, owner: &Owner, blob: &[u8]) -> [u8; 32] {
    let id = sha256(&[blob]);
    let pin = owner.pin(&version(0), &id, blob.len());
    let (kind, answer) = link.ask(kind::PUT_BLOB, &put_blob(&pin, blob));
    assert_eq!(kind, 0x91, "it is stored: {answer:?}");
    id
}

/// Writes a record as the owner.
#[track_caller]
pub(crate) fn store_record(link: &mut Link, record: &[u8]) {
    let (kind, answer) = link.ask(kind::PUT_RECORD, &put_record(record));
    assert_eq!(kind, 0x91, "it is stored: {answer:?}");
}

/// The newest record of a name, as the node tells it.
#[track_caller]
pub(crate) fn newest(link: &mut Link, owner: &Owner, name: &[u8; 32]) -> Vec<u8> {
    let (kind, answer) = link.ask(kind::GET_RECORD, &get_record(&owner.id(), name));
    assert_eq!((kind, answer[0]), (0x94, 1), "there is a record");
    let length = usize::try_from(u32::from_be_bytes(answer[1..5].try_into().unwrap())).unwrap();
    answer[5..5 + length].to_vec()
}
