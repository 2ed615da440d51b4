//! Keys, names, pieces, trees, the vault file.

use crate::{Section, keys, sample, seed};
use quantumsync_core::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{
    Secret, Suite, entropy_from_words, open_piece, seal_piece, words_from_entropy,
};
use quantumsync_core::id::Name;
use quantumsync_core::vault::{
    CHUNK_MAX, Content, Root, Upload, UploadStep, Vault, gear_table, normalise_key,
};

#[test]
fn every_key_follows_from_the_vaults_entropy() {
    let section = Section::read("keys");
    let keys = keys();
    section.check("/master", &seed(0));
    assert_eq!(words_from_entropy(&Secret::new(seed(0))).as_str(), section.text("/words"));
    section.check("/owner", keys.owner().as_bytes());
    section.check("/sign_seed", keys.sign.seed().expose());
    let read = &keys.read;
    for (name, key) in [
        ("/name_key", &keys.name_key),
        ("/record", &read.record),
        ("/dedup_data", &read.dedup_data),
        ("/dedup_manifest", &read.dedup_manifest),
        ("/chunk", &read.chunk),
        ("/siv", &read.siv),
        ("/object_id_key", &read.object_id),
        ("/salt", &read.salt),
    ] {
        section.check(name, key.expose());
    }
}

#[test]
fn the_words_are_the_entropy() {
    let words = words_from_entropy(&Secret::new(seed(0)));
    assert_eq!(entropy_from_words(&words).unwrap().expose(), &seed(0));
}

#[test]
fn names_and_ids_follow_from_the_key_string() {
    let section = Section::read("names");
    let keys = keys();
    let name = keys.name(0, &normalise_key(section.text("/key_string")).unwrap());
    section.check("/name", name.as_bytes());
    section.check("/record_key", keys.record_key(&name, 0).expose());
    section.check("/record_key_of_epoch_5", keys.record_key(&name, 5).expose());
    let device = Secret::new(section.array("/device"));
    section.check("/writer_tag", &keys.writer_tag(&device, &name));
    let object = keys.object_id(&name, &section.array("/since"));
    section.check("/object_id", object.as_bytes());
    assert_ne!(name, Name::default());
}

#[test]
fn sealed_pieces_of_every_length_are_the_same_and_open() {
    let section = Section::read("pieces");
    for at in 0..section.count("") {
        let path = |name| format!("/{at}/{name}");
        let payload = sample("piece", section.number(&path("length")) as usize);
        let piece = seal_piece(Suite::Real, &keys().read.dedup_data, &payload);
        section.check(&path("id"), piece.id.as_bytes());
        section.check(&path("key"), piece.key.expose());
        section.check_number(&path("blob_length"), piece.bytes.len() as u64);
        if payload.len() <= 100 {
            section.check(&path("blob"), &piece.bytes);
        }
        let opened = open_piece(Suite::Real, &piece.id, &piece.key, piece.bytes, piece.plain_len).unwrap();
        assert!(opened == payload);
    }
}

#[test]
fn the_gear_table_follows_from_the_chunk_key() {
    let section = Section::read("gear");
    let table = gear_table(Suite::Real, &Secret::new(section.array("/chunk_key")));
    let bytes: Vec<u8> = table.iter().flat_map(|word| word.to_be_bytes()).collect();
    section.check("/table", &bytes);
}

/// A blob as it went out of an upload: payload, id, key, length.
struct Sent {
    payload: Bytes,
    id: [u8; 32],
    key: Secret<32>,
    bytes: Bytes,
}

fn upload(data: &[u8]) -> (Content, Vec<Sent>) {
    let mut upload = Upload::new(&keys(), &Config::default());
    let (mut rest, mut sent) = (Bytes::copy_from_slice(data), vec![]);
    loop {
        match upload.poll() {
            Some(UploadStep::Seal { slot, dedup_key, payload }) => {
                let piece = seal_piece(Suite::Real, &dedup_key, &payload);
                let (id, key, bytes) = (piece.id.0, piece.key.clone(), piece.bytes.clone());
                sent.push(Sent { payload, id, key, bytes });
                upload.sealed(slot, piece).unwrap();
            }
            Some(UploadStep::Piece { slot, .. }) => upload.stored(slot).unwrap(),
            None => match upload.result() {
                Some(content) => return (content, sent),
                None if rest.is_empty() => upload.finish().unwrap(),
                None => upload.provide(rest.split_to(upload.want().min(rest.len()).min(100_000))).unwrap(),
            },
        }
    }
}

#[test]
fn a_file_becomes_the_same_pieces_and_tree() {
    let section = Section::read("tree");
    let (content, sent) = upload(&sample("file", section.number("/content_length") as usize));
    let Content::Tree { root, blobs, bytes } = content else { panic!("it is no inline file") };
    check_root(&section, &root);
    section.check_number("/blob_count", u64::from(blobs));
    section.check_number("/padded_bytes", bytes);

    assert_eq!(sent.len(), section.count("/blobs"));
    let mut piece_lengths = vec![];
    for (at, sent) in sent.iter().enumerate() {
        let path = |name| format!("/blobs/{at}/{name}");
        section.check(&path("id"), &sent.id);
        section.check(&path("key"), sent.key.expose());
        section.check_number(&path("plain_length"), sent.payload.len() as u64);
        section.check_number(&path("length"), sent.bytes.len() as u64);
        if section.number(&path("level")) == 0 {
            piece_lengths.push(sent.payload.len());
        }
    }
    section.check("/node_blob", &sent.last().unwrap().bytes);
    check_lengths(&section, "/piece_lengths", &piece_lengths);

    let (_, sent) = upload(&vec![0; CHUNK_MAX + 300_000]);
    let lengths: Vec<usize> = sent.iter().map(|sent| sent.payload.len()).collect();
    check_lengths(&section, "/piece_lengths_of_zeros", &lengths[..2]);
}

pub(crate) fn check_root(section: &Section, root: &Root) {
    section.check("/root/id", root.id.as_bytes());
    section.check("/root/key", root.key.expose());
    section.check_number("/root/level", root.level.into());
    section.check_number("/root/length", root.length);
    section.check_number("/root/pieces", root.pieces.into());
}

fn check_lengths(section: &Section, path: &str, lengths: &[usize]) {
    assert_eq!(lengths.len(), section.count(path));
    for (at, length) in lengths.iter().enumerate() {
        section.check_number(&format!("{path}/{at}"), *length as u64);
    }
}

/// The content of the section "tree", for the record that points to it.
pub(crate) fn tree_content(len: usize) -> Content {
    upload(&sample("file", len)).0
}

#[test]
fn vault_files_are_the_same_and_open() {
    let section = Section::read("vault_files");
    let vault = Vault::create(Suite::Real, seed(0));
    let (entropy, passphrase) = (section.array("/entropy"), section.text("/passphrase"));
    let (open, locked) = (vault.lock(None, entropy).unwrap(), vault.lock(Some(passphrase), entropy).unwrap());
    section.check("/open", &open);
    section.check("/locked", &locked);
    for (file, passphrase) in [(open, None), (locked, Some(passphrase))] {
        assert_eq!(Vault::open(Suite::Real, &file, passphrase).unwrap().owner(), vault.owner());
    }
}
