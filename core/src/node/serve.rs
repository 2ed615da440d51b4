//! Who may ask what, and where it goes: straight to this node's store, into an operation, or answered at once.
//!
//! Knows roles and owners; not what an answer will be.

use super::Node;
use super::entry::Write;
use super::have::Have;
use super::hub::Asking;
use super::link::{Caller, Link};
use super::list::List;
use super::lookup::ReadRecord;
use super::operation::Operation;
use super::read::ReadBlob;
use super::store::Origin;
use crate::id::{NodeId, OwnerId};
use crate::wire::{ErrorCode, Request, Response, Role};
use alloc::boxed::Box;

impl Node {
    /// Takes a request that came over a link: it is answered in any case.
    pub(super) fn serve(&mut self, caller: Caller, request: Request) {
        let Some(peer) = self.hub.links.get(caller.conn).and_then(Link::peer) else { return };
        let (role, node, owner) = (peer.role, peer.node, peer.owner);
        if self.is_stopping() {
            self.hub.refuse(&caller, ErrorCode::Stopping);
        } else if role == Role::Node {
            self.serve_node(caller, node, request);
        } else {
            self.serve_client(caller, owner, role == Role::Control, request);
        }
    }

    /// From another member: kept and answered here, never passed on.
    fn serve_node(&mut self, caller: Caller, node: NodeId, request: Request) {
        match request {
            Request::Ping { .. } => {
                let unix_ms = self.hub.now.unix_ms;
                self.hub.settle(&caller, Response::Pong { unix_ms });
            }
            // Whatever has a long answer, or costs much to answer, waits for its turn on its link.
            Request::View(_)
            | Request::GetBlob { .. }
            | Request::ListRecords { .. }
            | Request::GetRecord { .. }
            | Request::CheckPins { .. }
            | Request::PullRecords { .. }
            | Request::PullPins { .. }
            | Request::PutPins { .. }
            | Request::Prove { .. } => self.admit_read(caller, request),
            Request::Have { .. } | Request::PutBlob { .. } | Request::PutRecord { .. } => {
                self.hub.ask_for(caller, Origin::Node(node), request);
            }
            Request::Status => self.hub.ask_for(caller, Origin::Own, request),
            // What it has still to take from others may be older.
            Request::Forget { .. } if self.hub.is_syncing() => {
                self.hub.settle(&caller, Response::Forgotten { clean: false });
            }
            Request::Forget { .. } => self.hub.ask_for(caller, Origin::Node(node), request),
            Request::Evict { .. }
            | Request::Verify { .. }
            | Request::VerifyRecords { .. }
            | Request::Peers
            | Request::Invite { .. }
            | Request::Leave { .. }
            | Request::Ban { .. } => {
                self.hub.refuse(&caller, ErrorCode::Forbidden);
            }
        }
    }

    fn serve_client(&mut self, caller: Caller, owner: Option<OwnerId>, control: bool, request: Request) {
        match &request {
            // It would go with this node.
            Request::Have { .. } | Request::PutBlob { .. } | Request::PutRecord { .. }
                if self.hub.has_said_farewell() =>
            {
                self.hub.refuse(&caller, ErrorCode::Stopping);
            }
            Request::Have { .. } | Request::PutBlob { .. } | Request::PutRecord { .. } => {
                match check_write(owner, &request) {
                    Ok(owner) => self.queue(caller, Origin::Client { owner }, request),
                    Err(code) => self.hub.refuse(&caller, code),
                }
            }
            // A list tells how many keys an owner has and when they were written: only to the owner.
            Request::ListRecords { owner: asked, .. } if owner != Some(*asked) => {
                self.hub.refuse(&caller, ErrorCode::Forbidden);
            }
            Request::GetBlob { .. } | Request::ListRecords { .. } | Request::GetRecord { .. } => {
                self.admit_read(caller, request);
            }
            Request::Ping { .. } => {
                let unix_ms = self.hub.now.unix_ms;
                self.hub.settle(&caller, Response::Pong { unix_ms });
            }
            Request::Status => self.hub.ask_for(caller, Origin::Own, request),
            // Only signed proof deletes, and not the home: nobody else may have what this node drops.
            Request::Evict { .. } if control && self.hub.keeps_the_only_copy() => {
                self.hub.refuse(&caller, ErrorCode::Invalid);
            }
            Request::Evict { .. } | Request::Verify { .. } | Request::VerifyRecords { .. } if control => {
                self.hub.ask_for(caller, Origin::Own, request);
            }
            Request::Peers if control => self.hub.tell_peers(&caller),
            Request::Invite { node } if control => self.hub.invite(&caller, *node),
            Request::Leave { cancel } if control => self.hub.leave(&caller, *cancel),
            Request::Ban { node } if control => self.hub.ban(&caller, *node),
            Request::Evict { .. }
            | Request::Verify { .. }
            | Request::VerifyRecords { .. }
            | Request::Peers
            | Request::Invite { .. }
            | Request::Leave { .. }
            | Request::Ban { .. }
            | Request::View(_)
            | Request::CheckPins { .. }
            | Request::Forget { .. }
            | Request::PullRecords { .. }
            | Request::PullPins { .. }
            | Request::PutPins { .. }
            | Request::Prove { .. } => self.hub.refuse(&caller, ErrorCode::Forbidden),
        }
    }

    fn admit_read(&mut self, caller: Caller, request: Request) {
        if let Some(request) = self.hub.links.admit_read(caller, request) {
            self.read(caller, request);
        }
    }

    /// A read for whose answer there is room on its link.
    pub(super) fn read(&mut self, caller: Caller, request: Request) {
        match self.hub.links.get(caller.conn).and_then(Link::peer) {
            Some(peer) if peer.role == Role::Node => {
                let node = peer.node;
                match request {
                    Request::View(page) => self.hub.answer_view(&caller, node, &page),
                    request if self.is_of_other_set(&request) => {
                        self.hub.compare(&node);
                        self.hub.refuse(&caller, ErrorCode::OtherSet);
                    }
                    request => self.hub.ask_for(caller, Origin::Node(node), request),
                }
            }
            peer => {
                let owner = peer.and_then(|peer| peer.owner);
                let origin = match &request {
                    // To its owner a record may be told that is nobody else's business.
                    Request::GetRecord { owner: asked, .. } if owner == Some(*asked) => {
                        Origin::Client { owner: *asked }
                    }
                    _ => Origin::Own,
                };
                self.queue(caller, origin, request);
            }
        }
    }

    /// True for a pull by who places the members otherwise: what belongs to it is not agreed on.
    fn is_of_other_set(&self, request: &Request) -> bool {
        match request {
            Request::PullRecords { placement, .. } | Request::PullPins { placement, .. } => {
                *placement != self.hub.placement_digest()
            }
            _ => false,
        }
    }

    fn queue(&mut self, caller: Caller, origin: Origin, request: Request) {
        let until = self.hub.now.mono + self.hub.setup.config.request_deadline;
        self.hub.requests.push_back(Asking { caller, origin, request, until });
    }

    /// Begins the operation that a client's request needs.
    pub(super) fn begin(&mut self, asking: Asking) {
        let Asking { caller, origin, request, .. } = asking;
        let op = self.next_op();
        let hub = &mut self.hub;
        let operation: Box<dyn Operation> = match request {
            Request::Have { pins } => Box::new(Have::new(hub, op, caller, origin, pins)),
            Request::PutBlob { .. } => Box::new(Write::blob(hub, op, caller, origin, request)),
            Request::PutRecord { record } => Box::new(Write::record(hub, op, caller, origin, record)),
            Request::GetBlob { id, offset, len } => {
                Box::new(ReadBlob::new(hub, op, caller, origin, (id, offset, len)))
            }
            Request::GetRecord { owner, name } => {
                Box::new(ReadRecord::new(hub, op, caller, origin, (owner, name)))
            }
            Request::ListRecords { owner, after, rows, shards } => {
                Box::new(List::new(hub, op, caller, owner, after, (rows, shards)))
            }
            // Nothing else is queued.
            _ => return hub.refuse(&caller, ErrorCode::Unsupported),
        };
        self.run(op, operation, Some(caller));
    }
}

/// A client writes what it has proved to own, and in whole.
fn check_write(owner: Option<OwnerId>, request: &Request) -> Result<OwnerId, ErrorCode> {
    let owner = owner.ok_or(ErrorCode::Forbidden)?;
    let (owned, whole) = match request {
        Request::Have { pins } | Request::PutBlob { pins, .. } => {
            (pins.iter().all(|pin| pin.body().owner == owner), !pins.is_empty())
        }
        Request::PutRecord { record } => (record.header().owner == owner, record.is_complete()),
        _ => (false, true),
    };
    if !owned {
        return Err(ErrorCode::Forbidden);
    }
    if whole { Ok(owner) } else { Err(ErrorCode::Invalid) }
}
