//! The first message of each side: what this side says of itself, and what it believes of the other.

use alloc::vec::Vec;

use super::handshake::Binding;
use super::{LocalRole, LocalSide, PeerSide};
use crate::config::{Config, limit};
use crate::crypto::{SigningKey, label, node_id, signed_message};
use crate::error::PeerFault;
use crate::id::{NodeId, OwnerId};
use crate::time::Now;
use crate::wire::{Hello, OwnerProof, PROTOCOL_VERSION, Role};

/// This side's `Hello` on the link of this binding.
pub(super) fn own_hello(local: &LocalSide, config: &Config, now: Now, binding: &Binding) -> Hello {
    let mut hello = Hello {
        version: PROTOCOL_VERSION,
        role: own_role(local),
        admission: None,
        owner: None,
        control: None,
        addrs: Vec::new(),
        unix_ms: now.unix_ms,
        max_requests: config.max_requests,
        credit_terminal: u32::try_from(config.credit_terminal).unwrap_or(u32::MAX),
        credit_relay: u32::try_from(config.credit_relay).unwrap_or(u32::MAX),
        incarnation: [0; 16],
    };
    match &local.role {
        LocalRole::Node { admission, addrs, incarnation, .. } => {
            hello.admission = Some(admission.clone());
            hello.addrs = addrs.iter().copied().take(limit::ADDRS).collect();
            hello.incarnation = *incarnation;
        }
        LocalRole::Client { owner, control } => {
            let prove = |key: &SigningKey, label| prove(local, binding, hello.role, key, label);
            hello.owner = owner.as_ref().map(|key| prove(key, label::LINK_OWNER));
            hello.control = control.as_ref().map(|key| prove(key, label::LINK_CONTROL));
        }
    }
    hello
}

/// The role that this side has on its links.
pub(super) const fn own_role(local: &LocalSide) -> Role {
    match &local.role {
        LocalRole::Node { .. } => Role::Node,
        LocalRole::Client { control: None, .. } => Role::Client,
        LocalRole::Client { control: Some(_), .. } => Role::Control,
    }
}

/// Checks all that the other side says of itself and can prove.
pub(super) fn check_hello(
    local: &LocalSide,
    now: Now,
    binding: &Binding,
    remote: &[u8; 32],
    expect: Expect,
    hello: Hello,
) -> Result<PeerSide, PeerFault> {
    if hello.version != PROTOCOL_VERSION {
        return Err(PeerFault::Version(hello.version));
    }
    // A node that reaches itself by one of its own addresses is no peer.
    if binding.dialler == binding.answerer {
        return Err(PeerFault::Oneself);
    }
    let node = node_id(local.suite, remote);
    match expect {
        Expect::Node(wanted) if wanted != node => return Err(PeerFault::WrongNode),
        Expect::Node(_) | Expect::AnyNode if hello.role != Role::Node => return Err(PeerFault::NotAdmitted),
        Expect::Node(_) | Expect::AnyNode | Expect::Anyone => {}
    }
    let admission = match hello.role {
        Role::Node => {
            check_admission(local, now, node, &hello)?;
            hello.admission.clone()
        }
        Role::Client | Role::Control => None,
    };
    if hello.role == Role::Control {
        check_control(local, binding, &hello)?;
    }
    let owner = match &hello.owner {
        Some(proof) if hello.role != Role::Node => {
            check_proof(local, binding, hello.role, proof, label::LINK_OWNER)?;
            Some(OwnerId(*proof.key.as_bytes()))
        }
        _ => None,
    };
    Ok(PeerSide {
        role: hello.role,
        node,
        admission,
        owner,
        addrs: hello.addrs,
        unix_ms: hello.unix_ms,
        incarnation: hello.incarnation,
        max_requests: hello.max_requests,
    })
}

/// Who may be on the other side.
#[derive(Clone, Copy)]
pub(super) enum Expect {
    /// Whoever dialled.
    Anyone,
    /// Whoever answers at an address: a node.
    AnyNode,
    /// This node.
    Node(NodeId),
}

fn check_admission(local: &LocalSide, now: Now, node: NodeId, hello: &Hello) -> Result<(), PeerFault> {
    let admission = hello.admission.as_ref().ok_or(PeerFault::NotAdmitted)?;
    let expired = admission.not_after != 0 && now.unix_ms > admission.not_after;
    let valid = admission.node == node
        && !expired
        && admission.verify(local.suite, &local.network, &local.network_key).is_ok();
    if valid { Ok(()) } else { Err(PeerFault::NotAdmitted) }
}

fn check_control(local: &LocalSide, binding: &Binding, hello: &Hello) -> Result<(), PeerFault> {
    let proof = hello.control.as_ref().ok_or(PeerFault::BadProof)?;
    let LocalRole::Node { control: Some(wanted), .. } = &local.role else { return Err(PeerFault::BadProof) };
    if proof.key.as_bytes() != wanted {
        return Err(PeerFault::BadProof);
    }
    check_proof(local, binding, hello.role, proof, label::LINK_CONTROL)
}

fn prove(local: &LocalSide, binding: &Binding, role: Role, key: &SigningKey, label: &str) -> OwnerProof {
    let signature = key.sign(label, &local.network, &proof_parts(binding, &[role as u8]));
    OwnerProof { key: OwnerId(*key.public()), signature }
}

fn check_proof(
    local: &LocalSide,
    binding: &Binding,
    role: Role,
    proof: &OwnerProof,
    label: &str,
) -> Result<(), PeerFault> {
    let message = signed_message(label, &local.network, &proof_parts(binding, &[role as u8]));
    if local.suite.verify(proof.key.as_bytes(), &message, &proof.signature) {
        Ok(())
    } else {
        Err(PeerFault::BadProof)
    }
}

/// What a proof covers: this one link, the role, and both static keys (the dialler's first).
fn proof_parts<'a>(binding: &'a Binding, role: &'a [u8; 1]) -> [&'a [u8]; 4] {
    [&binding.hash, role, &binding.dialler, &binding.answerer]
}
