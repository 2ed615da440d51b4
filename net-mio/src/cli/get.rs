//! `get`: files back to where they are wanted; never a part under the final name.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use quantumsync::Error;
use quantumsync::client::{Client, GetOptions, Got};
use quantumsync_core::vault::normalise_key;
use serde_json::json;
use tempfile::NamedTempFile;

use super::args::GetArgs;
use super::context::Context;
use super::error::{Class, Failure};
use super::output::{escaped, human_bytes};
use super::signals::Signals;
use super::store::first_failure;

/// Where one file goes.
enum Target {
    Stdout,
    File(PathBuf),
}

pub(crate) fn run(context: &Context, args: &GetArgs) -> Result<Class, Failure> {
    if args.keys.len() > 1 && args.output.is_some() {
        let message = "-o names one file, but several keys were given";
        return Err(Failure::usage("output", message, "use --into DIR"));
    }
    let keys: Vec<String> = args.keys.iter().map(|key| normalised(key)).collect::<Result<_, _>>()?;
    for (index, key) in keys.iter().enumerate() {
        if keys[..index].contains(key) {
            let message = format!("{} is named twice", escaped(key));
            return Err(Failure::usage("duplicate_key", message, "name each key once"));
        }
    }
    let targets: Vec<Target> = keys.iter().map(|key| target(key, args)).collect::<Result<_, _>>()?;
    let client = context.client()?;
    let signals = Signals::watch()?;
    let outcomes = keys.iter().zip(&targets).map(|(key, target)| {
        get_one(context, &client, key, target, args, &signals).map_err(|failure| failure.of_key(key))
    });
    first_failure(context, outcomes)
}

fn normalised(key: &str) -> Result<String, Failure> {
    normalise_key(key).map_err(|_| Failure::from(quantumsync_core::error::OpError::BadKey).of_key(key))
}

/// Decides where a file goes, and refuses what could leave the folder or overwrite.
fn target(key: &str, args: &GetArgs) -> Result<Target, Failure> {
    let path = match (&args.output, &args.into) {
        (Some(path), _) if path == Path::new("-") => return Ok(Target::Stdout),
        // A name that was given expressly may be replaced.
        (Some(path), _) => return Ok(Target::File(path.clone())),
        (None, Some(folder)) => below(folder, key)?,
        (None, None) => {
            if key.contains(['/', '\\']) || !is_plain(key) {
                let message = format!("{} is no plain file name", escaped(key));
                return Err(Failure::usage(
                    "output",
                    message,
                    "name the file with -o, or a folder with --into",
                ));
            }
            PathBuf::from(key)
        }
    };
    if !args.force && fs::symlink_metadata(&path).is_ok() {
        let message = format!("{} exists already and is kept", path.display());
        return Err(Failure::new(
            Class::Failed,
            "exists",
            message,
            "replace it with --force, or name another with -o",
        ));
    }
    Ok(Target::File(path))
}

/// True if a part of a key may be a file's or folder's name on any system.
fn is_plain(part: &str) -> bool {
    let mut components = Path::new(part).components();
    let one = matches!((components.next(), components.next()), (Some(std::path::Component::Normal(_)), None));
    one && part != "." && part != ".." && !(cfg!(windows) && part.contains(['\\', ':']))
}

/// The path of a key below a folder, if every part of it is a name and none of those that exist is a link.
fn below(folder: &Path, key: &str) -> Result<PathBuf, Failure> {
    let refused = |why: &str| {
        let message = format!("{} cannot be written below a folder: {why}", escaped(key));
        Failure::usage("unsafe_key", message, "name a file with -o")
    };
    let mut path = folder.to_path_buf();
    for part in key.split('/') {
        if !is_plain(part) {
            return Err(refused("an empty part, . or .."));
        }
        path.push(part);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(refused("its path leads through a symbolic link"));
        }
    }
    Ok(path)
}

fn get_one(
    context: &Context,
    client: &Client,
    key: &str,
    target: &Target,
    args: &GetArgs,
    signals: &Signals,
) -> Result<Class, Failure> {
    let options = GetOptions { range: args.range, fresh: args.fresh };
    let bar = context.out.progress(Some(0));
    let open = |size: u64| bar.set_length(size);
    let got = match target {
        Target::Stdout => client.get_into(key, options, |meta| {
            open(meta.size);
            Ok(bar.wrap_write(io::stdout().lock()))
        })?,
        Target::File(path) => {
            let mut aside = None;
            let got = client.get_into(key, options, |meta| {
                open(meta.size);
                let file = aside_of(path, args.into.is_some()).map_err(Error::Output)?;
                signals.remove_if_killed(file.path());
                Ok(bar.wrap_write(&*aside.insert(file)))
            });
            let kept = got.map_err(Failure::from).and_then(|got| {
                if let Some(aside) = aside.take() {
                    keep(aside, path, args)?;
                }
                Ok(got)
            });
            signals.forget();
            kept?
        }
    };
    bar.finish_and_clear();
    if !got.fresh {
        context.out.warning(&format!(
            "{}: too few peers answered to be sure that this is the newest version",
            escaped(key)
        ));
    }
    report(context, key, target, &got)
}

/// A new file beside the final one, so that it can take its place in one step.
fn aside_of(path: &Path, make_folders: bool) -> io::Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if make_folders {
        fs::create_dir_all(folder)?;
    }
    tempfile::Builder::new().prefix(".quantumsync-").suffix(".part").tempfile_in(folder)
}

/// Gives a whole file its name.
fn keep(mut aside: NamedTempFile, path: &Path, args: &GetArgs) -> Result<(), Failure> {
    aside.flush().map_err(|error| Failure::file(path, &error))?;
    open_to_umask(&aside);
    let replace = args.force || args.output.is_some();
    let kept = if replace { aside.persist(path) } else { aside.persist_noclobber(path) };
    kept.map(drop).map_err(|error| Failure::file(path, &error.error))
}

/// A temporary file is closed to others; what a user gets is as open as other files of his. The mask cannot be asked
/// for without a race, so a file that is made for the question tells it.
#[cfg(unix)]
fn open_to_umask(aside: &NamedTempFile) {
    use std::os::unix::fs::PermissionsExt as _;
    let probe = aside.path().with_extension("mode");
    if let Ok(file) = fs::File::create_new(&probe) {
        if let Ok(metadata) = file.metadata() {
            let _ =
                aside.as_file().set_permissions(fs::Permissions::from_mode(metadata.permissions().mode()));
        }
        let _ = fs::remove_file(&probe);
    }
}

#[cfg(not(unix))]
fn open_to_umask(_: &NamedTempFile) {}

/// Says what was got; never on the stream that the content went to.
fn report(context: &Context, key: &str, target: &Target, got: &Got) -> Result<Class, Failure> {
    let Target::File(path) = target else { return Ok(Class::Done) };
    let sources: Vec<_> =
        got.sources.iter().map(|(node, bytes)| json!({ "node": node.to_string(), "bytes": bytes })).collect();
    let object = json!({
        "key": key,
        "file": path.display().to_string(),
        "size": got.size,
        "fresh": got.fresh,
        "sources": sources,
    });
    let text = format!("{}  {}  {}", escaped(key), human_bytes(got.size), path.display());
    context.out.result(&object, &text)?;
    Ok(Class::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_would_leave_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(below(folder.path(), "a/b c/ü").unwrap(), folder.path().join("a/b c/ü"));
        for bad in ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "/", "a/."] {
            assert_eq!(below(folder.path(), bad).unwrap_err().code, "unsafe_key", "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_through_a_symbolic_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
        for bad in ["link", "link/tmp/x"] {
            assert_eq!(below(folder.path(), bad).unwrap_err().code, "unsafe_key", "{bad}");
        }
    }
}
