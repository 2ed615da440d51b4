//! What nodes tell each other of the membership of their network.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::hello::{decode_addrs, encode_addrs};
use crate::codec::{Reader, Writer};
use crate::config::limit;
use crate::error::MalformedMessage;
use crate::record::{Admission, Removal, Settings};

/// A part of what a node knows of the membership, or all of it.
///
/// A digest with nothing else asks: is yours the same?
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MembershipPage {
    /// [`Membership::digest`](crate::record::Membership::digest) of all that the sender knows.
    pub digest: [u8; 32],
    /// Admissions, with addresses to dial (at most [`limit::ADDRS`] each). At most [`limit::MEMBERS`] and a third
    /// of [`limit::CONTROL_MESSAGE`] are sent.
    pub admissions: Vec<(Admission, Vec<SocketAddr>)>,
    /// Removals; as many are sent as of admissions.
    pub removals: Vec<Removal>,
    /// The settings.
    pub settings: Option<Settings>,
}

impl MembershipPage {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.raw(&self.digest);
        encode_list(&self.admissions, out, |(admission, addrs), out| {
            admission.encode(out);
            encode_addrs(addrs, out);
        });
        encode_list(&self.removals, out, Removal::encode);
        out.flag(self.settings.is_some());
        if let Some(settings) = &self.settings {
            settings.encode(out);
        }
    }

    pub(super) fn decode(body: &mut Reader) -> Result<Self, MalformedMessage> {
        let digest = body.array()?;
        let count = body.count(limit::MEMBERS)?;
        let admissions = (0..count)
            .map(|_| Ok((Admission::decode(body)?, decode_addrs(body)?)))
            .collect::<Result<_, MalformedMessage>>()?;
        let count = body.count(limit::MEMBERS)?;
        let removals =
            (0..count).map(|_| Ok(Removal::decode(body)?)).collect::<Result<_, MalformedMessage>>()?;
        let settings = if body.flag()? { Some(Settings::decode(body)?) } else { None };
        Ok(Self { digest, admissions, removals, settings })
    }
}

/// Both lists and the settings, with all the optional fields they may have, fit a message that nothing pays for.
const LIST_BYTES: usize = limit::CONTROL_MESSAGE / 3;

fn encode_list<T>(items: &[T], out: &mut Writer, encode: impl Fn(&T, &mut Writer)) {
    let mut list = Writer::default();
    let mut count = 0;
    for item in items.iter().take(limit::MEMBERS) {
        let mut one = Writer::default();
        encode(item, &mut one);
        if list.len() + one.len() > LIST_BYTES {
            break;
        }
        list.raw(one.written());
        count += 1;
    }
    out.count(count, limit::MEMBERS);
    out.raw(list.written());
}
