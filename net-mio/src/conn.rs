//! One link: a socket, what waits to be written to it, and how it ends.
//!
//! A link knows no other link and no machine; the [reactor](crate::reactor) gives it turns.

use crate::buffers::Buffers;
use crate::dial::{self, Outcome};
use bytes::{Buf, Bytes};
use mio::event::Event;
use mio::net::TcpStream;
use quantumsync_core::id::ConnId;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};

/// Slices of one write: a header and a body for each of the largest frames of half a send window.
const SLICES: usize = 16;

/// One socket.
pub(crate) struct Link {
    pub(crate) id: ConnId,
    pub(crate) stream: TcpStream,
    pub(crate) phase: Phase,
    /// True while the link stands in the reactor's queue.
    pub(crate) queued: bool,
    /// What the system last said; true until it says `WouldBlock`.
    readable: bool,
    writable: bool,
    reads_next: bool,
    /// The other side sends no more.
    heard_out: bool,
    /// The other side takes no more.
    write_failed: bool,
    unsent: VecDeque<Bytes>,
}

/// How far a link is on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// The dial has no outcome yet.
    Dialling,
    /// Both ways.
    Open,
    /// The other side sends no more: what waits is still sent, then the link ends.
    Emptying,
    /// The machine closed it: what waits is still sent, what comes is dropped.
    Closing,
    /// All is sent and the other side was told; ends when it closes too. Closing a socket with bytes
    /// unread would take back what was sent.
    Draining,
}

/// What a turn brought.
pub(crate) enum Turn {
    /// Nothing to do until the system tells of the socket again.
    Idle,
    /// Something was done that concerns nobody else; there may be more.
    Again,
    /// The dial succeeded.
    Connected(SocketAddr),
    /// Bytes came.
    Received(Bytes),
    /// This many bytes left.
    Sent(usize),
    /// It is over, or the dial failed.
    Ended,
}

impl Link {
    pub(crate) fn dialling(id: ConnId, stream: TcpStream) -> Self {
        Self::new(id, stream, Phase::Dialling, false)
    }

    pub(crate) fn accepted(id: ConnId, stream: TcpStream) -> Self {
        Self::new(id, stream, Phase::Open, true)
    }

    fn new(id: ConnId, stream: TcpStream, phase: Phase, ready: bool) -> Self {
        Self {
            id,
            stream,
            phase,
            queued: false,
            readable: ready,
            writable: ready,
            reads_next: true,
            heard_out: false,
            write_failed: false,
            unsent: VecDeque::new(),
        }
    }

    /// Takes note of what the system says.
    pub(crate) fn notice(&mut self, event: &Event) {
        let over = event.is_error();
        self.readable |= event.is_readable() || event.is_read_closed() || over;
        self.writable |= event.is_writable() || event.is_write_closed() || over;
    }

    /// Queues bytes; nothing is sent on a link that is being closed.
    pub(crate) fn send(&mut self, bytes: Bytes) {
        let open = matches!(self.phase, Phase::Open | Phase::Emptying) && !self.write_failed;
        if open && !bytes.is_empty() {
            self.unsent.push_back(bytes);
        }
    }

    /// Begins the end of an open link.
    pub(crate) fn close(&mut self) {
        self.phase = match self.phase {
            Phase::Draining => Phase::Draining,
            _ => Phase::Closing,
        };
    }

    /// Performs one read or one write at most, the two by turns.
    pub(crate) fn turn(&mut self, buffers: &mut Buffers) -> Turn {
        if self.phase == Phase::Dialling {
            return self.ask_outcome();
        }
        let reads = self.readable && !self.heard_out;
        let writes = self.writable && !self.write_failed && self.has_writing();
        self.reads_next = if reads && writes { !self.reads_next } else { reads };
        match (reads || writes, self.reads_next) {
            (false, _) => self.idle(),
            (true, true) => self.read(buffers),
            (true, false) => self.write(),
        }
    }

    fn ask_outcome(&mut self) -> Turn {
        if !self.writable && !self.readable {
            return Turn::Idle;
        }
        match dial::outcome(&self.stream) {
            Outcome::Connected(remote) => {
                self.phase = Phase::Open;
                (self.readable, self.writable) = (true, true);
                Turn::Connected(remote)
            }
            Outcome::Waiting => {
                (self.readable, self.writable) = (false, false);
                Turn::Idle
            }
            Outcome::Failed(error) => {
                tracing::debug!(conn = %self.id, %error, "a dial failed");
                Turn::Ended
            }
        }
    }

    fn has_writing(&self) -> bool {
        // A closing link whose bytes have left still has to tell the other side.
        !self.unsent.is_empty() || self.phase == Phase::Closing
    }

    fn idle(&self) -> Turn {
        if self.phase == Phase::Emptying && self.unsent.is_empty() { Turn::Ended } else { Turn::Idle }
    }

    fn read(&mut self, buffers: &mut Buffers) -> Turn {
        match buffers.read(&mut self.stream) {
            Ok(bytes) if bytes.is_empty() => self.end_of_stream(),
            Ok(bytes) if self.phase == Phase::Open => Turn::Received(bytes),
            Ok(_) => Turn::Again,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock if self.write_failed => Turn::Ended,
                io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    Turn::Again
                }
                io::ErrorKind::Interrupted => Turn::Again,
                _ => Turn::Ended,
            },
        }
    }

    fn end_of_stream(&mut self) -> Turn {
        self.heard_out = true;
        if self.unsent.is_empty() || self.write_failed {
            return Turn::Ended;
        }
        if self.phase == Phase::Open {
            self.phase = Phase::Emptying;
        }
        Turn::Again
    }

    fn write(&mut self) -> Turn {
        if self.unsent.is_empty() {
            return self.finish();
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = self.unsent.len().min(SLICES);
        for (slice, bytes) in slices.iter_mut().zip(&self.unsent) {
            *slice = IoSlice::new(bytes);
        }
        match send(&self.stream, &slices[..count]) {
            Ok(0) => Turn::Ended,
            Ok(sent) => {
                self.advance(sent);
                if self.phase == Phase::Closing { Turn::Again } else { Turn::Sent(sent) }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    Turn::Again
                }
                io::ErrorKind::Interrupted => Turn::Again,
                _ => self.stop_writing(),
            },
        }
    }

    /// The other side takes nothing more, but what it sent before may still be there to read.
    fn stop_writing(&mut self) -> Turn {
        self.write_failed = true;
        self.unsent.clear();
        if self.phase == Phase::Open && self.readable { Turn::Again } else { Turn::Ended }
    }

    fn finish(&mut self) -> Turn {
        if self.heard_out || self.stream.shutdown(Shutdown::Write).is_err() {
            return Turn::Ended;
        }
        self.phase = Phase::Draining;
        Turn::Again
    }

    fn advance(&mut self, mut sent: usize) {
        while let Some(front) = self.unsent.front_mut() {
            if sent < front.len() {
                front.advance(sent);
                return;
            }
            sent -= front.len();
            self.unsent.pop_front();
        }
    }
}

/// Sends without the signal that otherwise comes where the other side is gone: in a program that is not Rust's, as one that uses
/// the C binding, it would be the end.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn send(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    Ok(sendmsg(stream, slices, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
}

/// Elsewhere sockets are made without that signal, or there is none.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn send(mut stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    std::io::Write::write_vectored(&mut stream, slices)
}
