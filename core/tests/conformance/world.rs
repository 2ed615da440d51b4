//! A client that is recorded, and what is around it: the node or worse, the table of versions seen, time that goes by.

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
use crate::{hex, pattern};

/// How the other side of a link behaves.
pub(crate) enum Peer {
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
pub(crate) struct World {
    pub(crate) recorder: Recorder,
    node: MemoryNode,
    pub(crate) peer: Peer,
    rows: BTreeMap<Bytes, Bytes>,
    pub(crate) rows_fail: bool,
    pending: VecDeque<Pending>,
    conn: Option<ConnId>,
    links: u8,
}

impl World {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn store(&mut self, key: &str, content: &[u8], options: StoreOptions) {
        let StoreOptions { ttl_ms, modified_ms } = options;
        let call = json!({ "type": "store", "key": key, "ttl_ms": ttl_ms, "modified_ms": modified_ms });
        let (op, outputs) = self.recorder.command(call, |client, now| client.store(now, key, options));
        self.run(op, outputs, content);
    }

    pub(crate) fn get(&mut self, key: &str, options: GetOptions) {
        let (first, last) = options.range.map_or((None, None), |(first, last)| (Some(first), last));
        let call = json!({ "type": "get", "key": key, "first": first, "last": last, "fresh": options.fresh });
        let (op, outputs) = self.recorder.command(call, |client, now| client.get(now, key, options));
        self.run(op, outputs, &[]);
    }

    pub(crate) fn list(&mut self, prefix: &str) {
        let call = json!({ "type": "list", "prefix": prefix });
        let (op, outputs) = self.recorder.command(call, |client, now| client.list(now, prefix));
        self.run(op, outputs, &[]);
    }

    pub(crate) fn delete(&mut self, key: &str) {
        let call = json!({ "type": "delete", "key": key });
        let (op, outputs) = self.recorder.command(call, |client, now| client.delete(now, key));
        self.run(op, outputs, &[]);
    }

    /// Goes on until the operation has ended.
    pub(crate) fn run(&mut self, op: OpId, outputs: Vec<Output<ClientEvent>>, content: &[u8]) {
        let mut rest = Bytes::copy_from_slice(content);
        let mut ended = self.perform(op, outputs, Some(&mut rest));
        while !ended {
            let outputs = self.next();
            ended = self.perform(op, outputs, Some(&mut rest));
        }
        self.settle(op);
    }

    /// Makes the calls that are under way, until none is.
    pub(crate) fn settle(&mut self, op: OpId) {
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
    pub(crate) fn perform(
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
