//! `store`: files and folders, each under its key.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::UNIX_EPOCH;

use indicatif::ProgressBar;
use quantumsync::client::{Client, StoreOptions, Stored};
use quantumsync_core::vault::normalise_key;
use serde_json::json;

use super::args::StoreArgs;
use super::context::Context;
use super::error::{Class, Failure};
use super::output::{escaped, human_bytes};

/// Files that are stored at once: enough to hide the round trip of small ones.
const AT_ONCE: usize = 16;

/// What is to be stored under which key.
struct Item {
    key: String,
    /// `None` for standard input.
    path: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &StoreArgs) -> Result<Class, Failure> {
    let items = gather(context, args)?;
    let total =
        items.iter().filter_map(|item| item.path.as_ref()).map(|path| fs::metadata(path).map(|m| m.len()));
    let total = total.sum::<io::Result<u64>>().ok();
    let client = context.client()?;
    let bar = context.out.progress(total.filter(|&total| total > 0));
    let worst = store_all(context, &client, &items, args, &bar);
    bar.finish_and_clear();
    worst
}

/// Every file that the arguments name, with its key; refuses before anything is stored.
fn gather(context: &Context, args: &StoreArgs) -> Result<Vec<Item>, Failure> {
    let stdin = |path: &Path| path == Path::new("-");
    if let Some(key) = &args.key {
        let [path] = &args.paths[..] else {
            return Err(Failure::usage("key", "--key goes with one file", "store the files one by one"));
        };
        if !stdin(path) && path.is_dir() {
            let message = "--key goes with one file, not with a folder";
            return Err(Failure::usage("key", message, "without --key the folder's name begins the keys"));
        }
        let path = (!stdin(path)).then(|| path.clone());
        return Ok(vec![Item { key: normalised(key)?, path }]);
    }
    let mut items = Vec::new();
    for path in &args.paths {
        if stdin(path) {
            return Err(Failure::usage("key", "standard input has no name", "name it with --key KEY"));
        }
        let metadata = fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
        let name = name_of(path)?;
        if metadata.is_dir() {
            walk(context, path, &name, &mut items)?;
        } else {
            items.push(Item { key: normalised(&name)?, path: Some(path.clone()) });
        }
    }
    let mut seen = BTreeMap::new();
    for item in &items {
        if let Some(other) = seen.insert(&item.key, &item.path) {
            let shown = |path: &Option<PathBuf>| {
                path.as_deref().map_or_else(String::new, |p| p.display().to_string())
            };
            let message = format!(
                "{} and {} have the same key {}",
                shown(other),
                shown(&item.path),
                escaped(&item.key)
            );
            return Err(Failure::usage("duplicate_key", message, "store them one by one with --key"));
        }
    }
    Ok(items)
}

/// The last part of a path, also of `.` and `dir/..`.
fn name_of(path: &Path) -> Result<String, Failure> {
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => Some(name.to_owned()),
        _ => {
            let full = fs::canonicalize(path).map_err(|error| Failure::file(path, &error))?;
            full.file_name().map(ToOwned::to_owned)
        }
    };
    let name = name.ok_or_else(|| {
        let message = format!("{} has no name to be its key", path.display());
        Failure::usage("key", message, "name it with --key KEY")
    })?;
    name.into_string().map_err(|_| not_unicode(path))
}

fn not_unicode(path: &Path) -> Failure {
    let message = format!("the name of {} is not UTF-8", path.display());
    Failure::usage("bad_key", message, "store it alone with --key KEY")
}

fn normalised(key: &str) -> Result<String, Failure> {
    normalise_key(key).map_err(|_| Failure::from(quantumsync_core::error::OpError::BadKey).of_key(key))
}

/// The files of a folder in the order of their names. Links, sockets and the like are left out, and said.
fn walk(context: &Context, folder: &Path, prefix: &str, items: &mut Vec<Item>) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = entries.map_err(|error| Failure::file(folder, &error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name().into_string().map_err(|_| not_unicode(&path))?;
        let key = format!("{prefix}/{name}");
        let kind = entry.file_type().map_err(|error| Failure::file(&path, &error))?;
        if kind.is_dir() {
            walk(context, &path, &key, items)?;
        } else if kind.is_file() {
            items.push(Item { key: normalised(&key)?, path: Some(path) });
        } else {
            context.out.warning(&format!("{} is no plain file and is left out", path.display()));
        }
    }
    Ok(())
}

/// Stores on several threads, says each result, and returns the class of the first failure in the order of the items.
fn store_all(
    context: &Context,
    client: &Client,
    items: &[Item],
    args: &StoreArgs,
    bar: &ProgressBar,
) -> Result<Class, Failure> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<BTreeMap<usize, Result<Class, Failure>>> = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                while let Some((index, item)) = next_item(&next, items) {
                    let outcome = store_one(context, client, item, args, bar);
                    if !matches!(outcome, Ok(Class::Done)) {
                        outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(index, outcome);
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    first_failure(context, outcomes.into_values())
}

fn next_item<'a>(next: &AtomicUsize, items: &'a [Item]) -> Option<(usize, &'a Item)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    items.get(index).map(|item| (index, item))
}

/// Says every failure but the first, which is returned for its caller to say; the status is the first's.
pub(crate) fn first_failure(
    context: &Context,
    outcomes: impl IntoIterator<Item = Result<Class, Failure>>,
) -> Result<Class, Failure> {
    let mut first: Result<Class, Failure> = Ok(Class::Done);
    for outcome in outcomes {
        match (&first, outcome) {
            (Ok(Class::Done), outcome) => first = outcome,
            (_, Err(failure)) => context.out.failure(&failure),
            (_, Ok(_)) => {}
        }
    }
    first
}

fn store_one(
    context: &Context,
    client: &Client,
    item: &Item,
    args: &StoreArgs,
    bar: &ProgressBar,
) -> Result<Class, Failure> {
    let ttl_ms = args.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
    let stored = match &item.path {
        None => {
            store_from(client, &item.key, io::stdin().lock(), StoreOptions { ttl_ms, modified_ms: None }, bar)
        }
        Some(path) => {
            let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
            let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
            let modified_ms = modified
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .and_then(|since| u64::try_from(since.as_millis()).ok());
            store_from(client, &item.key, file, StoreOptions { ttl_ms, modified_ms }, bar)
                .map_err(|failure| if failure.code == "input" { said_of(path, failure) } else { failure })
        }
    };
    let stored = stored.map_err(|failure| failure.of_key(&item.key))?;
    let Stored { size, copies, wanted, sent_bytes, .. } = stored;
    let object = json!({
        "key": item.key, "size": size, "copies": copies, "wanted": wanted, "sent_bytes": sent_bytes,
    });
    let degraded = if copies < wanted { "; degraded" } else { "" };
    let text =
        format!("{}  {}, on {copies} of {wanted} peers{degraded}", escaped(&item.key), human_bytes(size));
    bar.suspend(|| context.out.result(&object, &text))?;
    Ok(if copies < wanted { Class::Degraded } else { Class::Done })
}

fn said_of(path: &Path, failure: Failure) -> Failure {
    Failure { message: format!("{}: {}", path.display(), failure.message), ..failure }
}

fn store_from(
    client: &Client,
    key: &str,
    content: impl Read,
    options: StoreOptions,
    bar: &ProgressBar,
) -> Result<Stored, Failure> {
    Ok(client.store(key, bar.wrap_read(content), options)?)
}
