//! `invite`, `leave`, `ban`: who is a member; none of them needs a vault.

use std::time::Duration;

use quantumsync::Error;
use quantumsync_core::error::OpError;
use quantumsync_core::id::NodeId;
use serde_json::json;

use super::context::Context;
use super::error::{Class, Failure};

/// How often a node that leaves is asked how far it is.
const ASK_AGAIN: Duration = Duration::from_millis(500);

pub(crate) fn invite(context: &Context, for_node: bool) -> Result<Class, Failure> {
    let token = context.client_without_vault()?.invite(for_node)?;
    context.out.result(&json!({ "token": token }), &token)?;
    Ok(Class::Done)
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
    let client = context.client_without_vault()?;
    client.ban(node).map_err(|error| match error {
        Error::Operation(OpError::NotFound) => Failure::new(
            Class::NotFound,
            "no_such_member",
            format!("{node} is no member of this network"),
            "see its members with `quantumsync peers`",
        ),
        Error::Operation(OpError::Refused) if client.status().is_ok_and(|status| status.node != node) => {
            Failure::new(
                Class::Failed,
                "volatile",
                "this node is volatile: it would forget whom it banned",
                "ban it from the home of a node that is not",
            )
        }
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
