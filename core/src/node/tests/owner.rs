//! A user of the network as nodes see one: a key, what it signs, and what it asks.

use super::*;

/// Someone with keys.
pub(super) struct Owner {
    pub(super) key: SigningKey,
    pub(super) network: NetworkId,
}

impl Owner {
    pub(super) fn new(town: &Town, number: u8) -> Self {
        Self { key: SigningKey::from_seed(SUITE, Secret::new([number; 32])), network: town.network }
    }

    pub(super) fn id(&self) -> OwnerId {
        OwnerId(*self.key.public())
    }

    pub(super) fn pin(&self, name: Name, object: ObjectId, since: Version, blob: &[u8]) -> Pin {
        let body = PinBody {
            owner: self.id(),
            name,
            object,
            since,
            blob: SUITE.blob_id(blob),
            length: u32::try_from(blob.len()).unwrap(),
            grant: None,
        };
        Pin::sign(&self.network, &self.key, body)
    }

    pub(super) fn put_blob(&self, name: Name, object: ObjectId, since: Version, blob: &Bytes) -> Request {
        Request::PutBlob { pins: vec![self.pin(name, object, since, blob)], blob: blob.clone() }
    }

    pub(super) fn header(&self, name: Name, version: Version, live: Vec<LiveObject>) -> Header {
        Header {
            owner: self.id(),
            name,
            kind: Kind::File,
            version,
            key_epoch: 0,
            live,
            expires: 0,
            head: PartInfo::default(),
            body: PartInfo::default(),
            file_epoch: 0,
            floor: None,
            grant: None,
            unknown: Default::default(),
        }
    }

    pub(super) fn sign(&self, header: Header, head: &[u8]) -> Record {
        Record::sign(SUITE, &self.network, &self.key, header, head, &[]).unwrap()
    }

    /// A record that lists one object of one blob.
    pub(super) fn record(&self, name: Name, version: Version, object: ObjectId, bytes: u64) -> Record {
        let live = vec![LiveObject { object, bytes, blobs: 1 }];
        self.sign(self.header(name, version, live), &[5; 176])
    }

    pub(super) fn tombstone(&self, name: Name, version: Version) -> Record {
        self.sign(self.header(name, version, vec![]), &[])
    }

    pub(super) fn floor(&self, version: Version) -> Record {
        let mut header = self.header(Name::default(), version, vec![]);
        header.kind = Kind::Floor;
        header.floor = Some(Floor { version, grant_epoch: 0 });
        self.sign(header, &[])
    }

    pub(super) fn get(&self, name: Name) -> Request {
        Request::GetRecord { owner: self.id(), name }
    }

    pub(super) fn list(&self) -> Request {
        Request::ListRecords { owner: self.id(), after: None, rows: 100, shards: (0, 255) }
    }
}
