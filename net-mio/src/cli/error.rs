//! Failures as the command line tells them: a code for scripts, a message, a hint, and the exit status of their class.

use std::io;
use std::path::Path;

use quantumsync::Error;
use quantumsync::home::HomeError;
use quantumsync_core::error::{DiskError, OpError, VaultError};

/// The class of an outcome: the exit status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Class {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Unreachable = 4,
    WrongKey = 5,
    Degraded = 6,
}

/// Why a verb did not do what it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl Failure {
    pub(crate) fn new(
        class: Class,
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { class, code, message: message.into(), hint: hint.into() }
    }

    pub(crate) fn usage(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Class::Usage, code, message, hint)
    }

    /// A file or folder of the user's that cannot be used.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "check who may read and write it",
            io::ErrorKind::StorageFull => "free some space",
            _ => "check the file and its disk",
        };
        Self::new(Class::Failed, quantumsync::file_code(error), format!("{}: {error}", path.display()), hint)
    }

    /// Standard output went away or is full.
    pub(crate) fn stdout(error: io::Error) -> Self {
        Self::new(Class::Failed, "stdout", format!("cannot write to standard output: {error}"), "")
    }

    /// The same, said of a key.
    pub(crate) fn of_key(mut self, key: &str) -> Self {
        self.message = format!("{}: {}", super::output::escaped(key), self.message);
        self
    }
}

impl From<OpError> for Failure {
    fn from(error: OpError) -> Self {
        use Class::{Failed, NotFound, Unreachable, Usage, WrongKey};
        let (class, hint) = match &error {
            OpError::NotFound => {
                (NotFound, "see what there is with: quantumsync list; files of another vault do not show")
            }
            OpError::Unreachable => {
                (Unreachable, "start a node with `quantumsync node`, or name one with --node HOST:PORT")
            }
            OpError::WrongNetwork => {
                (WrongKey, "ask for a new token: quantumsync invite, on one of its nodes")
            }
            OpError::WrongKey => {
                (WrongKey, "it was stored with another vault: use that home, or restore its words")
            }
            OpError::WrongPassword => (WrongKey, "give the password that the file was stored with"),
            OpError::Deadline => {
                (Unreachable, "see how the peers are with: quantumsync peers; then try again")
            }
            OpError::Busy => (Failed, "try again"),
            OpError::BadKey => (Usage, "choose another key with --key"),
            OpError::BadRange => (Usage, "see the file's size with: quantumsync list"),
            OpError::Missing | OpError::Damaged => {
                (Failed, "bring back the peers that have it (quantumsync peers), then try again")
            }
            OpError::Conflict => (Failed, "try again when the other device is done"),
            OpError::Rollback => (Failed, "bring back the peers with the newer version (quantumsync peers)"),
            OpError::NotFresh => (
                Failed,
                "bring back more peers (quantumsync peers); without --fresh, get takes the newest version known",
            ),
            OpError::Clock => (Failed, "set this machine's clock"),
            OpError::NoSpace => (Failed, "delete something, free space on the peers, or add a peer"),
            OpError::Quota => (
                Failed,
                "delete something, or ask whoever runs the peer for more: quota in its settings.toml",
            ),
            OpError::Forbidden => (WrongKey, "this needs the home of the node that is asked"),
            OpError::TooLarge => (Usage, "see the table of limits in the README"),
            OpError::Disk(_) => (Failed, "check the disk of this machine"),
            OpError::Peer(_) => (Failed, "try another node with --node HOST:PORT"),
            OpError::PeerDisk => {
                (Failed, "see what the peers hold with `quantumsync verify`, and check their disks")
            }
            OpError::Refused => (Failed, "update this program and the peers to one version"),
            OpError::Cancelled => (Failed, ""),
            OpError::Unknown(_) => (Failed, "update this program"),
        };
        Self::new(class, error.code(), error.to_string(), hint)
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let hint = match &error {
            HomeError::Io { path, source } => return Self::file(path, source),
            HomeError::Exists { .. } => "use another home: --home DIR",
            HomeError::Damaged { .. } => "restore that file from a backup, or begin a new home",
            HomeError::InUse { .. } => "stop the other node, or use another home: --home DIR",
            HomeError::Entropy(_) => "check the operating system",
        };
        Self::new(Class::Failed, error.code(), error.to_string(), hint)
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        use Class::{Failed, Usage, WrongKey};
        let (class, hint) = match &error {
            VaultError::WrongPassphrase => (WrongKey, "try again"),
            VaultError::NeedsPassphrase => (WrongKey, "set QUANTUMSYNC_PASSPHRASE, or run it in a terminal"),
            VaultError::Words(_) => (Usage, "check the 24 words and their order"),
            VaultError::NotAVault => (Failed, "check that the home is the right one"),
            VaultError::Damaged => (Failed, "quantumsync init --restore in a new home takes the 24 words"),
            VaultError::Parameters => (Failed, "do not use a vault file of others"),
        };
        Self::new(class, error.code(), error.to_string(), hint)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use Class::{Failed, Usage};
        let (code, message) = (error.code(), error.to_string());
        let (class, hint) = match error {
            Error::Operation(error) => return error.into(),
            Error::Home(error) => return error.into(),
            Error::Vault(error) => return error.into(),
            Error::Input(_) => (Failed, "nothing was stored under this key: check the file and try again"),
            Error::Output(error) if error.kind() == io::ErrorKind::StorageFull => {
                (Failed, "free some space and try again")
            }
            Error::Output(_) => (Failed, "check the place to write to"),
            Error::Token(_) => (Usage, "copy the whole line that `quantumsync invite` printed"),
            Error::Disk(quantumsync::disk::OpenError::InUse { .. }) => {
                (Failed, "stop the other node, or use another home: --home DIR")
            }
            Error::Disk(_) => (Failed, "check the disk of this machine"),
            Error::Start(quantumsync::StartError::Listen { ref source, .. }) => match source.kind() {
                io::ErrorKind::AddrInUse => {
                    (Failed, "choose another with --listen, or port 0 for a free one")
                }
                io::ErrorKind::PermissionDenied => (Failed, "choose a port above 1023"),
                _ => (Failed, "choose an address of this machine with --listen"),
            },
            Error::Start(_) => (Failed, ""),
            Error::Stopped(_) | Error::Ended(_) => (Failed, "start it again"),
            Error::Fatal(DiskError::NoSpace) => (Failed, "free some space, then start the node again"),
            Error::Fatal(_) => (Failed, "check the disk, then start the node again"),
            Error::ClientToken => (Usage, "make one for nodes: quantumsync invite --node"),
            Error::OtherNetwork => (Usage, "use another home: --home DIR"),
            Error::NoNetwork | Error::NoAddress => (
                Usage,
                "start a node here with `quantumsync node`, or join one: quantumsync init --join TOKEN",
            ),
            Error::NotAdmitted | Error::Removed => {
                (Class::WrongKey, "join again with a new token: quantumsync invite --node")
            }
            Error::Settings(_) => (Usage, "start the node without --replicas and --gone-after"),
        };
        Self::new(class, code, message, hint)
    }
}
