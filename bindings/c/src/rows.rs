//! The table of versions seen, in memory: what a driver without a disk answers from.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::Mutex;

use bytes::Bytes;
use quantumsync_core::driver::{DiskReply, Input};
use quantumsync_core::id::Ticket;

use crate::guard::{guard, guard_or};
use crate::handle;
use crate::machine::qs_machine;
use crate::memory::qs_bytes;
use crate::output::{qs_output, qs_output_tag};
use crate::pointers::{Out, array};
use crate::result::{Failure, poisoned, qs_result};
use crate::time::qs_now;

/// A table of versions seen, in memory. Machines that share one, one after the other, notice as long as it lives when peers serve an
/// older version than was seen.
pub struct qs_rows(Mutex<BTreeMap<Bytes, Bytes>>);

/// An empty table. The caller owns it: qs_rows_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_rows_new(rows: *mut *mut qs_rows) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(rows, ptr::null_mut(), "rows") }?;
        out.set(handle::open(qs_rows(Mutex::default())));
        Ok(())
    })
}

/// Performs a QS_OUTPUT_READ_ROWS or QS_OUTPUT_WRITE_ROWS, and answers it. The output is still to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_rows_perform(
    rows: *mut qs_rows,
    machine: *mut qs_machine,
    now: qs_now,
    output: *const qs_output,
) -> qs_result {
    guard(|| {
        let (rows, machine) = (handle::find(rows, "rows")?, handle::find(machine, "machine")?);
        // SAFETY: by the rules of the header.
        let output = unsafe { output.as_ref() }.ok_or_else(|| Failure::null("output"))?;
        let mut rows = rows.0.lock().map_err(poisoned)?;
        // SAFETY: by the rules of the header the output is as the machine has filled it: the tag tells which member is set, and all
        // that it points to is there.
        let (ticket, reply) = unsafe {
            match output.tag {
                qs_output_tag::QS_OUTPUT_READ_ROWS => {
                    let wanted = output.u.read_rows;
                    let keys = array(wanted.keys, wanted.count, "keys")?;
                    let values = keys.iter().map(|key| Ok(rows.get(key.read("key")?).cloned()));
                    (wanted.ticket, DiskReply::Values(values.collect::<Result<_, Failure>>()?))
                }
                qs_output_tag::QS_OUTPUT_WRITE_ROWS => {
                    let wanted = output.u.write_rows;
                    for row in array(wanted.rows, wanted.count, "rows")? {
                        let key = Bytes::copy_from_slice(row.key.read("key")?);
                        match row.value.read_optional("value")? {
                            Some(value) => rows.insert(key, Bytes::copy_from_slice(value)),
                            None => rows.remove(&key),
                        };
                    }
                    (wanted.ticket, DiskReply::Done)
                }
                _ => return Err(Failure::new(qs_result::QS_MISUSE, "this output is not about rows")),
            }
        };
        machine.input(now, Input::Disk { ticket: Ticket(ticket), result: Ok(reply) })
    })
}

/// Frees a table; NULL is left alone.
#[unsafe(no_mangle)]
pub extern "C" fn qs_rows_free(rows: *mut qs_rows) {
    guard_or((), || {
        drop(handle::free(rows));
        Ok(())
    });
}

impl qs_bytes {
    /// # Safety
    /// As for [`array`].
    pub(crate) unsafe fn read<'a>(self, what: &str) -> Result<&'a [u8], Failure> {
        // SAFETY: the same promise.
        unsafe { array(self.data, self.len, what) }
    }

    /// # Safety
    /// As for [`array`].
    pub(crate) unsafe fn read_optional<'a>(self, what: &str) -> Result<Option<&'a [u8]>, Failure> {
        if self.data.is_null() && self.len == 0 {
            return Ok(None);
        }
        // SAFETY: the same promise.
        unsafe { self.read(what) }.map(Some)
    }
}
