//! What a client does, call by call, against a node and against worse.

use quantumsync_core::Bytes;
use quantumsync_core::client::{Client, ClientEvent, GetOptions, StoreOptions};
use quantumsync_core::driver::{DiskReply, Input, Machine as _, Output};
use quantumsync_core::id::{ConnId, OpId};
use serde_json::{Value, json};

use crate::world::{Peer, World};
use crate::{named, pattern};

pub(crate) fn cases() -> Value {
    named([
        ("small files are stored, read, listed and deleted", small_files()),
        ("a file of a blob is stored, and read whole and in part", file_of_a_blob()),
        ("everything is cleared", everything_is_cleared()),
        ("keys that cannot be", bad_keys()),
        ("nobody is there", nobody_is_there()),
        ("a peer closes after the first message", peer_closes()),
        ("a peer answers with rubbish", rubbish()),
        ("a byte is altered on its way", altered_byte()),
        ("a peer says nothing", silence()),
        ("operations are cancelled, and the client is closed", cancelled()),
        ("calls that are not allowed change nothing", misuse()),
        ("the table of versions seen fails", rows_fail()),
    ])
}

fn small_files() -> Value {
    let mut world = World::new();
    world.store("letters/first.txt", b"dear peers", StoreOptions { ttl_ms: None, modified_ms: Some(5) });
    world.store("cafe\u{301}", b"", StoreOptions { ttl_ms: Some(86_400_000), modified_ms: None });
    world.store("letters/first.txt", b"dear peers, once more", StoreOptions::default());
    world.get("letters/first.txt", GetOptions::default());
    world.get("letters/first.txt", GetOptions { range: Some((5, Some(9))), fresh: true });
    world.get("caf\u{e9}", GetOptions::default());
    world.list("letters/");
    world.list("");
    world.delete("letters/first.txt");
    world.get("letters/first.txt", GetOptions::default());
    world.get("never stored", GetOptions::default());
    world.recorder.into_case()
}

fn file_of_a_blob() -> Value {
    let mut world = World::new();
    let content = pattern(17_000, 2);
    world.store("blob", &content, StoreOptions::default());
    world.store("the same under another key", &content, StoreOptions::default());
    world.get("blob", GetOptions::default());
    world.get("blob", GetOptions { range: Some((16_990, None)), fresh: false });
    world.get("blob", GetOptions { range: Some((17_000, None)), fresh: false });
    world.recorder.into_case()
}

fn everything_is_cleared() -> Value {
    let mut world = World::new();
    world.store("a", b"1", StoreOptions::default());
    let (op, outputs) = world.recorder.command(json!({ "type": "clear" }), Client::clear);
    world.run(op, outputs, &[]);
    world.get("a", GetOptions::default());
    world.list("");
    world.recorder.into_case()
}

fn bad_keys() -> Value {
    let mut world = World::new();
    for key in ["", "a\0b", "\u{378}", &"k".repeat(1025), &"\u{e9}".repeat(513)] {
        world.store(key, b"", StoreOptions::default());
        world.get(key, GetOptions::default());
        world.delete(key);
    }
    world.recorder.into_case()
}

fn nobody_is_there() -> Value {
    let mut world = World::new();
    world.peer = Peer::Nobody;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn peer_closes() -> Value {
    let mut world = World::new();
    world.peer = Peer::Closes;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn rubbish() -> Value {
    let mut world = World::new();
    world.peer = Peer::Rubbish;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn altered_byte() -> Value {
    let mut world = World::new();
    world.store("a", b"1", StoreOptions::default());
    world.peer = Peer::Alters;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn silence() -> Value {
    let mut world = World::new();
    world.peer = Peer::Silent;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn cancelled() -> Value {
    let mut world = World::new();
    let store = json!({ "type": "store", "key": "a", "ttl_ms": null, "modified_ms": null });
    let start = |client: &mut Client, now| client.store(now, "a", StoreOptions::default());
    let (first, outputs) = world.recorder.command(store.clone(), start);
    world.perform(first, outputs, None);
    world.settle(first);
    let (second, _) = world.recorder.command(store, start);
    world.recorder.call(json!({ "type": "cancel", "op": first.0 }), |client, now| {
        client.cancel(now, first);
        Ok(())
    });
    world.recorder.call(json!({ "type": "cancel", "op": first.0 }), |client, now| {
        client.cancel(now, first);
        Ok(())
    });
    let outputs = world.recorder.call(json!({ "type": "close" }), |client, now| {
        client.close(now);
        Ok(())
    });
    world.perform(second, outputs, None);
    world.settle(second);
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn misuse() -> Value {
    let mut world = World::new();
    let store = json!({ "type": "store", "key": "a", "ttl_ms": null, "modified_ms": null });
    let start = |client: &mut Client, now| client.store(now, "a", StoreOptions::default());
    let (op, outputs) = world.recorder.command(store, start);
    world.perform(op, outputs, None);
    world.settle(op);
    let many = pattern((1 << 20) + 1, 1);
    let unknown = OpId(99);
    let recorder = &mut world.recorder;
    recorder.call(
        json!({ "type": "provide", "op": op.0, "content": { "length": many.len(), "pattern": 1 } }),
        |client, now| client.provide(now, op, many.into()),
    );
    recorder.call(json!({ "type": "provide", "op": 99, "data": "00" }), |client, now| {
        client.provide(now, unknown, Bytes::from_static(&[0]))
    });
    recorder.call(json!({ "type": "consumed", "op": op.0, "count": 1 }), |client, now| {
        client.consumed(now, op, 1)
    });
    recorder.call(json!({ "type": "finish", "op": 99 }), |client, now| client.finish(now, unknown));
    let ticket = recorder.ticket(0);
    recorder.call(json!({ "type": "written", "ticket": 0 }), |client, now| {
        client.handle_input(now, Input::Disk { ticket, result: Ok(DiskReply::Done) })
    });
    let (_, outputs) = recorder.command(json!({ "type": "status" }), Client::status);
    let conn = dialled(&outputs);
    recorder.call(json!({ "type": "sent", "conn": 0, "count": 1 }), |client, now| {
        client.handle_input(now, Input::Sent { conn, bytes: 1 })
    });
    recorder.call(json!({ "type": "dial_failed", "conn": 0 }), |client, now| {
        client.handle_input(now, Input::DialFailed { conn })
    });
    recorder.call(json!({ "type": "dial_failed", "conn": 0 }), |client, now| {
        client.handle_input(now, Input::DialFailed { conn })
    });
    world.recorder.into_case()
}

fn rows_fail() -> Value {
    let mut world = World::new();
    world.rows_fail = true;
    world.get("a", GetOptions::default());
    world.recorder.into_case()
}

fn dialled(outputs: &[Output<ClientEvent>]) -> ConnId {
    let dial = outputs.iter().find_map(|output| match output {
        Output::Dial { conn, .. } => Some(*conn),
        _ => None,
    });
    dial.expect("it dials")
}
