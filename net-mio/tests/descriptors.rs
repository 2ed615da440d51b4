//! A process without free descriptors: it waits for one instead of spinning or giving up. In a program of its own,
//! because the limit concerns the whole process.
#![cfg(target_os = "linux")]

mod support;

use quantumsync_core::driver::Input;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::{PATIENCE, Running, Script};

#[test]
fn a_link_that_comes_when_there_are_no_descriptors_is_accepted_when_there_are_again() {
    let running = Running::listening(Script::echo());
    let mut stream = connect_with_the_last_descriptor(&running);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    running.event_of(|event| matches!(event, Input::Connected { .. }));
}

/// Connects when that leaves no descriptor for the other side, and frees some once it has failed to accept.
fn connect_with_the_last_descriptor(running: &Running) -> TcpStream {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: limit.maximum }).unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files.pop();
    let stream = TcpStream::connect(running.address()).unwrap();
    // Two rounds of the machine's thread later it has looked at its listener.
    for _ in 0..2 {
        running.handle.call(|_, _| ()).unwrap();
    }
    let used = cpu_time();
    assert!(running.events.try_recv().is_err(), "there is no descriptor to accept with");
    // A reactor that spins uses all the time that this takes.
    let wait = std::time::Duration::from_millis(200);
    assert!(running.events.recv_timeout(wait).is_err());
    let spent = cpu_time() - used;
    assert!(spent < wait / 2, "it spins: {spent:?}");
    drop(files);
    stream
}

fn cpu_time() -> std::time::Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    std::time::Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
