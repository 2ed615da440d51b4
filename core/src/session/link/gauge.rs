//! What a session holds, beside its limits.

use super::{FRAME_HEADER, Session};
use crate::config::{Config, limit};
use crate::gauge::Gauges;
use crate::wire::{Class, MAX_FRAME};

/// A handshake message of each side, at most: one is the answer to the other.
const HANDSHAKE_MESSAGES: usize = 2;

/// What the owner of a link lets go over it, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Of answers that it has asked for.
    pub(crate) coming: usize,
    /// Of all that it has given to be sent.
    pub(crate) going: usize,
}

impl Session {
    /// Tells what it holds.
    pub(crate) fn gauge(&self, config: &Config, share: Share, gauges: &mut Gauges) {
        let frame = if self.peer.is_some() { MAX_FRAME } else { config.pre_open_bytes };
        gauges.bytes(
            "link: bytes of a frame that is not whole",
            self.incoming.buffered(),
            FRAME_HEADER + frame,
            "pre_open_bytes, then MAX_FRAME",
        );
        let (streams, bytes) = self.inbox.held();
        gauges.count("link: messages that are not whole", streams, config.max_streams, "max_streams");
        let free = config.max_streams * limit::CONTROL_MESSAGE;
        gauges.bytes(
            "link: bytes of messages that are not whole",
            bytes,
            config.credit_terminal + config.credit_relay + free + share.coming,
            "credit_terminal, credit_relay, max_streams",
        );
        let (asked, to_answer) = self.exchange.open();
        let bears = self.peer.as_ref().map_or(0, |peer| usize::from(peer.max_requests));
        gauges.count("link: requests that the peer has to answer", asked, bears, "max_requests of the peer");
        gauges.count(
            "link: requests of the peer",
            to_answer,
            usize::from(config.max_requests),
            "max_requests",
        );
        // Whoever owns the session takes them with each input.
        if !self.deaf {
            gauges.count("link: events that nobody has taken", self.events.len(), 0, "taken at once");
        }
        gauges.count(
            "link: messages of the handshake",
            self.handshake_out.len(),
            HANDSHAKE_MESSAGES,
            "the handshake",
        );
        gauges.count(
            "link: long messages that are being sent",
            self.queue.under_way(),
            config.max_streams.max(1),
            "max_streams",
        );
        let queued = [Class::Control, Class::Terminal, Class::Relay].map(|class| self.queue.queued(class));
        gauges.bytes(
            "link: bytes that wait to be sent",
            queued.iter().sum(),
            share.going,
            "answer_window and link_backlog, or client_window",
        );
        gauges.bytes(
            "link: bytes that the driver sends",
            self.in_flight,
            config.send_window + FRAME_HEADER + MAX_FRAME,
            "send_window",
        );
    }
}
