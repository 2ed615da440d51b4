//! A whole peer in this process.

use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::ptr;
use std::sync::Mutex;
use std::time::Duration;

use quantumsync::home::Home;
use quantumsync::node::{Node, NodeOptions, SettingsWanted};
use quantumsync_core::crypto::SigningKey;
use tempfile::TempDir;

use crate::guard::{guard, guard_or};
use crate::handle;
use crate::memory::owned_text;
use crate::pointers::{Out, optional_path, optional_text, texts};
use crate::result::{Failure, c_text, poisoned, qs_result};
use crate::values::{resolve, token};

/// A running peer, on threads of its own.
pub struct qs_node {
    running: Mutex<Option<Running>>,
    id: CString,
    address: CString,
}

struct Running {
    node: Node,
    /// Of a node that keeps nothing: goes when the node has ended.
    _temporary: Option<TempDir>,
}

/// How to start a node. All zero but `home` or `in_memory` is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qs_node_options {
    /// The folder that holds its identity, its network and what it keeps; made if it is not there. May be NULL if `in_memory` is
    /// true: then all is forgotten with the node.
    pub home: *const c_char,
    /// `HOST:PORT`; NULL for `127.0.0.1:0`. Port 0 lets the system choose.
    pub listen: *const c_char,
    /// The address to tell others instead; NULL for `listen`.
    pub advertise: *const c_char,
    /// A token for nodes; NULL for the network of the home, or a new one.
    pub join: *const c_char,
    /// More nodes to begin with, each `[NODEID@]HOST:PORT`; NULL if there are none.
    pub peers: *const *const c_char,
    /// How many.
    pub peer_count: usize,
    /// Copies of everything that the network keeps; 0 for its default.
    pub replicas: u8,
    /// Seconds of silence after which a member counts as gone; 0 for the network's default.
    pub gone_after_s: u64,
    /// Keep everything in memory.
    pub in_memory: bool,
}

/// Starts the node of a home, and returns when it serves. `options` must be given. The caller owns the node: qs_node_free. May
/// wait for the disk and for the network.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_node_start(
    options: *const qs_node_options,
    node: *mut *mut qs_node,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(node, ptr::null_mut(), "node") }?;
        // SAFETY: the same.
        let (home, options) = unsafe { read(options) }?;
        let (home, temporary) = match home {
            Some(home) => (home, None),
            None if options.volatile => {
                let folder = tempfile::Builder::new().prefix("quantumsync-").tempdir();
                let folder = folder.map_err(|error| Failure::new(qs_result::QS_IO, error.to_string()))?;
                (folder.path().to_path_buf(), Some(folder))
            }
            None => return Err(Failure::bad_value("a node needs a home, unless it keeps all in memory")),
        };
        let node = Node::start(&Home::new(home), options)?;
        let (id, address) = (c_text(node.id().to_string()), c_text(node.addr().to_string()));
        let running = Mutex::new(Some(Running { node, _temporary: temporary }));
        out.set(handle::open(qs_node { running, id, address }));
        Ok(())
    })
}

/// Where it listens: `IP:PORT`. Belongs to the node, and is there until that is freed; NULL for what is no node.
#[unsafe(no_mangle)]
pub extern "C" fn qs_node_address(node: *const qs_node) -> *const c_char {
    // Inside an object that only freeing its handle ends.
    guard_or(ptr::null(), || Ok(handle::find(node, "node")?.address.as_ptr()))
}

/// Its id: 64 hexadecimal digits. Belongs to the node, and is there until that is freed; NULL for what is no node.
#[unsafe(no_mangle)]
pub extern "C" fn qs_node_id(node: *const qs_node) -> *const c_char {
    guard_or(ptr::null(), || Ok(handle::find(node, "node")?.id.as_ptr()))
}

/// A token that lets a user, or with `for_node` another node, into its network: a secret, and whoever holds one for nodes
/// administers the network. The caller owns the text: qs_string_free, which wipes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qs_node_invite(
    node: *const qs_node,
    for_node: bool,
    token: *mut *mut c_char,
) -> qs_result {
    guard(|| {
        // SAFETY: by the rules of the header.
        let mut out = unsafe { Out::new(token, ptr::null_mut(), "token") }?;
        let text = handle::find(node, "node")?.with(|node| node.token(for_node).to_text())?;
        out.set(owned_text(&text));
        Ok(())
    })
}

/// Stops it and waits until its disk is closed; says why if it had ended by itself. The handle stays, answers QS_CLOSED from then
/// on, and is still to be freed. Closing it again is QS_OK.
#[unsafe(no_mangle)]
pub extern "C" fn qs_node_close(node: *mut qs_node) -> qs_result {
    guard(|| handle::find(node, "node")?.close())
}

/// Closes a node if need be, and frees it; NULL is left alone.
#[unsafe(no_mangle)]
pub extern "C" fn qs_node_free(node: *mut qs_node) {
    guard_or((), || handle::free(node).map_or(Ok(()), |node| node.close()));
}

impl qs_node {
    /// The key by which a client of this process commands it, and the token of its network.
    pub(crate) fn keys(&self) -> Result<(SigningKey, quantumsync_core::wire::Token), Failure> {
        self.with(|node| (node.control().clone(), node.token(false)))
    }

    fn with<T>(&self, f: impl FnOnce(&Node) -> T) -> Result<T, Failure> {
        let running = self.running.lock().map_err(poisoned)?;
        running.as_ref().map(|running| f(&running.node)).ok_or_else(|| Failure::closed("node"))
    }

    fn close(&self) -> Result<(), Failure> {
        let taken = self.running.lock().map_err(poisoned)?.take();
        let Some(Running { node, _temporary }) = taken else { return Ok(()) };
        node.stop();
        Ok(node.wait()?)
    }
}

/// # Safety
/// By the rules of the header.
unsafe fn read(options: *const qs_node_options) -> Result<(Option<PathBuf>, NodeOptions), Failure> {
    if options.is_null() {
        return Err(Failure::null("options"));
    }
    // SAFETY: not NULL, so initialised by the caller; its members the same.
    let (given, home, listen, advertise, join, peers) = unsafe {
        let given = options.read();
        (
            given,
            optional_path(given.home, "home")?,
            optional_text(given.listen, "listen")?,
            optional_text(given.advertise, "advertise")?,
            optional_text(given.join, "join")?,
            texts(given.peers, given.peer_count, "peers")?,
        )
    };
    let settings = SettingsWanted {
        replicas: (given.replicas > 0).then_some(given.replicas),
        gone_after: (given.gone_after_s > 0).then(|| Duration::from_secs(given.gone_after_s)),
        ..SettingsWanted::default()
    };
    let options = NodeOptions {
        advertise: advertise.map(resolve).transpose()?.map(|(_, addr)| addr),
        join: join.map(token).transpose()?,
        peers: peers.into_iter().map(resolve).collect::<Result<_, _>>()?,
        settings,
        volatile: given.in_memory,
        ..NodeOptions::new(resolve(listen.unwrap_or("127.0.0.1:0"))?.1)
    };
    Ok((home, options))
}
