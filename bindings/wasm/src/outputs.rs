//! What a machine tells and wants, as objects of JavaScript: `js/index.d.ts` has their types.

use std::collections::BTreeMap;

use js_sys::Array;
use quantumsync_core::client::{ClientEvent, Outcome};
use quantumsync_core::driver::{DiskRequest, Output, TableOp};
use quantumsync_core::error::OpError;
use quantumsync_core::id::Ticket;
use quantumsync_core::job::Job;
use quantumsync_core::wire::Status;
use wasm_bindgen::prelude::*;

use crate::errors::{failed, internal};
use crate::values::{bytes, file_info, number, object, version_text};

/// An effect or an event. A job is kept in `jobs` until it is run.
pub(crate) fn output(
    output: Output<ClientEvent>,
    jobs: &mut BTreeMap<Ticket, Job>,
) -> Result<JsValue, JsValue> {
    Ok(match output {
        Output::Dial { conn, addr } => {
            object! { "type": "dial", "conn": number(conn.to_u64()), "address": addr.to_string() }
        }
        Output::Send { conn, bytes: data } => {
            object! { "type": "send", "conn": number(conn.to_u64()), "data": bytes(&data) }
        }
        Output::Close { conn } => object! { "type": "close", "conn": number(conn.to_u64()) },
        Output::Disk { ticket, request: DiskRequest::Get { keys } } => {
            let keys: Array = keys.iter().map(|key| bytes(key)).collect();
            object! { "type": "readRows", "ticket": number(ticket.0), "keys": keys }
        }
        Output::Disk { ticket, request: DiskRequest::Apply { ops } } => {
            let rows: Array = ops.iter().map(row).collect();
            object! { "type": "writeRows", "ticket": number(ticket.0), "rows": rows }
        }
        Output::Disk { .. } => return Err(internal("a client asked for more of a disk than its rows")),
        Output::Job { ticket, job } => {
            jobs.insert(ticket, job);
            object! { "type": "job", "ticket": number(ticket.0) }
        }
        Output::Event(told) => event(told)?,
    })
}

fn row(op: &TableOp) -> JsValue {
    match op {
        TableOp::Put { key, value } => object! { "key": bytes(key), "value": bytes(value) },
        TableOp::Remove { key } => object! { "key": bytes(key), "value": JsValue::UNDEFINED },
    }
}

fn event(event: ClientEvent) -> Result<JsValue, JsValue> {
    Ok(match event {
        ClientEvent::Connected { node, addr } => {
            object! { "type": "connected", "node": node.to_string(), "address": addr.to_string() }
        }
        ClientEvent::Disconnected { fault } => {
            let error = fault.map(|fault| failed(OpError::from(fault)));
            object! { "type": "disconnected", "error": error.unwrap_or(JsValue::UNDEFINED) }
        }
        ClientEvent::NeedData { op, max } => {
            object! { "type": "needData", "op": number(op.0), "max": number(max as u64) }
        }
        ClientEvent::Found { op, meta } => {
            object! { "type": "found", "op": number(op.0), "info": file_info(meta) }
        }
        ClientEvent::Data { op, offset, bytes: data } => {
            object! { "type": "data", "op": number(op.0), "offset": number(offset), "data": bytes(&data) }
        }
        ClientEvent::Entries { op, entries } => {
            let files: Array = entries.into_iter().map(file_info).collect();
            object! { "type": "entries", "op": number(op.0), "files": files }
        }
        ClientEvent::Done { op, outcome } => {
            object! { "type": "done", "op": number(op.0), "result": result(outcome)? }
        }
        ClientEvent::Failed { op, error } => {
            object! { "type": "failed", "op": number(op.0), "error": failed(error) }
        }
    })
}

fn result(outcome: Outcome) -> Result<JsValue, JsValue> {
    Ok(match outcome {
        Outcome::Stored { size, copies, wanted, sent_bytes, version } => object! {
            "type": "stored",
            "size": number(size),
            "copies": copies,
            "wanted": wanted,
            "sentBytes": number(sent_bytes),
            "version": version_text(version),
        },
        Outcome::Got { size, fresh, sources } => {
            let source =
                |(node, bytes)| object! { "node": ToString::to_string(&node), "bytes": number(bytes) };
            let sources: Array = sources.into_iter().map(source).collect();
            object! { "type": "got", "size": number(size), "fresh": fresh, "sources": sources }
        }
        Outcome::Deleted { copies, wanted, version } | Outcome::Cleared { copies, wanted, version } => {
            let version = version_text(version);
            object! { "type": "written", "copies": copies, "wanted": wanted, "version": version }
        }
        Outcome::Listed { complete } => object! { "type": "listed", "complete": complete },
        Outcome::Status(told) => status(*told),
        // There is no command that ends so.
        _ => return Err(internal("an operation ended as none of this client")),
    })
}

fn status(told: Status) -> JsValue {
    object! {
        "type": "status",
        "node": told.node.to_string(),
        "network": told.network.to_string(),
        "address": told.addr.map(|addr| addr.to_string()),
        "version": told.version,
        "uptimeMs": number(told.uptime_ms),
        "peersAlive": told.peers_alive,
        "peersSuspect": told.peers_suspect,
        "peersGone": told.peers_gone,
        "members": told.members,
        "replicas": told.replicas,
        "blobs": number(told.blobs),
        "blobBytes": number(told.blob_bytes),
        "records": number(told.records),
        "tombstones": number(told.tombstones),
        "copiesWanted": number(told.copies_wanted),
        "copiesPresent": number(told.copies_present),
        "copiesMissing": number(told.copies_missing),
        "syncing": told.syncing,
        "pendingOps": number(told.pending_ops),
        "quota": number(told.quota),
        "freeBytes": number(told.free_bytes),
    }
}
