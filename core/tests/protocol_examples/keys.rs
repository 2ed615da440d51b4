//! The key hierarchy and the two sealing functions.

use crate::block::{Block, dissect};
use crate::given::{SUITE, device, keys, network, version};
use quantumsync_core::crypto::{Part, Secret, label, seal_piece, seal_record_part, signed_message};

pub(crate) fn blocks() -> Vec<Block> {
    vec![hierarchy(), names(), signed(), piece(), part()]
}

fn hierarchy() -> Block {
    let keys = keys();
    let master: [u8; 32] = core::array::from_fn(|i| u8::try_from(i).expect("there are 32"));
    let root = SUITE.extract(label::EXTRACT.as_bytes(), &master);
    let write: Secret<32> = SUITE.expand(&root, label::SPACE, &[&[0; 4], &[0; 4]]);
    let read: Secret<32> = SUITE.expand(&write, label::READ, &[&[0; 4]]);
    Block::new("keys")
        .part("PRK", root.expose())
        .part("W", write.expose())
        .part("signing seed", keys.sign.seed().expose())
        .part("OwnerId", keys.owner().as_bytes())
        .part("name key", keys.name_key.expose())
        .part("R", read.expose())
        .part("record", keys.read.record.expose())
        .part("dedup/data", keys.read.dedup_data.expose())
        .part("dedup/manifest", keys.read.dedup_manifest.expose())
        .part("chunk", keys.read.chunk.expose())
        .part("siv", keys.read.siv.expose())
        .part("object id", keys.read.object_id.expose())
        .part("salt", keys.read.salt.expose())
}

fn names() -> Block {
    let keys = keys();
    let name = keys.name(0, "notes.txt");
    Block::new("names")
        .part("name", name.as_bytes())
        .part("K_rec, file epoch 0", keys.record_key(&name, 0).expose())
        .part("writer tag", &keys.writer_tag(&device(), &name))
        .part("version, counter 0", &version("notes.txt", 0).to_bytes())
        .part("object id", keys.object_id(&name, &version("notes.txt", 0).to_bytes()).as_bytes())
}

fn signed() -> Block {
    let message = signed_message(label::RECORD, &network(), &[b"header"]);
    dissect(
        "signed-message",
        &message,
        &[("length of the label", 1), ("quantumsync/1/record", 20), ("network id", 32), ("\"header\"", 6)],
    )
}

fn piece() -> Block {
    let keys = keys();
    let piece = seal_piece(SUITE, &keys.read.dedup_data, &[0x61; 700]);
    Block::new("piece")
        .part("K", piece.key.expose())
        .part("BlobId", piece.id.as_bytes())
        .part("blob", &piece.bytes)
}

fn part() -> Block {
    let keys = keys();
    let key = keys.record_key(&keys.name(0, "notes.txt"), 0);
    let sealed = seal_record_part(SUITE, &key, &keys.read.siv, Part::Head, b"prefix", b"plaintext");
    dissect("sealed-part", &sealed, &[("s", 16), ("ciphertext", 9), ("tag", 32)])
}
