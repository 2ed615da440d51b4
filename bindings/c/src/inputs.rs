//! What a machine is told of the world: links, bytes, times, and the results of what it wanted done.

use std::ffi::c_char;

use bytes::Bytes;
use quantumsync_core::driver::{DiskReply, Input};
use quantumsync_core::error::DiskError;
use quantumsync_core::id::{ConnId, Ticket};

use crate::handle;
use crate::job::qs_job;
use crate::machine::{call, qs_machine};
use crate::memory::qs_bytes;
use crate::pointers::{array, optional_32, text};
use crate::result::{Failure, qs_result};
use crate::time::qs_now;
use crate::values::{self, given_or_fresh};

/// The time of qs_machine_poll_timeout has come. Harmless at any other time.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_handle_timeout(machine: *mut qs_machine, now: qs_now) -> qs_result {
    call(machine, |machine| machine.input(now, Input::Timeout))
}

/// A link that was dialled stands. `address` is that of QS_OUTPUT_DIAL. `entropy` is 32 fresh bytes of the operating system's
/// randomness, which NULL lets this function fetch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_handle_connected(
    machine: *mut qs_machine,
    now: qs_now,
    conn: u64,
    address: *const c_char,
    entropy: *const u8,
) -> qs_result {
    call(machine, |machine| {
        // SAFETY: by the rules of the header.
        let (remote, entropy) = unsafe { (text(address, "address")?, optional_32(entropy)) };
        let remote = values::address(remote)?;
        let entropy = *given_or_fresh(entropy)?.expose();
        machine.input(now, Input::Connected { conn: ConnId::from_u64(conn), remote, entropy })
    })
}

/// A dial ended without a link.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_handle_dial_failed(
    machine: *mut qs_machine,
    now: qs_now,
    conn: u64,
) -> qs_result {
    call(machine, |machine| machine.input(now, Input::DialFailed { conn: ConnId::from_u64(conn) }))
}

/// Bytes came, in any portions. They are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_handle_received(
    machine: *mut qs_machine,
    now: qs_now,
    conn: u64,
    data: *const u8,
    len: usize,
) -> qs_result {
    call(machine, |machine| {
        // SAFETY: by the rules of the header.
        let bytes = Bytes::copy_from_slice(unsafe { array(data, len, "data") }?);
        machine.input(now, Input::Received { conn: ConnId::from_u64(conn), bytes })
    })
}

/// So many bytes that were given with QS_OUTPUT_SEND have left.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_handle_sent(
    machine: *mut qs_machine,
    now: qs_now,
    conn: u64,
    count: usize,
) -> qs_result {
    let conn = ConnId::from_u64(conn);
    call(machine, |machine| machine.input(now, Input::Sent { conn, bytes: count }))
}

/// A link ended, whoever ended it.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_handle_disconnected(
    machine: *mut qs_machine,
    now: qs_now,
    conn: u64,
) -> qs_result {
    call(machine, |machine| machine.input(now, Input::Disconnected { conn: ConnId::from_u64(conn) }))
}

/// The answer to QS_OUTPUT_READ_ROWS: one value for each key, in their order; `data` is NULL for a row that is not there. They are
/// copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_handle_rows(
    machine: *mut qs_machine,
    now: qs_now,
    ticket: u64,
    values: *const qs_bytes,
    count: usize,
) -> qs_result {
    call(machine, |machine| {
        // SAFETY: by the rules of the header.
        let values = unsafe { array(values, count, "values") }?.iter().map(|value| {
            // SAFETY: the same.
            Ok(unsafe { value.read_optional("a value") }?.map(Bytes::copy_from_slice))
        });
        let values = values.collect::<Result<_, Failure>>()?;
        machine.input(now, Input::Disk { ticket: Ticket(ticket), result: Ok(DiskReply::Values(values)) })
    })
}

/// The answer to QS_OUTPUT_WRITE_ROWS: done, and durable.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_handle_written(machine: *mut qs_machine, now: qs_now, ticket: u64) -> qs_result {
    let input = Input::Disk { ticket: Ticket(ticket), result: Ok(DiskReply::Done) };
    call(machine, |machine| machine.input(now, input))
}

/// The other answer to QS_OUTPUT_READ_ROWS and QS_OUTPUT_WRITE_ROWS.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_handle_disk_failed(
    machine: *mut qs_machine,
    now: qs_now,
    ticket: u64,
) -> qs_result {
    let input = Input::Disk { ticket: Ticket(ticket), result: Err(DiskError::Io) };
    call(machine, |machine| machine.input(now, input))
}

/// The answer to QS_OUTPUT_JOB: the job, once it was run. Its output is still to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_handle_job(
    machine: *mut qs_machine,
    now: qs_now,
    job: *mut qs_job,
) -> qs_result {
    call(machine, |machine| machine.input(now, handle::find(job, "job")?.result()?))
}
