//! Any message that can be made, for proptest.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::config::limit;
use crate::crypto::{Secret, Signature};
use crate::id::{BlobId, Name, NetworkId, NodeId, ObjectId, OwnerId, SetHash};
use crate::record::tests::arbitrary::{admission, pin, record, removal, settings, version};
use crate::wire::*;

pub(super) fn addr() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn id() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

pub(super) fn token() -> impl Strategy<Value = Token> {
    let peers = vec((id().prop_map(NodeId), addr()), 0..=4);
    (any::<u32>(), id(), id(), option::of(id()), peers).prop_map(
        |(psk_epoch, psk, network_key, signing_seed, peers)| Token {
            psk_epoch,
            psk: Secret::new(psk),
            network_key,
            signing_seed: signing_seed.map(Secret::new),
            peers,
        },
    )
}

fn page() -> impl Strategy<Value = MembershipPage> {
    let admissions = vec((admission(), vec(addr(), 0..=limit::ADDRS)), 0..4);
    (id(), admissions, vec(removal(), 0..4), option::of(settings()), option::of(standing())).prop_map(
        |(digest, admissions, removals, settings, standing)| MembershipPage {
            digest,
            admissions,
            removals,
            settings,
            standing: standing.map(Box::new),
        },
    )
}

fn standing() -> impl Strategy<Value = Standing> {
    let node = || id().prop_map(NodeId);
    let why = prop::sample::select(&[Out::Gone, Out::Leaving][..]);
    let member = (node(), any::<u8>(), any::<bool>()).prop_map(|(node, positions, placed)| PastMember {
        node,
        positions,
        placed,
    });
    let past = (any::<u64>(), any::<u8>(), vec(member, 0..4))
        .prop_map(|(epoch, replicas, members)| PastPlacement { epoch, replicas, members });
    let lists = (vec((node(), why), 0..4), vec((node(), any::<u64>()), 0..4), vec(past, 0..4));
    (any::<[bool; 3]>(), option::of(id()), id(), any::<u64>(), lists).prop_map(
        |([syncing, leaving, settled], noted, placement, epoch, (out, unheard, previous))| Standing {
            syncing,
            leaving,
            settled,
            noted,
            placement,
            epoch,
            out,
            unheard,
            previous,
        },
    )
}

fn proof() -> impl Strategy<Value = OwnerProof> {
    (id(), any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(key, r, s)| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        OwnerProof { key: OwnerId(key), signature: Signature(signature) }
    })
}

fn hello() -> impl Strategy<Value = Hello> {
    let role = prop::sample::select(&[Role::Node, Role::Client, Role::Control][..]);
    let proofs = (option::of(proof()), option::of(proof()));
    let addrs = vec(addr(), 0..=limit::ADDRS);
    let numbers = any::<(u16, u64, u16, u32, u32, [u8; 16])>();
    (role, option::of(admission()), proofs, addrs, numbers).prop_map(
        |(role, admission, (owner, control), addrs, numbers)| {
            let (version, unix_ms, max_requests, credit_terminal, credit_relay, incarnation) = numbers;
            Hello {
                version,
                role,
                admission,
                owner,
                control,
                addrs,
                unix_ms,
                max_requests,
                credit_terminal,
                credit_relay,
                incarnation,
            }
        },
    )
}

fn cursor() -> impl Strategy<Value = PullCursor> {
    (id(), id(), id(), any::<[u8; 16]>()).prop_map(|(at, owner, name, object)| PullCursor {
        at,
        owner: OwnerId(owner),
        name: Name(name),
        object: ObjectId(object),
    })
}

fn pulled_pins() -> impl Strategy<Value = Vec<PulledPin>> {
    let row = (pin(), any::<u64>(), any::<bool>());
    vec(row.prop_map(|(pin, lease_ms, pending)| PulledPin { pin, lease_ms, pending }), 0..4)
}

fn records_page() -> impl Strategy<Value = RecordsPage> {
    let record = (record(), any::<u64>(), any::<bool>());
    let record = record.prop_map(|(record, age_ms, expired)| PulledRecord { record, age_ms, expired });
    let promise = (id(), id(), any::<[u8; 16]>(), version());
    let promise = promise.prop_map(|(owner, name, object, since)| PinCheck {
        owner: OwnerId(owner),
        name: Name(name),
        object: ObjectId(object),
        since,
    });
    (vec(record, 0..4), vec(promise, 0..4), option::of(cursor()))
        .prop_map(|(records, promises, next)| RecordsPage { records, promises, next })
}

fn pins_kept() -> impl Strategy<Value = PinsKept> {
    use PinKept::*;
    let kept = vec(prop::sample::select(&[Refused, Missing, Whole][..]), 0..4);
    (kept, vec(record(), 0..3)).prop_map(|(kept, killers)| PinsKept { kept, killers })
}

fn pull() -> impl Strategy<Value = Request> {
    use PullPart::*;
    let part = prop::sample::select(&[Floors, Records, Promises][..]);
    prop_oneof![
        (id(), part, option::of(cursor()), any::<u16>()).prop_map(|(placement, part, after, rows)| {
            Request::PullRecords { placement, part, after, rows }
        }),
        (id(), option::of(cursor()), any::<u16>()).prop_map(|(placement, after, rows)| Request::PullPins {
            placement,
            after,
            rows
        }),
        (id(), vec(id().prop_map(BlobId), 0..=limit::PROVE_BLOBS))
            .prop_map(|(nonce, blobs)| Request::Prove { nonce, blobs }),
        pulled_pins().prop_map(|pins| Request::PutPins { pins }),
    ]
}

fn check() -> impl Strategy<Value = PinCheck> {
    let ids = (id(), id(), any::<[u8; 16]>());
    (ids, version()).prop_map(|((owner, name, object), since)| PinCheck {
        owner: OwnerId(owner),
        name: Name(name),
        object: ObjectId(object),
        since,
    })
}

fn pin_state() -> impl Strategy<Value = PinState> {
    prop_oneof![Just(PinState::Nothing), Just(PinState::Listed), record().prop_map(PinState::Dead)]
}

fn request() -> impl Strategy<Value = Request> {
    let owner = || id().prop_map(OwnerId);
    let list = (owner(), option::of(id()), any::<u16>(), any::<(u8, u8)>());
    prop_oneof![
        vec(pin(), 0..4).prop_map(|pins| Request::Have { pins }),
        (vec(pin(), 0..4), bytes()).prop_map(|(pins, blob)| Request::PutBlob { pins, blob }),
        (id(), any::<u32>(), any::<u32>()).prop_map(|(id, offset, len)| Request::GetBlob {
            id: BlobId(id),
            offset,
            len
        }),
        record().prop_map(|record| Request::PutRecord { record }),
        (owner(), id()).prop_map(|(owner, name)| Request::GetRecord { owner, name: Name(name) }),
        list.prop_map(|(owner, after, rows, shards)| Request::ListRecords {
            owner,
            after: after.map(|name| ListCursor(Name(name))),
            rows,
            shards,
        }),
        Just(Request::Status),
        (owner(), option::of(id())).prop_map(|(owner, name)| Request::Evict { owner, name: name.map(Name) }),
        option::of(id()).prop_map(|after| Request::Verify { after: after.map(BlobId) }),
        option::of(cursor()).prop_map(|after| Request::VerifyRecords { after }),
        Just(Request::Peers),
        any::<bool>().prop_map(|node| Request::Invite { node }),
        any::<bool>().prop_map(|cancel| Request::Leave { cancel }),
        id().prop_map(|node| Request::Ban { node: NodeId(node) }),
        any::<u64>().prop_map(|unix_ms| Request::Ping { unix_ms }),
        page().prop_map(Request::View),
        pull(),
        (any::<bool>(), vec(check(), 0..4)).prop_map(|(lapse, checks)| Request::CheckPins { lapse, checks }),
        record().prop_map(|record| Request::Forget { record }),
    ]
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=limit::VERSION_TEXT / 4).prop_map(|chars| chars.into_iter().collect())
}

fn status() -> impl Strategy<Value = Status> {
    let ids = (id(), id(), option::of(addr()), text());
    (ids, any::<[u32; 4]>(), any::<[u64; 14]>(), any::<(u8, bool)>(), vec(id(), 0..3)).prop_map(
        |((node, network, addr, version), peers, counts, (replicas, syncing), waits_for)| Status {
            node: NodeId(node),
            network: NetworkId(network),
            addr,
            version,
            uptime_ms: counts[0],
            peers_alive: peers[0],
            peers_suspect: peers[1],
            peers_gone: peers[2],
            members: peers[3],
            replicas,
            blobs: counts[1],
            blob_bytes: counts[2],
            records: counts[3],
            tombstones: counts[4],
            copies_wanted: counts[5],
            copies_present: counts[6],
            copies_missing: counts[7],
            syncing,
            pending_ops: counts[8],
            quota: counts[9],
            free_bytes: counts[10],
            waits_for: waits_for.into_iter().map(NodeId).collect(),
            pending_pins: counts[11],
            unlisted_pins: counts[12],
            strays: counts[13],
        },
    )
}

fn peer() -> impl Strategy<Value = PeerStatus> {
    use PeerState::*;
    let state = prop::sample::select(&[Own, Alive, Suspect, Gone, Leaving][..]);
    (id(), option::of(addr()), state, any::<(u32, u64, u8, bool, bool, bool)>()).prop_map(
        |(node, addr, state, (rtt_us, silent_ms, positions, out, syncing, linked))| PeerStatus {
            node: NodeId(node),
            addr,
            state,
            rtt_us,
            silent_ms,
            positions,
            out,
            syncing,
            linked,
        },
    )
}

fn error() -> impl Strategy<Value = WireError> {
    use ErrorCode::*;
    let all = [
        Unsupported,
        Forbidden,
        NotFound,
        Stale,
        Past,
        Future,
        NoSpace,
        Quota,
        Invalid,
        Busy,
        Deadline,
        Disk,
        Damaged,
        Stopping,
        OtherSet,
        Other,
    ];
    (prop::sample::select(all.to_vec()), option::of(record()))
        .prop_map(|(code, current)| WireError { code, current })
}

fn response() -> impl Strategy<Value = Response> {
    let optional = || option::of(record());
    let records = (vec(record(), 0..4), option::of(id()), optional(), any::<bool>());
    let verified = (any::<u64>(), any::<u64>(), vec(id().prop_map(BlobId), 0..4), option::of(id()));
    prop_oneof![
        (vec(any::<u8>(), 0..=limit::HAVE_PINS), any::<u8>())
            .prop_map(|(copies, wanted)| Response::Have { copies, wanted }),
        any::<(u8, u8)>().prop_map(|(copies, wanted)| Response::Stored { copies, wanted }),
        (id(), bytes()).prop_map(|(source, bytes)| Response::Blob { source: NodeId(source), bytes }),
        (optional(), optional(), any::<bool>()).prop_map(|(record, floor, fresh)| Response::Record {
            record,
            floor,
            fresh
        }),
        records.prop_map(|(records, next, floor, complete)| Response::Records {
            records,
            next: next.map(|name| ListCursor(Name(name))),
            floor,
            complete,
        }),
        status().prop_map(Response::Status),
        any::<(u64, u64)>().prop_map(|(blobs, bytes)| Response::Evicted { blobs, bytes }),
        verified.prop_map(|(checked, bytes, damaged, next)| Response::Verified {
            checked,
            bytes,
            damaged,
            next: next.map(BlobId),
        }),
        (any::<u64>(), vec((id(), id()), 0..4), option::of(cursor())).prop_map(|(checked, damaged, next)| {
            let damaged = damaged.into_iter().map(|(owner, name)| (OwnerId(owner), Name(name))).collect();
            Response::VerifiedRecords(VerifiedRecords { checked, damaged, next })
        }),
        vec(peer(), 0..4).prop_map(Response::Peers),
        token().prop_map(|token| Response::Invite { token }),
        (any::<bool>(), vec(id(), 0..4), any::<u64>()).prop_map(|(done, waits_for, strays)| {
            Response::Leave { done, waits_for: waits_for.into_iter().map(NodeId).collect(), strays }
        }),
        Just(Response::Done),
        any::<u64>().prop_map(|unix_ms| Response::Pong { unix_ms }),
        page().prop_map(Response::View),
        records_page().prop_map(Response::PulledRecords),
        (pulled_pins(), option::of(cursor()))
            .prop_map(|(pins, next)| Response::PulledPins(PinsPage { pins, next })),
        vec(option::of(id()), 0..=limit::PROVE_BLOBS).prop_map(Response::Proved),
        pins_kept().prop_map(Response::PinsKept),
        vec(pin_state(), 0..4).prop_map(Response::Checked),
        any::<bool>().prop_map(|clean| Response::Forgotten { clean }),
        error().prop_map(Response::Error),
    ]
}

fn vote() -> impl Strategy<Value = Vote> {
    (id(), option::of(id())).prop_map(|(set, shards)| Vote { set: SetHash(set), shards: shards.map(Shards) })
}

pub(super) fn message() -> impl Strategy<Value = Message> {
    use CloseReason::*;
    let class = prop::sample::select(&[Class::Terminal, Class::Relay][..]);
    let reason =
        prop::sample::select(&[Shutdown, Duplicate, NotAdmitted, Fault, Idle, CloseReason::Full, Other][..]);
    prop_oneof![
        1 => hello().prop_map(Message::Hello),
        1 => (class, any::<u32>()).prop_map(|(class, bytes)| Message::Credit { class, bytes }),
        1 => reason.prop_map(Message::Goodbye),
        6 => (any::<u32>(), request()).prop_map(|(id, request)| Message::Request { id, request }),
        1 => any::<u32>().prop_map(|id| Message::UnknownRequest { id }),
        6 => (any::<u32>(), response(), option::of(vote())).prop_map(|(id, response, vote)| {
            let vote = vote.filter(|_| response.may_vote());
            Message::Response { id, response, vote }
        }),
    ]
}
