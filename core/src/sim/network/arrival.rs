//! What happens to a host, and what of it its machine is told: nothing that does not fit what it knows of the link.

use core::net::SocketAddr;

use bytes::Bytes;

use super::{HostId, Network};
use crate::id::ConnId;

/// What happens to a host.
#[derive(Debug)]
pub(in crate::sim) enum Arrival {
    Connected { conn: ConnId, remote: SocketAddr },
    DialFailed { conn: ConnId },
    Received { conn: ConnId, bytes: Bytes },
    Sent { conn: ConnId, bytes: usize },
    Disconnected { conn: ConnId },
}

/// What a machine knows of one of its ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// It dials, and waits for an answer.
    Dialling,
    /// It was told that the link stands.
    Open,
    /// It asked to close it, and waits for the end.
    Closing,
}

impl Network {
    /// What of this the machine is told, by what it knows of the link.
    pub(super) fn fit(&mut self, host: HostId, arrival: Arrival) -> Option<Arrival> {
        let conn = arrival.conn();
        let end = (host, conn);
        let known = self.known.get(&end).copied();
        match (&arrival, known) {
            (Arrival::Connected { .. }, Some(Known::Dialling)) => {
                self.known.insert(end, Known::Open);
                Some(arrival)
            }
            (Arrival::Connected { .. }, None) if !conn.is_dialled() => {
                self.known.insert(end, Known::Open);
                Some(arrival)
            }
            (Arrival::Disconnected { .. } | Arrival::DialFailed { .. }, Some(Known::Dialling)) => {
                self.known.remove(&end);
                Some(Arrival::DialFailed { conn })
            }
            (Arrival::Disconnected { .. }, Some(Known::Open | Known::Closing)) => {
                self.known.remove(&end);
                Some(arrival)
            }
            (Arrival::Received { .. } | Arrival::Sent { .. }, Some(Known::Open))
            | (Arrival::Sent { .. }, Some(Known::Closing)) => Some(arrival),
            _ => None,
        }
    }
}

impl Arrival {
    pub(super) const fn conn(&self) -> ConnId {
        match self {
            Self::Connected { conn, .. }
            | Self::DialFailed { conn }
            | Self::Received { conn, .. }
            | Self::Sent { conn, .. }
            | Self::Disconnected { conn } => *conn,
        }
    }
}
