//! A peer that holds all keys and obeys nothing: it writes its own segments.

use bytes::{BufMut as _, BytesMut};

use super::super::handshake::{Binding, Handshake, Secured};
use super::super::hello::own_hello;
use super::super::noise::FrameKey;
use super::*;
use crate::wire::{Hello, Segment};

/// A client that dialled a node by hand.
pub(super) struct Hostile {
    pub(super) node: End,
    sending: FrameKey,
    receiving: FrameKey,
    next_stream: u32,
}

impl Hostile {
    /// Opens a link to a node of this configuration; the `Hello` may be altered before it goes.
    pub(super) fn dial(config: &Config, side: LocalSide, alter: impl FnOnce(&mut Hello, &Binding)) -> Self {
        let (mut hostile, binding) = Self::connect(config);
        let mut hello = own_hello(&side, config, NOW, &binding);
        alter(&mut hello, &binding);
        hostile.send(&Message::Hello(hello));
        hostile
    }

    /// Only the handshake: no `Hello` yet.
    pub(super) fn connect(config: &Config) -> (Self, Binding) {
        let key = identity(77);
        let mut node = End::new(Session::accept(config, NOW, Arc::new(node(20)), [3; 32]));
        let (mut handshake, first) =
            Handshake::dial(SUITE, &key, &Secret::new(PSK), &Secret::new([2; 32])).unwrap();
        node.receive(framed(&first));
        let reply = node.transmit().concat();
        let step = handshake.receive(&reply[2..], &key, SUITE, config.rekey_frames).unwrap();
        node.receive(framed(&step.reply.unwrap()));
        let Secured { sending, receiving, binding, .. } = step.secured.unwrap();
        (Self { node, sending, receiving, next_stream: 0 }, binding)
    }

    /// A well-behaved client's `Hello`, then freedom.
    pub(super) fn open(config: &Config) -> Self {
        let hostile = Self::dial(config, client(7), |_, _| {});
        assert!(hostile.node.opened());
        hostile
    }

    pub(super) fn send(&mut self, message: &Message) {
        let (head, payload) = message.encode();
        let whole = [head, payload].concat();
        let mut rest = &whole[..];
        let stream = self.next_stream;
        self.next_stream += 1;
        while !rest.is_empty() {
            let (part, more) = rest.split_at(rest.len().min(60_000));
            let first = rest.len() == whole.len();
            self.segment(stream, first.then_some(whole.len() as u32), more.is_empty(), part);
            rest = more;
        }
    }

    /// One segment in a frame of its own; `total` in a first one.
    pub(super) fn segment(&mut self, stream: u32, total: Option<u32>, last: bool, part: &[u8]) {
        let mut bytes = BytesMut::new();
        if let Some(total) = total {
            bytes.put_u32(total);
        }
        bytes.put_slice(part);
        let segment = Segment { stream, first: total.is_some(), last, bytes: bytes.freeze() };
        let mut frame = BytesMut::new();
        segment.encode_into(&mut frame);
        self.frame(frame);
    }

    /// Any plaintext as a frame.
    pub(super) fn frame(&mut self, mut plain: BytesMut) {
        self.sending.seal(&mut plain, 0);
        self.node.receive(framed(&plain));
    }

    /// The plaintext of all that the node has sent, in order.
    pub(super) fn read(&mut self) -> Vec<u8> {
        let bytes = self.node.transmit().concat();
        let (mut rest, mut plain) = (&bytes[..], Vec::new());
        while let Some((prefix, more)) = rest.split_first_chunk::<2>() {
            let (frame, more) = more.split_at(usize::from(u16::from_be_bytes(*prefix)));
            let mut frame = BytesMut::from(frame);
            assert!(self.receiving.open(&mut frame));
            plain.extend_from_slice(&frame);
            rest = more;
        }
        plain
    }
}

fn framed(message: &[u8]) -> Bytes {
    let len = u16::try_from(message.len()).unwrap();
    [&len.to_be_bytes(), message].concat().into()
}
