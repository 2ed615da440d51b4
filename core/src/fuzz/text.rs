//! What people and file systems hold: tokens and paths.

use alloc::format;
use alloc::string::String;

use data_encoding::BASE32_NOPAD;

use super::choices::Choices;
use crate::cas::PathTransform;
use crate::config::limit;
use crate::crypto::{Suite, label};
use crate::id::BlobId;
use crate::wire::Token;

/// A token's text, and the content of one, to which the checksum is added here.
///
/// What parses is written again to the same text in lower case, and that is the same token; only fields that this version does not know
/// are left out.
pub fn token(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        round_trip(text);
    }
    // Most of what is wrong with a token is caught by its checksum: past it, too, nothing must break.
    let sum = Suite::Real.hash(&[&[label::TOKEN.len() as u8], label::TOKEN.as_bytes(), bytes]);
    round_trip(&format!("qs1{}", BASE32_NOPAD.encode(&[bytes, &sum[..4]].concat())));
}

fn round_trip(text: &str) {
    let Ok(token) = Token::from_text(text) else { return };
    let written = token.to_text();
    assert!(written.len() <= limit::TOKEN);
    let text = text.trim_ascii().to_ascii_lowercase();
    assert!(*written == text || written.len() < text.len(), "{text} became {}", *written);
    assert_eq!(Token::from_text(&written).as_ref(), Ok(&token));
    let shouted = format!(" {}\n", written.to_ascii_uppercase());
    assert_eq!(Token::from_text(&shouted).as_ref(), Ok(&token));
}

/// `depth u8 ‖ width u8 ‖ text`: the text as a path under that transform, and its first 32 bytes as an id.
///
/// An id comes back from its path; a text is the path of the id at its end, folder by folder, or of none.
pub fn path(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (depth, width) = (choices.byte(), choices.byte());
    let fits = usize::from(depth) * usize::from(width) <= 64 && (depth == 0 || width > 0);
    let transform = PathTransform::new(depth, width);
    assert_eq!(transform.is_ok(), fits);
    let Ok(transform) = transform else { return };

    let rest = choices.rest();
    let mut id = BlobId([0; 32]);
    id.0.iter_mut().zip(rest).for_each(|(byte, given)| *byte = *given);
    let made = transform.path(&id);
    assert_eq!(made, path_of(depth, width, &id));
    assert_eq!(transform.id(&made), Some(id));

    let text = String::from_utf8_lossy(rest);
    let last = text.rsplit('/').next().and_then(BlobId::from_hex);
    let expected = last.filter(|id| path_of(depth, width, id) == text);
    assert_eq!(transform.id(&text), expected, "{text:?}");
}

/// The path as the README describes it: folders of so many digits each, from the front, then all digits.
fn path_of(depth: u8, width: u8, id: &BlobId) -> String {
    let digits: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = |at: usize| &digits[at * usize::from(width)..(at + 1) * usize::from(width)];
    (0..usize::from(depth)).map(|at| format!("{}/", folder(at))).collect::<String>() + &digits
}
