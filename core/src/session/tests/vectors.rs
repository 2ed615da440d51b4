//! Published vectors of Noise with this cipher suite, run through our primitives.
//!
//! From cacophony (<https://github.com/haskell-cryptography/cacophony>, `vectors/cacophony.txt`, public domain). No collection
//! has `XXpsk0`: its one further token is covered by `XXpsk3`.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::BytesMut;
use snow::Builder;

use super::super::noise::{FrameKey, Resolver};
use crate::crypto::{Secret, Suite};

struct Vector {
    protocol: &'static str,
    /// Hexadecimal, like all that follows.
    prologue: &'static str,
    psk: Option<(u8, &'static str)>,
    statics: [&'static str; 2],
    ephemerals: [&'static str; 2],
    hash: &'static str,
    /// Payload and message, from the dialler and the answerer in turn.
    messages: [(&'static str, &'static str); 6],
}

const VECTORS: [Vector; 2] = [
    Vector {
        protocol: "Noise_XX_25519_AESGCM_SHA256",
        prologue: "4a6f686e2047616c74",
        psk: None,
        statics: [
            "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
            "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
        ],
        ephemerals: [
            "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
            "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
        ],
        hash: "1b7aefb1125762aa21a252890d00af54519638b76437444538f9a52f21e2e0dc",
        messages: [
            (
                "4c756477696720766f6e204d69736573",
                "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573",
            ),
            (
                "4d757272617920526f746862617264",
                "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843757117acceb05bd7a45733bc22015c97a9d0cbaf41b80446d5988ff5127235d76b79eade70f473d6a4ef521fdcbeda5340d01e028ba793fc059f2724a83af05f12dda0448a7621a926b379a92477fd",
            ),
            (
                "462e20412e20486179656b",
                "c90f1cf77eba4e50edb038991565e36c9758943a989229b6051244dc4fbecb6946744b401af2ee1a5881b65fbb87fd07cb6a328ececc9ce6ce84c399dc332d4fd521fa4bb7f467ce909395",
            ),
            ("4361726c204d656e676572", "bc3fa77f6aca3e8466d7dc6bea10013e88a6a29add5132b461806c"),
            (
                "4a65616e2d426170746973746520536179",
                "250b01074cdfe0df2ecf8ccbf1737b15a2ddb5b52fd9a396604e9c793cee3b3bb9",
            ),
            (
                "457567656e2042f6686d20766f6e2042617765726b",
                "449d4d433b3cdc3d02bf6fc881774b9df54366ebcffb9689bb13f14709822cd7ef42bcdb4d",
            ),
        ],
    },
    Vector {
        protocol: "Noise_XXpsk3_25519_AESGCM_SHA256",
        prologue: "4a6f686e2047616c74",
        psk: Some((3, "54686973206973206d7920417573747269616e20706572737065637469766521")),
        statics: [
            "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
            "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
        ],
        ephemerals: [
            "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
            "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
        ],
        hash: "033c8317037cb66a83308d5ae57ebbbea254e7ef2267f296c40baa4beaae4fcc",
        messages: [
            (
                "4c756477696720766f6e204d69736573",
                "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944ad6766e442bec99c94ff573cd5316da008cbcc1ebcf47fbe43991ed633bcbb75",
            ),
            (
                "4d757272617920526f746862617264",
                "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884336a2439b0bafb5e97fee2c19b6f9f741125f810ad98e7e9659c48ca3e19652d316d1121073a281e0402b7bc1acb476caa1e7308faad7f75337b30f12435c98303cac63cac1d69ac11f2e1971e138ac",
            ),
            (
                "462e20412e20486179656b",
                "2504a7905dbd6a56820581eb314085df196fda55aa5e77745d61c0b526355733d5ee67b9a4f345be7dc7c6583d3807626eb0f42c69388955ff0c9f35b03951129db18848a76f6a4d270022",
            ),
            ("4361726c204d656e676572", "b20ca762013411bc55d65fc7137a2e719d432cd549cb037f5e9c84"),
            (
                "4a65616e2d426170746973746520536179",
                "6b10e774950e93bc7cc50f225a105e656eb418310c00c374a81c1452b48cb12000",
            ),
            (
                "457567656e2042f6686d20766f6e2042617765726b",
                "6d617e8fd817a630755b8dffdee52ad3c39964bdca895a56847fd5f1edb49d14f555cc314b",
            ),
        ],
    },
];

#[test]
fn the_published_vectors_of_noise_come_out_of_our_primitives() {
    for vector in &VECTORS {
        let mut sides = [build(vector, true), build(vector, false)];
        let (handshake, transport) = vector.messages.split_at(3);
        for (turn, (payload, message)) in handshake.iter().enumerate() {
            let mut sent = [0; 256];
            let len = sides[turn % 2].write_message(&hex(payload), &mut sent).unwrap();
            assert_eq!(sent[..len], hex(message), "message {turn} of {}", vector.protocol);
            let mut read = [0; 256];
            let len = sides[(turn + 1) % 2].read_message(&hex(message), &mut read).unwrap();
            assert_eq!(read[..len], hex(payload));
        }
        let keys = sides.each_mut().map(|side| {
            assert_eq!(side.get_handshake_hash(), hex(vector.hash));
            let (first, second) = side.dangerously_get_raw_split();
            [first, second].map(|key| FrameKey::new(Suite::Real, &Secret::new(key), u64::MAX))
        });
        let [[mut dialler_seals, _], [mut answerer_opens, mut answerer_seals]] = keys;
        for (turn, (payload, message)) in transport.iter().enumerate() {
            // The fourth message is the answerer's.
            let by_dialler = turn % 2 == 1;
            let mut frame = BytesMut::from(&hex(payload)[..]);
            if by_dialler { &mut dialler_seals } else { &mut answerer_seals }.seal(&mut frame, 0);
            assert_eq!(frame[..], hex(message), "frame {turn} of {}", vector.protocol);
            if by_dialler {
                assert!(answerer_opens.open(&mut frame));
                assert_eq!(frame[..], hex(payload));
            }
        }
    }
}

/// `REKEY(k)` of Noise 4.2 is the first 32 bytes of AES-256-GCM under the last nonce over 32 zero bytes: computed here by
/// hand, so that both sides cannot share a mistake.
#[test]
fn a_new_key_is_the_one_that_noise_prescribes() {
    use aes_gcm::aead::{Aead as _, KeyInit as _};
    let cipher = aes_gcm::Aes256Gcm::new(&[7; 32].into());
    let mut last_nonce = [0xff; 12];
    last_nonce[..4].fill(0);
    let sealed = cipher.encrypt(&last_nonce.into(), &[0; 32][..]).unwrap();
    let renewed: [u8; 32] = sealed[..32].try_into().unwrap();

    let mut key = FrameKey::new(Suite::Real, &Secret::new([7; 32]), 1);
    let (mut first, mut second) = (BytesMut::from(&b"first"[..]), BytesMut::from(&b"second"[..]));
    key.seal(&mut first, 0);
    key.seal(&mut second, 0);
    let mut nonce = [0; 12];
    nonce[11] = 1;
    let expected = aes_gcm::Aes256Gcm::new(&renewed.into()).encrypt(&nonce.into(), &b"second"[..]).unwrap();
    assert_eq!(second[..], expected);
}

#[test]
fn a_public_key_of_small_order_is_refused() {
    use snow::params::DHChoice;
    use snow::resolvers::CryptoResolver as _;
    let resolver = Resolver { suite: Suite::Real, entropy: Secret::new([1; 32]) };
    let mut pair = resolver.resolve_dh(&DHChoice::Curve25519).unwrap();
    pair.set(&[9; 32]);
    let mut shared = [0; 32];
    let mut one = [0; 32];
    one[0] = 1;
    for public in [[0; 32], one] {
        assert!(pair.dh(&public, &mut shared).is_err());
    }
}

fn build(vector: &Vector, dialler: bool) -> snow::HandshakeState {
    let side = usize::from(!dialler);
    let resolver = Resolver { suite: Suite::Real, entropy: Secret::new([0; 32]) };
    let (key, ephemeral) = (hex(vector.statics[side]), hex(vector.ephemerals[side]));
    let (prologue, psk) = (hex(vector.prologue), vector.psk.map(|(at, psk)| (at, hex(psk))));
    let mut builder = Builder::with_resolver(vector.protocol.parse().unwrap(), Box::new(resolver))
        .local_private_key(&key)
        .unwrap()
        .prologue(&prologue)
        .unwrap()
        .fixed_ephemeral_key_for_testing_only(&ephemeral);
    let psk = psk.map(|(at, psk)| (at, <[u8; 32]>::try_from(psk).unwrap()));
    if let Some((at, psk)) = &psk {
        builder = builder.psk(*at, psk).unwrap();
    }
    if dialler { builder.build_initiator() } else { builder.build_responder() }.unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}
