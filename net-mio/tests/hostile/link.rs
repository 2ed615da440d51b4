//! A link by hand: frames, `Hello`, segments and messages (PROTOCOL.md 11 and 12). It keeps to no rule unless told to.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};

use socket2::{Domain, Socket, Type};

use crate::bytes::{In, Out};
use crate::common::DEADLINE;
use crate::noise::{Handshake, Secured, public_key, sha256};
use crate::signed::{Keys, Owner, now_ms, random};

/// The most bytes of a message in one of our frames.
const PART: usize = 60_000;
pub(crate) const FIRST: u8 = 1;
pub(crate) const LAST: u8 = 2;

/// Kinds of messages.
pub(crate) mod kind {
    pub(crate) const HELLO: u8 = 0x00;
    pub(crate) const CREDIT: u8 = 0x01;
    pub(crate) const GOODBYE: u8 = 0x02;
    pub(crate) const HAVE: u8 = 0x10;
    pub(crate) const PUT_BLOB: u8 = 0x11;
    pub(crate) const GET_BLOB: u8 = 0x12;
    pub(crate) const PUT_RECORD: u8 = 0x13;
    pub(crate) const GET_RECORD: u8 = 0x14;
    pub(crate) const LIST_RECORDS: u8 = 0x15;
    pub(crate) const STATUS: u8 = 0x17;
    pub(crate) const EVICT: u8 = 0x20;
    pub(crate) const VERIFY: u8 = 0x21;
    pub(crate) const PEERS: u8 = 0x22;
    pub(crate) const INVITE: u8 = 0x23;
    pub(crate) const LEAVE: u8 = 0x24;
    pub(crate) const BAN: u8 = 0x25;
    pub(crate) const PING: u8 = 0x30;
    pub(crate) const VIEW: u8 = 0x31;
    pub(crate) const CHECK_PINS: u8 = 0x35;
    pub(crate) const PULL_RECORDS: u8 = 0x37;
    pub(crate) const PULL_PINS: u8 = 0x38;
    pub(crate) const PROVE: u8 = 0x39;
    pub(crate) const FORGET: u8 = 0x3a;
    pub(crate) const PUT_PINS: u8 = 0x3b;
    pub(crate) const ERROR: u8 = 0xff;
}

/// The reason in a `Goodbye` to whom broke the protocol, and to whom is no member.
pub(crate) const FAULT: u8 = 3;

/// A socket that speaks in frames.
pub(crate) struct Frames(pub(crate) TcpStream);

impl Frames {
    /// Dials from an address of the attackers' own: they have some, so that many at once stay within each one's limits.
    pub(crate) fn dial(to: SocketAddr) -> Self {
        static DIALS: AtomicU8 = AtomicU8::new(0);
        Self::dial_from(80 + DIALS.fetch_add(1, Ordering::Relaxed) % 16, to)
    }

    /// Dials from a loopback address with this last number, where the system has such: what is counted for each
    /// address must not hit the honest.
    pub(crate) fn dial_from(number: u8, to: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        if cfg!(target_os = "linux") {
            socket.bind(&SocketAddr::from(([127, 0, 0, number], 0)).into()).unwrap();
        }
        socket.connect(&to.into()).unwrap();
        Self::over(socket.into())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Sends bytes as they are. The other side may have closed: that shows when it is read from.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    pub(crate) fn send(&mut self, frame: &[u8]) -> bool {
        self.raw(&Out::new().short(frame).done())
    }

    /// The next frame; none once the other side has closed.
    pub(crate) fn read(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        read_or_end(&mut self.0, &mut length)?;
        let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
        read_or_end(&mut self.0, &mut frame)?;
        Some(frame)
    }

    /// Reads until the other side closes.
    #[track_caller]
    pub(crate) fn await_end(&mut self) {
        while self.read().is_some() {}
    }
}

#[track_caller]
fn read_or_end(stream: &mut TcpStream, bytes: &mut [u8]) -> Option<()> {
    match stream.read_exact(bytes) {
        Ok(()) => Some(()),
        Err(error) => {
            let hangs = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
            assert!(!hangs, "the node neither answers nor closes");
            None
        }
    }
}

/// A link whose handshake is over.
pub(crate) struct Link {
    pub(crate) frames: Frames,
    pub(crate) secured: Secured,
    /// Plaintext that was read and not looked at.
    plain: Vec<u8>,
    partial: BTreeMap<u32, Vec<u8>>,
    next_stream: u32,
    next_id: u32,
    ended: bool,
    /// What a member answers to requests: kind and body of one.
    pub(crate) answers: Answers,
}

pub(crate) type Answers = Box<dyn Fn(u8, &[u8]) -> Option<Vec<u8>> + Send>;

impl Link {
    /// The handshake alone, as the side that dials.
    pub(crate) fn connect(to: SocketAddr, keys: &Keys, own: [u8; 32]) -> Self {
        Self::connect_over(Frames::dial(to), keys, own)
    }

    fn connect_over(mut frames: Frames, keys: &Keys, own: [u8; 32]) -> Self {
        let mut handshake = Handshake::new(true, &keys.psk, own, random());
        frames.send(&handshake.first());
        let second = frames.read().expect("the node answers who holds the psk");
        frames.send(&handshake.third(&second));
        Self::over(frames, handshake.secured())
    }

    /// The handshake alone, as the side that was dialled; none if the other side gives up.
    pub(crate) fn accept(stream: TcpStream, keys: &Keys, own: [u8; 32]) -> Option<Self> {
        let mut frames = Frames::over(stream);
        let mut handshake = Handshake::new(false, &keys.psk, own, random());
        let first = frames.read()?;
        frames.send(&handshake.second(&first));
        let third = frames.read()?;
        handshake.last(&third);
        Some(Self::over(frames, handshake.secured()))
    }

    fn over(frames: Frames, secured: Secured) -> Self {
        let (plain, partial) = (Vec::new(), BTreeMap::new());
        let ended = false;
        Self {
            frames,
            secured,
            plain,
            partial,
            next_stream: 0,
            next_id: 1,
            ended,
            answers: Box::new(|_, _| None),
        }
    }

    /// An open link of a user who proves this owner.
    pub(crate) fn client(to: SocketAddr, owner: &Owner) -> Self {
        Self::client_over(Frames::dial(to), owner)
    }

    /// The same over a socket of any address.
    pub(crate) fn client_over(frames: Frames, owner: &Owner) -> Self {
        let mut link = Self::connect_over(frames, &owner.keys, random());
        let proof = link.proof(owner, 1);
        link.open(1, None, Some(proof));
        link
    }

    /// An open link of a member with this identity; a volatile one, which has no place among the replicas.
    pub(crate) fn member(to: SocketAddr, keys: &Keys, identity: [u8; 32]) -> Self {
        Self::admitted(to, keys, identity, true)
    }

    /// An open link of a member that others take for a replica.
    pub(crate) fn replica(to: SocketAddr, keys: &Keys, identity: [u8; 32]) -> Self {
        Self::admitted(to, keys, identity, false)
    }

    fn admitted(to: SocketAddr, keys: &Keys, identity: [u8; 32], volatile: bool) -> Self {
        let node = sha256(&[&public_key(&identity)]);
        Self::with_admission(to, keys, identity, keys.admission(&keys.signing.unwrap(), &node, volatile, 1))
    }

    /// A link of a member with this identity and this admission; open if the node thinks the same of it.
    pub(crate) fn with_admission(
        to: SocketAddr,
        keys: &Keys,
        identity: [u8; 32],
        admission: Vec<u8>,
    ) -> Self {
        let mut link = Self::connect(to, keys, identity);
        link.open(0, Some(admission), None);
        link
    }

    /// Waits for the node's `Hello` and says this side's. Returns the node's.
    pub(crate) fn open(&mut self, role: u8, admission: Option<Vec<u8>>, owner: Option<Vec<u8>>) -> Vec<u8> {
        let hello = self.read().expect("the node says Hello");
        assert_eq!(hello[0], kind::HELLO);
        self.send(&Self::hello(1, role, admission, owner, None));
        hello
    }

    pub(crate) fn hello(
        version: u16,
        role: u8,
        admission: Option<Vec<u8>>,
        owner: Option<Vec<u8>>,
        control: Option<Vec<u8>>,
    ) -> Vec<u8> {
        let mut out = Out::new().u8(kind::HELLO).u32(0).u16(version).u8(role);
        for part in [admission, owner, control] {
            out = match part {
                Some(part) => out.u8(1).raw(&part),
                None => out.u8(0),
            };
        }
        let incarnation = if role == 0 { [9; 16] } else { [0; 16] };
        out.u16(0).u64(now_ms()).u16(256).u32(9 << 20).u32(9 << 20).raw(&incarnation).done()
    }

    /// What proves an owner, or a control key, on this link.
    pub(crate) fn proof(&self, owner: &Owner, role: u8) -> Vec<u8> {
        let Secured { own, remote, dialled, .. } = &self.secured;
        let (dialler, answerer) = if *dialled { (own, remote) } else { (remote, own) };
        let bytes = Out::new().raw(&self.secured.hash).u8(role).raw(dialler).raw(answerer).done();
        let label = if role == 2 { "quantumsync/1/link/control" } else { "quantumsync/1/link/owner" };
        Out::new().raw(&owner.id()).raw(&owner.keys.sign(&owner.seed, label, &bytes)).done()
    }

    /// Any plaintext in a good frame.
    pub(crate) fn send_plain(&mut self, plain: &[u8]) -> bool {
        let frame = self.secured.sending.seal(&[], plain);
        self.frames.send(&frame)
    }

    /// One segment of any shape, alone in its frame; `total` stands in a first one.
    pub(crate) fn send_segment(&mut self, stream: u32, flags: u8, total: Option<u32>, bytes: &[u8]) -> bool {
        self.send_plain(&segment(stream, flags, total, bytes))
    }

    /// A whole message in as many frames as it takes.
    pub(crate) fn send(&mut self, message: &[u8]) -> bool {
        let stream = self.next_stream;
        self.next_stream += 1;
        let total = u32::try_from(message.len()).unwrap();
        let parts = message.len().div_ceil(PART);
        message.chunks(PART).enumerate().all(|(number, part)| {
            let first = if number == 0 { FIRST } else { 0 };
            let last = if number + 1 == parts { LAST } else { 0 };
            self.send_segment(stream, first | last, (number == 0).then_some(total), part)
        })
    }

    /// Sends a request and returns its id.
    pub(crate) fn request(&mut self, kind: u8, body: &[u8]) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&request(kind, id, body));
        id
    }

    /// The next message; none once the link has ended.
    pub(crate) fn read(&mut self) -> Option<Vec<u8>> {
        loop {
            while !self.plain.is_empty() {
                let plain = std::mem::take(&mut self.plain);
                let mut rest = In(&plain);
                let (stream, flags) = (rest.u32(), rest.u8());
                let length = usize::from(rest.u16());
                let mut bytes = rest.take(length);
                self.plain = rest.0.to_vec();
                if flags & FIRST != 0 {
                    bytes = &bytes[4..];
                }
                self.partial.entry(stream).or_default().extend_from_slice(bytes);
                if flags & LAST != 0 {
                    return self.partial.remove(&stream);
                }
            }
            let Some(frame) = self.frames.read() else {
                self.ended = true;
                return None;
            };
            self.plain = self.secured.receiving.open(&[], &frame);
        }
    }

    /// Takes one message and, if it asks something, answers as a member does. Returns what was taken.
    pub(crate) fn serve(&mut self) -> Option<Vec<u8>> {
        let message = self.read()?;
        let mut body = In(&message);
        let (kind, id) = (body.u8(), body.u32());
        if (0x03..0x80).contains(&kind) {
            let answer = (self.answers)(kind, body.0).unwrap_or_else(|| polite(kind, body.0));
            let (kind, body) = answer.split_first().unwrap();
            self.send(&request(*kind, id, body));
        }
        Some(message)
    }

    /// The next answer, with the id of its request; on the way a member answers what it is asked.
    pub(crate) fn answer(&mut self) -> Option<(u32, u8, Vec<u8>)> {
        loop {
            let message = self.serve()?;
            let mut body = In(&message);
            let (kind, id) = (body.u8(), body.u32());
            if kind >= 0x80 {
                return Some((id, kind, body.0.to_vec()));
            }
        }
    }

    /// Asks and waits for the answer: its kind and body.
    #[track_caller]
    pub(crate) fn ask(&mut self, kind: u8, body: &[u8]) -> (u8, Vec<u8>) {
        let id = self.request(kind, body);
        let (answered, kind, body) = self.answer().expect("the link stands and the answer comes");
        assert_eq!(answered, id, "an answer to what was asked");
        (kind, body)
    }

    /// Asks for what the node refuses; returns the code of the error.
    #[track_caller]
    pub(crate) fn refused(&mut self, kind: u8, body: &[u8]) -> u8 {
        let (answer, body) = self.ask(kind, body);
        assert_eq!(answer, kind::ERROR, "request {kind:02x} is refused");
        body[0]
    }

    /// True once nothing more can come.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Reads until the node closes; returns the reason of its goodbye.
    pub(crate) fn goodbye(&mut self) -> Option<u8> {
        let mut reason = None;
        while let Some(message) = self.read() {
            if message[0] == kind::GOODBYE {
                reason = Some(message[5]);
            }
        }
        reason
    }
}

/// A message: a request's, or an answer's.
pub(crate) fn request(kind: u8, id: u32, body: &[u8]) -> Vec<u8> {
    Out::new().u8(kind).u32(id).raw(body).done()
}

pub(crate) fn segment(stream: u32, flags: u8, total: Option<u32>, bytes: &[u8]) -> Vec<u8> {
    let length = Out::new().u32(total.unwrap_or_default()).done();
    let bytes = [if total.is_some() { &length[..] } else { &[] }, bytes].concat();
    Out::new().u32(stream).u8(flags).short(&bytes).done()
}

/// What a member that lives answers: kind and body. It knows what the other side knows, and holds nothing.
fn polite(kind: u8, body: &[u8]) -> Vec<u8> {
    match kind {
        kind::PING => Out::new().u8(0xb0).u64(now_ms()).done(),
        kind::VIEW => Out::new().u8(0xb1).raw(&body[..32]).u16(0).u16(0).u8(0).u8(0).done(),
        kind::PULL_RECORDS => Out::new().u8(0xb7).u16(0).u16(0).u8(0).done(),
        kind::PULL_PINS => Out::new().u8(0xb8).u16(0).u8(0).done(),
        _ => Out::new().u8(kind::ERROR).u8(3).u8(0).done(),
    }
}
