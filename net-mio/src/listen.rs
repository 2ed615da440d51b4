//! Listening sockets: accepting, and keeping calm when the system has no more descriptors.

use mio::net::{TcpListener, TcpStream};
use quantumsync_core::time::Instant;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// After a failure to accept for want of descriptors or memory: the first wait, and the longest.
const BACKOFF_FIRST: Duration = Duration::from_millis(10);
const BACKOFF_LONGEST: Duration = Duration::from_secs(1);

/// One listening socket.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// When to try again after a failure; the system does not tell when descriptors are free again.
    pub(crate) paused_until: Option<Instant>,
    backoff: Duration,
}

/// What one try brought.
pub(crate) enum Accepted {
    Link(TcpStream, SocketAddr),
    /// This one was lost before it was taken; others may wait.
    Lost,
    /// Nobody waits: the system will tell.
    Nobody,
    /// It failed; try again at the time given.
    Failed,
}

impl Listener {
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(addr)?, paused_until: None, backoff: BACKOFF_FIRST })
    }

    pub(crate) fn accept(&mut self, now: Instant) -> Accepted {
        self.paused_until = None;
        match self.socket.accept() {
            Ok((stream, remote)) => {
                self.backoff = BACKOFF_FIRST;
                Accepted::Link(stream, remote)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Accepted::Nobody,
                io::ErrorKind::Interrupted
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset => Accepted::Lost,
                _ => {
                    tracing::warn!(%error, wait = ?self.backoff, "cannot accept a link: will try again");
                    self.paused_until = Some(now + self.backoff);
                    self.backoff = (self.backoff * 2).min(BACKOFF_LONGEST);
                    Accepted::Failed
                }
            },
        }
    }
}
