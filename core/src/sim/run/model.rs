//! What users may see: a reference model beside the system, which knows of every write when it began, how it ended, and
//! what was promised with that. Must not know nodes, links or disks.
//!
//! Records are last-writer-wins registers, available under partition. So of a read that says that it is fresh, and only of
//! such a one, it is asked that nothing acknowledged before it began is newer than what it gave. Of every read it is asked
//! that it gives what was stored under that key, and nothing older than the same device has seen.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::script::PLAIN_MARK;
use crate::record::Version;
use crate::time::Instant;

/// A content: its length and its number.
pub(super) type Content = (u32, u8);
/// A vault's number.
pub(super) type VaultNo = u8;
/// A key's number.
pub(super) type KeyNo = u8;
/// A device's number.
pub(super) type DeviceNo = u8;
/// The highest version of each key that a device has seen.
pub(super) type Seen = BTreeMap<KeyNo, Version>;

/// All writes of a run.
#[derive(Debug)]
pub(super) struct Model {
    writes: Vec<Write>,
    seen: BTreeMap<(DeviceNo, KeyNo), Version>,
}

/// Names a write of the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct WriteId(usize);

#[derive(Debug)]
struct Write {
    vault: VaultNo,
    /// None for a clear: all keys.
    key: Option<KeyNo>,
    what: What,
    end: End,
}

/// What a write makes of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A file, until it expires (Unix milliseconds; 0 for never).
    File { content: Content, expires: u64 },
    /// Nothing.
    Gone,
}

/// How a write ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// It has not, or nobody knows: it failed, or its device is gone. It may come to be, sooner or later.
    Open,
    /// With a promise that it is durable.
    Acknowledged {
        /// When.
        at: Instant,
        /// The version that it became.
        version: Version,
        on: Copies,
    },
}

/// On how many disks an acknowledgement says that a write is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Copies {
    /// As many as wanted.
    Enough,
    Fewer,
    /// None that counts: the node that was asked keeps it to hand it on.
    None,
}

impl Copies {
    pub(super) const fn of(copies: u8, wanted: u8) -> Self {
        match copies {
            _ if copies >= wanted => Self::Enough,
            0 => Self::None,
            _ => Self::Fewer,
        }
    }
}

/// What a device was told of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) vault: VaultNo,
    pub(super) key: KeyNo,
    pub(super) began: Instant,
    /// Wall clock of the world when it began and when it ended.
    pub(super) unix_ms: (u64, u64),
    /// How far wall clocks may be off: expiry comes so much sooner or later.
    pub(super) clocks_off_ms: u64,
    /// It said that nothing is newer.
    pub(super) fresh: bool,
    /// What was acknowledged as degraded counts, too: all faults are over, and no disk was lost.
    pub(super) all_counts: bool,
    pub(super) found: Option<Found>,
}

/// A file as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) version: Version,
    /// None where it was only listed, or read in part.
    pub(super) content: Option<Content>,
}

impl Model {
    pub(super) const fn new() -> Self {
        Self { writes: Vec::new(), seen: BTreeMap::new() }
    }

    /// True if a clear of this vault was ever begun.
    pub(super) fn has_clear(&self, vault: VaultNo) -> bool {
        self.writes.iter().any(|write| write.vault == vault && write.key.is_none())
    }

    /// A write begins; `key` is `None` for a clear.
    pub(super) fn begin(&mut self, vault: VaultNo, key: Option<KeyNo>, what: What) -> WriteId {
        self.writes.push(Write { vault, key, what, end: End::Open });
        WriteId(self.writes.len() - 1)
    }

    /// A write has ended.
    pub(super) fn end(&mut self, write: WriteId, end: End) {
        self.writes[write.0].end = end;
    }

    /// True if something was acknowledged that the node that was asked may hold alone.
    pub(super) fn has_uncounted(&self) -> bool {
        self.writes.iter().any(|write| matches!(write.end, End::Acknowledged { on: Copies::None, .. }))
    }

    /// A device has lost what it had seen.
    pub(super) fn forget_device(&mut self, device: DeviceNo) {
        self.seen.retain(|(of, _), _| *of != device);
    }

    /// A device has all that another one has seen: it is a copy.
    pub(super) fn copy_device(&mut self, from: DeviceNo, to: DeviceNo) {
        self.seen_by(from).into_iter().for_each(|(key, version)| self.saw(to, key, version));
    }

    /// A device knows this version of a key, because it wrote or read it.
    pub(super) fn saw(&mut self, device: DeviceNo, key: KeyNo, version: Version) {
        let seen = self.seen.entry((device, key)).or_default();
        *seen = version.max(*seen);
    }

    /// The keys of a vault that were ever written.
    pub(super) fn keys(&self, vault: VaultNo) -> Vec<KeyNo> {
        let mut keys: Vec<KeyNo> =
            self.writes.iter().filter(|write| write.vault == vault).filter_map(|write| write.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// All that was ever stored under a key, the latest first.
    pub(super) fn contents(&self, vault: VaultNo, key: KeyNo) -> Vec<Content> {
        let of_key = self.writes.iter().rev().filter(|write| write.vault == vault && write.key == Some(key));
        let stored = of_key.filter_map(|write| match write.what {
            What::File { content, .. } => Some(content),
            What::Gone => None,
        });
        stored.collect()
    }

    /// What a device has seen so far.
    pub(super) fn seen_by(&self, device: DeviceNo) -> Seen {
        self.seen.iter().filter(|((of, _), _)| *of == device).map(|((_, key), seen)| (*key, *seen)).collect()
    }

    /// True if there was a write of a key that was never acknowledged as durable on as many disks as wanted.
    pub(super) fn has_unpromised(&self, vault: VaultNo, key: KeyNo) -> bool {
        let of_key = |write: &&Write| write.vault == vault && write.key.is_none_or(|of| of == key);
        let is_promised = |write: &Write| matches!(write.end, End::Acknowledged { on: Copies::Enough, .. });
        self.writes.iter().filter(of_key).any(|write| !is_promised(write))
    }

    /// True if this version of a key was acknowledged as durable on as many disks as wanted.
    pub(super) fn is_promised(&self, vault: VaultNo, key: KeyNo, version: Version) -> bool {
        let of_key = |write: &&Write| write.vault == vault && write.key.is_none_or(|of| of == key);
        let ends = self.writes.iter().filter(of_key).map(|write| write.end);
        ends.into_iter().any(
            |end| matches!(end, End::Acknowledged { version: of, on: Copies::Enough, .. } if of == version),
        )
    }

    /// A device is given this version of a key: nothing older than what it had seen when it asked.
    pub(super) fn given(
        &mut self,
        device: DeviceNo,
        seen: &Seen,
        key: KeyNo,
        version: Version,
    ) -> Result<(), String> {
        match seen.get(&key) {
            Some(seen) if version < *seen => {
                Err(format!("c{device} was given k{key} as {version:?}, after it had seen {seen:?}"))
            }
            _ => {
                self.saw(device, key, version);
                Ok(())
            }
        }
    }

    /// Whether a read may have been so, by all that is known of the writes.
    pub(super) fn check(&self, read: &Read) -> Result<(), String> {
        match read.found {
            Some(found) => {
                self.check_origin(read, &found)?;
                if read.fresh { self.check_newest(read, &found) } else { Ok(()) }
            }
            None if read.fresh => self.check_absence(read),
            None => Ok(()),
        }
    }

    fn of<'a>(&'a self, read: &'a Read) -> impl Iterator<Item = &'a Write> {
        self.writes
            .iter()
            .filter(|write| write.vault == read.vault && write.key.is_none_or(|key| key == read.key))
    }

    /// Somebody stored just this under this key.
    fn check_origin(&self, read: &Read, found: &Found) -> Result<(), String> {
        let Some(content) = found.content else { return Ok(()) };
        // A store that another device overtook signs anew under a higher version; until then the earlier one may be read.
        let may_be = |version: Version| {
            version == found.version
                || (version > found.version && version.to_bytes()[8..] == found.version.to_bytes()[8..])
        };
        let fits = |write: &&Write| {
            matches!(write.what, What::File { content: stored, .. } if same(stored) == same(content))
                && write.version().is_none_or(may_be)
        };
        match self.of(read).any(|write| fits(&write)) {
            true => Ok(()),
            false => Err(format!(
                "k{} as {:?} is content {content:?}, which nobody stored as that",
                read.key, found.version
            )),
        }
    }

    /// Nothing that was acknowledged before is newer.
    fn check_newest(&self, read: &Read, found: &Found) -> Result<(), String> {
        for write in self.of(read).filter(|write| write.counts_for(read)) {
            if write.version().is_some_and(|version| version > found.version) {
                return Err(format!("k{} is {:?}, older than {write:?}", read.key, found.version));
            }
        }
        let has_expired = |write: &Write| match write.what {
            What::File { expires, .. } => {
                expires > 0 && read.unix_ms.0 > expires.saturating_add(read.clocks_off_ms)
            }
            What::Gone => false,
        };
        let mut sources = self.of(read).filter(|write| write.version() == Some(found.version)).peekable();
        if sources.peek().is_some() && sources.all(has_expired) {
            return Err(format!("k{} is there although it has expired: {found:?}", read.key));
        }
        Ok(())
    }

    /// That nothing is there must come from something that removed what was acknowledged.
    fn check_absence(&self, read: &Read) -> Result<(), String> {
        let files = self.of(read).filter(|write| write.counts_for(read) && write.is_file());
        for file in files {
            let removes = |other: &&Write| match (other.what, other.version(), file.version()) {
                // Copies of a device may give one version to two records: the hashes of these decide.
                (What::Gone, Some(gone), Some(file)) => gone >= file,
                (What::Gone, ..) => true,
                // A file that came later and has expired leaves nothing, too.
                (What::File { expires, .. }, ..) => {
                    expires > 0 && read.unix_ms.1.saturating_add(read.clocks_off_ms) >= expires
                }
            };
            if !self.of(read).any(|write| removes(&write)) {
                return Err(format!("k{} is not there, and nothing removed {file:?}", read.key));
            }
        }
        Ok(())
    }
}

/// What tells contents apart: those that are shorter than what all begin with are alike.
const fn same(content: Content) -> Content {
    if content.0 as usize <= PLAIN_MARK.len() { (content.0, 0) } else { content }
}

impl Write {
    const fn version(&self) -> Option<Version> {
        match self.end {
            End::Acknowledged { version, .. } => Some(version),
            End::Open => None,
        }
    }

    const fn is_file(&self) -> bool {
        matches!(self.what, What::File { .. })
    }

    /// It was acknowledged before the read began, so that the read must know of it.
    fn counts_for(&self, read: &Read) -> bool {
        match self.end {
            End::Acknowledged { at, on, .. } => at <= read.began && (on == Copies::Enough || read.all_counts),
            End::Open => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(ms: u64) -> Version {
        Version::new(ms, 0, [1; 8]).unwrap()
    }

    fn read(began: u64, found: Option<(u64, Content)>) -> Read {
        Read {
            vault: 0,
            key: 1,
            began: Instant(began),
            unix_ms: (1000, 1000),
            clocks_off_ms: 0,
            fresh: true,
            all_counts: false,
            found: found.map(|(ms, content)| Found { version: version(ms), content: Some(content) }),
        }
    }

    /// A file of version 10, acknowledged at 5; one of version 20 that is under way.
    fn model() -> (Model, WriteId) {
        let mut model = Model::new();
        let file = |content| What::File { content, expires: 0 };
        let first = model.begin(0, Some(1), file((100, 1)));
        model.end(first, acknowledged(5, 10, Copies::Enough));
        let second = model.begin(0, Some(1), file((200, 2)));
        (model, second)
    }

    const fn is_ok(result: &Result<(), String>) -> bool {
        result.is_ok()
    }

    fn acknowledged(at: u64, ms: u64, on: Copies) -> End {
        End::Acknowledged { at: Instant(at), version: version(ms), on }
    }

    #[test]
    fn a_read_gives_what_was_acknowledged_or_what_is_under_way() {
        let (model, _) = model();
        assert!(is_ok(&model.check(&read(7, Some((10, (100, 1)))))));
        assert!(is_ok(&model.check(&read(7, Some((20, (200, 2)))))));
        assert!(!is_ok(&model.check(&read(7, Some((20, (300, 3)))))), "nobody stored that");
        assert!(!is_ok(&model.check(&read(7, None))), "nobody removed it");
    }

    #[test]
    fn a_store_that_was_signed_anew_may_have_been_read_before() {
        let (mut model, second) = model();
        model.end(second, acknowledged(9, 30, Copies::Enough));
        assert!(is_ok(&model.check(&read(7, Some((20, (200, 2)))))), "of the same writer");
        assert!(!is_ok(&model.check(&read(7, Some((40, (200, 2)))))), "it was acknowledged below that");
        let of_another = Found { version: Version::new(20, 0, [2; 8]).unwrap(), content: Some((200, 2)) };
        assert!(!is_ok(&model.check(&Read { found: Some(of_another), ..read(7, None) })));
    }

    #[test]
    fn a_fresh_read_gives_nothing_older_than_what_was_acknowledged_before_it_began() {
        let (mut model, second) = model();
        model.end(second, acknowledged(9, 20, Copies::Enough));
        assert!(is_ok(&model.check(&read(8, Some((10, (100, 1)))))), "it had begun before");
        assert!(!is_ok(&model.check(&read(9, Some((10, (100, 1)))))));
        let (mut model, second) = self::model();
        model.end(second, acknowledged(9, 20, Copies::Fewer));
        assert!(is_ok(&model.check(&read(9, Some((10, (100, 1)))))), "degraded, and a fault may still go on");
        assert!(!is_ok(&model.check(&Read { all_counts: true, ..read(9, Some((10, (100, 1)))) })));
    }

    #[test]
    fn no_device_is_given_less_than_it_has_seen() {
        let (mut model, _) = model();
        let is_given = |model: &mut Model, device, ms| {
            let seen = model.seen_by(device);
            is_ok(&model.given(device, &seen, 1, version(ms)))
        };
        let before = model.seen_by(0);
        model.saw(0, 1, version(20));
        assert!(is_ok(&model.given(0, &before, 1, version(10))), "it had asked before it saw more");
        assert!(!is_given(&mut model, 0, 10));
        assert!(is_given(&mut model, 0, 20));
        assert!(is_given(&mut model, 1, 10), "another device");
        model.copy_device(0, 2);
        assert!(!is_given(&mut model, 2, 10), "a copy of it");
        model.forget_device(0);
        assert!(is_given(&mut model, 0, 10));
    }

    #[test]
    fn what_was_deleted_or_has_expired_is_not_there_and_does_not_come_back() {
        for key in [Some(1), None] {
            let (mut model, _) = model();
            let gone = model.begin(0, key, What::Gone);
            assert!(is_ok(&model.check(&read(12, None))), "the delete is under way");
            model.end(gone, acknowledged(14, 30, Copies::Enough));
            assert!(is_ok(&model.check(&read(15, None))));
            assert!(!is_ok(&model.check(&read(15, Some((20, (200, 2)))))));
        }
        let mut model = Model::new();
        let file = model.begin(0, Some(1), What::File { content: (1, 1), expires: 900 });
        model.end(file, acknowledged(2, 10, Copies::Enough));
        assert!(is_ok(&model.check(&read(3, None))));
        assert!(!is_ok(&model.check(&read(3, Some((10, (1, 1)))))));
        assert!(is_ok(&model.check(&Read { unix_ms: (800, 800), ..read(3, Some((10, (1, 1)))) })));
        assert!(!is_ok(&model.check(&Read { unix_ms: (800, 800), ..read(3, None) })));
    }

    #[test]
    fn of_two_writes_of_one_version_either_may_win() {
        let (mut model, second) = model();
        model.end(second, acknowledged(9, 20, Copies::Enough));
        let gone = model.begin(0, Some(1), What::Gone);
        model.end(gone, acknowledged(10, 20, Copies::Enough));
        assert!(is_ok(&model.check(&read(11, None))));
        assert!(is_ok(&model.check(&read(11, Some((20, (200, 2)))))));
        assert!(!is_ok(&model.check(&read(11, Some((10, (100, 1)))))));
    }
}
