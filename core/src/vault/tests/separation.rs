//! What one vault makes tells nothing to, and opens under, no other.

use super::*;

#[test]
fn equal_content_gives_equal_blobs_in_one_vault_and_none_in_another() {
    let data = bytes(8, 8 << 20);
    let (content, blobs) = upload(&vault(1), &data, 1 << 20);
    let (again, same) = upload(&vault(1), &data, 3 << 20);
    let (_, other) = upload(&vault(2), &data, 1 << 20);
    assert_eq!(content, again);
    assert!(blobs.keys().eq(same.keys()));
    assert!(other.keys().all(|id| !blobs.contains_key(id)));
}

#[test]
fn two_vaults_cut_the_same_file_at_different_places() {
    let data = bytes(8, 16 << 20);
    let lengths = |vault: &Vault| {
        let (_, blobs) = upload(vault, &data, 4 << 20);
        blobs.values().map(Bytes::len).collect::<alloc::collections::BTreeSet<_>>()
    };
    assert_ne!(lengths(&vault(1)), lengths(&vault(2)));
}

#[test]
fn a_small_piece_and_a_node_with_the_same_bytes_are_different_blobs() {
    let keys = &vault(1).keys().clone().read;
    assert_ne!(seal(&keys.dedup_data, b"bytes").id, seal(&keys.dedup_manifest, b"bytes").id);
}

#[test]
fn neither_a_vault_nor_a_step_shows_what_it_holds() {
    let shown = alloc::format!("{:?}", vault(0xab));
    assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
    let mut upload = Upload::new(vault(1).keys(), &Config::default());
    upload.provide(Bytes::from(b"marked plaintext ".repeat(20_000))).unwrap();
    upload.finish().unwrap();
    while let Some(step) = upload.poll() {
        assert!(!alloc::format!("{step:?}").contains("marked"), "{step:?}");
    }
    assert!(!alloc::format!("{:?}", Content::Inline("marked".into())).contains("marked"));
}

#[test]
fn the_words_of_a_vault_bring_it_back() {
    let vault = vault(5);
    let back = Vault::from_words(Suite::Real, &vault.words()).unwrap();
    assert_eq!(back.owner(), vault.owner());
    assert!(matches!(Vault::from_words(Suite::Real, "abandon"), Err(VaultError::Words(_))));
}
