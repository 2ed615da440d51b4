//! A client that writes down each call and what came of it.

use std::collections::BTreeMap;

use quantumsync_core::client::{Client, ClientEvent, ClientSetup, FileMeta, Outcome};
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{Secret, Suite};
use quantumsync_core::driver::{DiskRequest, Machine as _, Output, TableOp};
use quantumsync_core::error::{ApiMisuse, OpError};
use quantumsync_core::id::{ConnId, OpId, Ticket};
use quantumsync_core::job::Job;
use quantumsync_core::record::Version;
use quantumsync_core::time::{Instant, Now};
use quantumsync_core::vault::Vault;
use serde_json::{Value, json};

use crate::{UNIX_MS, WORDS, hex, node, token};

const DEVICE: [u8; 32] = [10; 32];
const SEED: [u8; 32] = [11; 32];

/// What came of a call that is no command.
pub(crate) type Called = Result<(), ApiMisuse>;

pub(crate) struct Recorder {
    pub(crate) client: Client,
    pub(crate) now: Now,
    steps: Vec<Value>,
    conns: Vec<ConnId>,
    /// Requests and jobs by their number in the case.
    tickets: Vec<Ticket>,
    jobs: BTreeMap<Ticket, Job>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let now = Now { mono: Instant(1_000_000), unix_ms: UNIX_MS };
        let token = token(&[(node::id(), node::ADDRESS)]);
        let setup = ClientSetup {
            suite: Suite::Real,
            config: Config::default(),
            network: token.network(Suite::Real),
            network_key: token.network_key,
            psks: vec![(token.psk_epoch, token.psk)],
            vault: Some(Vault::from_words(Suite::Real, WORDS).expect("they are words")),
            control: None,
            device: Secret::new(DEVICE),
            entry: token.peers.iter().map(|&(_, addr)| (None, addr)).collect(),
            seed: SEED,
        };
        Self {
            client: Client::new(now, setup),
            now,
            steps: Vec::new(),
            conns: Vec::new(),
            tickets: Vec::new(),
            jobs: BTreeMap::new(),
        }
    }

    /// The case.
    pub(crate) fn into_case(self) -> Value {
        json!({
            "words": WORDS,
            "token": token(&[(node::id(), node::ADDRESS)]).to_text().as_str(),
            "device": hex(&DEVICE),
            "seed": hex(&SEED),
            "now": [1_000_000, UNIX_MS],
            "steps": self.steps,
        })
    }

    /// A command: the number of its operation, and what the client wants.
    pub(crate) fn command(
        &mut self,
        call: Value,
        run: impl FnOnce(&mut Client, Now) -> OpId,
    ) -> (OpId, Vec<Output<ClientEvent>>) {
        self.pass();
        let op = run(&mut self.client, self.now);
        let outputs = self.write(call, |step| step["op"] = json!(op.0));
        (op, outputs)
    }

    /// Any other call.
    pub(crate) fn call(
        &mut self,
        call: Value,
        run: impl FnOnce(&mut Client, Now) -> Called,
    ) -> Vec<Output<ClientEvent>> {
        self.pass();
        match run(&mut self.client, self.now) {
            Ok(()) => self.write(call, |_| {}),
            Err(_) => self.write(call, |step| step["error"] = json!("misuse")),
        }
    }

    /// The number of a link in this case.
    pub(crate) fn number_of(&self, conn: ConnId) -> usize {
        self.conns.iter().position(|known| *known == conn).expect("it was dialled")
    }

    /// The number of a request or job in this case.
    pub(crate) fn number_of_ticket(&self, ticket: Ticket) -> usize {
        self.tickets.iter().position(|known| *known == ticket).expect("it was asked for")
    }

    /// The request or job of this number.
    pub(crate) fn ticket(&self, number: usize) -> Ticket {
        self.tickets[number]
    }

    pub(crate) fn take_job(&mut self, ticket: Ticket) -> Job {
        self.jobs.remove(&ticket).expect("it was not run before")
    }

    /// Time goes by between any two calls.
    fn pass(&mut self) {
        self.now.mono.0 += 100;
    }

    /// Takes all outputs, and writes the step down. Jobs stay here.
    fn write(&mut self, call: Value, more: impl FnOnce(&mut Value)) -> Vec<Output<ClientEvent>> {
        let mut outputs = Vec::new();
        let mut shown = Vec::new();
        while let Some(output) = self.client.poll_output() {
            shown.push(self.show(&output));
            match output {
                Output::Job { ticket, job } => {
                    self.jobs.insert(ticket, job);
                    outputs.push(Output::Job {
                        ticket,
                        job: Job::HashBlob { suite: Suite::Real, blob: Default::default() },
                    });
                }
                other => outputs.push(other),
            }
        }
        let timeout = self.client.poll_timeout().map(|at| at.0);
        let mut step = json!({
            "now": [self.now.mono.0, self.now.unix_ms],
            "call": call,
            "outputs": shown,
            "timeout_us": timeout,
        });
        more(&mut step);
        self.steps.push(step);
        outputs
    }

    fn show(&mut self, output: &Output<ClientEvent>) -> Value {
        match output {
            Output::Dial { conn, addr } => {
                self.conns.push(*conn);
                json!({ "type": "dial", "conn": self.number_of(*conn), "address": addr.to_string() })
            }
            Output::Send { conn, bytes } => {
                json!({ "type": "send", "conn": self.number_of(*conn), "data": hex(bytes) })
            }
            Output::Close { conn } => json!({ "type": "close", "conn": self.number_of(*conn) }),
            Output::Disk { ticket, request } => {
                self.tickets.push(*ticket);
                show_request(self.number_of_ticket(*ticket), request)
            }
            Output::Job { ticket, .. } => {
                self.tickets.push(*ticket);
                json!({ "type": "job", "ticket": self.number_of_ticket(*ticket) })
            }
            Output::Event(event) => show_event(event),
        }
    }
}

fn show_request(ticket: usize, request: &DiskRequest) -> Value {
    match request {
        DiskRequest::Get { keys } => {
            let keys: Vec<_> = keys.iter().map(|key| hex(key)).collect();
            json!({ "type": "read_rows", "ticket": ticket, "keys": keys })
        }
        DiskRequest::Apply { ops } => {
            let row = |op: &TableOp| match op {
                TableOp::Put { key, value } => json!([hex(key), hex(value)]),
                TableOp::Remove { key } => json!([hex(key), null]),
            };
            let rows: Vec<_> = ops.iter().map(row).collect();
            json!({ "type": "write_rows", "ticket": ticket, "rows": rows })
        }
        other => panic!("a client asks for rows only, not {other:?}"),
    }
}

fn show_event(event: &ClientEvent) -> Value {
    match event {
        ClientEvent::Connected { node, addr } => {
            json!({ "type": "connected", "node": node.to_string(), "address": addr.to_string() })
        }
        ClientEvent::Disconnected { fault } => {
            let code = fault.clone().map(|fault| OpError::from(fault).code());
            json!({ "type": "disconnected", "error": code })
        }
        ClientEvent::NeedData { op, max } => json!({ "type": "need_data", "op": op.0, "max": max }),
        ClientEvent::Found { op, meta } => json!({ "type": "found", "op": op.0, "file": show_file(meta) }),
        ClientEvent::Data { op, offset, bytes } => {
            json!({ "type": "data", "op": op.0, "offset": offset, "data": hex(bytes) })
        }
        ClientEvent::Entries { op, entries } => {
            let files: Vec<_> = entries.iter().map(show_file).collect();
            json!({ "type": "entries", "op": op.0, "files": files })
        }
        ClientEvent::Done { op, outcome } => {
            json!({ "type": "done", "op": op.0, "result": show_outcome(outcome) })
        }
        ClientEvent::Failed { op, error } => json!({ "type": "failed", "op": op.0, "error": error.code() }),
    }
}

fn show_file(meta: &FileMeta) -> Value {
    json!({
        "key": meta.key,
        "size": meta.size,
        "modified_ms": meta.modified_ms,
        "version": show_version(meta.version),
        "expires_ms": (meta.expires > 0).then_some(meta.expires),
    })
}

fn show_outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Stored { size, copies, wanted, sent_bytes, version } => json!({
            "size": size,
            "copies": copies,
            "wanted": wanted,
            "sent_bytes": sent_bytes,
            "version": show_version(*version),
        }),
        Outcome::Got { size, fresh, sources } => {
            let sources: Vec<_> =
                sources.iter().map(|(node, bytes)| json!([node.to_string(), bytes])).collect();
            json!({ "size": size, "fresh": fresh, "sources": sources })
        }
        Outcome::Deleted { copies, wanted, version } | Outcome::Cleared { copies, wanted, version } => {
            json!({ "copies": copies, "wanted": wanted, "version": show_version(*version) })
        }
        Outcome::Listed { complete } => json!({ "complete": complete }),
        other => panic!("no case ends so: {other:?}"),
    }
}

fn show_version(version: Version) -> String {
    hex(&version.to_bytes())
}
