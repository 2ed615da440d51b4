//! What a machine wants done, and what it tells: one tagged union, whose memory hangs on one owner.

use std::ffi::c_char;
use std::ptr;

use quantumsync_core::client::{ClientEvent, FileMeta};
use quantumsync_core::driver::{DiskRequest, Output, TableOp};

use crate::guard::guard_or;
use crate::job::qs_job;
use crate::memory::qs_bytes;
use crate::outcome::{qs_file, qs_outcome};
use crate::owner::qs_output_owner;
use crate::result::{Failure, internal, qs_result};

/// Of what kind an output is. The first six are effects: perform them in their order, and answer. The others are events, for the
/// user.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum qs_output_tag {
    /// Nothing to do until the next input.
    QS_OUTPUT_NONE,
    /// `u.dial`: open a link; answer qs_machine_handle_connected or qs_machine_handle_dial_failed.
    QS_OUTPUT_DIAL,
    /// `u.send`: send bytes on a link, after all earlier ones; answer qs_machine_handle_sent as they leave.
    QS_OUTPUT_SEND,
    /// `u.close`: send what was given before, then close; answer qs_machine_handle_disconnected.
    QS_OUTPUT_CLOSE,
    /// `u.read_rows`: look up rows of the table of versions seen; answer qs_machine_handle_rows, or let qs_rows_perform do it.
    QS_OUTPUT_READ_ROWS,
    /// `u.write_rows`: change rows of it, durably; answer qs_machine_handle_written, or let qs_rows_perform do it.
    QS_OUTPUT_WRITE_ROWS,
    /// `u.job`: run it with qs_job_run, on any thread, and give it to qs_machine_handle_job.
    QS_OUTPUT_JOB,
    /// `u.connected`: a link to an entry node is open.
    QS_OUTPUT_CONNECTED,
    /// `u.disconnected`: the link is gone; it is dialled again when an operation needs it.
    QS_OUTPUT_DISCONNECTED,
    /// `u.need_data`: a store takes more bytes: qs_machine_provide, at the end qs_machine_finish.
    QS_OUTPUT_NEED_DATA,
    /// `u.found`: a get has found its file; the data follow.
    QS_OUTPUT_FOUND,
    /// `u.data`: the next bytes of a file, checked; give their number back with qs_machine_consumed.
    QS_OUTPUT_DATA,
    /// `u.entries`: more files of a list; give their number back with qs_machine_consumed.
    QS_OUTPUT_ENTRIES,
    /// `u.done`: an operation ended with success.
    QS_OUTPUT_DONE,
    /// `u.failed`: an operation ended without success.
    QS_OUTPUT_FAILED,
}

/// A link to open.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_dial {
    /// The new link's number; never used again.
    pub conn: u64,
    /// Where to: `IP:PORT`.
    pub address: *const c_char,
    /// The IP alone, for getaddrinfo with AI_NUMERICHOST.
    pub host: *const c_char,
    /// The port alone, for getaddrinfo with AI_NUMERICSERV.
    pub port: *const c_char,
}

/// Bytes to send.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_send {
    /// The link.
    pub conn: u64,
    /// The bytes.
    pub bytes: qs_bytes,
}

/// A link to close.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_close {
    /// The link.
    pub conn: u64,
}

/// Rows to look up.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_read_rows {
    /// Names the request in its answer.
    pub ticket: u64,
    /// Their keys.
    pub keys: *const qs_bytes,
    /// How many.
    pub count: usize,
}

/// A row of the table of versions seen.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_row {
    /// Its key.
    pub key: qs_bytes,
    /// Its new value; `data` is NULL if the row is to be removed.
    pub value: qs_bytes,
}

/// Rows to change.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_write_rows {
    /// Names the request in its answer.
    pub ticket: u64,
    /// The rows; later ones win.
    pub rows: *const qs_row,
    /// How many.
    pub count: usize,
}

/// Work to do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_work {
    /// The work.
    pub job: *mut qs_job,
}

/// An open link.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_connected {
    /// The node's id, as proved.
    pub node: *const c_char,
    /// Where it was dialled: `IP:PORT`.
    pub address: *const c_char,
}

/// A link that is gone.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_disconnected {
    /// QS_OK, or what the node did wrong.
    pub result: qs_result,
    /// The same for people; "" for QS_OK.
    pub message: *const c_char,
}

/// Room for content.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_need_data {
    /// The store.
    pub op: u64,
    /// How many bytes at most.
    pub max: usize,
}

/// A file that was found.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_found {
    /// The get.
    pub op: u64,
    /// The file.
    pub file: qs_file,
}

/// Content.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_data {
    /// The get.
    pub op: u64,
    /// Where in the file the bytes begin.
    pub offset: u64,
    /// The bytes; never empty.
    pub bytes: qs_bytes,
}

/// Files of a list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_entries {
    /// The list.
    pub op: u64,
    /// The files, sorted by key.
    pub files: *const qs_file,
    /// How many; never zero.
    pub count: usize,
}

/// Success.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_done {
    /// The operation.
    pub op: u64,
    /// What came of it.
    pub outcome: qs_outcome,
}

/// Failure.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_failed {
    /// The operation.
    pub op: u64,
    /// Why.
    pub result: qs_result,
    /// The same for people.
    pub message: *const c_char,
}

/// An output, by its tag.
#[repr(C)]
#[derive(Clone, Copy)]
pub union qs_output_body {
    /// QS_OUTPUT_DIAL
    pub dial: qs_dial,
    /// QS_OUTPUT_SEND
    pub send: qs_send,
    /// QS_OUTPUT_CLOSE
    pub close: qs_close,
    /// QS_OUTPUT_READ_ROWS
    pub read_rows: qs_read_rows,
    /// QS_OUTPUT_WRITE_ROWS
    pub write_rows: qs_write_rows,
    /// QS_OUTPUT_JOB
    pub job: qs_work,
    /// QS_OUTPUT_CONNECTED
    pub connected: qs_connected,
    /// QS_OUTPUT_DISCONNECTED
    pub disconnected: qs_disconnected,
    /// QS_OUTPUT_NEED_DATA
    pub need_data: qs_need_data,
    /// QS_OUTPUT_FOUND
    pub found: qs_found,
    /// QS_OUTPUT_DATA
    pub data: qs_data,
    /// QS_OUTPUT_ENTRIES
    pub entries: qs_entries,
    /// QS_OUTPUT_DONE
    pub done: qs_done,
    /// QS_OUTPUT_FAILED
    pub failed: qs_failed,
}

/// An effect to perform or an event. Everything that it points to is there until qs_output_free; it may be kept for long, moved to
/// another thread and freed in any order. A copy of the structure is the same output: one of them is freed.
#[repr(C)]
pub struct qs_output {
    /// Of what kind it is.
    pub tag: qs_output_tag,
    /// The output itself.
    pub u: qs_output_body,
    /// What it points into; not for the caller.
    pub owner: *mut qs_output_owner,
}

/// Frees what an output points to, its job included, and makes it QS_OUTPUT_NONE. One that is that already, and NULL, are left
/// alone. From any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_output_free(output: *mut qs_output) {
    guard_or((), || {
        if output.is_null() {
            return Ok(());
        }
        // SAFETY: not NULL, so an output that a function of this library has filled, by the rules of the header.
        let full = unsafe { output.replace(qs_output::none()) };
        if !full.owner.is_null() {
            // SAFETY: made from a box in `qs_output::of` and, emptied just now, not freed again.
            drop(unsafe { Box::from_raw(full.owner) });
        }
        Ok(())
    });
}

impl qs_output {
    pub(crate) const fn none() -> Self {
        let u = qs_output_body { close: qs_close { conn: 0 } };
        Self { tag: qs_output_tag::QS_OUTPUT_NONE, u, owner: ptr::null_mut() }
    }

    pub(crate) fn of(output: Output<ClientEvent>) -> Result<Self, Failure> {
        let mut owner = Box::<qs_output_owner>::default();
        let (tag, u) = owner.effect(output)?;
        Ok(Self { tag, u, owner: Box::into_raw(owner) })
    }
}

use qs_output_tag::*;

type Converted = (qs_output_tag, qs_output_body);

impl qs_output_owner {
    fn effect(&mut self, output: Output<ClientEvent>) -> Result<Converted, Failure> {
        Ok(match output {
            Output::Dial { conn, addr } => {
                let dial = qs_dial {
                    conn: conn.to_u64(),
                    address: self.text(addr.to_string()),
                    host: self.text(addr.ip().to_string()),
                    port: self.text(addr.port().to_string()),
                };
                (QS_OUTPUT_DIAL, qs_output_body { dial })
            }
            Output::Send { conn, bytes } => {
                let send = qs_send { conn: conn.to_u64(), bytes: self.bytes(bytes) };
                (QS_OUTPUT_SEND, qs_output_body { send })
            }
            Output::Close { conn } => {
                (QS_OUTPUT_CLOSE, qs_output_body { close: qs_close { conn: conn.to_u64() } })
            }
            Output::Disk { ticket, request: DiskRequest::Get { keys } } => {
                let keys: Vec<_> = keys.into_iter().map(|key| self.bytes(key)).collect();
                let (keys, count) = self.array(keys);
                let read_rows = qs_read_rows { ticket: ticket.0, keys, count };
                (QS_OUTPUT_READ_ROWS, qs_output_body { read_rows })
            }
            Output::Disk { ticket, request: DiskRequest::Apply { ops } } => {
                let rows: Vec<_> = ops.into_iter().map(|op| self.row(op)).collect();
                let (rows, count) = self.array(rows);
                let write_rows = qs_write_rows { ticket: ticket.0, rows, count };
                (QS_OUTPUT_WRITE_ROWS, qs_output_body { write_rows })
            }
            Output::Disk { .. } => return Err(internal("a client asked for more of a disk than its rows")),
            Output::Job { ticket, job } => {
                let job = self.job(qs_job::new(ticket, job));
                (QS_OUTPUT_JOB, qs_output_body { job: qs_work { job } })
            }
            Output::Event(event) => return self.event(event),
        })
    }

    fn event(&mut self, event: ClientEvent) -> Result<Converted, Failure> {
        Ok(match event {
            ClientEvent::Connected { node, addr } => {
                let (node, address) = (self.text(node.to_string()), self.text(addr.to_string()));
                (QS_OUTPUT_CONNECTED, qs_output_body { connected: qs_connected { node, address } })
            }
            ClientEvent::Disconnected { fault } => {
                let why = fault.map(|fault| Failure::from(quantumsync_core::error::OpError::from(fault)));
                let why = why.unwrap_or_else(|| Failure::new(qs_result::QS_OK, ""));
                let disconnected = qs_disconnected { result: why.result, message: self.text(why.message) };
                (QS_OUTPUT_DISCONNECTED, qs_output_body { disconnected })
            }
            ClientEvent::NeedData { op, max } => {
                (QS_OUTPUT_NEED_DATA, qs_output_body { need_data: qs_need_data { op: op.0, max } })
            }
            ClientEvent::Found { op, meta } => {
                let found = qs_found { op: op.0, file: self.file(meta) };
                (QS_OUTPUT_FOUND, qs_output_body { found })
            }
            ClientEvent::Data { op, offset, bytes } => {
                let data = qs_data { op: op.0, offset, bytes: self.bytes(bytes) };
                (QS_OUTPUT_DATA, qs_output_body { data })
            }
            ClientEvent::Entries { op, entries } => {
                let files: Vec<_> = entries.into_iter().map(|meta| self.file(meta)).collect();
                let (files, count) = self.array(files);
                (QS_OUTPUT_ENTRIES, qs_output_body { entries: qs_entries { op: op.0, files, count } })
            }
            ClientEvent::Done { op, outcome } => {
                let outcome = qs_outcome::of(outcome, self);
                let outcome = outcome.ok_or_else(|| internal("an operation that nobody could begin"))?;
                (QS_OUTPUT_DONE, qs_output_body { done: qs_done { op: op.0, outcome } })
            }
            ClientEvent::Failed { op, error } => {
                let why = Failure::from(error);
                let failed = qs_failed { op: op.0, result: why.result, message: self.text(why.message) };
                (QS_OUTPUT_FAILED, qs_output_body { failed })
            }
        })
    }

    fn row(&mut self, op: TableOp) -> qs_row {
        match op {
            TableOp::Put { key, value } => qs_row { key: self.bytes(key), value: self.bytes(value) },
            TableOp::Remove { key } => {
                qs_row { key: self.bytes(key), value: qs_bytes { data: ptr::null(), len: 0 } }
            }
        }
    }

    fn file(&mut self, meta: FileMeta) -> qs_file {
        let info = (&meta).into();
        qs_file { key: self.text(meta.key), info }
    }
}
