//! Records, pins, grants, and what the network's key signs.

use crate::vault::tree_content;
use crate::{Section, keys, sample};
use quantumsync_core::Bytes;
use quantumsync_core::codec::{Reader, Writer};
use quantumsync_core::crypto::{
    LinkIdentity, Part, Secret, Signature, SigningKey, SpaceKeys, Suite, node_id, open_record_part,
};
use quantumsync_core::id::{BlobId, Name, NetworkId, NodeId, ObjectId};
use quantumsync_core::node::view::record_position;
use quantumsync_core::record::{
    Admission, Fields, Grant, Membership, Pin, PinBody, Record, Removal, Settings, Version, network_id,
    verify_pin, verify_record,
};
use quantumsync_core::vault::{
    Content, FileDraft, HeadContent, file_record, floor_record, open_body, open_head, pin, tombstone,
};
use quantumsync_core::wire::Token;
use std::time::Duration;

const SUITE: Suite = Suite::Real;

/// What the record sections share.
struct Setting {
    keys: SpaceKeys,
    network: NetworkId,
    key_string: String,
    name: Name,
    since: Version,
    parent: Version,
    modified_ms: u64,
    expires: u64,
}

impl Setting {
    fn read(section: &Section) -> Self {
        let keys = keys();
        let key_string = section.text("/key_string").to_owned();
        Self {
            network: NetworkId(section.array("/network")),
            name: keys.name(0, &key_string),
            key_string,
            since: version(section, "/since"),
            parent: version(section, "/parent"),
            modified_ms: section.number("/modified_ms"),
            expires: section.number("/expires"),
            keys,
        }
    }

    fn record(&self, content: &Content) -> Record {
        let draft = FileDraft {
            key: &self.key_string,
            since: self.since,
            parent: Some(self.parent),
            modified_ms: self.modified_ms,
            expires: self.expires,
            content,
        };
        file_record(&self.keys, &self.network, &draft).unwrap()
    }

    /// Checks a file's record in all its parts, and that it opens again.
    fn check_file(&self, section: &Section, name: &str, content: &Content) {
        let path = |part| format!("/{name}/{part}");
        let record = self.record(content);
        section.check_number(&path("content_length"), content.size());
        section.check(&path("header"), record.signed_bytes());
        section.check(&path("sealed_head"), &record.head());
        section.check(&path("sealed_body"), &record.body());
        section.check(&path("record"), record.bytes());
        section.check(&path("order_hash"), &record.order().1);
        let key = self.keys.record_key(&self.name, 0);
        let prefix = record.header().sealing_prefix();
        section.check(
            &path("head"),
            &open_record_part(SUITE, &key, Part::Head, &prefix, &record.head()).unwrap(),
        );

        let read = Record::parse(SUITE, record.bytes().clone()).unwrap();
        verify_record(SUITE, &self.network, &read, None).unwrap();
        let head = open_head(&self.keys, &read, Some(&self.key_string)).unwrap();
        match (content, &head.content) {
            (Content::Inline(bytes), HeadContent::Inline) => {
                assert_eq!(open_body(&self.keys, &read, &head).unwrap(), bytes);
            }
            (Content::Tree { root, .. }, HeadContent::Tree { root: read, .. }) => assert_eq!(root, read),
            _ => panic!("another sort of content"),
        }
    }

    /// A record or pin by another writer, which this crate reads and verifies.
    fn verify(&self, bytes: Vec<u8>) -> Record {
        let record = Record::parse(SUITE, bytes.into()).unwrap();
        verify_record(SUITE, &self.network, &record, None).unwrap();
        record
    }
}

fn version(section: &Section, path: &str) -> Version {
    Version::from_bytes(section.array(path)).unwrap()
}

#[test]
fn records_and_pins_are_the_same_to_the_last_byte() {
    let section = Section::read("records");
    let setting = Setting::read(&section);
    let Setting { keys, network, name, since, .. } = &setting;
    setting.check_file(&section, "empty", &Content::Inline(Bytes::new()));
    setting.check_file(&section, "inline", &Content::Inline(sample("inline", 300).into()));
    let content = tree_content(3_000_000);
    setting.check_file(&section, "tree", &content);

    let deleted = version(&section, "/tombstone_version");
    section.check("/tombstone", tombstone(keys, network, name, deleted).unwrap().bytes());
    let floor = version(&section, "/floor_version");
    section.check("/floor", floor_record(keys, network, floor, 4).unwrap().bytes());

    let Content::Tree { root, .. } = &content else { panic!("it has pieces") };
    let object = keys.object_id(name, &since.to_bytes());
    let made = pin(keys, network, name, object, *since, root.id, 4096);
    section.check("/pin", made.bytes());
    verify_pin(SUITE, network, &made, None).unwrap();

    check_granted(&section, &setting, object, root.id);
}

fn check_granted(section: &Section, setting: &Setting, object: ObjectId, blob: BlobId) {
    let Setting { keys, network, name, since, .. } = setting;
    let writer = SigningKey::from_seed(SUITE, Secret::new(section.array("/writer_seed")));
    let unsigned = Grant {
        writer: *writer.public(),
        scope: *name,
        epoch: 3,
        not_after: since.ms() + 1,
        signature: Signature([0; 64]),
    };
    let grant = unsigned.sign(network, &keys.sign);
    let bytes = section.bytes("/granted_tombstone");
    let record = setting.verify(bytes.clone());
    let header = record.header().clone();
    assert_eq!(header.grant, Some(grant));
    assert_eq!(header.unknown.get(0x0100).map(|value| &value[..]), Some(&b"of a later version"[..]));
    assert_eq!(Record::sign(SUITE, network, &writer, header, &[], &[]).unwrap().bytes(), &bytes);

    let bytes = section.bytes("/file_epoch_5_tombstone");
    let header = setting.verify(bytes.clone()).header().clone();
    assert_eq!(header.file_epoch, 5);
    assert_eq!(Record::sign(SUITE, network, &keys.sign, header, &[], &[]).unwrap().bytes(), &bytes);

    let body = PinBody {
        owner: keys.owner(),
        name: *name,
        object,
        since: *since,
        blob,
        length: 4096,
        grant: Some(grant),
    };
    let pin = Pin::sign(network, &writer, body);
    section.check("/granted_pin", pin.bytes());
    verify_pin(SUITE, network, &pin, None).unwrap();
}

/// What the network's key has signed in the program's network.
pub(crate) struct Network {
    pub(crate) key: SigningKey,
    pub(crate) id: NetworkId,
    pub(crate) node: NodeId,
    pub(crate) other: NodeId,
    unix_ms: u64,
}

pub(crate) fn network() -> Network {
    let key = SigningKey::from_seed(SUITE, Secret::new(crate::seed(1)));
    let node = |number| LinkIdentity::from_secret(SUITE, Secret::new(crate::seed(number))).node_id(SUITE);
    let id = network_id(SUITE, key.public());
    Network { key, id, node: node(6), other: node(9), unix_ms: 1_795_219_200_000 }
}

impl Network {
    pub(crate) fn admission(&self, not_after: u64) -> Admission {
        let admission = Admission {
            node: self.node,
            positions: 8,
            volatile: false,
            serial: 3,
            not_after,
            unknown: Fields::default(),
            signature: Signature([0; 64]),
        };
        admission.sign(&self.id, &self.key)
    }

    pub(crate) fn removal(&self) -> Removal {
        let removal = Removal {
            node: self.other,
            banned: true,
            serial: 2,
            unknown: Fields::default(),
            signature: Signature([0; 64]),
        };
        removal.sign(&self.id, &self.key)
    }

    pub(crate) fn settings(&self) -> Settings {
        let settings = Settings {
            number: 2,
            replicas: 3,
            gone_after: Duration::from_secs(900),
            linger: Duration::from_secs(60),
            unknown: Fields::default(),
            signature: Signature([0; 64]),
        };
        settings.sign(&self.id, &self.key)
    }
}

fn encoded(encode: impl Fn(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::default();
    encode(&mut out);
    out.freeze().into()
}

#[test]
fn what_a_network_signs_and_its_tokens_are_the_same() {
    let section = Section::read("network");
    let network = network();
    section.check("/seed", network.key.seed().expose());
    section.check("/public", network.key.public());
    section.check("/network", network.id.as_bytes());
    let identity = LinkIdentity::from_secret(SUITE, Secret::new(section.array("/node_secret")));
    section.check("/node", node_id(SUITE, identity.public()).as_bytes());
    section.check("/other_node", network.other.as_bytes());

    let (admission, removal) = (network.admission(network.unix_ms), network.removal());
    section.check("/admission", &encoded(|out| admission.encode(out)));
    section.check("/removal", &encoded(|out| removal.encode(out)));
    section.check("/settings", &encoded(|out| network.settings().encode(out)));

    let foreign = Bytes::from(section.bytes("/admission_with_unknown_field"));
    let read = Admission::decode(&mut Reader::new(foreign.clone())).unwrap();
    read.verify(SUITE, &network.id, network.key.public()).unwrap();
    assert_eq!((read.node, read.positions, read.volatile, read.serial), (network.other, 64, true, 1));
    assert_eq!(encoded(|out| read.encode(out)), foreign);

    let mut membership = Membership::default();
    membership.add_admission(read, 9);
    membership.add_admission(admission, 9);
    membership.add_removal(removal, 9);
    section.check("/membership_digest", &membership.digest(SUITE));

    let peers = vec![(network.node, addr("192.0.2.1:4270")), (network.other, addr("[2001:db8::1]:65535"))];
    let mut token = Token {
        psk_epoch: 1,
        psk: Secret::new(section.array("/psk")),
        network_key: *network.key.public(),
        signing_seed: None,
        peers,
    };
    assert_eq!(token.to_text().as_str(), section.text("/client_token"));
    token.psk_epoch = 2;
    token.signing_seed = Some(network.key.seed().clone());
    token.peers.truncate(1);
    assert_eq!(token.to_text().as_str(), section.text("/node_token"));
    assert_eq!(Token::from_text(&token.to_text()), Ok(token));

    section.check("/node_position_3", &SUITE.hash(&[network.node.as_bytes(), &[3]]));
    let keys = keys();
    let name = keys.name(0, "Zürich/photo 1.jpg");
    section.check("/record_position", record_position(SUITE, &keys.owner(), name.0[0]).as_bytes());
}

pub(crate) fn addr(text: &str) -> std::net::SocketAddr {
    text.parse().unwrap()
}
