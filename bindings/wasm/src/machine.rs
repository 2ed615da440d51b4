//! The sans-IO client: the core's state machine, one method a verb. The first two arguments are the monotonic clock in
//! microseconds and the wall clock in milliseconds.

use std::collections::BTreeMap;

use bytes::Bytes;
use js_sys::{Array, Uint8Array};
use quantumsync_core::client::{Client, ClientSetup, GetOptions, StoreOptions};
use quantumsync_core::config::Config;
use quantumsync_core::crypto::Suite;
use quantumsync_core::driver::{DiskReply, Input, Machine as _};
use quantumsync_core::error::{ApiMisuse, DiskError};
use quantumsync_core::id::{ConnId, OpId, Ticket};
use quantumsync_core::job::Job;
use quantumsync_core::time::Now;
use wasm_bindgen::prelude::*;

use crate::errors::{bad_value, misuse};
use crate::outputs::output;
use crate::values::{address, array, node_id, now, number, secret, token};
use crate::vault::Vault;

/// A user's state machine: bytes, times and results go in, effects and events come out.
#[wasm_bindgen]
pub struct Machine {
    client: Client,
    /// Those that were given out and not run.
    jobs: BTreeMap<Ticket, Job>,
}

#[wasm_bindgen]
impl Machine {
    /// Takes a handle on the vault that is its own. `entry` has a node's id, or an empty text, and an address in turn; without
    /// any it enters by the token's. `device` and `seed` are 32 bytes each.
    #[wasm_bindgen(constructor)]
    pub fn new(
        mono_us: f64,
        unix_ms: f64,
        token_text: &str,
        vault: Option<Vault>,
        entry: Vec<String>,
        device: &[u8],
        seed: &[u8],
    ) -> Result<Self, JsValue> {
        let token = token(token_text)?;
        let mut nodes = Vec::new();
        for pair in entry.as_chunks::<2>().0 {
            let node = if pair[0].is_empty() { None } else { Some(node_id(&pair[0])?) };
            nodes.push((node, address(&pair[1])?));
        }
        if nodes.is_empty() {
            nodes.extend(token.peers.iter().map(|&(_, addr)| (None, addr)));
        }
        if nodes.is_empty() {
            return Err(bad_value("the token names no node: give the address of one"));
        }
        let suite = Suite::Real;
        let setup = ClientSetup {
            suite,
            config: Config::default(),
            network: token.network(suite),
            network_key: token.network_key,
            psks: vec![(token.psk_epoch, token.psk)],
            vault: vault.map(|vault| vault.0),
            control: None,
            device: secret(device)?,
            entry: nodes,
            seed: array(seed)?,
        };
        Ok(Self { client: Client::new(now(mono_us, unix_ms), setup), jobs: BTreeMap::new() })
    }

    /// Stores a file: asks for its content with `needData`, ends with `stored`.
    pub fn store(
        &mut self,
        mono_us: f64,
        unix_ms: f64,
        key: &str,
        ttl_ms: Option<f64>,
        modified_ms: Option<f64>,
    ) -> f64 {
        let whole = |number: f64| number as u64;
        let options = StoreOptions { ttl_ms: ttl_ms.map(whole), modified_ms: modified_ms.map(whole) };
        self.client.store(now(mono_us, unix_ms), key, options).0 as f64
    }

    /// Gets a file, or its bytes from `first` to `last`, both included: `found`, then `data`, ends with `got`.
    pub fn get(
        &mut self,
        mono_us: f64,
        unix_ms: f64,
        key: &str,
        first: Option<f64>,
        last: Option<f64>,
        fresh: bool,
    ) -> f64 {
        let asked = first.is_some() || last.is_some();
        let range = asked.then(|| (first.unwrap_or(0.0) as u64, last.map(|last| last as u64)));
        self.client.get(now(mono_us, unix_ms), key, GetOptions { range, fresh }).0 as f64
    }

    /// Deletes a file everywhere; ends with `written`.
    pub fn delete(&mut self, mono_us: f64, unix_ms: f64, key: &str) -> f64 {
        self.client.delete(now(mono_us, unix_ms), key).0 as f64
    }

    /// Deletes everything of this vault everywhere; ends with `written`.
    pub fn clear(&mut self, mono_us: f64, unix_ms: f64) -> f64 {
        self.client.clear(now(mono_us, unix_ms)).0 as f64
    }

    /// Lists the files whose key begins with `prefix`: `entries`, ends with `listed`.
    pub fn list(&mut self, mono_us: f64, unix_ms: f64, prefix: &str) -> f64 {
        self.client.list(now(mono_us, unix_ms), prefix).0 as f64
    }

    /// What the entry node is and holds; ends with `status`.
    pub fn status(&mut self, mono_us: f64, unix_ms: f64) -> f64 {
        self.client.status(now(mono_us, unix_ms)).0 as f64
    }

    /// Gives a store some of its content: at most what `needData` asked for.
    pub fn provide(&mut self, mono_us: f64, unix_ms: f64, op: f64, data: Vec<u8>) -> Result<(), JsValue> {
        self.client.provide(now(mono_us, unix_ms), OpId(op as u64), data.into()).map_err(misuse)
    }

    /// Tells a store that its content is complete.
    pub fn finish(&mut self, mono_us: f64, unix_ms: f64, op: f64) -> Result<(), JsValue> {
        self.client.finish(now(mono_us, unix_ms), OpId(op as u64)).map_err(misuse)
    }

    /// Gives back credit: bytes of a get, or files of a list, that were dealt with.
    pub fn consumed(&mut self, mono_us: f64, unix_ms: f64, op: f64, count: f64) -> Result<(), JsValue> {
        // More than a machine of 32 bits can count is more than was delivered, too.
        self.client.consumed(now(mono_us, unix_ms), OpId(op as u64), count as usize).map_err(misuse)
    }

    /// Ends an operation; nothing if it has ended.
    pub fn cancel(&mut self, mono_us: f64, unix_ms: f64, op: f64) {
        self.client.cancel(now(mono_us, unix_ms), OpId(op as u64));
    }

    /// Cancels everything and closes the link.
    pub fn close(&mut self, mono_us: f64, unix_ms: f64) {
        self.client.close(now(mono_us, unix_ms));
    }

    /// The time of `pollTimeout` has come.
    #[wasm_bindgen(js_name = handleTimeout)]
    pub fn handle_timeout(&mut self, mono_us: f64, unix_ms: f64) -> Result<(), JsValue> {
        self.input(now(mono_us, unix_ms), Input::Timeout)
    }

    /// A link that was dialled stands. `entropy` is 32 fresh bytes of randomness.
    #[wasm_bindgen(js_name = handleConnected)]
    pub fn handle_connected(
        &mut self,
        mono_us: f64,
        unix_ms: f64,
        conn: f64,
        remote: &str,
        entropy: &[u8],
    ) -> Result<(), JsValue> {
        let input = Input::Connected { conn: link(conn), remote: address(remote)?, entropy: array(entropy)? };
        self.input(now(mono_us, unix_ms), input)
    }

    /// A dial ended without a link.
    #[wasm_bindgen(js_name = handleDialFailed)]
    pub fn handle_dial_failed(&mut self, mono_us: f64, unix_ms: f64, conn: f64) -> Result<(), JsValue> {
        self.input(now(mono_us, unix_ms), Input::DialFailed { conn: link(conn) })
    }

    /// Bytes came, in any portions.
    #[wasm_bindgen(js_name = handleReceived)]
    pub fn handle_received(
        &mut self,
        mono_us: f64,
        unix_ms: f64,
        conn: f64,
        data: Vec<u8>,
    ) -> Result<(), JsValue> {
        self.input(now(mono_us, unix_ms), Input::Received { conn: link(conn), bytes: data.into() })
    }

    /// So many bytes that were given with `send` have left.
    #[wasm_bindgen(js_name = handleSent)]
    pub fn handle_sent(&mut self, mono_us: f64, unix_ms: f64, conn: f64, count: f64) -> Result<(), JsValue> {
        self.input(now(mono_us, unix_ms), Input::Sent { conn: link(conn), bytes: count as usize })
    }

    /// A link ended, whoever ended it.
    #[wasm_bindgen(js_name = handleDisconnected)]
    pub fn handle_disconnected(&mut self, mono_us: f64, unix_ms: f64, conn: f64) -> Result<(), JsValue> {
        self.input(now(mono_us, unix_ms), Input::Disconnected { conn: link(conn) })
    }

    /// The answer to `readRows`: one value for each key, undefined for a row that is not there.
    #[wasm_bindgen(js_name = handleRows)]
    pub fn handle_rows(
        &mut self,
        mono_us: f64,
        unix_ms: f64,
        ticket: f64,
        values: &Array,
    ) -> Result<(), JsValue> {
        let row = |value: JsValue| value.dyn_into::<Uint8Array>().ok().map(|row| Bytes::from(row.to_vec()));
        let reply = DiskReply::Values(values.iter().map(row).collect());
        self.disk(now(mono_us, unix_ms), ticket, Ok(reply))
    }

    /// The answer to `writeRows`: done, and as durable as they can be here.
    #[wasm_bindgen(js_name = handleWritten)]
    pub fn handle_written(&mut self, mono_us: f64, unix_ms: f64, ticket: f64) -> Result<(), JsValue> {
        self.disk(now(mono_us, unix_ms), ticket, Ok(DiskReply::Done))
    }

    /// The other answer to `readRows` and `writeRows`.
    #[wasm_bindgen(js_name = handleDiskFailed)]
    pub fn handle_disk_failed(&mut self, mono_us: f64, unix_ms: f64, ticket: f64) -> Result<(), JsValue> {
        self.disk(now(mono_us, unix_ms), ticket, Err(DiskError::Io))
    }

    /// The answer to `job`: does the work, and tells what it came to.
    #[wasm_bindgen(js_name = runJob)]
    pub fn run_job(&mut self, mono_us: f64, unix_ms: f64, ticket: f64) -> Result<(), JsValue> {
        let ticket = Ticket(ticket as u64);
        let job = self.jobs.remove(&ticket).ok_or_else(|| misuse(ApiMisuse::UnknownTicket(ticket)))?;
        let result = job.run();
        self.input(now(mono_us, unix_ms), Input::Job { ticket, result })
    }

    /// The next effect or event, in order; undefined when there is nothing until the next call.
    #[wasm_bindgen(js_name = pollOutput)]
    pub fn poll_output(&mut self) -> Result<JsValue, JsValue> {
        self.client.poll_output().map_or(Ok(JsValue::UNDEFINED), |next| output(next, &mut self.jobs))
    }

    /// When to call `handleTimeout` if nothing happens before, in microseconds of the monotonic clock; undefined for never.
    #[wasm_bindgen(js_name = pollTimeout)]
    pub fn poll_timeout(&self) -> JsValue {
        self.client.poll_timeout().map_or(JsValue::UNDEFINED, |at| number(at.0))
    }

    /// Panics, so that a test can see what becomes of it.
    #[wasm_bindgen(js_name = panicOnPurpose)]
    pub fn panic_on_purpose(&mut self) {
        panic!("on purpose");
    }
}

impl Machine {
    fn input(&mut self, now: Now, input: Input) -> Result<(), JsValue> {
        self.client.handle_input(now, input).map_err(misuse)
    }

    fn disk(&mut self, now: Now, ticket: f64, result: Result<DiskReply, DiskError>) -> Result<(), JsValue> {
        self.input(now, Input::Disk { ticket: Ticket(ticket as u64), result })
    }
}

fn link(conn: f64) -> ConnId {
    ConnId::from_u64(conn as u64)
}
