//! The state machine of one link: bytes in and out, the order of handshake, `Hello` and messages, deadlines, faults.
//!
//! What is done with bytes that came stands in `receive`.

#[cfg(any(test, feature = "sim"))]
mod gauge;
mod receive;

#[cfg(any(test, feature = "sim"))]
pub(crate) use gauge::Share;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::config::Config;
use crate::crypto::{LinkIdentity, Secret};
use crate::error::PeerFault;
use crate::id::NodeId;
use crate::session::credit::{Allowance, Granted};
use crate::session::exchange::Exchange;
use crate::session::handshake::{Handshake, Secured};
use crate::session::hello::{Expect, own_role};
use crate::session::inbox::Inbox;
use crate::session::noise::{TAG_LEN, derive};
use crate::session::send::SendQueue;
use crate::session::{LocalRole, LocalSide, PeerSide, SessionEvent};
use crate::time::{Instant, Now};
use crate::wire::{Class, CloseReason, FrameBuffer, MAX_FRAME, Message, Role};

/// Bytes of a frame's length before its ciphertext.
const FRAME_HEADER: usize = 2;

/// A frame without bytes in place of the first answer: no link is taken now.
pub const NOT_NOW: [u8; FRAME_HEADER] = [0; FRAME_HEADER];

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

    /// True while bytes that were given out have not left.
    pub const fn is_sending(&self) -> bool {
        self.in_flight > 0
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
        self.stop_listening();
        if matches!(self.phase, Phase::Handshake(_)) {
            self.queue.clear();
            if !self.dialled && !self.heard && reason != CloseReason::Fault {
                self.handshake_out.push_back(Bytes::from_static(&NOT_NOW));
            }
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

    /// True if anything of the peer was ever accepted: a message of the handshake, or that it takes no link now. A peer without
    /// our psk says nothing.
    pub const fn heard(&self) -> bool {
        self.heard
    }

    /// From now on nothing that comes is looked at; of what has come nothing is left to be.
    fn stop_listening(&mut self) {
        self.deaf = true;
        self.incoming = FrameBuffer::default();
        self.inbox.clear();
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
