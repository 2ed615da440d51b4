//! The members of a town: nodes, and those who lie.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::super::liar::{Directory, Liar, LiarSetup, LieChances};
use super::super::network::HostId;
use super::super::peer::Peer;
use super::{Setup, Town, bytes};
use crate::crypto::{LinkIdentity, Secret, Signature, SigningKey};
use crate::node::{Node, NodeSetup};
use crate::record::{Admission, Fields, network_id};
use crate::session::{LocalRole, LocalSide};

impl Town {
    /// Adds a node; the first one founds the network, the others know the first.
    pub fn add_node(&mut self) -> HostId {
        self.add_node_among(&self.first(), false)
    }

    /// Adds a node that knows these; it founds the network if there are none.
    pub fn add_node_among(&mut self, known: &[HostId], volatile: bool) -> HostId {
        let control = SigningKey::from_seed(self.options.suite, Secret::new(bytes(&mut self.rng)));
        let setup = NodeSetup { volatile, ..self.new_node(&control, known) };
        let addr = setup.listen[0];
        self.inhabitants.push(Setup::Node(Box::new(setup.clone()), control));
        self.world.add(addr, true, |now| Peer::Node(Box::new(Node::new(now, setup))))
    }

    /// Adds a member that lies so often. It is nobody's entry.
    pub fn add_liar(&mut self, chances: LieChances) -> HostId {
        let control = SigningKey::from_seed(self.options.suite, Secret::new(bytes(&mut self.rng)));
        let node = self.new_node(&control, &self.first());
        let liar = LiarSetup {
            config: self.options.config.clone(),
            side: self.side_of(&node),
            directory: Directory::clone(&self.directory),
            chances,
            seed: bytes(&mut self.rng),
        };
        let addr = node.listen[0];
        self.inhabitants.push(Setup::Liar(Box::new(node.clone()), Box::new(liar.clone())));
        self.world.add(addr, true, |now| Peer::Liar(Box::new(Liar::new(Node::new(now, node), liar))))
    }

    /// The first node, if there is one.
    fn first(&self) -> Vec<HostId> {
        let first = self.inhabitants.iter().position(|setup| matches!(setup, Setup::Node(..)));
        first.map(HostId).into_iter().collect()
    }

    /// Setup of a node at the next address that knows these.
    fn new_node(&mut self, control: &SigningKey, known: &[HostId]) -> NodeSetup {
        let peers: Vec<_> = known.iter().map(|host| (None, self.node_setup(*host).0.listen[0])).collect();
        let setup = NodeSetup {
            suite: self.options.suite,
            config: self.options.config.clone(),
            network_key: *self.signing.public(),
            signing: Some(self.signing.clone()),
            psks: vec![(0, self.psk.clone())],
            identity: LinkIdentity::from_secret(self.options.suite, Secret::new(bytes(&mut self.rng))),
            control: *control.public(),
            settings: peers.is_empty().then_some(self.options.settings),
            founder: peers.is_empty(),
            is_new: true,
            rejoin: false,
            listen: vec![self.next_addr()],
            peers,
            positions: 8,
            volatile: false,
            seed: bytes(&mut self.rng),
            version: String::from("sim"),
        };
        self.directory.borrow_mut().insert(self.id_of(&setup), setup.identity.clone());
        setup
    }

    /// What a liar shows to others in the place of its node.
    fn side_of(&self, node: &NodeSetup) -> LocalSide {
        let network = network_id(self.options.suite, self.signing.public());
        let admission = Admission {
            node: self.id_of(node),
            positions: node.positions,
            volatile: false,
            serial: 1,
            not_after: 0,
            unknown: Fields::default(),
            signature: Signature([0; 64]),
        };
        let role = LocalRole::Node {
            identity: node.identity.clone(),
            admission: admission.sign(&network, &self.signing),
            addrs: node.listen.clone(),
            incarnation: [9; 16],
            control: None,
        };
        let network_key = *self.signing.public();
        LocalSide { suite: self.options.suite, network, network_key, psks: node.psks.clone(), role }
    }
}
