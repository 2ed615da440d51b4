//! Our own known answers: what `vectors/crypto.py`, a program that shares nothing with this crate, makes of the
//! description of the key hierarchy and the seals. Whoever changes one of them changes the protocol.

use quantumsync_core::crypto::{
    LinkIdentity, Master, Part, PasswordParams, Secret, SpaceKeys, Suite, hash_password, label,
    open_record_part, seal_piece, seal_record_part,
};
use quantumsync_core::id::{Name, NetworkId};
use std::collections::BTreeMap;

/// The answers that were not asked for yet.
struct Answers(BTreeMap<&'static str, &'static str>);

impl Answers {
    fn read() -> Self {
        let lines = include_str!("vectors/crypto.txt").lines();
        Self(lines.map(|line| line.split_once(" = ").expect("`name = value`")).collect())
    }

    fn bytes(&mut self, name: &str) -> Vec<u8> {
        let hex = self.0.remove(name).unwrap_or_else(|| panic!("no answer `{name}`"));
        data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal")
    }

    fn check(&mut self, name: &str, value: &[u8]) {
        assert_eq!(value, self.bytes(name), "{name}");
    }
}

#[test]
fn keys_seals_and_signatures_are_those_of_an_independent_program() {
    let mut answers = Answers::read();
    let master = answers.bytes("master").try_into().expect("32 bytes");
    let keys = SpaceKeys::derive(Suite::Real, &Master(Secret::new(master)));
    let name = check_keys(&mut answers, &keys);
    check_pieces(&mut answers, &keys);
    check_record_parts(&mut answers, &keys, &name);
    check_identities(&mut answers, &keys);
    assert!(answers.0.is_empty(), "not checked: {:?}", answers.0.keys());
}

fn check_keys(answers: &mut Answers, keys: &SpaceKeys) -> Name {
    let name = keys.name(0, "photo.jpg");
    answers.check("sign", keys.sign.seed().expose());
    answers.check("owner", keys.owner().as_bytes());
    answers.check("name_key", keys.name_key.expose());
    answers.check("record", keys.read.record.expose());
    answers.check("dedup_data", keys.read.dedup_data.expose());
    answers.check("dedup_manifest", keys.read.dedup_manifest.expose());
    answers.check("chunk", keys.read.chunk.expose());
    answers.check("siv", keys.read.siv.expose());
    answers.check("object_id_key", keys.read.object_id.expose());
    answers.check("salt", keys.read.salt.expose());
    answers.check("name", name.as_bytes());
    answers.check("file_epoch_0", keys.record_key(&name, 0).expose());
    answers.check("file_epoch_1", keys.record_key(&name, 1).expose());
    answers.check("object_id", keys.object_id(&name, &[0x55; 16]).as_bytes());
    answers.check("writer_tag", &keys.writer_tag(&Secret::new([0x11; 32]), &name));
    name
}

fn check_pieces(answers: &mut Answers, keys: &SpaceKeys) {
    for len in [0, 5, 1000, 1500, 100_000] {
        let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let piece = seal_piece(Suite::Real, &keys.read.dedup_data, &payload);
        answers.check(&format!("piece_{len}_key"), piece.key.expose());
        answers.check(&format!("piece_{len}_id"), piece.id.as_bytes());
        if len < 100 {
            answers.check(&format!("piece_{len}_blob"), &piece.bytes);
        }
    }
}

fn check_record_parts(answers: &mut Answers, keys: &SpaceKeys, name: &Name) {
    let (header, plain) = (b"the header's fields", (0..128).collect::<Vec<u8>>());
    let key = keys.record_key(name, 0);
    for (part, answer) in [(Part::Head, "head"), (Part::Body, "body")] {
        let sealed = seal_record_part(Suite::Real, &key, &keys.read.siv, part, header, &plain);
        answers.check(answer, &sealed);
        assert_eq!(open_record_part(Suite::Real, &key, part, header, &sealed).as_ref(), Ok(&plain));
    }
}

fn check_identities(answers: &mut Answers, keys: &SpaceKeys) {
    let signature = keys.sign.sign(label::RECORD, &NetworkId([0x22; 32]), &[b"signed ", b"bytes"]);
    answers.check("signature", &signature.0);
    let identity = LinkIdentity::from_secret(Suite::Real, Secret::new([0x33; 32]));
    answers.check("static_public", identity.public());
    answers.check("node_id", identity.node_id(Suite::Real).as_bytes());
    let params = PasswordParams { memory_kib: 64, passes: 2, lanes: 1 };
    let hash = hash_password(b"password", &[0x44; 16], params).expect("in bounds");
    answers.check("password", hash.expose());
}
