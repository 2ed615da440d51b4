//! A whole peer in this process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::MutexExt as _;
use quantumsync::home::Home;
use quantumsync::node::{self, NodeOptions, SettingsWanted};
use quantumsync_core::crypto::SigningKey;

use crate::errors::{closed, poisoned, raised};
use crate::guard::{guard, on_thread};
use crate::values::{Entry, address, entries, token};

/// A running peer.
#[pyclass(frozen, module = "quantumsync._quantumsync")]
pub(crate) struct Node {
    node: Mutex<Option<node::Node>>,
    id: String,
    address: SocketAddr,
}

#[pymethods]
impl Node {
    /// Starts the node of this home, and returns when it serves.
    #[new]
    #[pyo3(signature = (home, listen, *, advertise=None, join=None, peers=vec![], replicas=None, gone_after_s=None, volatile=false))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn start(
        py: Python<'_>,
        home: PathBuf,
        listen: &str,
        advertise: Option<&str>,
        join: Option<&str>,
        peers: Vec<Entry>,
        replicas: Option<u8>,
        gone_after_s: Option<u64>,
        volatile: bool,
    ) -> PyResult<Self> {
        guard(|| {
            let settings = SettingsWanted {
                replicas,
                gone_after: gone_after_s.map(Duration::from_secs),
                ..SettingsWanted::default()
            };
            let options = NodeOptions {
                advertise: advertise.map(address).transpose()?,
                join: join.map(token).transpose()?,
                peers: entries(peers)?,
                settings,
                volatile,
                ..NodeOptions::new(address(listen)?)
            };
            let started = on_thread(py, move || node::Node::start(&Home::new(home), options))?;
            let node = started.map_err(raised)?;
            let (id, address) = (node.id().to_string(), node.addr());
            Ok(Self { node: Mutex::new(Some(node)), id, address })
        })
    }

    /// Its id: 64 hexadecimal digits.
    #[getter]
    fn id(&self) -> PyResult<String> {
        guard(|| Ok(self.id.clone()))
    }

    /// Where it listens: `IP:PORT`.
    #[getter]
    fn address(&self) -> PyResult<String> {
        guard(|| Ok(self.address.to_string()))
    }

    /// A token that lets a user, or another node, into its network.
    #[pyo3(signature = (node = false))]
    fn invite(&self, py: Python<'_>, node: bool) -> PyResult<String> {
        guard(|| self.with(py, |running| running.token(node).to_text().to_string()))
    }

    /// Stops it and waits until its disk is closed. Says why if it had ended by itself.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(|| {
            let taken = self.node.lock_py_attached(py).map_err(poisoned)?.take();
            let Some(node) = taken else { return Ok(()) };
            node.stop();
            on_thread(py, move || node.wait())?.map_err(raised)
        })
    }
}

impl Node {
    /// The key by which a client of this process commands it.
    pub(crate) fn control(&self, py: Python<'_>) -> PyResult<SigningKey> {
        self.with(py, |node| node.control().clone())
    }

    fn with<T>(&self, py: Python<'_>, f: impl FnOnce(&node::Node) -> T) -> PyResult<T> {
        let node = self.node.lock_py_attached(py).map_err(poisoned)?;
        node.as_ref().map(f).ok_or_else(|| closed("node"))
    }
}

/// A node that nobody closed: its threads are waited for, and Python need not wait with them.
impl Drop for Node {
    fn drop(&mut self) {
        let node = self.node.get_mut().ok().and_then(Option::take);
        Python::attach(|py| py.detach(|| drop(node)));
    }
}
