//! The blocking client: one call an operation, from any thread.

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::ptr;
use std::sync::Mutex;

use quantumsync::Error;
use quantumsync::client::{Client, ClientOptions, GetOptions};
use quantumsync::home::Home;
use quantumsync_core::client::FileMeta;
use quantumsync_core::wire::Token;

use crate::guard::{guard, guard_or};
use crate::handle;
use crate::memory::qs_buffer;
use crate::node::qs_node;
use crate::options::{qs_get_options, qs_store_options};
use crate::outcome::{qs_file, qs_info, qs_listed, qs_status, qs_stored, qs_written};
use crate::pointers::{Out, array, copied, optional_path, optional_text, text, texts};
use crate::result::{Failure, c_text, internal, poisoned, qs_result};
use crate::transfer::{Memory, Sink, Source, qs_read_fn, qs_write_fn};
use crate::values::{resolve, token};
use crate::vault::qs_vault;

/// A user of a network, on a thread of its own. All functions may be called from any thread; calls of several threads go on at once.
pub struct qs_client(Mutex<Option<Client>>);

/// What a client is made of. All zero but `node` or `token` is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_client_options {
    /// A node of this process to enter by; NULL for one elsewhere.
    pub node: *const qs_node,
    /// The network: its keys, and addresses to enter by. NULL for that of `node`.
    pub token: *const c_char,
    /// Whose files; without one (NULL) only qs_client_status succeeds.
    pub vault: *const qs_vault,
    /// Nodes to enter by instead of those of the token, best first, each `[NODEID@]HOST:PORT`; NULL if there are none.
    pub entry: *const *const c_char,
    /// How many.
    pub entry_count: usize,
    /// The folder that remembers, from one start to the next, which versions were seen, so that older ones are noticed; NULL to
    /// remember them as long as the client is there.
    pub home: *const c_char,
}

/// A file that was got.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_got {
    /// What it is.
    pub info: qs_info,
    /// Bytes delivered.
    pub size: u64,
    /// Enough peers agreed that there is nothing newer.
    pub fresh: bool,
}

/// Takes a file of a list: returns 0 to go on, anything else to give up. The file is there until it returns. Otherwise as
/// qs_read_fn.
pub type qs_file_fn = Option<unsafe extern "C" fn(context: *mut c_void, file: *const qs_file) -> c_int>;

/// Starts a client, which dials when its first operation needs a link. `options` must be given. Vault and node may be freed before
/// the client. The caller owns the client: qs_client_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_start(
    options: *const qs_client_options,
    client: *mut *mut qs_client,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(client, ptr::null_mut(), "client") }?;
        // SAFETY: the same.
        let options = unsafe { read(options) }?;
        out.set(handle::open(qs_client(Mutex::new(Some(Client::start(options)?)))));
        Ok(())
    })
}

/// Cancels what is under way, in whatever thread, with QS_CANCELLED, closes the link and ends the thread. The handle stays, answers
/// QS_CLOSED from then on, and is still to be freed. Closing it again is QS_OK.
#[unsafe(no_mangle)]
pub extern "C" fn qs_client_close(client: *mut qs_client) -> qs_result {
    guard(|| handle::find(client, "client")?.close())
}

/// Closes a client if need be, and frees it; NULL is left alone.
#[unsafe(no_mangle)]
pub extern "C" fn qs_client_free(client: *mut qs_client) {
    guard_or((), || handle::free(client).map_or(Ok(()), |client| client.close()));
}

/// Stores `len` bytes under `key`, and returns when they are durable. `options` and `stored` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_store(
    client: *const qs_client,
    key: *const c_char,
    data: *const u8,
    len: usize,
    options: *const qs_store_options,
    stored: *mut qs_stored,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        unsafe { store(client, key, array(data, len, "data")?, options, stored) }
    })
}

/// Stores under `key` what `read` gives, to its end, with the same memory whatever the size. `context` is handed to it. `options` and
/// `stored` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_store_from(
    client: *const qs_client,
    key: *const c_char,
    read: qs_read_fn,
    context: *mut c_void,
    options: *const qs_store_options,
    stored: *mut qs_stored,
) -> qs_result {
    guard(|| {
        let read = read.ok_or_else(|| Failure::null("read"))?;
        // SAFETY: by the rules of the header.
        unsafe { store(client, key, Source { read, context }, options, stored) }
    })
}

/// Gets a file, or a part of it, into memory. The caller owns the content: qs_buffer_free. `options` and `got` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_get(
    client: *const qs_client,
    key: *const c_char,
    options: *const qs_get_options,
    content: *mut qs_buffer,
    got: *mut qs_got,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(content, qs_buffer::EMPTY, "content") }?;
        // SAFETY: the same.
        let qs_get_options { offset, length, .. } = unsafe { copied(options) };
        let mut memory = Memory::default();
        let place = &mut memory;
        let make_room = move |meta: &FileMeta| {
            let wanted = if length == 0 { u64::MAX } else { length };
            *place =
                Memory::with_room(meta.size.saturating_sub(offset).min(wanted)).map_err(Error::Output)?;
            Ok(place)
        };
        // SAFETY: the same.
        unsafe { get(client, key, options, make_room, got) }?;
        out.set(memory.into_buffer());
        Ok(())
    })
}

/// Gives a file, or a part of it, to `write` as it comes, with the same memory whatever the size. Only checked bytes are given; after
/// a failure the file is incomplete. `context` is handed to `write`. `options` and `got` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_get_to(
    client: *const qs_client,
    key: *const c_char,
    options: *const qs_get_options,
    write: qs_write_fn,
    context: *mut c_void,
    got: *mut qs_got,
) -> qs_result {
    guard(|| {
        let write = write.ok_or_else(|| Failure::null("write"))?;
        // SAFETY: by the rules of the header.
        unsafe { get(client, key, options, |_| Ok(Sink { write, context }), got) }
    })
}

/// What is known of a file without its content. Of `options`, which may be NULL, only `fresh` matters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_info(
    client: *const qs_client,
    key: *const c_char,
    options: *const qs_get_options,
    info: *mut qs_info,
) -> qs_result {
    guard(|| {
        if info.is_null() {
            return Err(Failure::null("info"));
        }
        // SAFETY: by the rules of the header.
        let (mut out, key, options) = unsafe { (Out::optional(info), text(key, "key")?, copied(options)) };
        let mut found = None;
        let whole = GetOptions { fresh: options.fresh, range: None };
        // Found, it has ended for whoever asks: the error ends it for the peers, too.
        let ended = running(client)?.get_into(key, whole, |meta| {
            found = Some(qs_info::from(meta));
            Err::<io::Sink, _>(Error::Output(io::ErrorKind::Interrupted.into()))
        });
        match (found, ended) {
            (Some(found), _) => out.set(found),
            (None, Err(error)) => return Err(error.into()),
            (None, Ok(_)) => return Err(internal("a get ended without its file")),
        }
        Ok(())
    })
}

/// Deletes a file everywhere. `written` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_delete(
    client: *const qs_client,
    key: *const c_char,
    written: *mut qs_written,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let (mut out, key) = unsafe { (Out::optional(written), text(key, "key")?) };
        out.set(running(client)?.delete(key)?.into());
        Ok(())
    })
}

/// Deletes everything of this vault everywhere. `written` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_clear(client: *const qs_client, written: *mut qs_written) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::optional(written) };
        out.set(running(client)?.clear()?.into());
        Ok(())
    })
}

/// Gives each file whose key begins with `prefix`, NULL for all, to `each`, in no particular order, page by page. `context` is handed
/// to it. `listed` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_list(
    client: *const qs_client,
    prefix: *const c_char,
    each: qs_file_fn,
    context: *mut c_void,
    listed: *mut qs_listed,
) -> qs_result {
    guard(|| {
        let each = each.ok_or_else(|| Failure::null("each"))?;
        // SAFETY: by the rules of the header.
        let (mut out, prefix) = unsafe { (Out::optional(listed), optional_text(prefix, "prefix")?) };
        let complete = running(client)?.list(prefix.unwrap_or_default(), |meta| {
            let info = (&meta).into();
            let key: CString = c_text(meta.key);
            let file = qs_file { key: key.as_ptr(), info };
            // SAFETY: the caller has given function and context for one another; the file is there until it returns.
            match unsafe { each(context, &raw const file) } {
                0 => Ok(()),
                _ => Err(Error::Output(io::Error::other("the caller's function gave up"))),
            }
        })?;
        out.set(qs_listed { complete });
        Ok(())
    })
}

/// What the entry node is and holds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_client_status(client: *const qs_client, status: *mut qs_status) -> qs_result {
    guard(|| {
        if status.is_null() {
            return Err(Failure::null("status"));
        }
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::optional(status) };
        out.set(running(client)?.status()?.into());
        Ok(())
    })
}

impl qs_client {
    fn close(&self) -> Result<(), Failure> {
        let taken = self.0.lock().map_err(poisoned)?.take();
        Ok(taken.map_or(Ok(()), Client::close)?)
    }
}

/// A clone, so that no lock is held while its operation runs.
fn running(client: *const qs_client) -> Result<Client, Failure> {
    let client = handle::find(client, "client")?;
    let running = client.0.lock().map_err(poisoned)?.clone();
    running.ok_or_else(|| Failure::closed("client"))
}

/// # Safety
/// By the rules of the header.
unsafe fn store(
    client: *const qs_client,
    key: *const c_char,
    content: impl io::Read,
    options: *const qs_store_options,
    stored: *mut qs_stored,
) -> Result<(), Failure> {
    // SAFETY: the same promise.
    let (mut out, key, options) = unsafe { (Out::optional(stored), text(key, "key")?, copied(options)) };
    out.set(running(client)?.store(key, content, options.into())?.into());
    Ok(())
}

/// # Safety
/// By the rules of the header.
unsafe fn get<W: io::Write>(
    client: *const qs_client,
    key: *const c_char,
    options: *const qs_get_options,
    output: impl FnOnce(&FileMeta) -> Result<W, Error>,
    got: *mut qs_got,
) -> Result<(), Failure> {
    // SAFETY: the same promise.
    let (mut out, key, options) = unsafe { (Out::optional(got), text(key, "key")?, copied(options)) };
    let done =
        running(client)?.get_into(key, GetOptions::from(options), output).map_err(|error| match error {
            Error::Output(why) if why.kind() == io::ErrorKind::OutOfMemory => {
                Failure::new(qs_result::QS_NO_MEMORY, "there is not enough memory for the content")
            }
            error => error.into(),
        })?;
    out.set(qs_got { info: (&done.meta).into(), size: done.size, fresh: done.fresh });
    Ok(())
}

/// # Safety
/// By the rules of the header.
unsafe fn read(options: *const qs_client_options) -> Result<ClientOptions, Failure> {
    if options.is_null() {
        return Err(Failure::null("options"));
    }
    // SAFETY: not NULL, so initialised by the caller; its members the same.
    let (given, text, home, entries) = unsafe {
        let given = options.read();
        let entries = texts(given.entry, given.entry_count, "entry")?;
        (given, optional_text(given.token, "token")?, optional_path(given.home, "home")?, entries)
    };
    let node = handle::find_optional(given.node, "node")?;
    let keys = node.map(|node| node.keys()).transpose()?;
    let (control, of_node): (_, Option<Token>) = keys.unzip();
    let given_token = text.map(token).transpose()?;
    let token = given_token.or(of_node).ok_or_else(|| Failure::null("token"))?;
    let mut options = ClientOptions::without_vault(token);
    options.vault = handle::find_optional(given.vault, "vault")?.map(|vault| vault.0.clone());
    options.control = control;
    options.entry = entries.into_iter().map(resolve).collect::<Result<_, _>>()?;
    if !options.entry.is_empty() {
        options.token.peers.clear();
    }
    if let Some(home) = home.map(Home::new) {
        options.device = Some(home.device_secret()?);
        options.seen = Box::new(home.seen_disk()?);
    }
    Ok(options)
}
