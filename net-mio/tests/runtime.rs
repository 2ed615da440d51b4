//! The runtime with small machines: time, commands of other threads, workers, disks, and its own end.

mod support;

use quantumsync::disk::{FsDisk, FsOptions};
use quantumsync::{CallError, EndError, Runtime};
use quantumsync_core::Bytes;
use quantumsync_core::crypto::Suite;
use quantumsync_core::driver::{DiskReply, DiskRequest, Input, Output, TableOp};
use quantumsync_core::id::{BlobId, ConnId, Ticket};
use quantumsync_core::job::{Job, JobResult};
use quantumsync_core::time::Instant;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use support::{PATIENCE, Running, Script, options, pattern};

#[test]
fn a_timeout_comes_and_never_early() {
    let (sender, times) = mpsc::channel();
    let script = Script::new(move |now, input, _| {
        if matches!(input, Input::Timeout) {
            sender.send(now.mono).unwrap();
        }
    });
    let running = Running::start(options(0), script);
    for micros in [0, 1, 999, 1500, 20_000] {
        let asked = running.handle.call(move |script, now| {
            let at = now.mono + Duration::from_micros(micros);
            script.timeout = Some(at);
            at
        });
        assert!(times.recv_timeout(PATIENCE).unwrap() >= asked.unwrap());
    }
    running.handle.call(|script, _| script.timeout = Some(Instant(0))).unwrap();
    times.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn commands_of_many_threads_all_run_and_answer() {
    let mut options = options(0);
    options.max_commands = 4;
    let running = Running::start(options, Script::tell());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let handle = running.handle.clone();
            thread::spawn(move || {
                for n in 0..300 {
                    handle.post(|script, _| script.outputs.push_back(Output::Event(Input::Timeout))).unwrap();
                    assert_eq!(handle.call(move |_, _| n * 2), Ok(n * 2));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(running.handle.call(|_, _| ()), Ok(()));
    assert_eq!(running.events.try_iter().count(), 8 * 300);
}

#[test]
fn the_machines_own_thread_may_post_but_not_wait() {
    let (sender, results) = mpsc::channel();
    let running = Running::start(options(0), Script::tell());
    let handle = running.handle.clone();
    running
        .handle
        .post(move |_, _| {
            let (later, sender2) = (handle.clone(), sender.clone());
            sender.send((handle.call(|_, _| ()).unwrap_err() == CallError::OwnThread, "call")).unwrap();
            sender.send((handle.join() == Ok(()), "join")).unwrap();
            later.post(move |_, _| sender2.send((true, "post")).unwrap()).unwrap();
        })
        .unwrap();
    for expected in ["call", "join", "post"] {
        assert_eq!(results.recv_timeout(PATIENCE).unwrap(), (true, expected));
    }
}

#[test]
fn stopping_in_the_middle_of_everything_ends_everything() {
    let running = Running::listening(Script::echo());
    let address = running.address();
    let flood = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        while stream.write_all(&[1; 4096]).is_ok() {}
    });
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let handle = running.handle.clone();
            thread::spawn(move || while handle.call(|_, _| ()).is_ok() {})
        })
        .collect();
    running.event_of(|event| matches!(event, Input::Connected { .. }));
    running.handle.stop();
    running.handle.join().unwrap();
    assert_eq!(running.handle.call(|_, _| ()), Err(CallError::Stopped));
    assert_eq!(running.handle.post(|_, _| ()), Err(CallError::Stopped));
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    flood.join().unwrap();
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_machine_that_dials_again_whenever_a_link_ends_can_be_stopped() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let mut dials = 0;
    let running = Running::start(
        options(0),
        Script::new(move |_, input, outputs| match input {
            Input::Timeout | Input::Disconnected { .. } | Input::DialFailed { .. } => {
                dials += 1;
                outputs.push_back(Output::Dial { conn: ConnId::dialled(dials), addr });
            }
            input => outputs.push_back(Output::Event(input)),
        }),
    );
    running.handle.call(|script, _| script.timeout = Some(Instant(0))).unwrap();
    running.event_of(|event| matches!(event, Input::Connected { .. }));
    running.handle.stop();
    running.handle.join().unwrap();
}

#[test]
fn a_runtime_whose_last_handle_is_dropped_stops() {
    let (sender, events) = mpsc::channel::<Input>();
    let on_event = move |event| sender.send(event).unwrap();
    let handle = Runtime::start(options(1), |_, _| Script::tell(), on_event).unwrap();
    let other = handle.clone();
    drop(handle);
    assert_eq!(other.call(|_, _| 5), Ok(5));
    drop(other);
    assert_eq!(events.recv_timeout(PATIENCE).unwrap_err(), mpsc::RecvTimeoutError::Disconnected);
}

#[test]
fn a_machine_that_panics_leaves_nobody_waiting() {
    let handle = Runtime::start(options(0), |_, _| Script::tell(), |_| {}).unwrap();
    assert_eq!(handle.call(|_, _| panic!("on purpose")), Err::<(), _>(CallError::Stopped));
    assert_eq!(handle.join(), Err(EndError::Panicked));
    assert_eq!(handle.join(), Err(EndError::Panicked), "it says so as often as it is asked");
}

#[test]
fn jobs_come_back_with_their_tickets() {
    let running = Running::start(options(0), Script::tell());
    let blobs: Vec<Bytes> = (0..50).map(|n| pattern(n, 10_000).into()).collect();
    for (n, blob) in blobs.iter().enumerate() {
        let job = Job::HashBlob { suite: Suite::Real, blob: blob.clone() };
        running.output(Output::Job { ticket: Ticket(n as u64), job });
    }
    let mut seen = BTreeSet::new();
    for _ in &blobs {
        let Input::Job { ticket, result: JobResult::Hashed(id) } = running.event() else { panic!("a hash") };
        assert_eq!(id, Suite::Real.blob_id(&blobs[ticket.0 as usize]));
        assert!(seen.insert(ticket));
    }
}

#[test]
fn a_machine_that_pounds_its_disk_gets_one_answer_to_each_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(0);
    options.disk = Box::new(FsDisk::open(folder.path(), FsOptions::default()).unwrap());
    let mut waiting = BTreeSet::new();
    let mut next = 0u64;
    // Keeps 64 requests under way, each of its own row and blob, until 500 are done.
    let script = Script::new(move |_, input, outputs| {
        if let Input::Disk { ticket, result } = &input {
            assert!(waiting.remove(&ticket.0), "answered twice");
            assert_eq!(*result, Ok(DiskReply::Done));
        }
        while waiting.len() < 64 && next < 500 {
            outputs.push_back(Output::Disk { ticket: Ticket(next), request: pounding(next) });
            waiting.insert(next);
            next += 1;
        }
        if waiting.is_empty() {
            outputs.push_back(Output::Event(input));
        }
    });
    let running = Running::start(options, script);
    running.handle.call(|script, _| script.timeout = Some(Instant(0))).unwrap();
    running.event();
    drop(running);
    assert!(
        FsDisk::open(folder.path(), FsOptions::default()).is_ok(),
        "a joined runtime has let go of its disk"
    );
}

fn pounding(n: u64) -> DiskRequest {
    let row =
        TableOp::Put { key: Bytes::copy_from_slice(&n.to_be_bytes()), value: Bytes::from_static(b"row") };
    let mut id = BlobId::default();
    id.0[..8].copy_from_slice(&n.to_be_bytes());
    let bytes = pattern(n, if n.is_multiple_of(10) { 100_000 } else { 1000 }).into();
    match n % 2 {
        0 => DiskRequest::PutBlob { id, bytes, then: vec![row] },
        _ => DiskRequest::Apply { ops: vec![row] },
    }
}
