//! How many durable writes a disk of files does in a second, and the memory of the process that does them.
//!
//!     cargo bench -p quantumsync --bench disk [-- FOLDER [MEBIBYTES]]
//!
//! FOLDER says on which device (the system's folder for temporary files if it is not given), MEBIBYTES how much is
//! written as large blobs (256). Figures are printed, never asserted.

use quantumsync::disk::{Answer, AnswerSink, Disk, DiskResult, FsDisk, FsOptions};
use quantumsync_core::Bytes;
use quantumsync_core::driver::{DiskReply, DiskRequest, TableOp};
use quantumsync_core::id::{BlobId, Ticket};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

const KIB: usize = 1 << 10;

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parent = arguments.first().map_or_else(std::env::temp_dir, PathBuf::from);
    let mebibytes = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(256);
    let folder = tempfile::tempdir_in(parent).expect("a folder to write to");
    let mut bench = Bench::open(&folder);
    bench.run("4 KiB blobs, one after the other", 500, 1, |n| put(n, 4 * KIB));
    bench.run("4 KiB blobs, 256 at once", 20_000, 256, |n| put(n, 4 * KIB));
    bench.run("rows of 300 B, 256 at once", 20_000, 256, row);
    bench.run("64 KiB blobs, 64 at once", 2_000, 64, |n| put(n, 64 * KIB));
    bench.run("1 MiB blobs, one after the other", 100, 1, |n| put(n, 1024 * KIB));
    bench.run("1 MiB blobs, 8 at once", mebibytes / 2, 8, |n| put(n, 1024 * KIB));
    bench.run("1 MiB blobs, 24 at once", mebibytes / 2, 24, |n| put(n, 1024 * KIB));
    let last = bench.next;
    bench.run("reads of 1 MiB, 8 at once", mebibytes, 8, |n| DiskRequest::ReadBlob {
        id: id(last - 1 - n % mebibytes),
        offset: 0,
        len: u32::MAX,
    });
    drop(bench);
    Bench::open(&folder).report("opened again", String::new());
}

/// A disk under measurement.
struct Bench {
    disk: FsDisk,
    sink: AnswerSink,
    answers: mpsc::Receiver<DiskResult>,
    next: u64,
}

impl Bench {
    fn open(folder: &tempfile::TempDir) -> Self {
        let disk = FsDisk::open(folder.path(), FsOptions::default()).expect("the disk opens");
        let (sender, answers) = mpsc::channel();
        let sender = Mutex::new(sender);
        let sink: AnswerSink = Arc::new(move |_, result| {
            // Nobody listens once the bench is over.
            let _ = sender.lock().unwrap().send(result);
        });
        Self { disk, sink, answers, next: 0 }
    }

    /// Performs `count` requests, `at_once` at a time.
    fn run(&mut self, name: &str, count: u64, at_once: u64, request: impl Fn(u64) -> DiskRequest) {
        let start = Instant::now();
        let (mut issued, mut done) = (0, 0);
        while done < count {
            while issued < count && issued - done < at_once {
                let answer = Answer::new(Ticket(self.next), Arc::clone(&self.sink));
                self.disk.submit(request(self.next), answer);
                self.next += 1;
                issued += 1;
            }
            let reply = self.answers.recv().unwrap().expect("the disk is sound");
            assert!(!matches!(reply, DiskReply::Blob(None)), "a blob is missing");
            done += 1;
        }
        let rate = count as f64 / start.elapsed().as_secs_f64();
        self.report(name, format!("{rate:>10.0} /s"));
    }

    fn report(&self, name: &str, figure: String) {
        println!("{name:<36} {figure:>13}   memory {}", memory());
    }
}

fn put(n: u64, length: usize) -> DiskRequest {
    // Every request its own buffer, as it comes from a link.
    let bytes = Bytes::from(vec![n as u8; length]);
    DiskRequest::PutBlob { id: id(n), bytes, then: vec![pin(n)] }
}

fn row(n: u64) -> DiskRequest {
    DiskRequest::Apply { ops: vec![pin(n)] }
}

fn pin(n: u64) -> TableOp {
    TableOp::Put { key: Bytes::copy_from_slice(&id(n).0), value: Bytes::from(vec![n as u8; 268]) }
}

fn id(n: u64) -> BlobId {
    let mut id = BlobId::default();
    // Spread like hashes are.
    for (part, chunk) in id.0.chunks_exact_mut(8).enumerate() {
        let mixed = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(part as u32 * 7);
        chunk.copy_from_slice(&mixed.to_be_bytes());
    }
    id
}

/// What the system says of the process now, and at its highest; only Linux does.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim);
    format!("{} (at most {})", field("VmRSS:"), field("VmHWM:"))
}
