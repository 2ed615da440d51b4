//! Tokens: one line that a person can pass on.

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::arbitrary::token;
use crate::config::limit;
use crate::crypto::Secret;
use crate::id::NodeId;
use crate::wire::{Token, TokenError};

proptest! {
    #[test]
    fn a_token_reads_back_in_either_case_and_with_white_space_around(token in token()) {
        let text = token.to_text();
        prop_assert!(text.len() <= limit::TOKEN && text.starts_with("qs1"));
        prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        prop_assert_eq!(Token::from_text(&text), Ok(token.clone()));
        let typed = format!(" {}\n", text.to_uppercase());
        prop_assert_eq!(Token::from_text(&typed), Ok(token));
    }

    #[test]
    fn a_mistyped_or_cut_token_is_refused(token in token(), at: prop::sample::Index, letter in "[a-z2-7]") {
        let text = token.to_text().to_string();
        let at = at.index(text.len());
        prop_assert!(Token::from_text(&text[..at]).is_err());
        let typed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
        prop_assume!(typed != text);
        prop_assert!(Token::from_text(&typed).is_err());
    }

    #[test]
    fn any_text_is_a_token_or_a_typed_error(text: alloc::string::String) {
        let _ = Token::from_text(&text);
        let _ = Token::from_text(&format!("qs1{text}"));
    }
}

fn crowded(signing_seed: Option<Secret<32>>) -> Token {
    let peers: Vec<_> = (0..40).map(|n| (NodeId([n; 32]), ([10, 0, 0, n], 4270).into())).collect();
    Token { psk_epoch: 1, psk: Secret::new([1; 32]), network_key: [2; 32], signing_seed, peers }
}

#[test]
fn as_many_peers_as_fit_are_in_a_token() {
    for (seed, fitting) in [(None, 6), (Some(Secret::new([3; 32])), 5)] {
        let token = crowded(seed);
        let read = Token::from_text(&token.to_text()).unwrap();
        assert_eq!(read.peers, token.peers[..fitting]);
        assert_eq!(Token { peers: Vec::new(), ..read }, Token { peers: Vec::new(), ..token });
    }
}

#[test]
fn what_is_no_token_says_why() {
    assert_eq!(Token::from_text(""), Err(TokenError::Form));
    assert_eq!(Token::from_text("qs"), Err(TokenError::Form));
    assert_eq!(Token::from_text("qs2aaaa"), Err(TokenError::Form));
    assert_eq!(Token::from_text("qs1a!aa"), Err(TokenError::Form));
    assert_eq!(Token::from_text("ß1"), Err(TokenError::Form));
    assert_eq!(Token::from_text(&"a".repeat(limit::TOKEN + 1)), Err(TokenError::Form));
    assert_eq!(Token::from_text("qs1"), Err(TokenError::Checksum));
    assert_eq!(Token::from_text("qs1aaaaaaaaaaaaaaaa"), Err(TokenError::Checksum));
}

#[test]
fn a_token_shows_none_of_its_secrets() {
    let shown = format!("{:?}", crowded(Some(Secret::new([3; 32]))));
    assert!(!shown.contains("1, 1, 1") && !shown.contains("3, 3, 3"), "{shown}");
}
