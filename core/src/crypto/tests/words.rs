//! The 24 words.

use super::{array, hex};
use crate::crypto::{Secret, entropy_from_words, words_from_entropy};
use crate::error::VaultError;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use proptest::prelude::*;

/// The 32-byte English vectors of BIP-39 (github.com/trezor/python-mnemonic, vectors.json, MIT).
const VECTORS: [(&str, &str); 8] = [
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
         abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
    ),
    (
        "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
        "legal winner thank year wave sausage worth useful legal winner thank year \
         wave sausage worth useful legal winner thank year wave sausage worth title",
    ),
    (
        "8080808080808080808080808080808080808080808080808080808080808080",
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd \
         amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
    ),
    (
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
    ),
    (
        "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
        "hamster diagram private dutch cause delay private meat slide toddler razor book \
         happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
    ),
    (
        "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863",
        "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich \
         alcohol speed nation flash devote level hobby quick inner drive ghost inside",
    ),
    (
        "066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad",
        "all hour make first leader extend hole alien behind guard gospel lava \
         path output census museum junior mass reopen famous sing advance salt reform",
    ),
    (
        "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
        "void come effort suffer camp survey warrior heavy shoot primary clutch crush \
         open amazing screen patrol group space point ten exist slush involve unfold",
    ),
];

#[test]
fn entropy_and_words_are_those_of_the_published_vectors() {
    for (entropy, words) in VECTORS {
        let entropy = Secret::new(array(entropy));
        assert_eq!(*words_from_entropy(&entropy), words);
        assert_eq!(entropy_from_words(words), Ok(entropy));
    }
}

#[test]
fn words_are_read_in_any_case_and_with_any_white_space() {
    let (entropy, words) = VECTORS[4];
    let written = format!("\t {}\r\n", words.to_uppercase().replace(' ', " \n  "));
    assert_eq!(entropy_from_words(&written).map(|secret| secret.expose().to_vec()), Ok(hex(entropy)));
}

#[test]
fn a_list_that_is_not_24_words_with_their_checksum_is_refused_without_naming_a_word() {
    let words: Vec<&str> = VECTORS[4].1.split(' ').collect();
    let mut swapped = words.clone();
    swapped.swap(0, 1);
    let mut unknown = words.clone();
    unknown[6] = "hunter2";
    let refused = [
        (String::new(), "there are 0 words"),
        (words[..23].join(" "), "there are 23 words"),
        (words[..12].join(" "), "there are 12 words"),
        ([&words[..], &["zoo"]].concat().join(" "), "there are 25 words"),
        (unknown.join(" "), "word 7 is not in the list"),
        (swapped.join(" "), "the checksum does not fit, so a word is wrong or out of place"),
    ];
    for (list, reason) in refused {
        let error = entropy_from_words(&list).expect_err("it is no valid list");
        assert_eq!(error, VaultError::Words(reason.to_string()));
    }
}

proptest! {
    #[test]
    fn any_entropy_reads_back_from_its_words_and_no_word_can_be_left_out(entropy: [u8; 32], without in 0..24_usize) {
        let words = words_from_entropy(&Secret::new(entropy));
        prop_assert_eq!(entropy_from_words(&words).map(|secret| *secret.expose()), Ok(entropy));
        let mut fewer: Vec<&str> = words.split(' ').collect();
        fewer.remove(without);
        prop_assert!(entropy_from_words(&fewer.join(" ")).is_err());
    }
}
