//! The state machine of one link: bytes in and out, the order of handshake, `Hello` and messages, deadlines, faults.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::credit::{Allowance, Granted};
use super::exchange::Exchange;
use super::handshake::{Handshake, Secured, Step};
use super::hello::{Expect, check_hello, own_hello, own_role};
use super::inbox::{Inbox, Whole};
use super::noise::{TAG_LEN, derive};
use super::send::SendQueue;
use super::{LocalRole, LocalSide, PeerSide, SessionEvent};
use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret};
use crate::error::{MalformedMessage, PeerFault};
use crate::id::NodeId;
use crate::time::{Instant, Now};
use crate::wire::{
    Class, CloseReason, FrameBuffer, Hello, MAX_FRAME, MESSAGE_HEADER, Message, Outline, Role, Segment,
};

/// Bytes of a frame's length before its ciphertext.
const FRAME_HEADER: usize = 2;

/// One link's state machine. After a [`PeerFault`] it stays faulted; it may still owe bytes (a goodbye) to the peer.
pub struct Session {
    config: Config,
    local: Arc<LocalSide>,
    /// This side's static key: a node's own, or a client's for this link.
    identity: LinkIdentity,
    dialled: bool,
    expect: Expect,
    deadline: Instant,
    phase: Phase,
    peer: Option<PeerSide>,
    fault: Option<PeerFault>,
    /// Nothing that comes is looked at any more: the peer said goodbye, or this side did.
    deaf: bool,
    heard: bool,
    last_received: Instant,
    incoming: FrameBuffer,
    /// What a peer may still send before the link must be open.
    pre_open_left: usize,
    inbox: Inbox,
    granted: Granted,
    exchange: Exchange,
    events: VecDeque<SessionEvent>,
    /// Messages of the handshake, framed.
    handshake_out: VecDeque<Bytes>,
    queue: SendQueue,
    allowance: Allowance,
    in_flight: usize,
}

enum Phase {
    Handshake(Handshake),
    /// The keys stand; the peer's `Hello` is to come.
    Greeting(Secured),
    Open(Secured),
}

impl Session {
    /// The side that dialled. `expect`: the node that must answer, if that is known.
    pub fn dial(
        config: &Config,
        now: Now,
        local: Arc<LocalSide>,
        expect: Option<NodeId>,
        entropy: [u8; 32],
    ) -> Self {
        let expect = expect.map_or(Expect::AnyNode, Expect::Node);
        let (mut session, entropy) = Self::new(config, now, local, expect, true, entropy);
        let psk = session.local.psks.first().ok_or(PeerFault::Handshake);
        match psk.and_then(|(_, psk)| Handshake::dial(session.local.suite, &session.identity, psk, &entropy))
        {
            Ok((handshake, first)) => {
                session.phase = Phase::Handshake(handshake);
                session.push_handshake(&first);
            }
            Err(_) => session.deadline = now.mono,
        }
        session
    }

    /// The side that was dialled; always a node.
    pub fn accept(config: &Config, now: Now, local: Arc<LocalSide>, entropy: [u8; 32]) -> Self {
        let (mut session, entropy) = Self::new(config, now, local, Expect::Anyone, false, entropy);
        let local = &session.local;
        match Handshake::answer(local.suite, &session.identity, &local.psks, &entropy) {
            Ok(handshake) => session.phase = Phase::Handshake(handshake),
            Err(_) => session.deadline = now.mono,
        }
        session
    }

    fn new(
        config: &Config,
        now: Now,
        local: Arc<LocalSide>,
        expect: Expect,
        dialled: bool,
        entropy: [u8; 32],
    ) -> (Self, Secret<32>) {
        let entropy = Secret::new(entropy);
        let identity = match &local.role {
            LocalRole::Node { identity, .. } => identity.clone(),
            LocalRole::Client { .. } => {
                LinkIdentity::from_secret(local.suite, derive(local.suite, &entropy, b"static"))
            }
        };
        let session = Self {
            identity,
            dialled,
            expect,
            deadline: now.mono + config.handshake_deadline,
            phase: Phase::Handshake(Handshake::Over),
            peer: None,
            fault: None,
            deaf: false,
            heard: false,
            last_received: now.mono,
            incoming: FrameBuffer::default(),
            pre_open_left: config.pre_open_bytes,
            inbox: Inbox::new(config.max_streams),
            granted: Granted::new(config),
            exchange: Exchange::new(config.max_requests, own_role(&local) == Role::Node),
            events: VecDeque::new(),
            handshake_out: VecDeque::new(),
            queue: SendQueue::new(config.max_streams),
            allowance: Allowance::default(),
            in_flight: 0,
            config: config.clone(),
            local,
        };
        (session, entropy)
    }

    /// Takes received bytes.
    pub fn receive(&mut self, now: Now, bytes: Bytes) -> Result<(), PeerFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if self.deaf {
            return Ok(());
        }
        self.last_received = now.mono;
        self.incoming.push(bytes);
        self.take_frames(now).map_err(|fault| self.fail(fault))
    }

    /// Checks deadlines.
    pub fn handle_timeout(&mut self, now: Now) -> Result<(), PeerFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        match self.poll_timeout() {
            Some(deadline) if now.mono >= deadline => Err(self.fail(PeerFault::HandshakeTimeout)),
            _ => Ok(()),
        }
    }

    /// The next deadline.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        if self.peer.is_some() || self.deaf { None } else { Some(self.deadline) }
    }

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Bytes to send, while the window has room.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        if self.in_flight >= self.config.send_window {
            return None;
        }
        let bytes = match self.handshake_out.pop_front() {
            Some(message) => message,
            None => self.next_frame()?,
        };
        self.in_flight += bytes.len();
        Some(bytes)
    }

    /// So many bytes have left. `false` if more than were handed out.
    #[must_use]
    pub const fn sent(&mut self, bytes: usize) -> bool {
        match self.in_flight.checked_sub(bytes) {
            Some(left) => {
                self.in_flight = left;
                true
            }
            None => false,
        }
    }

    /// Queues a message. Its class follows from its kind and this side's role, as the peer will derive it too. Small ones go ahead of
    /// bulk, bulk streams take turns; a class without credit waits. Before the link is open, messages wait.
    pub fn send(&mut self, message: &Message) {
        if self.deaf {
            return;
        }
        let class = match message {
            Message::Request { id, request } => {
                self.exchange.ask(*id, request);
                request.class(own_role(&self.local) != Role::Node)
            }
            _ => Class::Control,
        };
        self.queue.push(message, class);
    }

    /// Gives credit back for a message that was dealt with.
    pub fn release(&mut self, class: Class, bytes: u32) {
        let given = self.granted.release(class, bytes as usize);
        if given > 0 {
            self.send(&Message::Credit { class, bytes: given });
        }
    }

    /// Bytes queued and not yet given out, of one class.
    pub const fn queued(&self, class: Class) -> usize {
        self.queue.queued(class)
    }

    /// Queues a goodbye after the small messages of class `Control` that wait, and drops all else; after it is out,
    /// [`is_drained`](Self::is_drained). What still comes from the peer is not looked at.
    pub fn close(&mut self, reason: CloseReason) {
        if self.deaf {
            return;
        }
        self.deaf = true;
        if matches!(self.phase, Phase::Handshake(_)) {
            self.queue.clear();
        } else {
            self.queue.finish(&Message::Goodbye(reason));
        }
    }

    /// True if nothing is left to give out.
    pub fn is_drained(&self) -> bool {
        self.handshake_out.is_empty() && self.queue.is_empty()
    }

    /// Who is on the other side, once open.
    pub const fn peer(&self) -> Option<&PeerSide> {
        self.peer.as_ref()
    }

    /// When anything last came.
    pub const fn last_received(&self) -> Instant {
        self.last_received
    }

    /// True if a byte of the peer was ever accepted (its handshake message decrypted).
    pub const fn heard(&self) -> bool {
        self.heard
    }

    fn take_frames(&mut self, now: Now) -> Result<(), PeerFault> {
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
                    self.deaf = true;
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

    fn push_handshake(&mut self, message: &[u8]) {
        let mut framed = BytesMut::with_capacity(FRAME_HEADER + message.len());
        // A message of the handshake has some hundred bytes.
        framed.put_u16(message.len() as u16);
        framed.extend_from_slice(message);
        self.handshake_out.push_back(framed.freeze());
    }

    fn next_frame(&mut self) -> Option<Bytes> {
        let (Phase::Greeting(secured) | Phase::Open(secured)) = &mut self.phase else { return None };
        let len = self.queue.next_frame_len(&mut self.allowance, MAX_FRAME - TAG_LEN);
        if len == 0 {
            return None;
        }
        let mut frame = BytesMut::with_capacity(FRAME_HEADER + len + TAG_LEN);
        frame.put_u16(0);
        let exchange = &mut self.exchange;
        self.queue.fill(&mut frame, len, |id| exchange.answered(id));
        secured.sending.seal(&mut frame, FRAME_HEADER);
        // At most MAX_FRAME, which is the largest u16.
        let cipher_len = (frame.len() - FRAME_HEADER) as u16;
        frame[..FRAME_HEADER].copy_from_slice(&cipher_len.to_be_bytes());
        Some(frame.freeze())
    }

    fn fail(&mut self, fault: PeerFault) -> PeerFault {
        self.close(if fault == PeerFault::NotAdmitted {
            CloseReason::NotAdmitted
        } else {
            CloseReason::Fault
        });
        self.fault = Some(fault.clone());
        fault
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

/// Says what state the link is in, and nothing of keys or content.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Handshake(_) => "handshake",
            Phase::Greeting(_) => "greeting",
            Phase::Open(_) => "open",
        };
        f.debug_struct("Session")
            .field("phase", &phase)
            .field("dialled", &self.dialled)
            .field("peer", &self.peer)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}
