//! Key strings.

use super::*;
use alloc::string::String;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

#[test]
fn a_key_in_any_normal_form_is_one_key() {
    assert_eq!(normalise_key("Zu\u{308}rich"), normalise_key("Z\u{fc}rich"));
    assert_eq!(normalise_key("\u{1112}\u{1161}\u{11ab}").as_deref(), Ok("\u{d55c}"));
    assert_eq!(normalise_key("plain/path.txt").as_deref(), Ok("plain/path.txt"));
}

#[test]
fn a_normal_form_is_normal() {
    for key in ["Zu\u{308}rich", "\u{1d160}", "\u{fb4f}\u{344}", "e\u{301}\u{323}"] {
        let normal = normalise_key(key).unwrap();
        assert_eq!(normalise_key(&normal), Ok(normal.clone()), "{key}");
    }
}

#[test]
fn keys_keep_their_limits_in_normal_form() {
    let letters = |count| "a".repeat(count);
    assert_eq!(normalise_key(""), Err(BadKey::Empty));
    assert!(normalise_key(&letters(limit::KEY)).is_ok());
    assert_eq!(normalise_key(&letters(limit::KEY + 1)), Err(BadKey::TooLong));
    let decomposed: String = "u\u{308}".repeat(limit::KEY / 2);
    assert_eq!(normalise_key(&decomposed).map(|key| key.len()), Ok(limit::KEY), "3 bytes become 2");
    let growing: String = "\u{1d160}".repeat(limit::KEY / 4);
    assert_eq!(normalise_key(&growing), Err(BadKey::TooLong), "4 bytes become 12");
}

#[test]
fn a_key_holds_no_nul_and_nothing_unassigned() {
    assert_eq!(normalise_key("a\0b"), Err(BadKey::Nul));
    for unassigned in ['\u{378}', '\u{fffe}', '\u{fdd0}', '\u{10ffff}'] {
        assert_eq!(normalise_key(&String::from(unassigned)), Err(BadKey::Unassigned), "{unassigned:?}");
    }
    for allowed in ["\n", "\u{7f}", "\u{e000}", "\u{200d}", "\u{feff}", "🦀"] {
        assert!(normalise_key(allowed).is_ok(), "{allowed:?}");
    }
}

#[test]
fn the_tables_are_of_the_frozen_unicode_version() {
    assert_eq!(unicode_normalization::UNICODE_VERSION, UNICODE_VERSION);
    let (major, minor, update) = UNICODE_VERSION;
    assert_eq!(unicode_properties::UNICODE_VERSION, (u64::from(major), u64::from(minor), u64::from(update)));
}

proptest! {
    #[test]
    fn all_forms_of_a_key_have_one_normal_form_which_is_its_own(key in "(\\PC|[a-z][\u{300}-\u{360}]{1,3}){0,20}") {
        let normal = normalise_key(&key);
        prop_assert_eq!(normalise_key(&key.nfd().collect::<String>()), normal.clone());
        prop_assert_eq!(normalise_key(&key.nfc().collect::<String>()), normal.clone());
        if let Ok(normal) = normal {
            prop_assert_eq!(normalise_key(&normal), Ok(normal.clone()));
        }
    }
}
