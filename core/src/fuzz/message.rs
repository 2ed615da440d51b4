//! Messages: what parses is the same message when it is written and read again.

use bytes::Bytes;

use crate::crypto::Suite;
use crate::wire::{MESSAGE_HEADER, Message, Outline};

/// A message, or none.
///
/// What parses is written to no more bytes, and these are the same message, written to the same bytes: only optional fields that this
/// version does not know are left out. The outline, read before the rest has come, tells of the same message.
pub fn message(bytes: &[u8]) {
    let Ok(message) = Message::decode(Suite::Real, Bytes::copy_from_slice(bytes)) else { return };
    let written = whole(&message);
    assert!(written.len() <= bytes.len(), "{message:?} grew");
    let again = Message::decode(Suite::Real, written.clone());
    assert_eq!(again.as_ref(), Ok(&message), "the message that was written");
    assert_eq!(whole(&message), written);
    outline(&message, bytes);
}

fn outline(message: &Message, bytes: &[u8]) {
    let header = bytes.first_chunk::<MESSAGE_HEADER>().expect("a message has a header");
    for from_client in [false, true] {
        let outline = Outline::read(header, from_client).expect("a message that parses has an outline");
        let agrees = match (message, outline) {
            (Message::Hello(_), Outline::Hello) => true,
            (Message::Credit { .. } | Message::Goodbye(_), Outline::Link) => true,
            (Message::Request { id, request }, Outline::Request { id: told, class }) => {
                *id == told && class == request.class(from_client)
            }
            (Message::UnknownRequest { id }, Outline::Request { id: told, .. }) => *id == told,
            (Message::Response { id, .. }, Outline::Response { id: told }) => *id == told,
            _ => false,
        };
        assert!(agrees, "{outline:?} of {message:?}");
    }
}

fn whole(message: &Message) -> Bytes {
    let (head, payload) = message.encode();
    Bytes::from([head, payload].concat())
}
