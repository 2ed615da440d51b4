//! Vaults: from words and from files.

use quantumsync_core::crypto::Suite;
use quantumsync_core::vault::Vault;
use serde_json::{Value, json};

use crate::{WORDS, hex, named};

pub(crate) fn cases() -> Value {
    let vault = Vault::create(Suite::Real, [7; 32]);
    let other = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal \
        winner thank year wave sausage worth title";
    let plain = vault.lock(None, [8; 64]).expect("there is memory");
    let sealed = vault.lock(Some("Grüße, Horst 🐎"), [9; 64]).expect("there is memory");
    let mut altered = plain.clone();
    *altered.last_mut().expect("it is not empty") ^= 1;
    named([
        ("the words of a vault that was made", of_words(&vault.words())),
        ("words that are all the same but for the last", of_words(WORDS)),
        ("other words", of_words(other)),
        ("words in capitals with spaces between", of_words(&other.to_uppercase().replace(' ', "  "))),
        ("a word too few", of_words(&WORDS.replacen("abandon ", "", 1))),
        ("a wrong checksum", of_words(&WORDS.replace("art", "abandon"))),
        ("a word of no list", of_words(&WORDS.replace("art", "xyzzy"))),
        ("no words", of_words("")),
        ("a vault file without a passphrase", of_file(&plain, None)),
        ("a passphrase that was not needed", of_file(&plain, Some("unused"))),
        ("a vault file with a passphrase", of_file(&sealed, Some("Grüße, Horst 🐎"))),
        ("the passphrase with its accents apart", of_file(&sealed, Some("Gru\u{308}ße, Horst 🐎"))),
        ("a wrong passphrase", of_file(&sealed, Some("Grüße"))),
        ("no passphrase where one is needed", of_file(&sealed, None)),
        ("an altered file", of_file(&altered, None)),
        ("a file that was cut", of_file(&plain[..plain.len() - 1], None)),
        ("an empty file", of_file(&[], None)),
        ("a file of something else", of_file(b"%PDF-1.7 is not a vault", None)),
    ])
}

fn of_words(words: &str) -> Value {
    let case = json!({ "words": words });
    with_outcome(case, Vault::from_words(Suite::Real, words).map_err(|error| error.code()))
}

fn of_file(file: &[u8], passphrase: Option<&str>) -> Value {
    let case = json!({ "file": hex(file), "passphrase": passphrase });
    with_outcome(case, Vault::open(Suite::Real, file, passphrase).map_err(|error| error.code()))
}

fn with_outcome(mut case: Value, outcome: Result<Vault, &'static str>) -> Value {
    match outcome {
        Ok(vault) => case["owner"] = json!(vault.owner().to_string()),
        Err(code) => case["error"] = json!(code),
    }
    case
}
