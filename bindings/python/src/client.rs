//! The blocking client: operations taken step by step, so that Python sees signals and the caller's deadline between two steps.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::sync::MutexExt as _;
use quantumsync::client::{self, ClientOptions, StoreOptions};
use quantumsync::home::Home;
use quantumsync_core::client::Client as Machine;
use quantumsync_core::id::OpId;
use quantumsync_core::time::Now;

use crate::errors::{closed, poisoned, raised};
use crate::events::{Event, event};
use crate::guard::{SLICE, guard, on_thread};
use crate::node::Node;
use crate::values::{self, Entry, entries, get_options, node_id};
use crate::vault::Vault;

/// A user of a network, on a thread of its own.
#[pyclass(frozen, module = "quantumsync._quantumsync")]
pub(crate) struct Client(Mutex<Option<client::Client>>);

#[pymethods]
impl Client {
    /// With an entry, only that is dialled; with a home, device and versions seen are remembered there.
    #[new]
    #[pyo3(signature = (token, vault=None, *, entry=vec![], node=None, home=None))]
    fn start(
        py: Python<'_>,
        token: &str,
        vault: Option<&Vault>,
        entry: Vec<Entry>,
        node: Option<&Node>,
        home: Option<PathBuf>,
    ) -> PyResult<Self> {
        guard(|| {
            let mut options = ClientOptions::without_vault(values::token(token)?);
            options.vault = vault.map(|vault| vault.0.clone());
            options.entry = entries(entry)?;
            if !options.entry.is_empty() {
                options.token.peers.clear();
            }
            options.control = node.map(|node| node.control(py)).transpose()?;
            if let Some(home) = home.map(Home::new) {
                let remember = move || Ok((home.device_secret()?, home.seen_disk()?));
                let (device, seen) =
                    on_thread(py, remember)?.map_err(|error: quantumsync::Error| raised(error))?;
                options.device = Some(device);
                options.seen = Box::new(seen);
            }
            Ok(Self(Mutex::new(Some(client::Client::start(options).map_err(raised)?))))
        })
    }

    /// Begins a store.
    #[pyo3(signature = (key, *, ttl_ms=None, modified_ms=None))]
    fn store(
        &self,
        py: Python<'_>,
        key: String,
        ttl_ms: Option<u64>,
        modified_ms: Option<u64>,
    ) -> PyResult<Operation> {
        let options = StoreOptions { ttl_ms, modified_ms };
        self.begin(py, move |machine, now| machine.store(now, &key, options))
    }

    /// Begins a get of a file, or of its bytes from `first` to `last`, both included.
    #[pyo3(signature = (key, *, first=None, last=None, fresh=false))]
    fn get(
        &self,
        py: Python<'_>,
        key: String,
        first: Option<u64>,
        last: Option<u64>,
        fresh: bool,
    ) -> PyResult<Operation> {
        let options = get_options(first, last, fresh);
        self.begin(py, move |machine, now| machine.get(now, &key, options))
    }

    /// Begins a delete.
    fn delete(&self, py: Python<'_>, key: String) -> PyResult<Operation> {
        self.begin(py, move |machine, now| machine.delete(now, &key))
    }

    /// Begins to delete everything of this vault.
    fn clear(&self, py: Python<'_>) -> PyResult<Operation> {
        self.begin(py, Machine::clear)
    }

    /// Begins a list.
    #[pyo3(signature = (prefix = String::new()))]
    fn list(&self, py: Python<'_>, prefix: String) -> PyResult<Operation> {
        self.begin(py, move |machine, now| machine.list(now, &prefix))
    }

    /// Begins to drop the entry node's own bytes of one file, or of all of this vault.
    #[pyo3(signature = (key = None))]
    fn evict(&self, py: Python<'_>, key: Option<String>) -> PyResult<Operation> {
        self.begin(py, move |machine, now| machine.evict(now, key.as_deref()))
    }

    /// Asks what the entry node is and holds.
    fn status(&self, py: Python<'_>) -> PyResult<Operation> {
        self.begin(py, Machine::status)
    }

    /// Asks who is in the network.
    fn peers(&self, py: Python<'_>) -> PyResult<Operation> {
        self.begin(py, Machine::peers)
    }

    /// Lets the entry node hash everything that it holds.
    fn verify(&self, py: Python<'_>) -> PyResult<Operation> {
        self.begin(py, Machine::verify)
    }

    /// Lets the entry node leave the network, or stay after all.
    #[pyo3(signature = (cancel = false))]
    fn leave(&self, py: Python<'_>, cancel: bool) -> PyResult<Operation> {
        self.begin(py, move |machine, now| machine.leave(now, cancel))
    }

    /// Removes a member for good.
    fn ban(&self, py: Python<'_>, node: &str) -> PyResult<Operation> {
        guard(|| {
            let node = node_id(node)?;
            self.begin(py, move |machine, now| machine.ban(now, node))
        })
    }

    /// Cancels what is under way, closes the link and ends the thread.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(|| {
            let taken = self.0.lock_py_attached(py).map_err(poisoned)?.take();
            let Some(client) = taken else { return Ok(()) };
            on_thread(py, move || client.close())?.map_err(raised)
        })
    }
}

impl Client {
    fn begin(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&mut Machine, Now) -> OpId + std::marker::Send + 'static,
    ) -> PyResult<Operation> {
        guard(|| {
            let client = self.0.lock_py_attached(py).map_err(poisoned)?.clone();
            let client = client.ok_or_else(|| closed("client"))?;
            let begun = py.detach(move || client.begin(command)).map_err(raised)?;
            Ok(Operation(Mutex::new(Some(begun))))
        })
    }
}

/// One operation under way.
#[pyclass(frozen, module = "quantumsync._quantumsync")]
pub(crate) struct Operation(Mutex<Option<client::Operation>>);

#[pymethods]
impl Operation {
    /// The next event; None if none came within so many seconds. Waits without holding the interpreter, and lets signals
    /// through.
    #[pyo3(signature = (timeout = None))]
    fn next_event(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Event>> {
        guard(|| {
            // What is no length of time, such as infinity, is no limit.
            let limit = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
            let until = limit.and_then(|limit| Instant::now().checked_add(limit));
            loop {
                let left = until.map_or(SLICE, |until| until.saturating_duration_since(Instant::now()));
                if let Some(came) = self.with(py, move |operation| operation.next_within(left.min(SLICE)))? {
                    return event(py, came).map(Some);
                }
                if left.is_zero() {
                    return Ok(None);
                }
                py.check_signals()?;
            }
        })
    }

    /// Gives a store some of its content: at most what `NeedData` asked for.
    fn provide(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        let bytes = Bytes::copy_from_slice(data);
        guard(|| self.with(py, |operation| operation.provide(bytes)))
    }

    /// Tells a store that its content is complete.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        guard(|| self.with(py, |operation| operation.finish()))
    }

    /// Gives back credit: bytes of a get, or files of a list, that were dealt with.
    fn consumed(&self, py: Python<'_>, count: usize) -> PyResult<()> {
        guard(|| self.with(py, move |operation| operation.consumed(count)))
    }

    /// Ends it, if it has not ended.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        guard(|| {
            let operation = self.0.lock_py_attached(py).map_err(poisoned)?.take();
            py.detach(|| drop(operation));
            Ok(())
        })
    }
}

impl Operation {
    /// Calls it without holding the interpreter: another thread may be waiting in it.
    fn with<T: std::marker::Send>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&mut client::Operation) -> Result<T, quantumsync::Error> + std::marker::Send,
    ) -> PyResult<T> {
        py.detach(|| {
            let mut operation = self.0.lock().map_err(poisoned)?;
            let operation = operation.as_mut().ok_or_else(|| closed("operation"))?;
            f(operation).map_err(raised)
        })
    }
}
