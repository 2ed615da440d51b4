//! One machine, a node or a client, under a driver and among peers that do anything.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::choices::Choices;
use super::rig::Rig;
use super::session::{key, link_identity, network};
use crate::client::{Client, ClientEvent, ClientSetup, GetOptions, StoreOptions};
use crate::config::Config;
use crate::crypto::{Secret, Suite};
use crate::error::DiskError;
use crate::id::{NodeId, OpId};
use crate::node::{Node, NodeEvent, NodeSetup, SettingsWanted};
use crate::sim::{Peer as Machine, PeerEvent};
use crate::time::{Instant, Now};
use crate::vault::Vault;
use crate::wire::Message;

const SUITE: Suite = Suite::Sim;
const START: Now = Now { mono: Instant(1_000_000), unix_ms: 1_800_000_000_000 };
/// Steps in which everything ends, each of them up to the next deadline.
const STEPS_TO_THE_END: usize = 5_000;

/// `node or client u8 ‖ (operation, argument)…`: a script.
///
/// | | |
/// |---|---|
/// | `n`, `N` | a link from a client, a home or a member; from nobody who speaks the protocol |
/// | `d`, `D` | a dial ends well; it fails |
/// | `r`, `g` | bytes of a peer come; bytes of nobody |
/// | `m`, `a` | a peer asks; it answers |
/// | `M` | a peer says the message in so many bytes of the script |
/// | `s`, `x`, `z` | bytes have left; a link is gone; a bit of what comes flips |
/// | `e`, `E` | a disk request is done; it fails |
/// | `j` | a job is done |
/// | `t`, `T` | time passes; it passes to the next deadline |
/// | `c`, `f`, `w` | a command; content for a store; what was delivered is used |
/// | `u` | the driver breaks the contract |
///
/// No input leads to a panic, to endless outputs, to a used ticket or link, to a row that is changed twice at once, or past a window. Misuse is
/// told and has no effect. A node that is told to stop does, and each operation of a client ends once.
pub fn node(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    if choices.byte().is_multiple_of(2) { run_node(choices) } else { run_client(choices) }
}

fn run_node(mut choices: Choices<'_>) {
    let mut rig = Rig::new(config(), START, Machine::Node(Box::new(Node::new(START, node_setup()))));
    let stopped = |rig: &Rig| rig.events.contains(&PeerEvent::Node(NodeEvent::Stopped));
    let command = |rig: &mut Rig, operation, argument| {
        if (operation, argument) == (b'c', 255) {
            stop(rig);
        }
    };
    while step(&mut rig, &mut choices, command) {}
    stop(&mut rig);
    for _ in 0..STEPS_TO_THE_END {
        if stopped(&rig) {
            return;
        }
        rig.settle();
    }
    panic!("a node that was told to stop does not");
}

fn stop(rig: &mut Rig) {
    let now = rig.now;
    rig.machine.node().stop(now);
    rig.drain();
}

fn run_client(mut choices: Choices<'_>) {
    let mut rig = Rig::new(config(), START, Machine::Client(Box::new(Client::new(START, client_setup()))));
    let mut user = User::default();
    while step(&mut rig, &mut choices, |rig, operation, argument| {
        user.act(rig, operation, argument);
        user.hear(rig);
    }) {}
    for _ in 0..STEPS_TO_THE_END {
        user.hear(&mut rig);
        if user.running.is_empty() {
            return;
        }
        user.hurry(&mut rig);
        rig.settle();
    }
    panic!("operations without an end: {:?}", user.running.keys());
}

/// Performs the next operation of a script, those of the user by `command`; `false` at the end.
fn step(rig: &mut Rig, choices: &mut Choices<'_>, mut command: impl FnMut(&mut Rig, u8, u8)) -> bool {
    let [operation, argument] = *choices.take(2) else { return false };
    // The upper half of an argument chooses a link, the lower how much.
    let (at, much) = (usize::from(argument >> 4), usize::from(argument & 15));
    match operation {
        b'n' => rig.accept(Some(argument)),
        b'N' => rig.accept(None),
        b'd' | b'D' => rig.end_dial(at, operation == b'd'),
        b'r' => rig.deliver(at, 1 << much),
        b'g' => rig.receive(at, Bytes::copy_from_slice(choices.take(much * 8))),
        b'm' => with_peer(rig, 0, |peer| peer.ask(argument)),
        b'a' => with_peer(rig, 0, |peer| peer.answer(argument)),
        b'M' => {
            if let Ok(message) =
                Message::decode(SUITE, Bytes::copy_from_slice(choices.take(usize::from(argument))))
            {
                with_peer(rig, 0, |peer| peer.say(&message));
            }
        }
        b's' => rig.report(at, 1 << much),
        b'x' => rig.disconnect(at),
        b'z' => with_peer(rig, at, |peer| peer.alter(much)),
        b'e' => rig.answer_disk(usize::from(argument), None),
        b'E' => {
            let errors = [DiskError::Io, DiskError::NoSpace, DiskError::Corrupt, DiskError::Fatal];
            rig.answer_disk(usize::from(argument >> 2), Some(errors[usize::from(argument & 3)]));
        }
        b'j' => rig.run_job(usize::from(argument)),
        b't' => rig
            .pass_until(rig.now.mono + Duration::from_millis(5 * u64::from(argument) * u64::from(argument))),
        b'T' => rig.pass_until(crate::driver::Machine::poll_timeout(&rig.machine).unwrap_or(rig.now.mono)),
        b'u' => rig.misuse(argument),
        operation => command(rig, operation, argument),
    }
    true
}

fn with_peer(rig: &mut Rig, at: usize, act: impl FnOnce(&mut super::peer::Peer)) {
    if let Some((_, peer)) = rig.peer(at) {
        act(peer);
    }
}

/// A client's user: gives commands, and knows which of them have not ended.
#[derive(Default)]
struct User {
    /// What each operation waits for: so many bytes it wants, so many things it has delivered.
    running: BTreeMap<OpId, (usize, usize)>,
}

impl User {
    fn act(&mut self, rig: &mut Rig, operation: u8, argument: u8) {
        let (now, client) = (rig.now, rig.machine.client());
        let first = self.running.first_key_value().map(|(op, state)| (*op, *state));
        match (operation, first) {
            (b'c', _) => {
                let op = command(client, now, argument);
                assert_eq!(self.running.insert(op, (0, 0)), None, "{op} was used before");
            }
            (b'C', Some((op, _))) => client.cancel(now, op),
            (b'f', Some((op, (wanted, _)))) => {
                let len = wanted.min(usize::from(argument) * 1024);
                // Not every operation takes content; that is told, and nothing else.
                if client.provide(now, op, vec![argument; len].into()).is_ok() && argument.is_multiple_of(8) {
                    client.finish(now, op).expect("a store that takes content can be finished");
                }
                self.running.insert(op, (wanted - len, 0));
            }
            (b'w', Some((op, (_, delivered)))) => {
                let result = client.consumed(now, op, delivered);
                assert!(result.is_ok() || delivered == 0, "what was delivered can be used");
                let too_much = client.consumed(now, op, usize::MAX);
                assert!(too_much.is_err(), "more than was delivered");
            }
            _ => {}
        }
        rig.drain();
    }

    fn hear(&mut self, rig: &mut Rig) {
        for event in core::mem::take(&mut rig.events) {
            let PeerEvent::Client(event) = event else { continue };
            match event {
                ClientEvent::NeedData { op, max } => {
                    self.running.entry(op).and_modify(|state| state.0 = max);
                }
                ClientEvent::Data { op, bytes, .. } => self.delivered(op, bytes.len()),
                ClientEvent::Entries { op, entries } => self.delivered(op, entries.len()),
                ClientEvent::Done { op, .. } | ClientEvent::Failed { op, .. } => {
                    assert!(self.running.remove(&op).is_some(), "{op} ended twice");
                }
                _ => {}
            }
        }
    }

    fn delivered(&mut self, op: OpId, count: usize) {
        self.running.get_mut(&op).expect("a delivery of an operation that runs").1 += count;
    }

    /// Nothing waits for the user any more.
    fn hurry(&mut self, rig: &mut Rig) {
        for (op, (_, delivered)) in &mut self.running {
            let (now, client) = (rig.now, rig.machine.client());
            // What is no store, or is finished, says so.
            let _ = client.finish(now, *op);
            // To use nothing is progress to an operation: it would wait for ever.
            if *delivered > 0 {
                let _ = client.consumed(now, *op, core::mem::take(delivered));
            }
        }
        rig.drain();
    }
}

fn command(client: &mut Client, now: Now, argument: u8) -> OpId {
    let key = if argument & 16 == 0 { "a" } else { "b" };
    match argument % 12 {
        0 | 1 => client.store(now, key, StoreOptions::default()),
        2 => client.store(now, key, StoreOptions { ttl_ms: Some(1), modified_ms: None }),
        3 | 4 => client.get(now, key, GetOptions::default()),
        5 => client.get(now, key, GetOptions { range: Some((1, Some(2))), fresh: true }),
        6 => client.delete(now, key),
        7 => client.clear(now),
        8 => client.list(now, ""),
        9 => client.status(now),
        10 => client.verify(now),
        _ => client.evict(now, None),
    }
}

/// Few of everything, so that limits are met.
fn config() -> Config {
    Config {
        max_links: 6,
        half_open_per_addr: 4,
        clients_per_addr: 3,
        max_requests: 8,
        max_operations: 6,
        max_disk_requests: 8,
        store_waiting: 12,
        disk_floor: 0,
        ..Config::default()
    }
}

fn node_setup() -> NodeSetup {
    NodeSetup {
        suite: SUITE,
        config: config(),
        network_key: *key(1).public(),
        signing: Some(key(1)),
        psks: vec![(1, Secret::new([0x55; 32]))],
        identity: link_identity(20),
        control: *key(9).public(),
        settings: Some(SettingsWanted::default()),
        founder: true,
        is_new: true,
        rejoin: false,
        listen: vec!["10.0.0.1:4270".parse().expect("an address")],
        peers: Vec::new(),
        positions: 8,
        volatile: false,
        seed: [1; 32],
        version: String::from("fuzz"),
    }
}

fn client_setup() -> ClientSetup {
    ClientSetup {
        suite: SUITE,
        config: config(),
        network: network(),
        network_key: *key(1).public(),
        psks: vec![(1, Secret::new([0x55; 32]))],
        vault: Some(Vault::create(SUITE, [6; 32])),
        control: None,
        device: Secret::new([3; 32]),
        entry: vec![(None::<NodeId>, "10.0.0.1:4270".parse().expect("an address"))],
        seed: [4; 32],
    }
}
