//! `status`, `peers`, `verify`: what a node is and holds, how the others are, and what waits for whom. None of them needs a vault.

use quantumsync_core::id::{Name, NodeId, OwnerId};
use quantumsync_core::wire::{PeerState, PeerStatus, Status};
use serde_json::{Value, json};

use super::context::Context;
use super::error::{Class, Failure};
use super::output::{human_bytes, human_time};

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
        "copies": copies_object(status),
        "pins": { "pending": status.pending_pins, "unlisted": status.unlisted_pins },
        "strays": status.strays,
        "syncing": status.syncing,
        "pending_ops": status.pending_ops,
        "quota": status.quota,
        "free_bytes": status.free_bytes,
        "waits_for": status.waits_for.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn copies_object(status: &Status) -> Value {
    json!({
        "wanted": status.copies_wanted,
        "present": status.copies_present,
        "missing": status.copies_missing,
    })
}

fn copies_text(status: &Status) -> String {
    let Status { copies_wanted, copies_present, copies_missing, .. } = status;
    format!("{copies_wanted} wanted, {copies_present} present, {copies_missing} missing")
}

fn status_text(status: &Status) -> String {
    let addr = status.addr.map_or_else(|| "nowhere".to_owned(), |addr| addr.to_string());
    let quota = if status.quota == 0 { "none".to_owned() } else { human_bytes(status.quota) };
    let mut lines = vec![
        format!("node     {}", status.node),
        format!("address  {addr}"),
        format!("network  {}", status.network),
        format!("version  {}, up {}", status.version, human_time(status.uptime_ms)),
        format!(
            "peers    {} alive, {} suspect, {} gone, {} members",
            status.peers_alive, status.peers_suspect, status.peers_gone, status.members
        ),
        format!("blobs    {} ({})", status.blobs, human_bytes(status.blob_bytes)),
        format!("records  {}, tombstones {}", status.records, status.tombstones),
        format!("copies   {}; {} replicas of everything", copies_text(status), status.replicas),
        format!(
            "state    {}, {} operations pending",
            if status.syncing { "syncing: it takes over what it lacks" } else { "in sync" },
            status.pending_ops
        ),
        format!("space    {} free, quota of a user {quota}", human_bytes(status.free_bytes)),
    ];
    let waiting = [
        (
            status.pending_pins,
            "pins of uploads whose record is not known here yet; without one they lapse after a week",
        ),
        (status.unlisted_pins, "confirmed pins whose record should be here and is not; they are kept"),
        (
            status.strays,
            "blobs and records that belong on other peers, and go there when they can be reached",
        ),
    ];
    for (count, what) in waiting.into_iter().filter(|(count, _)| *count > 0) {
        lines.push(format!("waiting  {count} {what}"));
    }
    lines.extend(status.waits_for.iter().map(|node| format!("waiting  {}", waits_for(node))));
    lines.join("\n")
}

/// What to do about a member that is waited for.
fn waits_for(node: &NodeId) -> String {
    format!("for {node}: bring it back, or give up what only it holds with: quantumsync ban {node}")
}

pub(crate) fn peers(context: &Context) -> Result<Class, Failure> {
    let client = context.client_without_vault()?;
    let peers = client.peers()?;
    let waited_for = client.status()?.waits_for;
    for peer in peers {
        let waited_for = waited_for.contains(&peer.node);
        context.out.result(&peer_object(&peer, waited_for), &peer_text(&peer, waited_for))?;
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

fn peer_object(peer: &PeerStatus, waited_for: bool) -> Value {
    json!({
        "node": peer.node.to_string(),
        "addr": peer.addr.map(|addr| addr.to_string()),
        "state": state_name(peer.state),
        "linked": peer.linked,
        "rtt_us": peer.rtt_us,
        "silent_ms": peer.silent_ms,
        "positions": peer.positions,
        "out": peer.out,
        "syncing": peer.syncing,
        "waited_for": waited_for,
    })
}

fn peer_text(peer: &PeerStatus, waited_for: bool) -> String {
    let addr = peer.addr.map_or_else(|| "-".to_owned(), |addr| addr.to_string());
    let mut said = Vec::new();
    match peer.state {
        PeerState::Own => {}
        PeerState::Alive => said.push(format!("rtt {} µs", peer.rtt_us)),
        PeerState::Suspect | PeerState::Gone => {
            let link = if peer.linked { "" } else { ", no link" };
            said.push(format!("silent for {}{link}", human_time(peer.silent_ms)));
        }
        PeerState::Leaving => said.push("hands on what it holds".to_owned()),
    }
    if peer.out && peer.state != PeerState::Leaving {
        said.push("its copies are made elsewhere".to_owned());
    }
    if peer.syncing {
        said.push("syncing".to_owned());
    }
    if waited_for {
        said.push("this node waits for it: bring it back or ban it".to_owned());
    }
    let line = format!("{}  {addr:21}  {:7}  {}", peer.node, state_name(peer.state), said.join("; "));
    line.trim_end().to_owned()
}

pub(crate) fn verify(context: &Context) -> Result<Class, Failure> {
    let bar = context.out.progress(None);
    let client = context.client_without_vault()?;
    let verified = client.verify()?;
    // After it: what was damaged is missing now.
    let status = client.status()?;
    bar.finish_and_clear();
    let blobs: Vec<String> = verified.damaged.iter().map(ToString::to_string).collect();
    let record = |(owner, name): &(OwnerId, Name)| format!("{owner}/{name}");
    let records: Vec<String> = verified.damaged_records.iter().map(record).collect();
    let object = json!({
        "checked": verified.checked,
        "bytes": verified.bytes,
        "damaged": blobs,
        "records": verified.records,
        "damaged_records": records,
        "copies": copies_object(&status),
    });
    let text = format!(
        "blobs    {} ({}), {} damaged\nrecords  {}, {} damaged\ncopies   {}",
        verified.checked,
        human_bytes(verified.bytes),
        blobs.len(),
        verified.records,
        records.len(),
        copies_text(&status),
    );
    context.out.result(&object, &text)?;
    if blobs.is_empty() && records.is_empty() {
        return Ok(Class::Done);
    }
    let damaged: Vec<String> = [("blobs", &blobs), ("records", &records)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{} {what}: {}", names.len(), names.join(", ")))
        .collect();
    let message = format!("this node held damaged copies: {}", damaged.join("; "));
    let hint = "they are fetched from other peers; check this node's disk, then verify again";
    Err(Failure::new(Class::Failed, "damaged", message, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(state: PeerState) -> PeerStatus {
        PeerStatus {
            node: NodeId([7; 32]),
            addr: Some("127.0.0.1:4270".parse().unwrap()),
            state,
            rtt_us: 250,
            silent_ms: 90_000,
            positions: 8,
            out: false,
            syncing: false,
            linked: true,
        }
    }

    #[test]
    fn a_peers_line_says_how_it_is_and_what_to_do() {
        let text = |peer: &PeerStatus, waited_for| peer_text(peer, waited_for)[64..].trim().to_owned();
        assert_eq!(text(&peer(PeerState::Own), false), "127.0.0.1:4270         self");
        assert_eq!(text(&peer(PeerState::Alive), false), "127.0.0.1:4270         alive    rtt 250 µs");
        let gone = PeerStatus { out: true, linked: false, ..peer(PeerState::Gone) };
        let said = text(&gone, true);
        for part in ["gone", "silent for 90 s, no link", "elsewhere", "bring it back or ban it"] {
            assert!(said.contains(part), "{said}");
        }
        let leaving = PeerStatus { out: true, syncing: true, ..peer(PeerState::Leaving) };
        assert!(text(&leaving, false).ends_with("leaving  hands on what it holds; syncing"));
    }

    #[test]
    fn a_status_tells_what_waits_and_for_whom_and_nothing_of_it_when_all_is_well() {
        assert!(!status_text(&Status::default()).contains("waiting"));
        let status = Status {
            pending_pins: 3,
            unlisted_pins: 4,
            strays: 5,
            waits_for: vec![NodeId([9; 32])],
            ..Status::default()
        };
        let text = status_text(&status);
        let waiting: Vec<&str> = text.lines().filter(|line| line.starts_with("waiting")).collect();
        assert_eq!(waiting.len(), 4);
        assert!(waiting[3].contains(&format!("quantumsync ban {}", NodeId([9; 32]))), "{text}");
    }
}
