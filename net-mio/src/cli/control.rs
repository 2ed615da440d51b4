//! `invite`, `status`, `peers`, `leave`, `ban`, `verify`: what a node knows and is told; none of them needs a vault.

use std::time::Duration;

use quantumsync::Error;
use quantumsync_core::error::OpError;
use quantumsync_core::id::NodeId;
use quantumsync_core::wire::{PeerState, PeerStatus, Status};
use serde_json::{Value, json};

use super::context::Context;
use super::error::{Class, Failure};
use super::output::human_bytes;

/// How often a node that leaves is asked how far it is.
const ASK_AGAIN: Duration = Duration::from_millis(500);

pub(crate) fn invite(context: &Context, for_node: bool) -> Result<Class, Failure> {
    let token = context.client_without_vault()?.invite(for_node)?;
    context.out.result(&json!({ "token": token }), &token)?;
    Ok(Class::Done)
}

pub(crate) fn status(context: &Context) -> Result<Class, Failure> {
    let status = context.client_without_vault()?.status()?;
    context.out.result(&status_object(&status), &status_text(&status))?;
    Ok(Class::Done)
}

fn status_object(status: &Status) -> Value {
    json!({
        "node": status.node.to_string(),
        "addr": status.addr.map(|addr| addr.to_string()),
        "network": status.network.to_string(),
        "version": status.version,
        "uptime_ms": status.uptime_ms,
        "peers": {
            "alive": status.peers_alive,
            "suspect": status.peers_suspect,
            "gone": status.peers_gone,
            "members": status.members,
        },
        "replicas": status.replicas,
        "blobs": { "count": status.blobs, "bytes": status.blob_bytes },
        "records": status.records,
        "tombstones": status.tombstones,
        "copies": {
            "wanted": status.copies_wanted,
            "present": status.copies_present,
            "missing": status.copies_missing,
        },
        "syncing": status.syncing,
        "pending_ops": status.pending_ops,
        "quota": status.quota,
        "free_bytes": status.free_bytes,
        "waits_for": status.waits_for.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn status_text(status: &Status) -> String {
    let addr = status.addr.map_or_else(|| "nowhere".to_owned(), |addr| addr.to_string());
    let quota = if status.quota == 0 { "none".to_owned() } else { human_bytes(status.quota) };
    let waits_for: String = status
        .waits_for
        .iter()
        .map(|node| format!("\nwaits for {node}: it must return or be banned"))
        .collect();
    format!(
        "node     {}\naddress  {addr}\nnetwork  {}\nversion  {}, up {} s\n\
         peers    {} alive, {} suspect, {} gone, {} members\n\
         blobs    {} ({})\nrecords  {}, tombstones {}\n\
         copies   {} wanted, {} present, {} missing; {} replicas of everything\n\
         state    {}, {} operations pending\nspace    {} free, quota {quota}{waits_for}",
        status.node,
        status.network,
        status.version,
        status.uptime_ms / 1000,
        status.peers_alive,
        status.peers_suspect,
        status.peers_gone,
        status.members,
        status.blobs,
        human_bytes(status.blob_bytes),
        status.records,
        status.tombstones,
        status.copies_wanted,
        status.copies_present,
        status.copies_missing,
        status.replicas,
        if status.syncing { "syncing" } else { "in sync" },
        status.pending_ops,
        human_bytes(status.free_bytes),
    )
}

pub(crate) fn peers(context: &Context) -> Result<Class, Failure> {
    for peer in context.client_without_vault()?.peers()? {
        context.out.result(&peer_object(&peer), &peer_text(&peer))?;
    }
    Ok(Class::Done)
}

const fn state_name(state: PeerState) -> &'static str {
    match state {
        PeerState::Own => "self",
        PeerState::Alive => "alive",
        PeerState::Suspect => "suspect",
        PeerState::Gone => "gone",
        PeerState::Leaving => "leaving",
    }
}

fn peer_object(peer: &PeerStatus) -> Value {
    json!({
        "node": peer.node.to_string(),
        "addr": peer.addr.map(|addr| addr.to_string()),
        "state": state_name(peer.state),
        "rtt_us": peer.rtt_us,
        "silent_ms": peer.silent_ms,
        "positions": peer.positions,
        "out": peer.out,
        "syncing": peer.syncing,
    })
}

fn peer_text(peer: &PeerStatus) -> String {
    let addr = peer.addr.map_or_else(|| "-".to_owned(), |addr| addr.to_string());
    let silent = peer.silent_ms / 1000;
    format!(
        "{}  {addr:21}  {:7}  rtt {} µs, silent {silent} s",
        peer.node,
        state_name(peer.state),
        peer.rtt_us
    )
}

pub(crate) fn leave(context: &Context, cancel: bool) -> Result<Class, Failure> {
    let client = context.client_without_vault()?;
    if cancel {
        client.leave(true).map_err(told_of_leaving)?;
        context.out.result(&json!({ "left": false }), "this node stays")?;
        return Ok(Class::Done);
    }
    let bar = context.out.progress(None);
    let mut missing = String::new();
    loop {
        let leaving = match client.leave(false) {
            Err(Error::Operation(OpError::Deadline)) => return Err(stays(&missing)),
            result => result.map_err(told_of_leaving)?,
        };
        if leaving.done {
            break;
        }
        let members: Vec<String> = leaving.waits_for.iter().map(ToString::to_string).collect();
        missing = format!("{} items, and these members: {}", leaving.strays, members.join(", "));
        std::thread::sleep(ASK_AGAIN);
    }
    bar.finish_and_clear();
    context.out.result(&json!({ "left": true }), "this node has left the network")?;
    Ok(Class::Done)
}

pub(crate) fn ban(context: &Context, node: NodeId) -> Result<Class, Failure> {
    context.client_without_vault()?.ban(node).map_err(|error| match error {
        Error::Operation(OpError::Missing) => Failure::new(
            Class::NotFound,
            "no_such_member",
            format!("{node} is no member of this network"),
            "see its members with `quantumsync peers`",
        ),
        Error::Operation(OpError::Refused) => {
            Failure::usage("own_node", "a node cannot ban itself", "let it leave: quantumsync leave")
        }
        error => error.into(),
    })?;
    context.out.result(&json!({ "banned": node.to_string() }), &format!("{node} is banned"))?;
    Ok(Class::Done)
}

fn stays(missing: &str) -> Failure {
    Failure::new(
        Class::Failed,
        "still_needed",
        format!("the node is still needed, and stays: it waited for {missing}"),
        "bring those members back or ban them, then let it leave again",
    )
}

fn told_of_leaving(error: Error) -> Failure {
    match error {
        Error::Operation(OpError::Refused) => Failure::new(
            Class::Failed,
            "alone",
            "there is no other member that could take over what this node holds",
            "add another node first: quantumsync invite --node",
        ),
        error => error.into(),
    }
}

pub(crate) fn verify(context: &Context) -> Result<Class, Failure> {
    let bar = context.out.progress(None);
    let verified = context.client_without_vault()?.verify()?;
    bar.finish_and_clear();
    let damaged: Vec<String> = verified.damaged.iter().map(ToString::to_string).collect();
    let object = json!({ "checked": verified.checked, "bytes": verified.bytes, "damaged": damaged });
    let text =
        format!("{} blobs, {}: {} damaged", verified.checked, human_bytes(verified.bytes), damaged.len());
    context.out.result(&object, &text)?;
    if damaged.is_empty() {
        return Ok(Class::Done);
    }
    let message = format!("{} blobs of this node are damaged: {}", damaged.len(), damaged.join(", "));
    let hint = "the next get of their files refills them from other peers; check this node's disk";
    Err(Failure::new(Class::Failed, "damaged", message, hint))
}
