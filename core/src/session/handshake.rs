//! `Noise_XXpsk0_25519_AESGCM_SHA256` with empty payloads, from the first message to the keys of the link.
//!
//! Knows nothing of frames, roles or networks: messages in, messages out, then [`Secured`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;
use snow::{Builder, HandshakeState};
use zeroize::Zeroize as _;

use super::noise::{FrameKey, Resolver, TAG_LEN};
use crate::crypto::{LinkIdentity, Secret, Suite};
use crate::error::PeerFault;

const PATTERN: &str = "Noise_XXpsk0_25519_AESGCM_SHA256";
const PROLOGUE: &[u8] = b"quantumsync/1";
/// The longest message of the three: an ephemeral key, a sealed static key, a tag.
const LONGEST: usize = 32 + 32 + TAG_LEN + TAG_LEN;

/// One side of a handshake under way.
pub(super) enum Handshake {
    /// The answering side before the first message: which of the keys it was made with shows then.
    Listening(Vec<HandshakeState>),
    /// Any later moment.
    Running(Box<HandshakeState>),
    /// Over, well or not.
    Over,
}

/// What a received message leads to.
pub(super) struct Step {
    /// To be sent.
    pub(super) reply: Option<Bytes>,
    /// Set with the last message.
    pub(super) secured: Option<Secured>,
}

/// What a finished handshake gives.
pub(super) struct Secured {
    pub(super) sending: FrameKey,
    pub(super) receiving: FrameKey,
    pub(super) binding: Binding,
    /// The static key of the other side, of which it has proved possession.
    pub(super) remote: [u8; 32],
}

/// What names this one link: proofs of keys are signed over it.
pub(super) struct Binding {
    pub(super) hash: [u8; 32],
    pub(super) dialler: [u8; 32],
    pub(super) answerer: [u8; 32],
}

impl Handshake {
    /// The dialling side, and its first message.
    pub(super) fn dial(
        suite: Suite,
        identity: &LinkIdentity,
        psk: &Secret<32>,
        entropy: &Secret<32>,
    ) -> Result<(Self, Bytes), PeerFault> {
        let mut state = build(suite, identity, psk, entropy, true)?;
        let first = write(&mut state)?;
        Ok((Self::Running(Box::new(state)), first))
    }

    /// The answering side, ready for a first message under any of the keys.
    pub(super) fn answer(
        suite: Suite,
        identity: &LinkIdentity,
        psks: &[(u32, Secret<32>)],
        entropy: &Secret<32>,
    ) -> Result<Self, PeerFault> {
        psks.iter()
            .map(|(_, psk)| build(suite, identity, psk, entropy, false))
            .collect::<Result<_, _>>()
            .map(Self::Listening)
    }

    /// Takes the next message of the other side.
    pub(super) fn receive(
        &mut self,
        message: &[u8],
        local: &LinkIdentity,
        suite: Suite,
        rekey_frames: u64,
    ) -> Result<Step, PeerFault> {
        let mut state = match mem::replace(self, Self::Over) {
            Self::Listening(states) => states
                .into_iter()
                .find_map(|mut state| read(&mut state, message).ok().map(|()| Box::new(state)))
                .ok_or(PeerFault::Handshake)?,
            Self::Running(mut state) => {
                read(&mut state, message)?;
                state
            }
            Self::Over => return Err(PeerFault::Handshake),
        };
        let reply = if state.is_handshake_finished() { None } else { Some(write(&mut state)?) };
        if !state.is_handshake_finished() {
            *self = Self::Running(state);
            return Ok(Step { reply, secured: None });
        }
        let secured = secure(&mut state, local, suite, rekey_frames)?;
        Ok(Step { reply, secured: Some(secured) })
    }
}

fn build(
    suite: Suite,
    identity: &LinkIdentity,
    psk: &Secret<32>,
    entropy: &Secret<32>,
    dialler: bool,
) -> Result<HandshakeState, PeerFault> {
    let built = PATTERN.parse().and_then(|params| {
        let builder = Builder::with_resolver(params, Box::new(Resolver { suite, entropy: entropy.clone() }))
            .local_private_key(identity.secret().expose())?
            .prologue(PROLOGUE)?
            .psk(0, psk.expose())?;
        if dialler { builder.build_initiator() } else { builder.build_responder() }
    });
    built.map_err(|_| PeerFault::Handshake)
}

fn write(state: &mut HandshakeState) -> Result<Bytes, PeerFault> {
    let mut message = [0; LONGEST];
    let len = state.write_message(&[], &mut message).map_err(|_| PeerFault::Handshake)?;
    message.get(..len).map(Bytes::copy_from_slice).ok_or(PeerFault::Handshake)
}

/// A buffer without room for a payload refuses every message that carries one.
fn read(state: &mut HandshakeState, message: &[u8]) -> Result<(), PeerFault> {
    state.read_message(message, &mut []).map(|_| ()).map_err(|_| PeerFault::Handshake)
}

fn secure(
    state: &mut HandshakeState,
    local: &LinkIdentity,
    suite: Suite,
    rekey_frames: u64,
) -> Result<Secured, PeerFault> {
    let remote = state
        .get_remote_static()
        .and_then(|key| <[u8; 32]>::try_from(key).ok())
        .ok_or(PeerFault::Handshake)?;
    let hash = <[u8; 32]>::try_from(state.get_handshake_hash()).map_err(|_| PeerFault::Handshake)?;
    let (mut first, mut second) = state.dangerously_get_raw_split();
    let dialler_sends = FrameKey::new(suite, &Secret::new(first), rekey_frames);
    let answerer_sends = FrameKey::new(suite, &Secret::new(second), rekey_frames);
    first.zeroize();
    second.zeroize();
    let own = *local.public();
    Ok(if state.is_initiator() {
        let binding = Binding { hash, dialler: own, answerer: remote };
        Secured { sending: dialler_sends, receiving: answerer_sends, binding, remote }
    } else {
        let binding = Binding { hash, dialler: remote, answerer: own };
        Secured { sending: answerer_sends, receiving: dialler_sends, binding, remote }
    })
}
