//! Links of the runtime, in all their ways to begin, to be busy and to end.

mod support;

use quantumsync::{Runtime, StartError};
use quantumsync_core::Bytes;
use quantumsync_core::driver::{Input, Output};
use quantumsync_core::id::ConnId;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use support::{PATIENCE, Running, Script, options, pattern};

fn connect(running: &Running) -> TcpStream {
    let stream = TcpStream::connect(running.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

const DIALLED: ConnId = ConnId::dialled(7);

#[test]
fn two_hundred_links_get_all_their_bytes_back_though_none_reads_before_it_has_written_all() {
    let running = Running::listening(Script::echo());
    let address = running.address();
    let groups: Vec<_> = (0..8u64)
        .map(|group| {
            thread::spawn(move || {
                let links: Vec<_> = (0..25)
                    .map(|n| {
                        let stream = TcpStream::connect(address).unwrap();
                        stream.set_read_timeout(Some(PATIENCE)).unwrap();
                        stream.set_write_timeout(Some(PATIENCE)).unwrap();
                        let bytes = pattern(group * 100 + n, 200_000 + n as usize);
                        (&stream).write_all(&bytes).unwrap();
                        (stream, bytes, Vec::new())
                    })
                    .collect();
                read_in_small_turns(links);
            })
        })
        .collect();
    groups.into_iter().for_each(|group| group.join().unwrap());
}

/// Reads a little from each link in turn, until each has brought what was written.
fn read_in_small_turns(mut links: Vec<(TcpStream, Vec<u8>, Vec<u8>)>) {
    let mut part = [0; 7919];
    while !links.is_empty() {
        for (stream, _, got) in &mut links {
            let n = stream.read(&mut part).unwrap();
            assert_ne!(n, 0, "the link ended early");
            got.extend_from_slice(&part[..n]);
        }
        links.retain(|(_, sent, got)| got.len() < sent.len() || got != sent);
        assert!(links.iter().all(|(_, sent, got)| got.len() < sent.len()), "other bytes came back");
    }
}

#[test]
fn a_link_that_floods_does_not_keep_another_waiting() {
    let running = Running::listening(Script::echo());
    let flood = connect(&running);
    let stop = Arc::new(AtomicBool::new(false));
    let writer = thread::spawn({
        let (stop, mut flood) = (Arc::clone(&stop), flood.try_clone().unwrap());
        move || {
            let chunk = pattern(1, 1 << 16);
            while !stop.load(Ordering::Relaxed) && flood.write_all(&chunk).is_ok() {}
        }
    });
    let reader = thread::spawn({
        let mut flood = flood.try_clone().unwrap();
        move || while flood.read(&mut [0; 1 << 16]).is_ok_and(|n| n > 0) {}
    });
    let mut calm = connect(&running);
    for n in 0..500u32 {
        calm.write_all(&n.to_be_bytes()).unwrap();
        let mut back = [0; 4];
        calm.read_exact(&mut back).unwrap();
        assert_eq!(u32::from_be_bytes(back), n);
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    flood.shutdown(Shutdown::Both).unwrap();
    reader.join().unwrap();
}

#[test]
fn accepted_links_are_numbered_and_each_has_fresh_entropy() {
    let running = Running::listening(Script::echo());
    let mut seen = BTreeSet::new();
    for n in 0..5 {
        let stream = connect(&running);
        match running.event() {
            Input::Connected { conn, remote, entropy } => {
                assert_eq!((conn, remote), (ConnId::accepted(n), stream.local_addr().unwrap()));
                assert!(seen.insert(entropy));
            }
            other => panic!("{other:?}"),
        }
        drop(stream);
        assert!(matches!(running.event(), Input::Disconnected { conn } if conn == ConnId::accepted(n)));
    }
}

#[test]
fn several_addresses_are_listened_on_and_each_is_reported() {
    let running = Running::start(options(3), Script::echo());
    let ports: BTreeSet<_> = running.handle.addresses().iter().map(|addr| addr.port()).collect();
    assert!(ports.len() == 3 && !ports.contains(&0));
    for addr in running.handle.addresses() {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(b"x").unwrap();
        stream.read_exact(&mut [0]).unwrap();
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(0);
    options.listen = vec![taken.local_addr().unwrap()];
    let error = Runtime::start(options, |_, _| Script::echo(), |_| {}).err().unwrap();
    assert!(matches!(error, StartError::Listen { addr, .. } if addr == taken.local_addr().unwrap()));
}

#[test]
fn a_dial_that_is_answered_connects_and_carries_bytes_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let running = Running::start(options(0), Script::echo());
    running.output(Output::Dial { conn: DIALLED, addr: listener.local_addr().unwrap() });
    let (mut stream, _) = listener.accept().unwrap();
    assert!(matches!(running.event(), Input::Connected { conn: DIALLED, .. }));
    stream.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
}

#[test]
fn a_refused_dial_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let running = Running::start(options(0), Script::echo());
    running.output(Output::Dial { conn: DIALLED, addr });
    assert!(matches!(running.event(), Input::DialFailed { conn: DIALLED }));
}

/// A listener whose queue is full: who dials it gets no answer.
#[cfg(target_os = "linux")]
fn silent_listener() -> (socket2::Socket, Vec<socket2::Socket>, std::net::SocketAddr) {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let addr = listener.local_addr().unwrap();
    let fill = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        // In progress is what is wanted.
        let _ = socket.connect(&addr);
        socket
    };
    let queue = (0..4).map(|_| fill()).collect();
    (listener, queue, addr.as_socket().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_dial_without_answer_fails_at_its_deadline() {
    let (_listener, _queue, addr) = silent_listener();
    let mut options = options(0);
    options.dial_deadline = Duration::from_millis(50);
    let running = Running::start(options, Script::echo());
    running.output(Output::Dial { conn: DIALLED, addr });
    assert!(matches!(running.event(), Input::DialFailed { conn: DIALLED }));
}

#[cfg(target_os = "linux")]
#[test]
fn closing_a_dial_without_answer_makes_it_fail() {
    let (_listener, _queue, addr) = silent_listener();
    let mut options = options(0);
    options.dial_deadline = 2 * PATIENCE;
    let running = Running::start(options, Script::echo());
    running.output(Output::Dial { conn: DIALLED, addr });
    running.output(Output::Close { conn: DIALLED });
    assert!(matches!(running.event(), Input::DialFailed { conn: DIALLED }));
}

#[test]
fn what_came_before_the_other_side_fell_silent_is_still_answered() {
    let running = Running::listening(Script::echo());
    let mut stream = connect(&running);
    let sent = pattern(3, 3_000_000);
    stream.write_all(&sent).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(read_to_end(&stream) == sent);
    running.event_of(|event| matches!(event, Input::Disconnected { .. }));
}

#[test]
fn a_link_that_is_closed_first_sends_what_it_was_given() {
    let goodbye = pattern(4, 3_000_000);
    let last_words = Bytes::from(goodbye.clone());
    let running = Running::listening(Script::new(move |_, input, outputs| match input {
        Input::Received { conn, .. } => {
            outputs.push_back(Output::Send { conn, bytes: last_words.clone() });
            outputs.push_back(Output::Close { conn });
        }
        Input::Disconnected { .. } => outputs.push_back(Output::Event(input)),
        _ => {}
    }));
    let mut stream = connect(&running);
    stream.write_all(b"?").unwrap();
    // Bytes that nobody reads any more: they must not take the goodbye with them.
    let writer = thread::spawn({
        let mut stream = stream.try_clone().unwrap();
        move || while stream.write_all(&[0; 4096]).is_ok() {}
    });
    let mut got = vec![0; goodbye.len()];
    stream.read_exact(&mut got).unwrap();
    assert!(got == goodbye);
    stream.shutdown(Shutdown::Both).unwrap();
    writer.join().unwrap();
    assert!(matches!(running.event(), Input::Disconnected { .. }));
}

#[test]
fn a_link_that_is_closed_ends_though_the_other_side_never_reads() {
    let running = Running::listening(Script::tell());
    let _stream = connect(&running);
    let Input::Connected { conn, .. } = running.event() else { panic!("a link") };
    running.output(Output::Send { conn, bytes: pattern(5, 64 << 20).into() });
    running.output(Output::Close { conn });
    running.event_of(|event| matches!(event, Input::Disconnected { .. }));
}

#[test]
fn every_byte_that_left_is_reported_once() {
    let running = Running::listening(Script::tell());
    let stream = connect(&running);
    let Input::Connected { conn, .. } = running.event() else { panic!("a link") };
    let parts = [1usize, 70_000, 3, 1_000_000, 17];
    for part in parts {
        running.output(Output::Send { conn, bytes: pattern(6, part).into() });
    }
    let total: usize = parts.iter().sum();
    let mut got = vec![0; total];
    (&stream).read_exact(&mut got).unwrap();
    let mut reported = 0;
    while reported < total {
        if let Input::Sent { bytes, .. } = running.event() {
            reported += bytes;
        }
    }
    drop(stream);
    assert!(matches!(running.event(), Input::Disconnected { .. }));
    assert_eq!(reported, total);
}

#[test]
fn a_link_that_the_other_side_resets_ends() {
    let running = Running::listening(Script::tell());
    let stream = connect(&running);
    let Input::Connected { conn, .. } = running.event() else { panic!("a link") };
    // Closing with bytes unread resets the link.
    running.output(Output::Send { conn, bytes: Bytes::from_static(b"unread") });
    stream.peek(&mut [0]).unwrap();
    drop(stream);
    running.event_of(|event| matches!(event, Input::Disconnected { .. }));
}

#[test]
fn links_above_the_limit_wait_until_one_ends() {
    let mut options = options(1);
    options.max_links = 2;
    let running = Running::start(options, Script::echo());
    let first = connect(&running);
    let _second = connect(&running);
    for _ in 0..2 {
        running.event_of(|event| matches!(event, Input::Connected { .. }));
    }
    let mut third = connect(&running);
    third.write_all(b"x").unwrap();
    drop(first);
    assert!(matches!(running.event(), Input::Disconnected { .. }));
    assert!(matches!(running.event(), Input::Connected { .. }));
    third.read_exact(&mut [0]).unwrap();
}
