//! The sans-IO client: the core's state machine, what it is told to do and what it wants done. What happened is told in `inputs`.

use std::ffi::c_char;
use std::ptr;
use std::sync::Mutex;

use bytes::Bytes;
use quantumsync_core::client::{Client, ClientSetup};
use quantumsync_core::config::Config;
use quantumsync_core::crypto::Suite;
use quantumsync_core::driver::{Input, Machine as _};
use quantumsync_core::error::ApiMisuse;
use quantumsync_core::id::OpId;
use quantumsync_core::time;

use crate::guard::{guard, guard_or};
use crate::handle;
use crate::options::{qs_get_options, qs_store_options};
use crate::output::qs_output;
use crate::pointers::{Out, array, copied, optional_32, optional_text, text, texts};
use crate::result::{Failure, poisoned, qs_result};
use crate::time::{QS_NEVER, qs_now};
use crate::values::{entry, given_or_fresh, token};
use crate::vault::qs_vault;

/// A user's state machine: bytes, times and results go in, effects and events come out. It does no I/O and starts no thread.
/// After every call, take all outputs with qs_machine_poll_output.
pub struct qs_machine(Mutex<Client>);

/// What a machine is made of. All zero but `token` is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_machine_options {
    /// The network: its keys, and addresses to enter by.
    pub token: *const c_char,
    /// Whose files; without one (NULL) only qs_machine_status succeeds.
    pub vault: *const qs_vault,
    /// Nodes to enter by instead of those of the token, best first, each `[NODEID@]IP:PORT`; NULL if there are none.
    pub entry: *const *const c_char,
    /// How many.
    pub entry_count: usize,
    /// 32 secret bytes that tell this device's versions from others', and stay the same from one start to the next; NULL for
    /// fresh ones of the operating system.
    pub device: *const u8,
    /// 32 bytes that seed the jitter of waits, never a key; NULL for fresh ones of the operating system.
    pub seed: *const u8,
}

/// A machine, which will dial when its first operation needs a link. `options` must be given. The vault may be freed before the
/// machine. The caller owns the machine: qs_machine_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_new(
    options: *const qs_machine_options,
    now: qs_now,
    machine: *mut *mut qs_machine,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(machine, ptr::null_mut(), "machine") }?;
        // SAFETY: the same.
        let setup = unsafe { read(options) }?;
        out.set(handle::open(qs_machine(Mutex::new(Client::new(now.into(), setup)))));
        Ok(())
    })
}

/// Frees a machine; NULL is left alone. Outputs that were taken stay.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_free(machine: *mut qs_machine) {
    guard_or((), || {
        drop(handle::free(machine));
        Ok(())
    });
}

/// Begins to store a file: asks for its content with QS_OUTPUT_NEED_DATA, and ends with QS_OUTPUT_DONE or QS_OUTPUT_FAILED, as
/// every operation does. `options` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_store(
    machine: *mut qs_machine,
    now: qs_now,
    key: *const c_char,
    options: *const qs_store_options,
    op: *mut u64,
) -> qs_result {
    // SAFETY: by the rules of the header.
    let arguments = || unsafe {
        let (key, options) = (text(key, "key")?, copied(options).into());
        Ok(move |client: &mut Client, now| client.store(now, key, options))
    };
    // SAFETY: the same.
    unsafe { begin(machine, now, op, arguments) }
}

/// Begins to get a file, or a part of it: QS_OUTPUT_FOUND, then QS_OUTPUT_DATA in order. `options` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_get(
    machine: *mut qs_machine,
    now: qs_now,
    key: *const c_char,
    options: *const qs_get_options,
    op: *mut u64,
) -> qs_result {
    // SAFETY: by the rules of the header.
    let arguments = || unsafe {
        let (key, options) = (text(key, "key")?, copied(options).into());
        Ok(move |client: &mut Client, now| client.get(now, key, options))
    };
    // SAFETY: the same.
    unsafe { begin(machine, now, op, arguments) }
}

/// Begins to delete a file everywhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_delete(
    machine: *mut qs_machine,
    now: qs_now,
    key: *const c_char,
    op: *mut u64,
) -> qs_result {
    // SAFETY: by the rules of the header.
    let arguments = || unsafe {
        let key = text(key, "key")?;
        Ok(move |client: &mut Client, now| client.delete(now, key))
    };
    // SAFETY: the same.
    unsafe { begin(machine, now, op, arguments) }
}

/// Begins to delete everything of this vault everywhere.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_clear(machine: *mut qs_machine, now: qs_now, op: *mut u64) -> qs_result {
    // SAFETY: by the rules of the header.
    unsafe { begin(machine, now, op, || Ok(Client::clear)) }
}

/// Begins to list the files whose key begins with `prefix`, NULL for all: QS_OUTPUT_ENTRIES.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_list(
    machine: *mut qs_machine,
    now: qs_now,
    prefix: *const c_char,
    op: *mut u64,
) -> qs_result {
    // SAFETY: by the rules of the header.
    let arguments = || unsafe {
        let prefix = optional_text(prefix, "prefix")?.unwrap_or_default();
        Ok(move |client: &mut Client, now| client.list(now, prefix))
    };
    // SAFETY: the same.
    unsafe { begin(machine, now, op, arguments) }
}

/// Begins to ask what the entry node is and holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_status(machine: *mut qs_machine, now: qs_now, op: *mut u64) -> qs_result {
    // SAFETY: by the rules of the header.
    unsafe { begin(machine, now, op, || Ok(Client::status)) }
}

/// Gives a store some of its content: at most what QS_OUTPUT_NEED_DATA asked for. The bytes are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_provide(
    machine: *mut qs_machine,
    now: qs_now,
    op: u64,
    data: *const u8,
    len: usize,
) -> qs_result {
    call(machine, |machine| {
        // SAFETY: by the rules of the header.
        let bytes = Bytes::copy_from_slice(unsafe { array(data, len, "data") }?);
        machine.with(now, |client, now| client.provide(now, OpId(op), bytes))
    })
}

/// Tells a store that its content is complete.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_finish(machine: *mut qs_machine, now: qs_now, op: u64) -> qs_result {
    call(machine, |machine| machine.with(now, |client, now| client.finish(now, OpId(op))))
}

/// Gives back credit: bytes of a get, or files of a list, that were dealt with.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_consumed(
    machine: *mut qs_machine,
    now: qs_now,
    op: u64,
    count: usize,
) -> qs_result {
    call(machine, |machine| machine.with(now, |client, now| client.consumed(now, OpId(op), count)))
}

/// Ends an operation with QS_CANCELLED; nothing if it has ended.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_cancel(machine: *mut qs_machine, now: qs_now, op: u64) -> qs_result {
    call(machine, |machine| {
        machine.with(now, |client, now| {
            client.cancel(now, OpId(op));
            Ok(())
        })
    })
}

/// Cancels everything and closes the link. Operations begun later are cancelled, too.
#[unsafe(no_mangle)]
pub extern "C" fn qs_machine_close(machine: *mut qs_machine, now: qs_now) -> qs_result {
    call(machine, |machine| {
        machine.with(now, |client, now| {
            client.close(now);
            Ok(())
        })
    })
}

/// The next effect or event, in order; QS_OUTPUT_NONE when there is nothing until the next call. What `output` held before is not
/// freed. The caller owns what it holds then: qs_output_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_poll_output(
    machine: *mut qs_machine,
    output: *mut qs_output,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(output, qs_output::none(), "output") }?;
        let next = handle::find(machine, "machine")?.0.lock().map_err(poisoned)?.poll_output();
        if let Some(next) = next {
            out.set(qs_output::of(next)?);
        }
        Ok(())
    })
}

/// When to call qs_machine_handle_timeout if nothing happens before, in microseconds of the monotonic clock; QS_NEVER if no time
/// matters, 0 while output waits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_machine_poll_timeout(machine: *const qs_machine, due_us: *mut u64) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(due_us, QS_NEVER, "due_us") }?;
        let due = handle::find(machine, "machine")?.0.lock().map_err(poisoned)?.poll_timeout();
        out.set(due.map_or(QS_NEVER, |due| due.0));
        Ok(())
    })
}

/// Panics inside a call, so that a test can see what becomes of it. In no header.
#[unsafe(no_mangle)]
pub extern "C" fn qs_panic_on_purpose(machine: *mut qs_machine) -> qs_result {
    call(machine, |machine| machine.with(qs_now::default(), |_, _| panic!("on purpose")))
}

impl qs_machine {
    pub(crate) fn input(&self, now: qs_now, input: Input) -> Result<(), Failure> {
        self.with(now, |client, now| client.handle_input(now, input))
    }

    fn with(
        &self,
        now: qs_now,
        f: impl FnOnce(&mut Client, time::Now) -> Result<(), ApiMisuse>,
    ) -> Result<(), Failure> {
        Ok(f(&mut *self.0.lock().map_err(poisoned)?, now.into())?)
    }
}

/// Calls a machine, behind the panic boundary.
pub(crate) fn call(
    machine: *const qs_machine,
    f: impl FnOnce(&qs_machine) -> Result<(), Failure>,
) -> qs_result {
    guard(|| f(&*handle::find(machine, "machine")?))
}

/// Begins the operation that `arguments` makes of what C has given.
///
/// # Safety
/// `op` is as for [`Out::new`].
unsafe fn begin<F: FnOnce(&mut Client, time::Now) -> OpId>(
    machine: *const qs_machine,
    now: qs_now,
    op: *mut u64,
    arguments: impl FnOnce() -> Result<F, Failure>,
) -> qs_result {
    call(machine, |machine| {
        // SAFETY: the same promise.
        let mut out = unsafe { Out::new(op, 0, "op") }?;
        let command = arguments()?;
        out.set(command(&mut *machine.0.lock().map_err(poisoned)?, now.into()).0);
        Ok(())
    })
}

/// # Safety
/// By the rules of the header.
unsafe fn read(options: *const qs_machine_options) -> Result<ClientSetup, Failure> {
    if options.is_null() {
        return Err(Failure::null("options"));
    }
    // SAFETY: not NULL, so initialised by the caller; its members the same.
    let (given, network, entries, device, seed) = unsafe {
        let given = options.read();
        let entries = texts(given.entry, given.entry_count, "entry")?;
        (given, text(given.token, "token")?, entries, optional_32(given.device), optional_32(given.seed))
    };
    let (suite, token) = (Suite::Real, token(network)?);
    let mut entries = entries.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    if entries.is_empty() {
        entries.extend(token.peers.iter().map(|&(_, addr)| (None, addr)));
    }
    if entries.is_empty() {
        return Err(quantumsync::Error::NoAddress.into());
    }
    Ok(ClientSetup {
        suite,
        config: Config::default(),
        network: token.network(suite),
        network_key: token.network_key,
        psks: vec![(token.psk_epoch, token.psk)],
        vault: handle::find_optional(given.vault, "vault")?.map(|vault| vault.0.clone()),
        control: None,
        device: given_or_fresh(device)?,
        entry: entries,
        seed: *given_or_fresh(seed)?.expose(),
    })
}
