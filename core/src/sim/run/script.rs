//! A run as a script: how a town is made and what happens in it, step by step.
//!
//! Everything that is run is a script: those that a seed draws, those that failed and were shortened, and races written by
//! hand. Must not know how it is played; its text is the business of `text`.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::crypto::Suite;

/// A whole run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// What there is at the beginning.
    pub setup: Setup,
    /// What happens then.
    pub steps: Vec<Step>,
}

/// A town and how it behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setup {
    /// What by chance happens beside the script (latencies, what a crash loses) follows from this.
    pub seed: u64,
    /// The cryptography.
    pub suite: Suite,
    /// Nodes at the beginning.
    pub nodes: u8,
    /// So many of them, the last ones, have nothing any more when they start again.
    pub volatile: u8,
    /// Members that lie, beside them.
    pub liars: u8,
    /// Copies of everything.
    pub replicas: u8,
    /// Silence, in seconds, after which a member leaves the placement.
    pub gone_after_s: u32,
    /// Seconds for which a blob outlives its last pin.
    pub linger_s: u32,
    /// Bytes that an owner may have on a node; 0 for any number.
    pub quota: u64,
    /// Vaults of which files are stored.
    pub vaults: u8,
    /// The users' devices.
    pub clients: Vec<Device>,
    /// How long bytes are under way, in microseconds, at least and at most.
    pub latency_us: (u32, u32),
    /// Bytes arrive in portions of at most this length.
    pub portion: u32,
    /// Bytes a second of each link and direction; 0 for any number.
    pub bandwidth: u32,
    /// Of a million portions, how many end their link.
    pub resets: u32,
    /// How long a disk takes for an answer, in microseconds, at least and at most.
    pub disk_us: (u32, u32),
    /// Of a million requests to a disk, how many fail.
    pub disk_errors: u32,
    /// A crash may leave what was under way half done.
    pub torn: bool,
    /// How long a job takes, in microseconds, at least and at most.
    pub jobs_us: (u32, u32),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            suite: Suite::Sim,
            nodes: 3,
            volatile: 0,
            liars: 0,
            replicas: 3,
            gone_after_s: 900,
            linger_s: 1,
            quota: 0,
            vaults: 1,
            clients: vec![],
            latency_us: (200, 800),
            portion: 256 * 1024,
            bandwidth: 0,
            resets: 0,
            disk_us: (0, 0),
            disk_errors: 0,
            torn: false,
            jobs_us: (0, 0),
        }
    }
}

/// A device of a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Device {
    /// Whose.
    pub vault: u8,
    /// The nodes that it enters by, best first.
    pub entry: Vec<u8>,
    /// It is a copy of this earlier device, secrets and all, as a restored backup is.
    pub copy_of: Option<u8>,
}

/// One thing that happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// How long after the one before, in milliseconds.
    pub after_ms: u32,
    /// What.
    pub action: Action,
}

/// A machine of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Who {
    /// The node of this number, in the order in which they came.
    Node(u8),
    /// The client of this number.
    Client(u8),
}

/// How two machines are kept apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Apart {
    /// Links end at once, and dials fail.
    Reset,
    /// Nothing comes through, in either direction, and nobody is told.
    Silent,
    /// Only what the first one sends is lost, and nobody is told.
    OneWay,
}

/// What can lie on a node's disk of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// The record of a file.
    File,
    /// The record that says that there is none any more.
    Tombstone,
    /// Pins of its blobs.
    Pins,
    /// Pins of which no record is known yet.
    Pending,
}

/// What happens. What cannot be done as things are (a start of what is up, say) is left out.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(
    missing_docs,
    reason = "the fields say what they are: a client, a key's number, a content's length and number"
)]
pub enum Action {
    /// A client begins to store a content under a key. Contents of one number begin with the same bytes.
    Store { client: u8, key: u8, bytes: u32, content: u8, ttl_s: u32 },
    /// A client begins to get a key.
    Get { client: u8, key: u8, fresh: bool },
    /// A client begins to get a part of a key: so many bytes from there.
    Range { client: u8, key: u8, from: u32, bytes: u32 },
    /// A client begins to delete a key.
    Delete { client: u8, key: u8 },
    /// A client begins to delete everything of its vault.
    Clear { client: u8 },
    /// A client begins to list its vault.
    List { client: u8 },
    /// A client gives up its oldest operation.
    Cancel { client: u8 },
    /// A node drops the bytes of a vault's files that it holds.
    Evict { node: u8, vault: u8 },
    /// A node hashes all that it holds.
    Verify { node: u8 },

    /// A machine is gone from one moment to the next.
    Crash { who: Who },
    /// A machine starts again on the disk that it has.
    Start { who: Who },
    /// A node says goodbye and stops.
    Stop { node: u8 },
    /// A machine goes down, and comes back on an empty disk.
    Lose { who: Who },
    /// A node more.
    Join,
    /// A device more.
    Device(Device),
    /// A node is asked to leave for good.
    Leave { node: u8 },
    /// A node is removed by another one.
    Ban { node: u8, by: u8 },
    /// A machine stands still; nothing of it is lost.
    Pause { who: Who },
    /// It goes on.
    Resume { who: Who },

    /// Keeps two machines apart.
    Cut { a: Who, b: Who, how: Apart },
    /// Lets them reach each other again.
    Heal { a: Who, b: Who },
    /// Lets all machines reach each other again.
    HealAll,
    /// What the first machine sends the second does not arrive yet.
    Hold { from: Who, to: Who },
    /// It arrives, in the order in which it was sent.
    Release { from: Who, to: Who },
    /// All links between two machines end.
    Reset { a: Who, b: Who },
    /// What a machine sends and gets takes longer.
    Slow { who: Who, ms: u32 },

    /// A node's disk has no room left.
    Full { node: u8 },
    /// It has room again.
    Roomy { node: u8 },
    /// All requests to a node's disk fail.
    Fail { node: u8 },
    /// They succeed again.
    Sound { node: u8 },
    /// Something on a node's disk rots.
    Rot { node: u8 },
    /// So many reads of blobs from a node's disk bring the bytes of another one.
    Misdirect { node: u8, reads: u32 },
    /// A node's disk answers nothing for so long.
    Stall { node: u8, ms: u32 },

    /// A machine's wall clock is so far ahead.
    Clock { who: Who, ahead_ms: i64 },
    /// A machine's monotonic clock runs faster by so many millionths.
    Drift { who: Who, ppm: i32 },
    /// Its wall clock gains so many millionths from now on.
    WallDrift { who: Who, ppm: i32 },
    /// A machine sleeps for so long: its clocks go on and it does nothing.
    Sleep { who: Who, ms: u64 },
    /// All machines sleep for so long.
    Age { ms: u64 },

    /// Waits until all operations of a device have ended, or all of all.
    Ended { client: Option<u8> },
    /// Ends all faults, starts all that are down, and waits until all nodes say that they have everything.
    Calm,
    /// The file that a client gets must be this content of this length, or none.
    Expect { client: u8, key: u8, file: Option<(u32, u8)> },
    /// Waits until such a thing of a client's key lies on the disks of these nodes.
    Until { client: u8, key: u8, what: Kept, nodes: Vec<u8> },
    /// The same, and on no other node's.
    Only { client: u8, key: u8, what: Kept, nodes: Vec<u8> },
}

/// Stands again and again in every content.
pub(super) const PLAIN_MARK: &[u8; 16] = b"<plain content> ";
/// Begins the text of every key.
pub(super) const SECRET_NAME: &str = "a folder/secret name ";

/// Bytes of a file: those of a content's number, so many.
pub fn content(number: u8, bytes: u32) -> Vec<u8> {
    let mut state = u64::from(number) << 40 | 0x9e37_79b9;
    let mut out = Vec::with_capacity(bytes as usize + 32);
    while out.len() < bytes as usize {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // What a search for plaintext can find, between what no chunk is like another by.
        out.extend_from_slice(PLAIN_MARK);
        out.extend_from_slice(&state.to_be_bytes());
        out.push(number);
        out.extend_from_slice(&state.rotate_left(23).to_be_bytes()[..7]);
    }
    out.truncate(bytes as usize);
    out
}

/// The text that a key's number stands for.
pub fn key_text(key: u8) -> String {
    alloc::format!("{SECRET_NAME}{key}")
}
