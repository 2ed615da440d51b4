//! A client against a small entry node of the tests: a session in accept mode and maps, a virtual clock, a disk in memory.

mod commands;
mod damage;
mod entry;
mod files;
mod hostile;
mod link;
mod rows;
mod versions;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use self::entry::Entry;
use super::{Client, ClientEvent, ClientSetup, FileMeta, GetOptions, Outcome, StoreOptions};
use crate::config::Config;
use crate::crypto::{Secret, SigningKey, Suite};
use crate::driver::{DiskReply, DiskRequest, Input, Machine, Output, TableOp};
use crate::error::{DiskError, OpError, PeerFault};
use crate::id::{ConnId, NetworkId, OpId, OwnerId};
use crate::record::{Record, Version, network_id};
use crate::rng::Rng;
use crate::time::{Instant, Now};
use crate::vault::{Content, FileDraft, Vault, file_record};
use crate::wire::{Request, Response};

const START: Now = Now { mono: Instant(1_000_000), unix_ms: 1_800_000_000_000 };

fn founder(suite: Suite) -> SigningKey {
    SigningKey::from_seed(suite, Secret::new([1; 32]))
}

fn network(suite: Suite) -> NetworkId {
    network_id(suite, founder(suite).public())
}

fn vault(suite: Suite, seed: u8) -> Vault {
    Vault::create(suite, [seed; 32])
}

/// What a test does in the place of the entry node's answer; `None` lets it answer honestly.
type Intercept = Box<dyn FnMut(&mut Entry, &Request) -> Option<Vec<Response>>>;

/// One client, the entry node, and the machine that the client runs on.
struct World {
    suite: Suite,
    client: Client,
    now: Now,
    entry: Entry,
    /// Addresses at which the entry node answers; at others nobody does.
    listens: Vec<u16>,
    conn: Option<ConnId>,
    intercept: Option<Intercept>,
    disk: BTreeMap<Bytes, Bytes>,
    disk_error: Option<DiskError>,
    events: Vec<ClientEvent>,
    /// Content that stores have still to give.
    content: BTreeMap<OpId, Bytes>,
    got: BTreeMap<OpId, Vec<u8>>,
    listed: BTreeMap<OpId, Vec<FileMeta>>,
    asked: BTreeMap<OpId, usize>,
    /// The user takes nothing of what is delivered.
    holds_back: bool,
    /// The entry node does not read.
    is_deaf: bool,
    /// Disk and jobs answer in an order of this one's choosing, and the link breaks when it says so.
    chaos: Option<Rng>,
    /// What chaos has not answered yet.
    unanswered: Vec<Input>,
}

impl World {
    fn new() -> Self {
        Self::with(Suite::Sim, Config::default())
    }

    fn with(suite: Suite, config: Config) -> Self {
        Self::of_device(suite, config, 7, 1)
    }

    fn of_device(suite: Suite, config: Config, vault_seed: u8, device: u8) -> Self {
        let entry = Entry::new(suite);
        Self::from_setup(Self::setup(suite, config, vault_seed, device, &entry), entry)
    }

    fn setup(suite: Suite, config: Config, vault_seed: u8, device: u8, entry: &Entry) -> ClientSetup {
        ClientSetup {
            suite,
            config,
            network: network(suite),
            network_key: *founder(suite).public(),
            psks: vec![(1, Secret::new([0x55; 32]))],
            vault: Some(vault(suite, vault_seed)),
            control: None,
            device: Secret::new([device; 32]),
            entry: vec![(Some(entry.node()), address(1))],
            seed: [9; 32],
        }
    }

    fn from_setup(setup: ClientSetup, entry: Entry) -> Self {
        Self {
            suite: setup.suite,
            client: Client::new(START, setup),
            now: START,
            entry,
            listens: vec![1, 2, 3],
            conn: None,
            intercept: None,
            disk: BTreeMap::new(),
            disk_error: None,
            events: Vec::new(),
            content: BTreeMap::new(),
            got: BTreeMap::new(),
            listed: BTreeMap::new(),
            asked: BTreeMap::new(),
            holds_back: false,
            is_deaf: false,
            chaos: None,
            unanswered: Vec::new(),
        }
    }

    /// The same network and device disk for another device or vault, entering by the same node.
    fn hand_over(self, vault_seed: u8, device: u8) -> Self {
        let mut other = Self::of_device(self.suite, Config::default(), vault_seed, device);
        other.entry.take_over(self.entry);
        other.now = self.now;
        other
    }

    fn intercept(&mut self, with: impl FnMut(&mut Entry, &Request) -> Option<Vec<Response>> + 'static) {
        self.intercept = Some(Box::new(with));
    }

    /// Begins a store of this content.
    fn begin_store(&mut self, key: &str, content: impl Into<Bytes>, options: StoreOptions) -> OpId {
        let op = self.client.store(self.now, key, options);
        self.content.insert(op, content.into());
        op
    }

    fn store(&mut self, key: &str, content: impl Into<Bytes>) -> Result<Outcome, OpError> {
        let op = self.begin_store(key, content, StoreOptions::default());
        self.end_of(op)
    }

    fn get(&mut self, key: &str) -> Result<Vec<u8>, OpError> {
        self.get_with(key, GetOptions::default()).map(|(content, _)| content)
    }

    fn get_with(&mut self, key: &str, options: GetOptions) -> Result<(Vec<u8>, Outcome), OpError> {
        let op = self.client.get(self.now, key, options);
        let outcome = self.end_of(op)?;
        Ok((self.got.remove(&op).unwrap_or_default(), outcome))
    }

    fn delete(&mut self, key: &str) -> Result<Outcome, OpError> {
        let op = self.client.delete(self.now, key);
        self.end_of(op)
    }

    fn clear(&mut self) -> Result<Outcome, OpError> {
        let op = self.client.clear(self.now);
        self.end_of(op)
    }

    fn list(&mut self, prefix: &str) -> Result<(Vec<FileMeta>, bool), OpError> {
        let op = self.client.list(self.now, prefix);
        match self.end_of(op)? {
            Outcome::Listed { complete } => Ok((self.listed.remove(&op).unwrap_or_default(), complete)),
            other => panic!("a list ended as {other:?}"),
        }
    }

    /// Runs until this operation has ended, letting time pass where nothing else is to be done.
    fn end_of(&mut self, op: OpId) -> Result<Outcome, OpError> {
        loop {
            self.run();
            let ends = self.events.iter().filter_map(|event| match event {
                ClientEvent::Done { op: ended, outcome } if *ended == op => Some(Ok(outcome.clone())),
                ClientEvent::Failed { op: ended, error } if *ended == op => Some(Err(error.clone())),
                _ => None,
            });
            let ends: Vec<_> = ends.collect();
            if let Some(end) = ends.first() {
                assert_eq!(ends.len(), 1, "an operation ends once");
                return end.clone();
            }
            let next = self.client.poll_timeout().expect("whoever waits has a deadline");
            self.pass(next.since(self.now.mono).max(Duration::from_millis(1)));
        }
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.input(Input::Timeout);
        self.run();
    }

    fn input(&mut self, input: Input) {
        self.client.handle_input(self.now, input).expect("the harness keeps the contract");
    }

    /// Performs all effects until there are none.
    fn run(&mut self) {
        loop {
            while let Some(output) = self.client.poll_output() {
                self.perform(output);
            }
            if !self.let_entry_speak() && !self.let_chaos_act() {
                return;
            }
        }
    }

    /// Answers what the client wants done: now, or when chaos likes.
    fn answer(&mut self, input: Input) {
        match self.chaos {
            None => self.input(input),
            Some(_) => self.unanswered.push(input),
        }
    }

    /// `false` if there is nothing left to be done.
    fn let_chaos_act(&mut self) -> bool {
        let Some(rng) = &mut self.chaos else { return false };
        let cut = rng.below(50) == 0;
        let waiting = self.unanswered.len();
        if waiting == 0 {
            return false;
        }
        let chosen = self.unanswered.swap_remove(rng.below(waiting as u32) as usize);
        if cut {
            self.cut();
        }
        self.input(chosen);
        true
    }

    fn perform(&mut self, output: Output<ClientEvent>) {
        match output {
            Output::Dial { conn, addr } => {
                if self.listens.contains(&addr.port()) {
                    self.conn = Some(conn);
                    self.entry.accept(self.now);
                    self.input(Input::Connected { conn, remote: addr, entropy: [3; 32] });
                } else {
                    self.input(Input::DialFailed { conn });
                }
            }
            Output::Send { conn, bytes } => {
                if self.is_deaf {
                    return;
                }
                let len = bytes.len();
                if self.conn == Some(conn) {
                    self.entry.receive(self.now, bytes);
                }
                self.input(Input::Sent { conn, bytes: len });
            }
            Output::Close { conn } => {
                self.conn = self.conn.filter(|open| *open != conn);
                self.input(Input::Disconnected { conn });
            }
            Output::Disk { ticket, request } => {
                let result = self.disk(request);
                self.answer(Input::Disk { ticket, result });
            }
            Output::Job { ticket, job } => {
                let result = job.run();
                self.answer(Input::Job { ticket, result });
            }
            Output::Event(event) => self.take_event(event),
        }
    }

    /// Hands the client what the entry node has to say; `false` if that is nothing.
    fn let_entry_speak(&mut self) -> bool {
        self.entry.serve(self.intercept.as_mut());
        let Some(conn) = self.conn else { return false };
        if self.entry.hung_up() {
            self.cut();
            return true;
        }
        let said: Vec<Bytes> = core::iter::from_fn(|| self.entry.say()).collect();
        let speaks = !said.is_empty();
        for bytes in said {
            if self.conn == Some(conn) {
                self.input(Input::Received { conn, bytes });
            }
        }
        speaks
    }

    /// The link breaks.
    fn cut(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.input(Input::Disconnected { conn });
        }
    }

    fn disk(&mut self, request: DiskRequest) -> Result<DiskReply, DiskError> {
        if let Some(error) = self.disk_error {
            return Err(error);
        }
        match request {
            DiskRequest::Get { keys } => {
                Ok(DiskReply::Values(keys.iter().map(|key| self.disk.get(key).cloned()).collect()))
            }
            DiskRequest::Apply { ops } => {
                for op in ops {
                    match op {
                        TableOp::Put { key, value } => self.disk.insert(key, value),
                        TableOp::Remove { key } => self.disk.remove(&key),
                    };
                }
                Ok(DiskReply::Done)
            }
            other => panic!("a client has no use for {other:?}"),
        }
    }

    fn take_event(&mut self, event: ClientEvent) {
        match &event {
            ClientEvent::NeedData { op, max } => {
                self.asked.insert(*op, *max);
                self.give(*op);
            }
            ClientEvent::Data { op, offset: _, bytes } if !self.holds_back => {
                let (op, bytes) = (*op, bytes.clone());
                self.got.entry(op).or_default().extend_from_slice(&bytes);
                self.client.consumed(self.now, op, bytes.len()).expect("what was delivered");
            }
            ClientEvent::Entries { op, entries } => {
                let (op, entries) = (*op, entries.clone());
                let count = entries.len();
                self.listed.entry(op).or_default().extend(entries);
                self.client.consumed(self.now, op, count).expect("what was delivered");
            }
            _ => {}
        }
        self.events.push(event);
    }

    /// Gives a store what it asked for, as far as this test has it.
    fn give(&mut self, op: OpId) {
        let Some(content) = self.content.get_mut(&op) else { return };
        let max = self.asked.remove(&op).unwrap_or(0);
        let part = content.split_to(max.min(content.len()));
        let is_end = content.is_empty();
        if !part.is_empty() {
            self.client.provide(self.now, op, part).expect("what was asked for");
        }
        if is_end {
            self.content.remove(&op);
            self.client.finish(self.now, op).expect("a store that runs");
        }
    }

    /// Why links ended, in order.
    fn faults(&self) -> Vec<PeerFault> {
        let fault = |event: &ClientEvent| match event {
            ClientEvent::Disconnected { fault } => fault.clone(),
            _ => None,
        };
        self.events.iter().filter_map(fault).collect()
    }

    fn owner(&self) -> OwnerId {
        vault(self.suite, 7).owner()
    }

    /// A record that another device of the same vault writes at this time.
    fn record_of_another_device(&self, key: &str, unix_ms: u64, content: &'static str) -> Record {
        let vault = vault(self.suite, 7);
        let content = Content::Inline(Bytes::from_static(content.as_bytes()));
        let since = Version::new(unix_ms, 0, [2; 8]).unwrap();
        let draft = FileDraft { key, since, parent: None, modified_ms: 0, expires: 0, content: &content };
        file_record(vault.keys(), &network(self.suite), &draft).unwrap()
    }
}

fn address(port: u16) -> core::net::SocketAddr {
    core::net::SocketAddr::from(([192, 0, 2, 1], port))
}

/// Bytes that do not repeat, so that pieces differ.
fn noise(len: usize, seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; len];
    Rng::from_seed([seed; 32]).fill(&mut bytes);
    bytes
}

fn keys(entries: &[FileMeta]) -> Vec<alloc::string::String> {
    entries.iter().map(|entry| entry.key.to_string()).collect()
}
