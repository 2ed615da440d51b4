//! The sans-IO client: the core's state machine, one method a verb.

use std::sync::Mutex;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::sync::MutexExt as _;
use pyo3::types::PyBytes;
use quantumsync_core::client::{Client, ClientSetup, StoreOptions};
use quantumsync_core::config::Config;
use quantumsync_core::crypto::Suite;
use quantumsync_core::driver::{DiskReply, Input, Machine as _};
use quantumsync_core::error::{ApiMisuse, DiskError};
use quantumsync_core::id::{OpId, Ticket};
use quantumsync_core::time;

use crate::errors::{misuse, poisoned, raised};
use crate::events::{Effect, JobResult, effect};
use crate::guard::guard;
use crate::values::{self, Conn, Entry, Now, address, entries, get_options, given_or_fresh};
use crate::vault::Vault;

/// A user's state machine: bytes, times and results go in, effects and events come out.
#[pyclass(frozen, subclass, module = "quantumsync._quantumsync")]
pub(crate) struct Machine(Mutex<Client>);

#[pymethods]
impl Machine {
    #[new]
    #[pyo3(signature = (now, token, vault=None, *, entry=vec![], device=None, seed=None))]
    fn new(
        now: Now,
        token: &str,
        vault: Option<&Vault>,
        entry: Vec<Entry>,
        device: Option<&[u8]>,
        seed: Option<&[u8]>,
    ) -> PyResult<Self> {
        guard(|| {
            let token = values::token(token)?;
            let mut entry = entries(entry)?;
            if entry.is_empty() {
                entry.extend(token.peers.iter().map(|&(_, addr)| (None, addr)));
            }
            if entry.is_empty() {
                return Err(raised(quantumsync::Error::NoAddress));
            }
            let suite = Suite::Real;
            let setup = ClientSetup {
                suite,
                config: Config::default(),
                network: token.network(suite),
                network_key: token.network_key,
                psks: vec![(token.psk_epoch, token.psk)],
                vault: vault.map(|vault| vault.0.clone()),
                control: None,
                device: given_or_fresh(device)?,
                entry,
                seed: *given_or_fresh(seed)?.expose(),
            };
            Ok(Self(Mutex::new(Client::new(now.into(), setup))))
        })
    }

    /// Stores a file: asks for its content with `NeedData`, ends with `Stored`.
    #[pyo3(signature = (now, key, *, ttl_ms=None, modified_ms=None))]
    fn store(
        &self,
        py: Python<'_>,
        now: Now,
        key: &str,
        ttl_ms: Option<u64>,
        modified_ms: Option<u64>,
    ) -> PyResult<u64> {
        self.command(py, now, |machine, now| machine.store(now, key, StoreOptions { ttl_ms, modified_ms }))
    }

    /// Gets a file, or its bytes from `first` to `last`, both included: `Found`, then `Data`, ends with `Got`.
    #[pyo3(signature = (now, key, *, first=None, last=None, fresh=false))]
    fn get(
        &self,
        py: Python<'_>,
        now: Now,
        key: &str,
        first: Option<u64>,
        last: Option<u64>,
        fresh: bool,
    ) -> PyResult<u64> {
        let options = get_options(first, last, fresh);
        self.command(py, now, |machine, now| machine.get(now, key, options))
    }

    /// Deletes a file everywhere; ends with `Written`.
    fn delete(&self, py: Python<'_>, now: Now, key: &str) -> PyResult<u64> {
        self.command(py, now, |machine, now| machine.delete(now, key))
    }

    /// Deletes everything of this vault everywhere; ends with `Written`.
    fn clear(&self, py: Python<'_>, now: Now) -> PyResult<u64> {
        self.command(py, now, Client::clear)
    }

    /// Lists the files whose key begins with `prefix`: `Entries`, ends with `Listed`.
    #[pyo3(signature = (now, prefix = ""))]
    fn list(&self, py: Python<'_>, now: Now, prefix: &str) -> PyResult<u64> {
        self.command(py, now, |machine, now| machine.list(now, prefix))
    }

    /// What the entry node is and holds; ends with `Status`.
    fn status(&self, py: Python<'_>, now: Now) -> PyResult<u64> {
        self.command(py, now, Client::status)
    }

    /// Gives a store some of its content: at most what `NeedData` asked for.
    fn provide(&self, py: Python<'_>, now: Now, op: u64, data: &[u8]) -> PyResult<()> {
        self.call(py, now, |machine, now| machine.provide(now, OpId(op), Bytes::copy_from_slice(data)))
    }

    /// Tells a store that its content is complete.
    fn finish(&self, py: Python<'_>, now: Now, op: u64) -> PyResult<()> {
        self.call(py, now, |machine, now| machine.finish(now, OpId(op)))
    }

    /// Gives back credit: bytes of a get, or files of a list, that were dealt with.
    fn consumed(&self, py: Python<'_>, now: Now, op: u64, count: usize) -> PyResult<()> {
        self.call(py, now, |machine, now| machine.consumed(now, OpId(op), count))
    }

    /// Ends an operation; nothing if it has ended.
    fn cancel(&self, py: Python<'_>, now: Now, op: u64) -> PyResult<()> {
        self.call(py, now, |machine, now| {
            machine.cancel(now, OpId(op));
            Ok(())
        })
    }

    /// Cancels everything and closes the link.
    fn close(&self, py: Python<'_>, now: Now) -> PyResult<()> {
        self.call(py, now, |machine, now| {
            machine.close(now);
            Ok(())
        })
    }

    /// The time of `poll_timeout` has come.
    fn handle_timeout(&self, py: Python<'_>, now: Now) -> PyResult<()> {
        self.input(py, now, Input::Timeout)
    }

    /// A link that was dialled stands. `entropy` is 32 fresh bytes of the operating system's randomness, which it fetches
    /// itself if they are not given.
    #[pyo3(signature = (now, conn, remote, entropy=None))]
    fn handle_connected(
        &self,
        py: Python<'_>,
        now: Now,
        conn: Conn,
        remote: &str,
        entropy: Option<&[u8]>,
    ) -> PyResult<()> {
        guard(|| {
            let entropy = *given_or_fresh(entropy)?.expose();
            self.input(py, now, Input::Connected { conn: conn.0, remote: address(remote)?, entropy })
        })
    }

    /// A dial ended without a link.
    fn handle_dial_failed(&self, py: Python<'_>, now: Now, conn: Conn) -> PyResult<()> {
        self.input(py, now, Input::DialFailed { conn: conn.0 })
    }

    /// Bytes came, in any portions.
    fn handle_received(&self, py: Python<'_>, now: Now, conn: Conn, data: &[u8]) -> PyResult<()> {
        self.input(py, now, Input::Received { conn: conn.0, bytes: Bytes::copy_from_slice(data) })
    }

    /// So many bytes that were given with `Send` have left.
    fn handle_sent(&self, py: Python<'_>, now: Now, conn: Conn, count: usize) -> PyResult<()> {
        self.input(py, now, Input::Sent { conn: conn.0, bytes: count })
    }

    /// A link ended, whoever ended it.
    fn handle_disconnected(&self, py: Python<'_>, now: Now, conn: Conn) -> PyResult<()> {
        self.input(py, now, Input::Disconnected { conn: conn.0 })
    }

    /// The answer to `ReadRows`: one value for each key, None for a row that is not there.
    fn handle_rows(
        &self,
        py: Python<'_>,
        now: Now,
        ticket: u64,
        values: Vec<Option<Bound<'_, PyBytes>>>,
    ) -> PyResult<()> {
        guard(|| {
            let copy = |bytes: &Bound<'_, PyBytes>| Bytes::copy_from_slice(bytes.as_bytes());
            let values = values.iter().map(|value| value.as_ref().map(copy)).collect();
            self.disk(py, now, ticket, Ok(DiskReply::Values(values)))
        })
    }

    /// The answer to `WriteRows`: done, and durable.
    fn handle_written(&self, py: Python<'_>, now: Now, ticket: u64) -> PyResult<()> {
        self.disk(py, now, ticket, Ok(DiskReply::Done))
    }

    /// The other answer to `ReadRows` and `WriteRows`.
    fn handle_disk_failed(&self, py: Python<'_>, now: Now, ticket: u64) -> PyResult<()> {
        self.disk(py, now, ticket, Err(DiskError::Io))
    }

    /// The answer to `Job`.
    fn handle_job(&self, py: Python<'_>, now: Now, result: &JobResult) -> PyResult<()> {
        self.input(py, now, Input::Job { ticket: result.ticket, result: result.result.clone() })
    }

    /// The next effect or event, in order; None when there is nothing until the next call.
    fn poll_output(&self, py: Python<'_>) -> PyResult<Option<Effect>> {
        guard(|| {
            let output = self.0.lock_py_attached(py).map_err(poisoned)?.poll_output();
            output.map(|output| effect(py, output)).transpose()
        })
    }

    /// When to call `handle_timeout` if nothing happens before, in microseconds of the monotonic clock.
    fn poll_timeout(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        guard(|| Ok(self.0.lock_py_attached(py).map_err(poisoned)?.poll_timeout().map(|at| at.0)))
    }
}

impl Machine {
    fn command(
        &self,
        py: Python<'_>,
        now: Now,
        f: impl FnOnce(&mut Client, time::Now) -> OpId,
    ) -> PyResult<u64> {
        guard(|| Ok(f(&mut *self.0.lock_py_attached(py).map_err(poisoned)?, now.into()).0))
    }

    fn call(
        &self,
        py: Python<'_>,
        now: Now,
        f: impl FnOnce(&mut Client, time::Now) -> Result<(), ApiMisuse>,
    ) -> PyResult<()> {
        guard(|| f(&mut *self.0.lock_py_attached(py).map_err(poisoned)?, now.into()).map_err(misuse))
    }

    fn input(&self, py: Python<'_>, now: Now, input: Input) -> PyResult<()> {
        self.call(py, now, |machine, now| machine.handle_input(now, input))
    }

    fn disk(
        &self,
        py: Python<'_>,
        now: Now,
        ticket: u64,
        result: Result<DiskReply, DiskError>,
    ) -> PyResult<()> {
        self.input(py, now, Input::Disk { ticket: Ticket(ticket), result })
    }
}
