//! Whoever answers at the address of a member that is gone: the node that dials it notices, and asks it nothing.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::common::wait_for;
use crate::link::{Frames, Link};
use crate::members::admission_of;
use crate::signed::{Keys, random};
use crate::target::Target;

/// The address of a member that was killed, now the attacker's, and that member's admission.
pub(crate) struct Grave {
    listener: TcpListener,
    admission: Vec<u8>,
}

impl Grave {
    /// Kills a new member of the target's network: a volatile one, whose death costs nobody a copy.
    #[track_caller]
    pub(crate) fn of_one(target: &Target) -> Self {
        let victim = target.add_volatile("victim");
        let (addr, (admission, _)) = (victim.addr, admission_of(victim.addr, &target.keys));
        victim.kill();
        let listener = TcpListener::bind(addr).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener, admission }
    }

    /// Does this to whoever dials until the target's log names one more fault of this kind.
    fn receive(&self, target: &Target, fault: &str, behave: impl Fn(TcpStream)) {
        let before = target.faults(fault);
        wait_for("the node dials its fellow member and notices", || {
            if let Ok((stream, _)) = self.listener.accept() {
                stream.set_nonblocking(false).unwrap();
                behave(stream);
            }
            (target.faults(fault) > before).then_some(())
        });
    }
}

pub(crate) fn answers_for_the_dead(target: &Target, grave: &Grave) {
    grave.receive(target, "Oneself", |stream| pipe(stream, target.addr()));
    grave.receive(target, "NotAdmitted", |stream| answer(stream, &target.keys, &grave.admission));
    grave.receive(target, "Handshake", |stream| {
        let mut frames = Frames::over(stream);
        if let Some(first) = frames.read() {
            frames.send(&first);
            frames.await_end();
        }
    });
}

/// With another key, and the dead member's admission.
fn answer(stream: TcpStream, keys: &Keys, admission: &[u8]) {
    if let Some(mut link) = Link::accept(stream, keys, random()) {
        link.send(&Link::hello(1, 0, Some(admission.to_vec()), None, None));
        assert!(link.answer().is_none(), "nothing is asked of an impostor");
    }
}

/// Leads whoever dials to the target: if it is the target, to itself.
fn pipe(one: TcpStream, target: SocketAddr) {
    let other = Frames::dial(target).0;
    let (mut from, mut to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    let back = thread::spawn(move || {
        let (mut from, mut to) = (other, one);
        // Ends with the link, in whatever way.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
    back.join().unwrap();
}

#[test]
fn who_answers_for_a_dead_member_or_sends_a_node_to_itself_is_noticed() {
    let target = Target::with(1);
    let grave = Grave::of_one(&target);
    target.withstand(|target| answers_for_the_dead(target, &grave));
}
