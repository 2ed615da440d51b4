//! Dialling without waiting.

use mio::net::TcpStream;
use std::io;
use std::net::SocketAddr;

/// How a dial stands.
pub(crate) enum Outcome {
    Connected(SocketAddr),
    Waiting,
    Failed(io::Error),
}

/// Asks a dialling socket after its outcome, when the system says that there is something to know.
pub(crate) fn outcome(stream: &TcpStream) -> Outcome {
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => return Outcome::Failed(error),
    }
    match stream.peer_addr() {
        Ok(remote) => Outcome::Connected(remote),
        // Woken without cause: the dial is still under way.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Outcome::Waiting,
        Err(error) => Outcome::Failed(error),
    }
}
