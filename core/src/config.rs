//! Every limit of the protocol machines, with its default and the reason for it.

use core::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The version of the protocol that this crate speaks.
pub const PROTOCOL_VERSION: u16 = 1;

/// Limits of the format: the same in every network, because they decide what is valid.
pub mod limit {
    /// A blob, header and padding included.
    pub const BLOB: usize = 4 << 20;
    /// The largest payload of a piece: the chunker's maximum.
    pub const PIECE: usize = BLOB - 64;
    /// A record in all.
    pub const RECORD: usize = 64 << 10;
    /// Content of an inline file.
    pub const INLINE: usize = 16 << 10;
    /// A file: 2^30 of the shortest pieces, so that counts of pieces and blobs stay far from 2^32.
    pub const FILE: u64 = 1 << 48;
    /// A key string, in bytes of UTF-8.
    pub const KEY: usize = 1024;
    /// Levels of a manifest.
    pub const MANIFEST_DEPTH: u8 = 8;
    /// Live objects of one record: one now; sets of a device's own records later.
    pub const LIVE: usize = 256;
    /// Positions of a member on the ring.
    pub const POSITIONS: u8 = 64;
    /// Copies of everything.
    pub const REPLICAS: u8 = 16;
    /// Members of a view that everyone knows whole; above it the view is Chord's.
    pub const MEMBERS: usize = 256;
    /// Placements that a node remembers until all has been taken over from them: changes come minutes apart, and where
    /// there are more it takes over from every member instead.
    pub const PLACEMENTS: usize = 16;
    /// Addresses that are kept and told of one member.
    pub const ADDRS: usize = 8;
    /// Pins in one `Have`.
    pub const HAVE_PINS: usize = 256;
    /// Pins with one blob.
    pub const BLOB_PINS: usize = 16;
    /// Records in one page of a list.
    pub const LIST_ROWS: u16 = 256;
    /// Rows in one page of what a member holds, and pins that are handed on together.
    pub const PULL_ROWS: usize = 256;
    /// Bytes of the rows of such a page: with their framing they fit a message that nothing pays for, and three of
    /// the largest records fit in.
    pub const PULL_BYTES: usize = 224 << 10;
    /// Blobs whose possession is proved together: bounds the reading that one question costs.
    pub const PROVE_BLOBS: usize = 16;
    /// Objects in one `CheckPins`.
    pub const CHECK_PINS: usize = 64;
    /// Bytes of records in one answer to it: well within a message that no credit pays for.
    pub const CHECK_BYTES: usize = 128 << 10;
    /// Names whose rows are known to be damaged: beyond this nothing that a node says counts.
    pub const DOUBTS: usize = 256;
    /// Damaged blobs that a verify names: enough to see what is wrong; it counts them all.
    pub const DAMAGED: usize = 1024;
    /// Bytes of records in one page of a list: a message's, less what stands beside them.
    pub const LIST_BYTES: usize = BLOB;
    /// The text of a program's version.
    pub const VERSION_TEXT: usize = 64;
    /// Bytes of optional fields in one signed thing or message.
    pub const FIELDS: usize = 4 << 10;
    /// A token's text.
    pub const TOKEN: usize = 512;
    /// A message: a blob, its pins with all the optional fields they may have, and room for their framing. A page
    /// of a list with a floor record fits, too.
    pub const MESSAGE: usize = BLOB + (128 << 10);
    /// A message that no credit pays for and that carries no blob: a page of a membership, 256 pins, records with a floor.
    pub const CONTROL_MESSAGE: usize = 256 << 10;
    /// How far ahead of ours another clock may be.
    pub const CLOCK_SKEW_MS: u64 = 15 * 60 * 1000;
    /// The lease of a pending pin, in running time; signed bytes are good for half of it.
    pub const LEASE_MS: u64 = 7 * 24 * 3600 * 1000;
}

/// What one machine allows itself and others.
#[derive(Clone, Debug)]
pub struct Config {
    /// The whole handshake, both `Hello`s included. Ten seconds bear a slow link; a stalled one holds little.
    pub handshake_deadline: Duration,
    /// Bytes that a peer may send before the link is open: a handshake and a `Hello` have under 2 KiB.
    pub pre_open_bytes: usize,
    /// Links of one address that are not open yet: more is a flood, not a network behind one address.
    pub half_open_per_addr: usize,
    /// Links in all: every member of a full view twice, and as many clients.
    pub max_links: usize,
    /// Open links of clients at one address, those of the home not counted: each may fill its credit and its answers.
    pub clients_per_addr: usize,
    /// Requests that a peer may have open on one link: enough to fill it at 4 KiB a request.
    pub max_requests: u16,
    /// Terminal credit given on each link: two of the largest messages, so that one is under way while one is written.
    pub credit_terminal: usize,
    /// Relay credit given on each link: the same, for uploads.
    pub credit_relay: usize,
    /// Bytes given to the driver of one link and not yet reported sent: keeps a fast link busy, small enough
    /// that urgent messages overtake bulk soon.
    pub send_window: usize,
    /// Messages of one direction under way at once on a link.
    pub max_streams: usize,
    /// Bytes of bulk answers queued on one link before further reads wait: the largest blob and the next.
    pub answer_window: usize,
    /// Frames each way before new link keys (2^20, as PROTOCOL.md says; less in tests, on both sides).
    pub rekey_frames: u64,
    /// Silence after which a link is asked whether it lives.
    pub heartbeat: Duration,
    /// Silence after which a member is suspect: routing steers round it. A client without a link waits as long for an entry node that
    /// was just there: it starts again.
    pub suspect_after: Duration,
    /// Silence after which a link is closed: three missed heartbeats beyond suspicion.
    pub idle_close: Duration,
    /// First and longest wait before a member is dialled again; doubles between them, with jitter.
    pub redial_first: Duration,
    /// See `redial_first`.
    pub redial_longest: Duration,
    /// A dial without answer: TCP's own patience is minutes.
    pub dial_deadline: Duration,
    /// A small request between two sides of a link.
    pub request_deadline: Duration,
    /// A request that carries or returns a blob: 4 MiB on a slow link.
    pub bulk_deadline: Duration,
    /// When a read from one peer is late enough to ask the next one too.
    pub hedge_after: Duration,
    /// Operations of a client or node at once; one more ends in `Busy`.
    pub max_operations: usize,
    /// Pieces of one file being sealed, sent or fetched at once: hides the round trip on a fast link.
    pub pieces_in_flight: usize,
    /// Bytes of pieces that all operations of a client hold at once: the memory of a client beside its buffers.
    pub client_window: usize,
    /// How often both sides compare memberships when nothing changed.
    pub gossip_every: Duration,
    /// How soon a write is tried again whose replicas are others for those who answered, and memberships are compared
    /// with such a member again: a few round trips.
    pub vote_again: Duration,
    /// How often the running time is made durable: an age is wrong by this much after a crash.
    pub running_time_every: Duration,
    /// Disk requests of a node at once: what a disk queue of an SSD takes.
    pub max_disk_requests: usize,
    /// Bytes of blobs that a node holds for requests under way: its memory beside the links' own.
    pub node_window: usize,
    /// Rows that a node reads in one scan: bounds memory and time of one disk request.
    pub scan_rows: u32,
    /// Bytes that a node reads in one scan.
    pub scan_bytes: u32,
    /// Requests to a node's store that wait for room or for others: more are answered `Busy`.
    pub store_waiting: usize,
    /// Bytes that those that wait have brought: what a few links may have sent by their credit.
    pub store_waiting_bytes: usize,
    /// How long an entry node keeps a blob that is not its own, in running time: long enough to be read back.
    pub cache_for: Duration,
    /// How long the proof of a death may be under way to its replicas before it is offered again.
    pub offer_deadline: Duration,
    /// Proofs under way at once: bounds the memory for removals.
    pub offers_in_flight: usize,
    /// First and longest wait before proofs that were not settled are offered again; doubles between them.
    pub offer_again_first: Duration,
    /// See `offer_again_first`.
    pub offer_again_longest: Duration,
    /// Bytes under way to one member, or asked of it: a member that is further behind goes without, so that it
    /// never costs more memory than this.
    pub link_backlog: usize,
    /// Silence after which a client's link is closed: a forgotten one holds a place among `max_links`.
    pub client_idle: Duration,
    /// How often a node that holds pins asks what became of their objects. What it may have missed while it was away
    /// it asks for at once; this finds what was lost otherwise, and costs little.
    pub check_every: Duration,
    /// How soon it asks again when another member has come back: many come back together.
    pub check_again: Duration,
    /// Age of a tombstone, in running time, before it may be dropped: longer than members stay away.
    pub tombstone_after: Duration,
    /// How often a node looks for tombstones to drop; each is found clean twice, so far apart.
    pub forget_every: Duration,
    /// Bytes of blobs that one owner may have on a node, asked where a client's write enters; 0 for any number, as among
    /// people who trust each other with their disks.
    pub quota: u64,
    /// Free bytes below which blobs and files' records are refused: what deletions write has room even then.
    pub disk_floor: u64,
    /// How long what was told of the free space is relied on.
    pub space_every: Duration,
    /// How long a node that stops lets what is under way come to its end.
    pub stop_deadline: Duration,
    /// How long repair leaves alone what was dropped by hand, in running time: whoever frees space wants it free for a while.
    pub evicted_for: Duration,
    /// Bytes that one pull or refill asks for at once: enough to fill a fast link, far less than the room that clients
    /// share with it ([`Self::node_window`]).
    pub pull_window: usize,
    /// Bytes a second that one pull or refill asks for: half of a gigabit, so that clients have the other half.
    pub pull_rate: usize,
    /// Pulls at once: one more than waits for a slow member.
    pub pulls_at_once: usize,
    /// The least time between two pulls from one member: a link that comes and goes costs no more than this.
    pub pull_again: Duration,
    /// First wait before a pull that was broken off goes on, or what was not handed on or had is tried again; doubles,
    /// for pulls up to `pull_again`, else up to `pull_every`.
    pub pull_retry: Duration,
    /// For how long a member that is there may let nothing be taken from it before it counts as one that is away:
    /// longer than two views need to agree, or a busy disk.
    pub pull_patience: Duration,
    /// How often everything is compared with each member although nothing has happened: against what no one noticed.
    pub pull_every: Duration,
    /// Strays handed on at once: hides the round trips; each may hold a blob in memory.
    pub hand_on_at_once: usize,
    /// Damaged or missing things that were noticed and are brought back at once: each may hold a blob in memory.
    pub mends_at_once: usize,
    /// How long a node that leaves waits for the others to take over what it holds: a few disks' worth on a slow link.
    pub leave_deadline: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            handshake_deadline: Duration::from_secs(10),
            pre_open_bytes: 8 * KIB,
            half_open_per_addr: 32,
            max_links: 1024,
            clients_per_addr: 128,
            max_requests: 256,
            credit_terminal: 9 * MIB,
            credit_relay: 9 * MIB,
            send_window: 512 * KIB,
            max_streams: 64,
            answer_window: 8 * MIB,
            rekey_frames: 1 << 20,
            heartbeat: Duration::from_secs(2),
            suspect_after: Duration::from_secs(10),
            idle_close: Duration::from_secs(30),
            redial_first: Duration::from_millis(100),
            redial_longest: Duration::from_secs(30),
            dial_deadline: Duration::from_secs(5),
            request_deadline: Duration::from_secs(10),
            bulk_deadline: Duration::from_secs(60),
            hedge_after: Duration::from_millis(500),
            max_operations: 1024,
            pieces_in_flight: 8,
            client_window: 16 * MIB,
            gossip_every: Duration::from_secs(30),
            vote_again: Duration::from_millis(250),
            running_time_every: Duration::from_secs(60),
            max_disk_requests: 256,
            node_window: 24 * MIB,
            scan_rows: 1024,
            scan_bytes: 1 << 20,
            store_waiting: 4096,
            store_waiting_bytes: 64 * MIB,
            cache_for: Duration::from_secs(600),
            offer_deadline: Duration::from_secs(60),
            offers_in_flight: 16,
            offer_again_first: Duration::from_secs(2),
            offer_again_longest: Duration::from_secs(600),
            link_backlog: 36 * MIB,
            client_idle: Duration::from_secs(600),
            check_every: Duration::from_secs(3600),
            check_again: Duration::from_secs(10),
            tombstone_after: Duration::from_secs(30 * 24 * 3600),
            forget_every: Duration::from_secs(24 * 3600),
            quota: 0,
            disk_floor: 64 << 20,
            space_every: Duration::from_secs(5),
            stop_deadline: Duration::from_secs(3),
            evicted_for: Duration::from_secs(3600),
            pull_window: 4 * MIB,
            pull_rate: 64 * MIB,
            pulls_at_once: 2,
            pull_again: Duration::from_secs(10),
            pull_retry: Duration::from_millis(500),
            pull_patience: Duration::from_secs(30),
            pull_every: Duration::from_secs(3600),
            hand_on_at_once: 4,
            mends_at_once: 4,
            leave_deadline: Duration::from_secs(24 * 3600),
        }
    }
}
