//! A process that is killed in the middle of its writes: what its disk acknowledged is there afterwards.

use quantumsync::disk::{Answer, AnswerSink, Disk, DiskResult, FsDisk, FsOptions};
use quantumsync_core::Bytes;
use quantumsync_core::driver::{DiskReply, DiskRequest, TableOp};
use quantumsync_core::id::{BlobId, Ticket};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

/// Names the folder to the child process.
const FOLDER: &str = "QUANTUMSYNC_TEST_CRASH_FOLDER";
/// The child is killed when it has acknowledged so many blobs.
const ENOUGH: [usize; 3] = [1, 20, 60];

#[test]
fn what_a_disk_acknowledged_outlives_the_killing_of_its_process() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for enough in ENOUGH {
        acknowledged.extend(run_and_kill(folder.path(), enough));
        let mut disk = FsDisk::open(folder.path(), FsOptions::default()).unwrap();
        for &n in &acknowledged {
            let read = DiskRequest::ReadBlob { id: id(n), offset: 0, len: u32::MAX };
            assert_eq!(perform(&mut disk, read), Ok(DiskReply::Blob(Some(bytes(n)))), "blob {n}");
            let row = DiskRequest::Get { keys: vec![key(n)] };
            assert_eq!(perform(&mut disk, row), Ok(DiskReply::Values(vec![Some(key(n))])), "row {n}");
        }
        let staging = folder.path().join("staging");
        assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0, "what was under way is cleared away");
    }
}

/// Starts this test as a child, kills it, and returns what it acknowledged before.
fn run_and_kill(folder: &Path, enough: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "what_a_disk_acknowledged_outlives_the_killing_of_its_process"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let numbers =
        lines.by_ref().map_while(Result::ok).filter_map(|line| line.strip_prefix("done ")?.parse().ok());
    let mut acknowledged: Vec<u64> = numbers.take(enough).collect();
    assert_eq!(acknowledged.len(), enough, "the child ended early");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it was killed counts too.
    acknowledged.extend(
        lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("done ")?.parse::<u64>().ok()),
    );
    acknowledged
}

/// Puts blobs, sixteen at a time, and says which are durable.
fn write_for_ever(folder: &Path) {
    let mut disk = FsDisk::open(folder, FsOptions::default()).unwrap();
    let scan =
        DiskRequest::Scan { from: Bytes::new(), to: vec![255].into(), rows: u32::MAX, bytes: u32::MAX };
    let Ok(DiskReply::Rows { rows, .. }) = perform(&mut disk, scan) else { panic!("rows") };
    let last = rows.last().map_or(0, |(key, _)| u64::from_be_bytes(key[..].try_into().unwrap()));
    let (sender, answers) = mpsc::channel();
    let sink = sink(sender);
    for n in last + 1.. {
        let then = vec![TableOp::Put { key: key(n), value: key(n) }];
        let request = DiskRequest::PutBlob { id: id(n), bytes: bytes(n), then };
        disk.submit(request, Answer::new(Ticket(n), Arc::clone(&sink)));
        if n > last + 16 {
            let (ticket, result): (Ticket, DiskResult) = answers.recv().unwrap();
            assert_eq!(result, Ok(DiskReply::Done));
            println!("done {ticket}");
            std::io::stdout().flush().unwrap();
        }
    }
}

fn perform(disk: &mut FsDisk, request: DiskRequest) -> DiskResult {
    let (sender, answers) = mpsc::channel();
    disk.submit(request, Answer::new(Ticket(0), sink(sender)));
    answers.recv().unwrap().1
}

fn sink(sender: mpsc::Sender<(Ticket, DiskResult)>) -> AnswerSink {
    let sender = Mutex::new(sender);
    Arc::new(move |ticket, result| sender.lock().unwrap().send((ticket, result)).unwrap())
}

fn id(n: u64) -> BlobId {
    let mut id = BlobId::default();
    id.0[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

fn bytes(n: u64) -> Bytes {
    let length = if n.is_multiple_of(3) { 3000 } else { 150_000 };
    (0..length).map(|i: u64| (i * 7 + n) as u8).collect::<Vec<u8>>().into()
}

fn key(n: u64) -> Bytes {
    Bytes::copy_from_slice(&n.to_be_bytes())
}
