//! A whole link from its first byte: handshake, greetings, requests, new keys.

use crate::signed::{addr, network};
use crate::{Section, keys, sample};
use quantumsync_core::Bytes;
use quantumsync_core::config::Config;
use quantumsync_core::crypto::{LinkIdentity, Secret, Suite};
use quantumsync_core::session::{LocalRole, LocalSide, Session, SessionEvent};
use quantumsync_core::time::{Instant, Now};
use quantumsync_core::wire::{Message, Request, Response};
use std::sync::Arc;

struct Link {
    now: Now,
    dialler: Session,
    answerer: Session,
}

impl Link {
    fn new(section: &Section) -> Self {
        let network = network();
        let rekey_frames = section.number("/rekey_frames");
        let config = Config { rekey_frames, ..Config::default() };
        let now = Now { mono: Instant(0), unix_ms: section.number("/unix_ms") };
        let side = |role| LocalSide {
            suite: Suite::Real,
            network: network.id,
            network_key: *network.key.public(),
            psks: vec![(1, Secret::new(crate::seed(5)))],
            role,
        };
        section.check("/psk", &crate::seed(5));
        let client = side(LocalRole::Client { owner: Some(keys().sign), control: None });
        let node = side(LocalRole::Node {
            identity: LinkIdentity::from_secret(Suite::Real, Secret::new(section.array("/answerer_secret"))),
            admission: network.admission(0),
            addrs: vec![addr("192.0.2.1:4270")],
            incarnation: section.array("/incarnation"),
            control: None,
        });
        let (dialler, answerer) = (section.array("/dialler_entropy"), section.array("/answerer_entropy"));
        Self {
            now,
            dialler: Session::dial(&config, now, Arc::new(client), Some(network.node), dialler),
            answerer: Session::accept(&config, now, Arc::new(node), answerer),
        }
    }

    /// The next bytes of the dialler, given to the answerer.
    fn up(&mut self) -> Bytes {
        let bytes = self.dialler.poll_transmit().expect("the dialler has something to send");
        assert!(self.dialler.sent(bytes.len()));
        self.answerer.receive(self.now, bytes.clone()).unwrap();
        bytes
    }

    /// The next bytes of the answerer, given to the dialler.
    fn down(&mut self) -> Bytes {
        let bytes = self.answerer.poll_transmit().expect("the answerer has something to send");
        assert!(self.answerer.sent(bytes.len()));
        self.dialler.receive(self.now, bytes.clone()).unwrap();
        bytes
    }
}

#[test]
fn a_link_is_the_same_byte_for_byte() {
    let section = Section::read("handshake");
    let mut link = Link::new(&section);
    section.check("/messages/0", &link.up());
    section.check("/messages/1", &link.down());
    section.check("/messages/2", &link.up());
    section.check("/answerer_hello", &link.down());
    section.check("/dialler_hello", &link.up());
    check_peers(&section, &mut link);

    let unix_ms = link.now.unix_ms;
    for id in 1..=3 {
        link.dialler.send(&Message::Request { id, request: Request::Ping { unix_ms } });
        section.check(&format!("/pings/{}", id - 1), &link.up());
        link.answerer.send(&Message::response(id, Response::Pong { unix_ms: unix_ms + 1 }));
        section.check(&format!("/pongs/{}", id - 1), &link.down());
    }

    let bytes = Bytes::from(sample("long answer", section.number("/blob_length") as usize));
    let id = Suite::Real.blob_id(&bytes);
    link.dialler.send(&Message::Request { id: 4, request: Request::GetBlob { id, offset: 0, len: 0 } });
    section.check("/get", &link.up());
    let response = Response::Blob { source: network().node, bytes };
    link.answerer.send(&Message::response(4, response.clone()));
    for at in 0..section.count("/blob_frames") {
        section.check(&format!("/blob_frames/{at}"), &Suite::Real.hash(&[&link.down()]));
    }
    let last = core::iter::from_fn(|| link.dialler.poll_event()).last();
    let Some(SessionEvent::Message { message, .. }) = last else { panic!("the answer came") };
    assert_eq!(message, Message::response(4, response));
}

/// Both sides know who the other is.
fn check_peers(section: &Section, link: &mut Link) {
    let client = link.answerer.peer().expect("the link is open");
    assert_eq!(client.owner, Some(keys().owner()));
    let id = Suite::Real.hash(&[&section.bytes("/dialler_static")]);
    assert_eq!(client.node.as_bytes(), &id);
    assert_eq!(link.dialler.peer().expect("the link is open").node, network().node);
    // No one is told the handshake's hash, but the owner's proof in the greeting that was just checked covers it.
    assert_ne!(section.array("/handshake_hash"), [0; 32]);
}
