//! What this node knows of the network: who belongs to it, and the settings all hold to.
//!
//! Everything is signed with the network's key and verified before it is kept. Knows nothing of links.

use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::net::SocketAddr;

use super::syncing::Roll;
use super::{NodeSetup, SettingsWanted, View};
use crate::config::limit;
use crate::crypto::{Signature, SigningKey, Suite};
use crate::error::PeerFault;
use crate::id::{NetworkId, NodeId};
use crate::record::{Admission, Membership, MembershipChange, Removal, Settings, network_id};
use crate::wire::{MembershipPage, Message, Response};

/// Members, removals and settings.
#[derive(Debug)]
pub(super) struct Members {
    suite: Suite,
    network: NetworkId,
    network_key: [u8; 32],
    known: Membership,
    settings: Option<Settings>,
    digest: [u8; 32],
    /// True once the membership was taken from a member: before, this node cannot know how many it takes.
    pub(super) joined: bool,
}

/// What a page brought that was not known.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) admissions: Vec<Admission>,
    pub(super) removals: Vec<Removal>,
    pub(super) settings: bool,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.admissions.is_empty() && self.removals.is_empty() && !self.settings
    }
}

impl Members {
    pub(super) fn new(suite: Suite, network_key: [u8; 32], founder: bool) -> Self {
        let known = Membership::default();
        let digest = known.digest(suite);
        let network = network_id(suite, &network_key);
        Self { suite, network, network_key, known, settings: None, digest, joined: founder }
    }

    pub(super) const fn network(&self) -> NetworkId {
        self.network
    }

    pub(super) const fn settings(&self) -> Option<&Settings> {
        self.settings.as_ref()
    }

    pub(super) const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    pub(super) fn admission(&self, node: &NodeId) -> Option<&Admission> {
        self.known.member(node)
    }

    pub(super) fn is_removed(&self, node: &NodeId) -> bool {
        self.removed(node).is_some()
    }

    /// The word by which the node is a member no more.
    pub(super) fn removed(&self, node: &NodeId) -> Option<&Removal> {
        self.known.removal(node)
    }

    /// True if the node was removed after this admission was signed.
    pub(super) fn overrules(&self, admission: &Admission) -> bool {
        self.known.removal(&admission.node).is_some_and(|removal| removal.serial >= admission.serial)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.known.members().map(|admission| admission.node)
    }

    pub(super) fn count(&self) -> usize {
        self.known.member_count()
    }

    /// Copies of everything, as far as there are members.
    pub(super) fn replicas(&self) -> u8 {
        self.settings.as_ref().map_or(SettingsWanted::DEFAULT_REPLICAS, |settings| settings.replicas)
    }

    /// The members that could hold what counts, in the order of their ids, with their numbers of positions: volatile
    /// ones only if there are no others.
    pub(super) fn counted(&self) -> Vec<(NodeId, u8)> {
        let durable = self.known.members().any(|member| !member.volatile);
        let counted = self.known.members().filter(|member| !(durable && member.volatile));
        counted.map(|member| (member.node, member.positions)).collect()
    }

    /// The ring of those that are not out.
    pub(super) fn view(&self, is_out: impl Fn(&NodeId) -> bool) -> View {
        let counted = self.counted();
        let placed = counted.iter().filter(|(node, _)| !is_out(node)).copied();
        View::new(self.suite, self.replicas(), placed, counted.len())
    }

    /// The founder's first words: the settings.
    pub(super) fn found(&mut self, setup: &NodeSetup) {
        let Some(key) = &setup.signing else { return };
        let wanted = setup.settings.unwrap_or_default();
        let settings = Settings {
            number: 1,
            replicas: wanted.replicas.unwrap_or(SettingsWanted::DEFAULT_REPLICAS),
            gone_after: wanted.gone_after.unwrap_or(SettingsWanted::DEFAULT_GONE_AFTER),
            linger: wanted.linger.unwrap_or(SettingsWanted::DEFAULT_LINGER),
            unknown: Default::default(),
            signature: Signature([0; 64]),
        };
        self.settings = Some(settings.sign(&self.network, key));
    }

    /// Admits this node itself, if it holds the network's signing key and is not a member yet on these terms.
    /// `None` if it can be none.
    pub(super) fn admit_own(&mut self, setup: &NodeSetup, node: NodeId) -> Option<Admission> {
        let known = self.known.member(&node);
        let removed = self.known.removal(&node);
        let positions = setup.positions.clamp(1, limit::POSITIONS);
        if known.is_some_and(|own| own.positions == positions && own.volatile == setup.volatile) {
            return known.cloned();
        }
        let Some(key) = &setup.signing else { return known.cloned() };
        let serial = known.map(|own| own.serial).max(removed.map(|own| own.serial)).unwrap_or(0) + 1;
        let admission = Admission {
            node,
            positions,
            volatile: setup.volatile,
            serial,
            not_after: 0,
            unknown: Default::default(),
            signature: Signature([0; 64]),
        };
        self.known.add_admission(admission.sign(&self.network, key), limit::MEMBERS);
        self.digest = self.known.digest(self.suite);
        self.known.member(&node).cloned()
    }

    /// Takes an admission that is verified already; `None` if there is no room for it.
    pub(super) fn admit(&mut self, admission: &Admission) -> Option<News> {
        let change = self.known.add_admission(admission.clone(), limit::MEMBERS);
        self.digest = self.known.digest(self.suite);
        match change {
            MembershipChange::Full => None,
            MembershipChange::Known => Some(News::default()),
            MembershipChange::Changed => {
                Some(News { admissions: Vec::from([admission.clone()]), ..News::default() })
            }
        }
    }

    /// Takes what is new of a page. Anything with a wrong signature is its sender's fault; what came before it stays.
    pub(super) fn merge(&mut self, page: &MembershipPage) -> (News, Result<(), PeerFault>) {
        let mut news = News::default();
        let result = self.merge_into(&mut news, page);
        self.digest = self.known.digest(self.suite);
        (news, result)
    }

    fn merge_into(&mut self, news: &mut News, page: &MembershipPage) -> Result<(), PeerFault> {
        let bad = |_| PeerFault::BadProof;
        for removal in &page.removals {
            let known = self.known.removal(&removal.node);
            if known.is_some_and(|known| known.serial >= removal.serial) {
                continue;
            }
            removal.verify(self.suite, &self.network, &self.network_key).map_err(bad)?;
            if self.known.add_removal(removal.clone(), limit::MEMBERS) == MembershipChange::Changed {
                news.removals.push(removal.clone());
            }
        }
        for (admission, _) in &page.admissions {
            let known = self.known.member(&admission.node);
            let removed = self.known.removal(&admission.node);
            if known.is_some_and(|known| known == admission || known.serial > admission.serial)
                || removed.is_some_and(|removed| removed.serial >= admission.serial)
            {
                continue;
            }
            admission.verify(self.suite, &self.network, &self.network_key).map_err(bad)?;
            if self.known.add_admission(admission.clone(), limit::MEMBERS) == MembershipChange::Changed {
                news.admissions.push(admission.clone());
            }
        }
        if let Some(settings) = &page.settings
            && self.settings.as_ref().is_none_or(|known| rank(known) < rank(settings))
        {
            settings.verify(self.suite, &self.network, &self.network_key).map_err(bad)?;
            self.settings = Some(settings.clone());
            news.settings = true;
        }
        Ok(())
    }

    /// A word that a node takes part no more, in force as soon as it is merged.
    pub(super) fn removal(&self, key: &SigningKey, node: NodeId, banned: bool) -> Option<Removal> {
        let serial = self.known.member(&node)?.serial;
        let signature = Signature([0; 64]);
        let removal = Removal { node, banned, serial, unknown: Default::default(), signature };
        Some(removal.sign(&self.network, key))
    }

    /// A page that only asks whether the other side knows the same. Settings are told by those who have joined:
    /// they tell others that this is a member to join by.
    pub(super) fn question(&self) -> MembershipPage {
        let settings = self.settings.clone().filter(|_| self.joined);
        MembershipPage { digest: self.digest, settings, ..MembershipPage::default() }
    }

    /// A page with these news.
    pub(super) fn page_of(&self, news: &News, addrs: impl Fn(&NodeId) -> Vec<SocketAddr>) -> MembershipPage {
        let told = |admission: &Admission| (admission.clone(), addrs(&admission.node));
        MembershipPage {
            admissions: news.admissions.iter().map(told).collect(),
            removals: news.removals.clone(),
            ..self.question()
        }
    }

    /// A page with everything.
    pub(super) fn page(&self, addrs: impl Fn(&NodeId) -> Vec<SocketAddr>) -> MembershipPage {
        let told = |admission: &Admission| (admission.clone(), addrs(&admission.node));
        MembershipPage {
            admissions: self.known.members().map(told).collect(),
            removals: self.known.removals().cloned().collect(),
            ..self.question()
        }
    }
}

/// The higher number wins; the rest decides only where the network's key signed two settings under one number.
fn rank(settings: &Settings) -> (u64, u8, core::time::Duration, core::time::Duration, [u8; 64]) {
    (settings.number, settings.replicas, settings.gone_after, settings.linger, settings.signature.0)
}

/// A page as a row of the node's state: the bytes of the message that would carry it.
pub(super) fn page_to_row(page: MembershipPage) -> Bytes {
    let (front, back) = Message::response(0, Response::View(page)).encode();
    if back.is_empty() {
        return front;
    }
    let mut row = BytesMut::with_capacity(front.len() + back.len());
    row.extend_from_slice(&front);
    row.extend_from_slice(&back);
    row.freeze()
}

/// Reads a row back.
pub(super) fn page_from_row(suite: Suite, row: Bytes) -> Option<MembershipPage> {
    match Message::decode(suite, row) {
        Ok(Message::Response { response: Response::View(page), .. }) => Some(page),
        _ => None,
    }
}

impl Roll for Members {
    fn everyone(&self) -> Vec<NodeId> {
        self.ids().collect()
    }

    fn has_left(&self, node: &NodeId) -> bool {
        self.known.removal(node).is_some_and(|removal| !removal.banned)
    }

    fn is_banned(&self, node: &NodeId) -> bool {
        self.known.removal(node).is_some_and(|removal| removal.banned)
    }
}
