//! What comes over a link: frames are opened, messages put together, and each is admitted, in its time, before it is read.
//!
//! Knows the order of handshake, `Hello` and messages; not what a message asks for.

use bytes::BytesMut;

use super::{FRAME_HEADER, Phase, Session};
use crate::error::{MalformedMessage, PeerFault};
use crate::session::credit::Granted;
use crate::session::exchange::Exchange;
use crate::session::handshake::{Handshake, Step};
use crate::session::hello::{check_hello, own_hello};
use crate::session::inbox::Whole;
use crate::session::{PeerSide, SessionEvent};
use crate::time::Now;
use crate::wire::{Class, Hello, MAX_FRAME, MESSAGE_HEADER, Message, Outline, Role, Segment};

impl Session {
    pub(super) fn take_frames(&mut self, now: Now) -> Result<(), PeerFault> {
        while !self.deaf {
            let open = self.peer.is_some();
            let longest = if open { MAX_FRAME } else { MAX_FRAME.min(self.pre_open_left) };
            let frame = match self.incoming.frame(longest) {
                Err(PeerFault::TooLarge) if !open => return Err(PeerFault::TooManyBytesBeforeOpen),
                frame => frame?,
            };
            let Some(frame) = frame else { return Ok(()) };
            if !open {
                self.pre_open_left = self.pre_open_left.saturating_sub(FRAME_HEADER + frame.len());
            }
            self.take_frame(now, frame)?;
        }
        Ok(())
    }

    fn take_frame(&mut self, now: Now, mut frame: BytesMut) -> Result<(), PeerFault> {
        let secured = match &mut self.phase {
            // Whoever answers takes no link now, whatever network this one is of.
            Phase::Handshake(_) if self.dialled && frame.is_empty() => {
                self.heard = true;
                self.stop_listening();
                return Ok(());
            }
            Phase::Handshake(handshake) => {
                let step =
                    handshake.receive(&frame, &self.identity, self.local.suite, self.config.rekey_frames)?;
                self.heard = true;
                self.take_step(now, step);
                return Ok(());
            }
            Phase::Greeting(secured) | Phase::Open(secured) => secured,
        };
        if !secured.receiving.open(&mut frame) {
            return Err(PeerFault::BadFrame);
        }
        let mut plain = frame.freeze();
        while !plain.is_empty() && !self.deaf {
            let segment = Segment::decode(&mut plain)?;
            let Self { inbox, exchange, granted, peer, .. } = self;
            let admit =
                |header: &[u8; MESSAGE_HEADER], len| admit(peer.as_ref(), exchange, granted, header, len);
            if let Some(whole) = inbox.take(segment, admit)? {
                self.take_message(now, whole)?;
            }
        }
        Ok(())
    }

    fn take_step(&mut self, now: Now, step: Step) {
        if let Some(reply) = step.reply {
            self.push_handshake(&reply);
        }
        if let Some(secured) = step.secured {
            // The answering side shows first who it is; the dialler answers only to a node that it accepts.
            if !self.dialled {
                let hello = own_hello(&self.local, &self.config, now, &secured.binding);
                self.queue.greet(&Message::Hello(hello));
            }
            self.phase = Phase::Greeting(secured);
        }
    }

    fn take_message(&mut self, now: Now, whole: Whole) -> Result<(), PeerFault> {
        let charged = if whole.class == Class::Control { 0 } else { whole.bytes.len() };
        match Message::decode(self.local.suite, whole.bytes)? {
            Message::Hello(hello) => self.take_hello(now, hello),
            Message::Credit { .. } if self.peer.is_none() => Err(PeerFault::NotAllowed),
            Message::Credit { class, bytes } => {
                self.allowance.add(class, bytes);
                Ok(())
            }
            message => {
                if matches!(message, Message::Goodbye(_)) {
                    self.stop_listening();
                    self.queue.clear();
                }
                // No message is longer than 4 GiB.
                let bytes = charged as u32;
                self.events.push_back(SessionEvent::Message { message, class: whole.class, bytes });
                Ok(())
            }
        }
    }

    fn take_hello(&mut self, now: Now, hello: Hello) -> Result<(), PeerFault> {
        let Phase::Greeting(secured) = &self.phase else { return Err(PeerFault::NotAllowed) };
        let (terminal, relay) = (hello.credit_terminal, hello.credit_relay);
        let peer = check_hello(&self.local, now, &secured.binding, &secured.remote, self.expect, hello)?;
        if self.dialled {
            let hello = own_hello(&self.local, &self.config, now, &secured.binding);
            self.queue.greet(&Message::Hello(hello));
        }
        let phase = core::mem::replace(&mut self.phase, Phase::Handshake(Handshake::Over));
        if let Phase::Greeting(secured) = phase {
            self.phase = Phase::Open(secured);
        }
        self.allowance.add(Class::Terminal, terminal);
        self.allowance.add(Class::Relay, relay);
        self.queue.open();
        self.peer = Some(peer.clone());
        self.events.push_back(SessionEvent::Open(peer));
        Ok(())
    }
}

/// Decides from the first bytes of a message whether it may come now, and what pays for it.
fn admit(
    peer: Option<&PeerSide>,
    exchange: &mut Exchange,
    granted: &mut Granted,
    header: &[u8; MESSAGE_HEADER],
    len: usize,
) -> Result<Class, PeerFault> {
    let from_client = peer.is_some_and(|peer| peer.role != Role::Node);
    let outline = Outline::read(header, from_client).ok_or(MalformedMessage::Value)?;
    if peer.is_none() {
        return match outline {
            Outline::Hello | Outline::Link => Ok(Class::Control),
            Outline::Request { .. } | Outline::Response { .. } => Err(PeerFault::NotAllowed),
        };
    }
    let class = exchange.admit(outline, len)?;
    if granted.charge(class, len) { Ok(class) } else { Err(PeerFault::CreditExceeded) }
}
