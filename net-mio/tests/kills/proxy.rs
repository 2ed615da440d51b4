//! A link that counts: stands before a node, passes bytes on in both directions and tells how many went by.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The address that others dial instead of the node's. It stays the same while the node comes and goes.
pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    node: Mutex<Option<SocketAddr>>,
    seen: Mutex<Seen>,
}

/// Bytes that went by so far.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Seen {
    pub(crate) to_node: u64,
    pub(crate) from_node: u64,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for link in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&of_thread);
                thread::spawn(move || shared.pass_on(link));
            }
        });
        Self { addr, shared }
    }

    /// Where the node listens from now on.
    pub(crate) fn set_node(&self, node: SocketAddr) {
        *self.shared.node.lock().unwrap() = Some(node);
    }

    pub(crate) fn seen(&self) -> Seen {
        *self.shared.seen.lock().unwrap()
    }
}

impl Shared {
    /// A node that is down looks from here as it does without a proxy: the link ends.
    fn pass_on(self: Arc<Self>, link: TcpStream) {
        let Some(addr) = *self.node.lock().unwrap() else { return };
        let Ok(node) = TcpStream::connect(addr) else { return };
        let ends = || Some((link.try_clone().ok()?, node.try_clone().ok()?));
        let Some((link_too, node_too)) = ends() else { return };
        let back = Arc::clone(&self);
        let answers = thread::spawn(move || {
            pump(node_too, link_too, |count| back.seen.lock().unwrap().from_node += count);
        });
        pump(link, node, |count| self.seen.lock().unwrap().to_node += count);
        answers.join().expect("a pump does not panic");
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, passed: impl Fn(u64)) {
    let _ = to.set_nodelay(true);
    let mut bytes = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
        passed(count as u64);
    }
    // Either end may be gone already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
