//! What a machine tells and wants, as Python sees it. The same events come from the sans-IO machine and from an operation of the
//! blocking client.

use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};
use quantumsync_core::client::ClientEvent;
use quantumsync_core::driver::{DiskRequest, Output, TableOp};
use quantumsync_core::id::Ticket;
use quantumsync_core::job;

use crate::errors::{fault, internal, misuse, poisoned, raised};
use crate::guard::guard;
use crate::outcomes::{FileInfo, Result as Outcome};
use crate::record::record;
use crate::values::Conn;

record! {
    /// A link to an entry node is open.
    Connected {
        /// The node's id, as proved.
        node: String,
        /// Where it was dialled.
        address: String,
    }
}

// Classes that hold an error let the garbage collector see it: raised, it holds the frame that holds them.

record! {
    /// The link is gone; it is dialled again when an operation needs it.
    Disconnected {
        /// What the node did wrong, if that is why.
        error: Option<Py<PyAny>>,
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.error)
    }
}

record! {
    /// A store takes more bytes: answer with `provide`, at the end with `finish`.
    NeedData {
        /// The store.
        op: u64,
        /// How many bytes at most.
        max: usize,
    }
}

record! {
    /// A get has found its file; the data follow.
    Found {
        /// The get.
        op: u64,
        /// The file.
        info: Py<FileInfo>,
    }
}

record! {
    /// The next bytes of a file, checked: give their number back with `consumed`.
    Data {
        /// The get.
        op: u64,
        /// Where in the file they begin.
        offset: u64,
        /// The bytes; never empty.
        data: Py<PyBytes>,
    }
}

record! {
    /// More files of a list: give their number back with `consumed`.
    Entries {
        /// The list.
        op: u64,
        /// The files; never empty.
        files: Vec<Py<FileInfo>>,
    }
}

record! {
    /// An operation ended with success.
    Done {
        /// The operation.
        op: u64,
        /// What came of it.
        result: Py<PyAny>,
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.result)
    }
}

record! {
    /// An operation ended without success.
    Failed {
        /// The operation.
        op: u64,
        /// Why: a `QuantumSyncError`, to be raised.
        error: Py<PyAny>,
    }
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.error)
    }
}

record! {
    /// Open a link; answer with `handle_connected` or `handle_dial_failed`.
    Dial {
        /// The new link.
        conn: Conn,
        /// Where to: `IP:PORT`.
        address: String,
    }
}

record! {
    /// Send bytes on a link, after all earlier ones; tell with `handle_sent` as they leave.
    Send {
        /// The link.
        conn: Conn,
        /// The bytes.
        data: Py<PyBytes>,
    }
}

record! {
    /// Send what was given before, then close; answer with `handle_disconnected`.
    Close {
        /// The link.
        conn: Conn,
    }
}

record! {
    /// Look up rows of the table of versions seen; answer with `handle_rows`.
    ReadRows {
        /// Names the request in its answer.
        ticket: u64,
        /// The keys.
        keys: Vec<Py<PyBytes>>,
    }
}

record! {
    /// Change rows of the table of versions seen, durably; answer with `handle_written`.
    WriteRows {
        /// Names the request in its answer.
        ticket: u64,
        /// Keys with their new values; None removes the row.
        rows: Vec<(Py<PyBytes>, Option<Py<PyBytes>>)>,
    }
}

/// Heavy work: run it, on any thread, and give what it returns to `handle_job`.
#[pyclass(frozen, module = "quantumsync._quantumsync")]
pub(crate) struct Job {
    ticket: Ticket,
    job: Mutex<Option<job::Job>>,
}

#[pymethods]
impl Job {
    /// Does the work, without holding the interpreter. Once.
    fn run(&self, py: Python<'_>) -> PyResult<JobResult> {
        guard(|| {
            let job = self.job.lock().map_err(poisoned)?.take();
            let job =
                job.ok_or_else(|| misuse(quantumsync_core::error::ApiMisuse::UnknownTicket(self.ticket)))?;
            Ok(JobResult { ticket: self.ticket, result: py.detach(|| job.run()) })
        })
    }

    fn __repr__(&self) -> String {
        format!("Job({})", self.ticket)
    }
}

/// What a job came to.
#[pyclass(frozen, module = "quantumsync._quantumsync")]
pub(crate) struct JobResult {
    pub(crate) ticket: Ticket,
    pub(crate) result: job::JobResult,
}

/// Something for the user.
#[derive(IntoPyObject)]
pub(crate) enum Event {
    Connected(Connected),
    Disconnected(Disconnected),
    NeedData(NeedData),
    Found(Found),
    Data(Data),
    Entries(Entries),
    Done(Done),
    Failed(Failed),
}

/// Something to be done, or an event.
#[derive(IntoPyObject)]
pub(crate) enum Effect {
    Dial(Dial),
    Send(Send),
    Close(Close),
    ReadRows(ReadRows),
    WriteRows(WriteRows),
    Job(Job),
    Event(Event),
}

pub(crate) fn event(py: Python<'_>, event: ClientEvent) -> PyResult<Event> {
    Ok(match event {
        ClientEvent::Connected { node, addr } => {
            Event::Connected(Connected { node: node.to_string(), address: addr.to_string() })
        }
        ClientEvent::Disconnected { fault: why } => {
            Event::Disconnected(Disconnected { error: why.map(|why| fault(py, why)) })
        }
        ClientEvent::NeedData { op, max } => Event::NeedData(NeedData { op: op.0, max }),
        ClientEvent::Found { op, meta } => {
            Event::Found(Found { op: op.0, info: Py::new(py, FileInfo::from(meta))? })
        }
        ClientEvent::Data { op, offset, bytes } => {
            Event::Data(Data { op: op.0, offset, data: PyBytes::new(py, &bytes).unbind() })
        }
        ClientEvent::Entries { op, entries } => {
            let files = entries.into_iter().map(|meta| Py::new(py, FileInfo::from(meta)));
            Event::Entries(Entries { op: op.0, files: files.collect::<PyResult<_>>()? })
        }
        ClientEvent::Done { op, outcome } => {
            let result = Outcome::from(outcome).into_pyobject(py)?.unbind();
            Event::Done(Done { op: op.0, result })
        }
        ClientEvent::Failed { op, error } => {
            Event::Failed(Failed { op: op.0, error: raised(error).into_value(py).into_any() })
        }
    })
}

pub(crate) fn effect(py: Python<'_>, output: Output<ClientEvent>) -> PyResult<Effect> {
    let bytes = |bytes: &[u8]| PyBytes::new(py, bytes).unbind();
    Ok(match output {
        Output::Dial { conn, addr } => Effect::Dial(Dial { conn: Conn(conn), address: addr.to_string() }),
        Output::Send { conn, bytes: data } => Effect::Send(Send { conn: Conn(conn), data: bytes(&data) }),
        Output::Close { conn } => Effect::Close(Close { conn: Conn(conn) }),
        Output::Disk { ticket, request: DiskRequest::Get { keys } } => {
            Effect::ReadRows(ReadRows { ticket: ticket.0, keys: keys.iter().map(|key| bytes(key)).collect() })
        }
        Output::Disk { ticket, request: DiskRequest::Apply { ops } } => {
            let rows = ops.iter().map(|op| match op {
                TableOp::Put { key, value } => (bytes(key), Some(bytes(value))),
                TableOp::Remove { key } => (bytes(key), None),
            });
            Effect::WriteRows(WriteRows { ticket: ticket.0, rows: rows.collect() })
        }
        Output::Disk { .. } => return Err(internal("a client asked for more of a disk than its rows")),
        Output::Job { ticket, job } => Effect::Job(Job { ticket, job: Mutex::new(Some(job)) }),
        Output::Event(told) => Effect::Event(event(py, told)?),
    })
}
