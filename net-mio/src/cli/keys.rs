//! `delete`, `list`, `clear`: what is under which key, and what is no more.

use quantumsync::Error;
use quantumsync_core::client::FileMeta;
use quantumsync_core::error::OpError;
use serde_json::json;

use super::args::DeleteArgs;
use super::context::Context;
use super::error::{Class, Failure};
use super::output::{escaped, human_bytes};
use super::store::first_failure;

pub(crate) fn delete(context: &Context, args: &DeleteArgs) -> Result<Class, Failure> {
    let client = context.client()?;
    let outcomes = args.keys.iter().map(|key| {
        let of_key = |failure: Failure| failure.of_key(key);
        if args.local {
            let (blobs, bytes) = client.evict(Some(key)).map_err(|error| of_key(told_of_dropping(error)))?;
            return evicted(context, Some(key), blobs, bytes);
        }
        let written = client.delete(key).map_err(|error| of_key(error.into()))?;
        let (copies, wanted) = (written.copies, written.wanted);
        let object = json!({ "key": key, "copies": copies, "wanted": wanted });
        let text = format!("{}  deleted on {copies} of {wanted} peers", escaped(key));
        context.out.result(&object, &text)?;
        Ok(if copies < wanted { Class::Degraded } else { Class::Done })
    });
    first_failure(context, outcomes)
}

fn told_of_dropping(error: Error) -> Failure {
    match error {
        Error::Operation(OpError::Refused) => Failure::new(
            Class::Failed,
            "only_copy",
            "this node keeps the only copy: no other member would have it",
            "to remove it everywhere, leave out --local; or add another node first: quantumsync invite --node",
        ),
        error => error.into(),
    }
}

fn evicted(context: &Context, key: Option<&str>, blobs: u64, bytes: u64) -> Result<Class, Failure> {
    let object = json!({ "key": key, "blobs": blobs, "bytes": bytes });
    let name = key.map_or_else(String::new, |key| format!("{}  ", escaped(key)));
    let text = format!("{name}{blobs} blobs, {} dropped on this node", human_bytes(bytes));
    context.out.result(&object, &text)?;
    Ok(Class::Done)
}

pub(crate) fn list(context: &Context, prefix: &str) -> Result<Class, Failure> {
    let client = context.client()?;
    let mut said = Ok(());
    let complete = client.list(prefix, |meta| {
        if said.is_ok() {
            said = entry(context, &meta);
        }
        Ok(())
    })?;
    said?;
    if !complete {
        context.out.warning("part of the network did not answer: there may be more");
    }
    Ok(Class::Done)
}

fn entry(context: &Context, meta: &FileMeta) -> Result<(), Failure> {
    let expires = (meta.expires > 0).then_some(meta.expires);
    let object = json!({
        "key": meta.key,
        "size": meta.size,
        "modified_ms": meta.modified_ms,
        "version_ms": meta.version.ms(),
        "expires_ms": expires,
    });
    context.out.result(&object, &format!("{:>10}  {}", human_bytes(meta.size), escaped(&meta.key)))
}

pub(crate) fn clear(context: &Context, yes: bool, local: bool) -> Result<Class, Failure> {
    if !yes {
        let message = "this deletes everything of this vault";
        return Err(Failure::usage("not_confirmed", message, "confirm it with --yes"));
    }
    let client = context.client()?;
    if local {
        let (blobs, bytes) = client.evict(None).map_err(told_of_dropping)?;
        return evicted(context, None, blobs, bytes);
    }
    let written = client.clear()?;
    let (copies, wanted) = (written.copies, written.wanted);
    let object = json!({ "copies": copies, "wanted": wanted });
    context.out.result(&object, &format!("everything deleted on {copies} of {wanted} peers"))?;
    Ok(if copies < wanted { Class::Degraded } else { Class::Done })
}
