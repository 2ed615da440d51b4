//! What nodes tell each other of the membership of their network.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::Standing;
use super::hello::{decode_addrs, encode_addrs};
use super::list::encode_list;
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
    /// Removals; at most [`limit::MEMBERS`] and a sixth of it are sent.
    pub removals: Vec<Removal>,
    /// The settings.
    pub settings: Option<Settings>,
    /// How the sender stands; a page that is kept has none.
    pub standing: Option<Box<Standing>>,
}

impl MembershipPage {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.raw(&self.digest);
        encode_list(&self.admissions, limit::MEMBERS, ADMISSION_BYTES, out, |(admission, addrs), out| {
            admission.encode(out);
            encode_addrs(addrs, out);
        });
        encode_list(&self.removals, limit::MEMBERS, REMOVAL_BYTES, out, Removal::encode);
        out.flag(self.settings.is_some());
        if let Some(settings) = &self.settings {
            settings.encode(out);
        }
        out.flag(self.standing.is_some());
        if let Some(standing) = &self.standing {
            standing.encode(out);
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
        let standing = if body.flag()? { Some(Box::new(Standing::decode(body)?)) } else { None };
        Ok(Self { digest, admissions, removals, settings, standing })
    }
}

/// Both lists, the settings and the standing, with all the optional fields they may have, fit a message that nothing
/// pays for.
const ADMISSION_BYTES: usize = limit::CONTROL_MESSAGE / 3;
/// See [`ADMISSION_BYTES`].
const REMOVAL_BYTES: usize = limit::CONTROL_MESSAGE / 6;
