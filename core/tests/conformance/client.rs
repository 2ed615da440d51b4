//! What a client does, call by call, against a node and against worse.

use std::collections::{BTreeMap, VecDeque};

use quantumsync_core::Bytes;
use quantumsync_core::client::{Client, ClientEvent, GetOptions, StoreOptions};
use quantumsync_core::driver::{DiskReply, DiskRequest, Input, Machine as _, Output, TableOp};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::{ConnId, OpId};
use quantumsync_core::time::Now;
use serde_json::{Value, json};

use crate::machine::{Called, Recorder};
use crate::node::{Done, MemoryNode};
use crate::{hex, named, pattern};

pub(crate) fn cases() -> Value {
    named([
        ("small files are stored, read, listed and deleted", small_files()),
        ("a file of a blob is stored, and read whole and in part", file_of_a_blob()),
        ("everything is cleared", everything_is_cleared()),
        ("keys that cannot be", bad_keys()),
        ("nobody is there", nobody_is_there()),
        ("a peer closes after the first message", peer_closes()),
        ("a peer answers with rubbish", rubbish()),
        ("a byte is altered on its way", altered_byte()),
        ("a peer says nothing", silence()),
        ("operations are cancelled, and the client is closed", cancelled()),
        ("calls that are not allowed change nothing", misuse()),
        ("the table of versions seen fails", rows_fail()),
    ])
}

fn small_files() -> Value {
    let mut world = World::new();
    world.store("letters/first.txt", b"dear peers", StoreOptions { ttl_ms: None, modified_ms: Some(5) });
    world.store("cafe\u{301}", b"", StoreOptions { ttl_ms: Some(86_400_000), modified_ms: None });
    world.store("letters/first.txt", b"dear peers, once more", StoreOptions::default());
    world.get("letters/first.txt", GetOptions::default());
    world.get("letters/first.txt", GetOptions { range: Some((5, Some(9))), fresh: true });
    world.get("caf\u{e9}", GetOptions::default());
    world.list("letters/");
    world.list("");
    world.delete("letters/first.txt");
    world.get("letters/first.txt", GetOptions::default());
    world.get("never stored", GetOptions::default());
    world.recorder.into_case()
}

fn file_of_a_blob() -> Value {
    let mut world = World::new();
    let content = pattern(17_000, 2);
    world.store("blob", &content, StoreOptions::default());
    world.store("the same under another key", &content, StoreOptions::default());
    world.get("blob", GetOptions::default());
    world.get("blob", GetOptions { range: Some((16_990, None)), fresh: false });
    world.get("blob", GetOptions { range: Some((17_000, None)), fresh: false });
    world.recorder.into_case()
}

fn everything_is_cleared() -> Value {
    let mut world = World::new();
    world.store("a", b"1", StoreOptions::default());
    let (op, outputs) = world.recorder.command(json!({ "type": "clear" }), Client::clear);
    world.run(op, outputs, &[]);
    world.get("a", GetOptions::default());
    world.list("");
    world.recorder.into_case()
}

fn bad_keys() -> Value {
    let mut world = World::new();
    for key in ["", "a\0b", "\u{378}", &"k".repeat(1025), &"\u{e9}".repeat(513)] {
        world.store(key, b"", StoreOptions::default());
        world.get(key, GetOptions::default());
        world.delete(key);
    }
    world.recorder.into_case()
}

fn nobody_is_there() -> Value {
    let mut world = World::new();
    world.peer = Peer::Nobody;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn peer_closes() -> Value {
    let mut world = World::new();
    world.peer = Peer::Closes;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn rubbish() -> Value {
    let mut world = World::new();
    world.peer = Peer::Rubbish;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn altered_byte() -> Value {
    let mut world = World::new();
    world.store("a", b"1", StoreOptions::default());
    world.peer = Peer::Alters;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn silence() -> Value {
    let mut world = World::new();
    world.peer = Peer::Silent;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn cancelled() -> Value {
    let mut world = World::new();
    let store = json!({ "type": "store", "key": "a", "ttl_ms": null, "modified_ms": null });
    let start = |client: &mut Client, now| client.store(now, "a", StoreOptions::default());
    let (first, outputs) = world.recorder.command(store.clone(), start);
    world.perform(first, outputs, None);
    world.settle(first);
    let (second, _) = world.recorder.command(store, start);
    world.recorder.call(json!({ "type": "cancel", "op": first.0 }), |client, now| {
        client.cancel(now, first);
        Ok(())
    });
    world.recorder.call(json!({ "type": "cancel", "op": first.0 }), |client, now| {
        client.cancel(now, first);
        Ok(())
    });
    let outputs = world.recorder.call(json!({ "type": "close" }), |client, now| {
        client.close(now);
        Ok(())
    });
    world.perform(second, outputs, None);
    world.settle(second);
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn misuse() -> Value {
    let mut world = World::new();
    let store = json!({ "type": "store", "key": "a", "ttl_ms": null, "modified_ms": null });
    let start = |client: &mut Client, now| client.store(now, "a", StoreOptions::default());
    let (op, outputs) = world.recorder.command(store, start);
    world.perform(op, outputs, None);
    world.settle(op);
    let many = pattern((1 << 20) + 1, 1);
    let unknown = OpId(99);
    let recorder = &mut world.recorder;
    recorder.call(
        json!({ "type": "provide", "op": op.0, "content": { "length": many.len(), "pattern": 1 } }),
        |client, now| client.provide(now, op, many.into()),
    );
    recorder.call(json!({ "type": "provide", "op": 99, "data": "00" }), |client, now| {
        client.provide(now, unknown, Bytes::from_static(&[0]))
    });
    recorder.call(json!({ "type": "consumed", "op": op.0, "count": 1 }), |client, now| {
        client.consumed(now, op, 1)
    });
    recorder.call(json!({ "type": "finish", "op": 99 }), |client, now| client.finish(now, unknown));
    let ticket = recorder.ticket(0);
    recorder.call(json!({ "type": "written", "ticket": 0 }), |client, now| {
        client.handle_input(now, Input::Disk { ticket, result: Ok(DiskReply::Done) })
    });
    let (_, outputs) = recorder.command(json!({ "type": "status" }), Client::status);
    let conn = dialled(&outputs);
    recorder.call(json!({ "type": "sent", "conn": 0, "count": 1 }), |client, now| {
        client.handle_input(now, Input::Sent { conn, bytes: 1 })
    });
    recorder.call(json!({ "type": "dial_failed", "conn": 0 }), |client, now| {
        client.handle_input(now, Input::DialFailed { conn })
    });
    recorder.call(json!({ "type": "dial_failed", "conn": 0 }), |client, now| {
        client.handle_input(now, Input::DialFailed { conn })
    });
    world.recorder.into_case()
}

fn rows_fail() -> Value {
    let mut world = World::new();
    world.rows_fail = true;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn dialled(outputs: &[Output<ClientEvent>]) -> ConnId {
    let dial = outputs.iter().find_map(|output| match output {
        Output::Dial { conn, .. } => Some(*conn),
        _ => None,
    });
    dial.expect("it dials")
}

/// How the other side of a link behaves.
enum Peer {
    Node,
    Nobody,
    Closes,
    Rubbish,
    Alters,
    Silent,
}

/// A call that is to be made.
type Pending = (Value, Box<dyn FnOnce(&mut Client, Now) -> Called>);

/// A client that is recorded, the node, and what is under way between them.
struct World {
    recorder: Recorder,
    node: MemoryNode,
    peer: Peer,
    rows: BTreeMap<Bytes, Bytes>,
    rows_fail: bool,
    pending: VecDeque<Pending>,
    conn: Option<ConnId>,
    links: u8,
}

impl World {
    fn new() -> Self {
        let recorder = Recorder::new();
        let mut node = MemoryNode::new(recorder.now);
        node.timeout(recorder.now);
        Self {
            recorder,
            node,
            peer: Peer::Node,
            rows: BTreeMap::new(),
            rows_fail: false,
            pending: VecDeque::new(),
            conn: None,
            links: 0,
        }
    }

    fn store(&mut self, key: &str, content: &[u8], options: StoreOptions) {
        let StoreOptions { ttl_ms, modified_ms } = options;
        let call = json!({ "type": "store", "key": key, "ttl_ms": ttl_ms, "modified_ms": modified_ms });
        let (op, outputs) = self.recorder.command(call, |client, now| client.store(now, key, options));
        self.run(op, outputs, content);
    }

    fn get(&mut self, key: &str, options: GetOptions) {
        let (first, last) = options.range.map_or((None, None), |(first, last)| (Some(first), last));
        let call = json!({ "type": "get", "key": key, "first": first, "last": last, "fresh": options.fresh });
        let (op, outputs) = self.recorder.command(call, |client, now| client.get(now, key, options));
        self.run(op, outputs, &[]);
    }

    fn list(&mut self, prefix: &str) {
        let call = json!({ "type": "list", "prefix": prefix });
        let (op, outputs) = self.recorder.command(call, |client, now| client.list(now, prefix));
        self.run(op, outputs, &[]);
    }

    fn delete(&mut self, key: &str) {
        let call = json!({ "type": "delete", "key": key });
        let (op, outputs) = self.recorder.command(call, |client, now| client.delete(now, key));
        self.run(op, outputs, &[]);
    }

    /// Goes on until the operation has ended.
    fn run(&mut self, op: OpId, outputs: Vec<Output<ClientEvent>>, content: &[u8]) {
        let mut rest = Bytes::copy_from_slice(content);
        let mut ended = self.perform(op, outputs, Some(&mut rest));
        while !ended {
            let outputs = self.next();
            ended = self.perform(op, outputs, Some(&mut rest));
        }
        self.settle(op);
    }

    /// Makes the calls that are under way, until none is.
    fn settle(&mut self, op: OpId) {
        while !self.pending.is_empty() {
            let outputs = self.next();
            self.perform(op, outputs, None);
        }
    }

    /// Makes the next call; with none to make, time goes by.
    fn next(&mut self) -> Vec<Output<ClientEvent>> {
        if let Some((call, run)) = self.pending.pop_front() {
            return self.recorder.call(call, run);
        }
        let client = self.recorder.client.poll_timeout().expect("every operation has a deadline");
        let node = self.node.next_timeout().filter(|_| matches!(self.peer, Peer::Node));
        if let Some(due) = node.filter(|due| *due < client) {
            self.wait_until(due.0);
            let done = self.node.timeout(self.recorder.now);
            self.hear(done);
            return Vec::new();
        }
        self.wait_until(client.0);
        self.recorder
            .call(json!({ "type": "timeout" }), |client, now| client.handle_input(now, Input::Timeout))
    }

    fn wait_until(&mut self, mono_us: u64) {
        let now = &mut self.recorder.now;
        let passed = mono_us.saturating_sub(now.mono.0);
        now.mono.0 += passed;
        now.unix_ms += passed / 1000;
    }

    /// Performs what the client wants, as calls that are made later; true if the operation has ended. A store is given
    /// nothing if there is no content.
    fn perform(
        &mut self,
        wanted: OpId,
        outputs: Vec<Output<ClientEvent>>,
        mut content: Option<&mut Bytes>,
    ) -> bool {
        let mut ended = false;
        for output in outputs {
            match output {
                Output::Dial { conn, addr } => self.dial(conn, addr.to_string()),
                Output::Send { conn, bytes } => {
                    let (number, count) = (self.recorder.number_of(conn), bytes.len());
                    let call = json!({ "type": "sent", "conn": number, "count": count });
                    self.then(call, move |client, now| {
                        client.handle_input(now, Input::Sent { conn, bytes: count })
                    });
                    self.send(bytes);
                }
                Output::Close { conn } => {
                    self.end(conn);
                    let done = self.node.disconnected(self.recorder.now);
                    self.hear(done);
                }
                Output::Disk { ticket, request } => {
                    let number = self.recorder.number_of_ticket(ticket);
                    let (call, result) = self.disk(number, request);
                    self.then(call, move |client, now| {
                        client.handle_input(now, Input::Disk { ticket, result })
                    });
                }
                Output::Job { ticket, .. } => {
                    let call = json!({ "type": "job", "ticket": self.recorder.number_of_ticket(ticket) });
                    let job = self.recorder.take_job(ticket);
                    self.then(call, move |client, now| {
                        client.handle_input(now, Input::Job { ticket, result: job.run() })
                    });
                }
                Output::Event(ClientEvent::NeedData { op, max }) => {
                    if let Some(rest) = content.as_deref_mut() {
                        self.provide(op, rest.split_to(rest.len().min(max)), rest.is_empty());
                    }
                }
                Output::Event(ClientEvent::Data { op, bytes, .. }) => self.consumed(op, bytes.len()),
                Output::Event(ClientEvent::Entries { op, entries }) => self.consumed(op, entries.len()),
                Output::Event(ClientEvent::Done { op, .. } | ClientEvent::Failed { op, .. }) => {
                    ended |= op == wanted;
                }
                Output::Event(_) => {}
            }
        }
        ended
    }

    fn dial(&mut self, conn: ConnId, address: String) {
        let number = self.recorder.number_of(conn);
        if matches!(self.peer, Peer::Nobody) {
            let call = json!({ "type": "dial_failed", "conn": number });
            return self.then(call, move |client, now| client.handle_input(now, Input::DialFailed { conn }));
        }
        self.conn = Some(conn);
        self.links += 1;
        let entropy = [100 + self.links; 32];
        let remote = address.parse().expect("it is an address");
        let call =
            json!({ "type": "connected", "conn": number, "address": address, "entropy": hex(&entropy) });
        self.then(call, move |client, now| {
            client.handle_input(now, Input::Connected { conn, remote, entropy })
        });
        if matches!(self.peer, Peer::Node | Peer::Alters) {
            let done = self.node.connected(self.recorder.now);
            self.hear(done);
        }
    }

    /// Bytes come to the other side.
    fn send(&mut self, bytes: Bytes) {
        match self.peer {
            Peer::Node | Peer::Alters => {
                let done = self.node.received(self.recorder.now, bytes);
                self.hear(done);
            }
            Peer::Closes => self.end_now(),
            Peer::Rubbish => self.hear(vec![Done::Sent(pattern(500, 3).into())]),
            Peer::Nobody | Peer::Silent => {}
        }
    }

    /// What the node has done comes to the client, cut in two.
    fn hear(&mut self, done: Vec<Done>) {
        let Some(conn) = self.conn else { return };
        for what in done {
            let Done::Sent(bytes) = what else {
                self.end_now();
                return;
            };
            let mut bytes = Vec::from(bytes);
            if matches!(self.peer, Peer::Alters) {
                // Once: on the next link all is well.
                self.peer = Peer::Node;
                *bytes.last_mut().expect("nothing is never sent") ^= 1;
            }
            let (first, second) = bytes.split_at(bytes.len() / 3);
            for part in [first, second].into_iter().filter(|part| !part.is_empty()) {
                let part = Bytes::copy_from_slice(part);
                let call =
                    json!({ "type": "received", "conn": self.recorder.number_of(conn), "data": hex(&part) });
                self.then(call, move |client, now| {
                    client.handle_input(now, Input::Received { conn, bytes: part })
                });
            }
        }
    }

    fn end_now(&mut self) {
        if let Some(conn) = self.conn {
            self.end(conn);
        }
    }

    fn end(&mut self, conn: ConnId) {
        if self.conn.take() == Some(conn) {
            let call = json!({ "type": "disconnected", "conn": self.recorder.number_of(conn) });
            self.then(call, move |client, now| client.handle_input(now, Input::Disconnected { conn }));
        }
    }

    fn disk(&mut self, ticket: usize, request: DiskRequest) -> (Value, Result<DiskReply, DiskError>) {
        if self.rows_fail {
            let call = json!({ "type": "disk_failed", "ticket": ticket });
            return (call, Err(DiskError::Io));
        }
        match request {
            DiskRequest::Get { keys } => {
                let values: Vec<_> = keys.iter().map(|key| self.rows.get(key).cloned()).collect();
                let shown: Vec<_> =
                    values.iter().map(|value| value.as_ref().map(|value| hex(value))).collect();
                (json!({ "type": "rows", "ticket": ticket, "values": shown }), Ok(DiskReply::Values(values)))
            }
            DiskRequest::Apply { ops } => {
                for op in ops {
                    match op {
                        TableOp::Put { key, value } => drop(self.rows.insert(key, value)),
                        TableOp::Remove { key } => drop(self.rows.remove(&key)),
                    }
                }
                (json!({ "type": "written", "ticket": ticket }), Ok(DiskReply::Done))
            }
            other => panic!("a client asks for rows only, not {other:?}"),
        }
    }

    fn provide(&mut self, op: OpId, bytes: Bytes, is_last: bool) {
        if !bytes.is_empty() {
            let call = json!({ "type": "provide", "op": op.0, "data": hex(&bytes) });
            self.then(call, move |client, now| client.provide(now, op, bytes));
        }
        if is_last {
            self.then(json!({ "type": "finish", "op": op.0 }), move |client, now| client.finish(now, op));
        }
    }

    fn consumed(&mut self, op: OpId, count: usize) {
        let call = json!({ "type": "consumed", "op": op.0, "count": count });
        self.then(call, move |client, now| client.consumed(now, op, count));
    }

    fn then(&mut self, call: Value, run: impl FnOnce(&mut Client, Now) -> Called + 'static) {
        self.pending.push_back((call, Box::new(run)));
    }
}
