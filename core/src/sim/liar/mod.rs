//! A member that lies: a real node, and between it and all others someone who changes what it says, by dice.
//!
//! The node inside behaves as every node does, so the liar stays a member, and whatever is not a lie is plausible. Each of its
//! links ends here: outside as the liar, to the other member; inside as that member, to the node. Clients are not served.

mod lies;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::SocketAddr;

pub use self::lies::LieChances;
use self::lies::Lies;
use crate::config::Config;
use crate::crypto::LinkIdentity;
use crate::driver::{DiskReply, Input, Machine, Output};
use crate::error::ApiMisuse;
use crate::id::{ConnId, NodeId};
use crate::node::{Node, NodeEvent};
use crate::rng::Rng;
use crate::session::{LocalRole, LocalSide, PeerSide, Session, SessionEvent};
use crate::time::{Instant, Now};
use crate::wire::{CloseReason, Message, Role};

/// The keys of all members, by which a liar plays each of them for the node inside.
pub(super) type Directory = Rc<RefCell<BTreeMap<NodeId, LinkIdentity>>>;

/// What a liar begins with.
#[derive(Clone, Debug)]
pub(super) struct LiarSetup {
    pub(super) config: Config,
    /// The liar, as it shows itself to others.
    pub(super) side: LocalSide,
    pub(super) directory: Directory,
    pub(super) chances: LieChances,
    pub(super) seed: [u8; 32],
}

/// A member that lies.
#[derive(Debug)]
pub struct Liar {
    node: Box<Node>,
    config: Config,
    side: Arc<LocalSide>,
    directory: Directory,
    links: BTreeMap<ConnId, Relay>,
    outputs: VecDeque<Output<NodeEvent>>,
    lies: Lies,
    /// For its links; never for keys that count.
    rng: Rng,
}

/// A link, with its two halves.
#[derive(Debug)]
struct Relay {
    remote: SocketAddr,
    outer: Session,
    /// None until it is known who is on the other side.
    inner: Option<Session>,
    /// Requests that were made here: their answers are for nobody.
    own_requests: BTreeSet<u32>,
}

impl Liar {
    pub(super) fn new(node: Node, setup: LiarSetup) -> Self {
        let mut rng = Rng::from_seed(setup.seed);
        let mut seed = [0; 32];
        rng.fill(&mut seed);
        Self {
            node: Box::new(node),
            config: setup.config,
            side: Arc::new(setup.side),
            directory: setup.directory,
            links: BTreeMap::new(),
            outputs: VecDeque::new(),
            lies: Lies::new(setup.chances, Rng::from_seed(seed)),
            rng,
        }
    }

    /// How often it lies from now on.
    pub const fn set_chances(&mut self, chances: LieChances) {
        self.lies.chances = chances;
    }

    /// How many lies it has told.
    pub const fn told(&self) -> u64 {
        self.lies.told
    }

    fn open(&mut self, now: Now, conn: ConnId, remote: SocketAddr, entropy: [u8; 32]) {
        let side = Arc::clone(&self.side);
        let outer = if conn.is_dialled() {
            Session::dial(&self.config, now, side, None, entropy)
        } else {
            Session::accept(&self.config, now, side, entropy)
        };
        self.links.insert(conn, Relay { remote, outer, inner: None, own_requests: BTreeSet::new() });
    }

    /// The link is over, for the node too if it knows of it.
    fn end(&mut self, now: Now, conn: ConnId) -> Result<(), ApiMisuse> {
        let was_open = self.links.remove(&conn).is_some_and(|relay| relay.inner.is_some());
        match (was_open, conn.is_dialled()) {
            (true, _) => self.node.handle_input(now, Input::Disconnected { conn }),
            (false, true) => self.node.handle_input(now, Input::DialFailed { conn }),
            (false, false) => Ok(()),
        }
    }

    /// Lets the node and all halves of links go on until each waits for something from outside.
    fn settle(&mut self, now: Now) -> Result<(), ApiMisuse> {
        loop {
            let conns: Vec<ConnId> = self.links.keys().copied().collect();
            for conn in conns {
                self.relay(now, conn)?;
            }
            let mut any = false;
            while let Some(output) = self.node.poll_output() {
                any = true;
                self.perform(now, output)?;
            }
            if !any {
                return Ok(());
            }
        }
    }

    fn perform(&mut self, now: Now, output: Output<NodeEvent>) -> Result<(), ApiMisuse> {
        match output {
            Output::Send { conn, bytes } => {
                let sent = bytes.len();
                let Some(relay) = self.links.get_mut(&conn) else { return Ok(()) };
                if let Some(inner) = &mut relay.inner
                    && inner.receive(now, bytes).is_err()
                {
                    self.outputs.push_back(Output::Close { conn });
                }
                self.relay(now, conn)?;
                self.node.handle_input(now, Input::Sent { conn, bytes: sent })?;
            }
            Output::Close { conn } => {
                self.relay(now, conn)?;
                self.outputs.push_back(Output::Close { conn });
            }
            Output::Disk { ticket, request } if request.is_mutation() && self.lies.forgets() => {
                self.node.handle_input(now, Input::Disk { ticket, result: Ok(DiskReply::Done) })?;
            }
            output => self.outputs.push_back(output),
        }
        Ok(())
    }

    /// Takes what has come on either half of a link, and sends what is to go out on it.
    fn relay(&mut self, now: Now, conn: ConnId) -> Result<(), ApiMisuse> {
        let Some(mut relay) = self.links.remove(&conn) else { return Ok(()) };
        while let Some(event) = relay.outer.poll_event() {
            match event {
                SessionEvent::Open(peer) => match self.play(now, conn, &peer) {
                    Some(inner) => {
                        relay.inner = Some(inner);
                        let mut entropy = [0; 32];
                        self.rng.fill(&mut entropy);
                        let remote = relay.remote;
                        self.node.handle_input(now, Input::Connected { conn, remote, entropy })?;
                    }
                    None => {
                        relay.outer.close(CloseReason::Full);
                        self.outputs.push_back(Output::Close { conn });
                    }
                },
                SessionEvent::Message { message, class, bytes } => {
                    relay.outer.release(class, bytes);
                    relay.hear(&message, &mut self.lies);
                }
            }
        }
        while let Some(event) = relay.inner.as_mut().and_then(Session::poll_event) {
            if let SessionEvent::Message { message, class, bytes } = event {
                if let Some(inner) = &mut relay.inner {
                    inner.release(class, bytes);
                }
                relay.say(message, &mut self.lies);
            }
        }
        while let Some(bytes) = relay.outer.poll_transmit() {
            self.outputs.push_back(Output::Send { conn, bytes });
        }
        while let Some(bytes) = relay.inner.as_mut().and_then(Session::poll_transmit) {
            let taken = relay.inner.as_mut().is_some_and(|inner| inner.sent(bytes.len()));
            debug_assert!(taken, "it was handed out just now");
            self.node.handle_input(now, Input::Received { conn, bytes })?;
        }
        self.links.insert(conn, relay);
        Ok(())
    }

    /// The other member, as the node inside meets it; `None` for whom nobody here has the key.
    fn play(&mut self, now: Now, conn: ConnId, peer: &PeerSide) -> Option<Session> {
        let identity =
            self.directory.borrow().get(&peer.node).cloned().filter(|_| peer.role == Role::Node)?;
        let role = LocalRole::Node {
            identity,
            admission: peer.admission.clone()?,
            addrs: peer.addrs.clone(),
            incarnation: peer.incarnation,
            control: None,
        };
        let side = Arc::new(LocalSide { role, ..LocalSide::clone(&self.side) });
        let mut entropy = [0; 32];
        self.rng.fill(&mut entropy);
        Some(if conn.is_dialled() {
            Session::accept(&self.config, now, side, entropy)
        } else {
            Session::dial(&self.config, now, side, None, entropy)
        })
    }
}

impl Relay {
    /// What the other member says reaches the node as it is.
    fn hear(&mut self, message: &Message, lies: &mut Lies) {
        lies.remember(message);
        let Some(inner) = &mut self.inner else { return };
        match message {
            Message::Goodbye(reason) => inner.close(*reason),
            Message::Response { id, .. } if self.own_requests.remove(id) => {}
            message => inner.send(message),
        }
    }

    /// What the node says reaches the other member as the dice will have it.
    fn say(&mut self, message: Message, lies: &mut Lies) {
        if let Message::Goodbye(reason) = message {
            return self.outer.close(reason);
        }
        lies.remember(&message);
        for told in lies.tell(message) {
            if let Message::Request { id, .. } = &told
                && Lies::is_own(*id)
            {
                self.own_requests.insert(*id);
            }
            self.outer.send(&told);
        }
    }
}

impl Machine for Liar {
    type Event = NodeEvent;

    fn handle_input(&mut self, now: Now, input: Input) -> Result<(), ApiMisuse> {
        match input {
            Input::Connected { conn, remote, entropy } => self.open(now, conn, remote, entropy),
            Input::Received { conn, bytes } => {
                let result = self.links.get_mut(&conn).map(|relay| relay.outer.receive(now, bytes));
                if let Some(Err(_)) = result {
                    self.outputs.push_back(Output::Close { conn });
                }
            }
            Input::Sent { conn, bytes } => {
                if let Some(relay) = self.links.get_mut(&conn) {
                    let sent = relay.outer.sent(bytes);
                    debug_assert!(sent, "no more than was given");
                }
            }
            Input::Disconnected { conn } | Input::DialFailed { conn } => self.end(now, conn)?,
            Input::Timeout => {
                for (conn, relay) in &mut self.links {
                    if relay.outer.handle_timeout(now).is_err() {
                        self.outputs.push_back(Output::Close { conn: *conn });
                    }
                }
                self.node.handle_input(now, Input::Timeout)?;
            }
            input @ (Input::Disk { .. } | Input::Job { .. }) => self.node.handle_input(now, input)?,
        }
        self.settle(now)
    }

    fn poll_output(&mut self) -> Option<Output<NodeEvent>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if !self.outputs.is_empty() {
            return Some(Instant(0));
        }
        let links = self.links.values().filter_map(|relay| relay.outer.poll_timeout());
        links.chain(self.node.poll_timeout()).min()
    }
}
