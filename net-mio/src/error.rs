//! What the blocking facades return: every way in which using a node or a client can fail.

use std::io;

use quantumsync_core::error::{DiskError, OpError, VaultError};
use quantumsync_core::wire::TokenError;
use thiserror::Error;

use crate::home::HomeError;
use crate::runtime::{CallError, EndError, StartError};

/// Why something could not be done.
#[derive(Debug, Error)]
pub enum Error {
    /// An operation ended without success.
    #[error(transparent)]
    Operation(#[from] OpError),
    /// The content to store cannot be read.
    #[error("cannot read the content: {0}")]
    Input(io::Error),
    /// What was got cannot be written.
    #[error("cannot write what was got: {0}")]
    Output(io::Error),
    /// The home's files.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The vault does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Not a token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The node's store does not open.
    #[error(transparent)]
    Disk(#[from] crate::disk::OpenError),
    /// The node cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The node or client has stopped.
    #[error(transparent)]
    Stopped(#[from] CallError),
    /// The node or client ended by itself.
    #[error(transparent)]
    Ended(#[from] EndError),
    /// The node's disk failed for good.
    #[error("the node stopped: {0}")]
    Fatal(DiskError),
    /// A client's token was given to a node.
    #[error("this token is for users; a node needs one made with `invite --node`")]
    ClientToken,
    /// A token of another network than the home's.
    #[error("this home belongs to another network than the token")]
    OtherNetwork,
    /// The home belongs to no network yet.
    #[error("this home belongs to no network")]
    NoNetwork,
    /// No address to enter the network by.
    #[error("no address of a node is known")]
    NoAddress,
    /// The network has not admitted this node.
    #[error("this node holds no admission to its network")]
    NotAdmitted,
    /// The network has removed this node.
    #[error("this node was removed from its network")]
    Removed,
    /// Settings that differ from the network's.
    #[error("the network has other settings than were asked for: {0}")]
    Settings(String),
}

impl Error {
    /// A short, stable name for scripts and for other languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Operation(error) => error.code(),
            Self::Input(_) => "input",
            Self::Output(error) if error.kind() == io::ErrorKind::StorageFull => "disk_full",
            Self::Output(_) => "output",
            Self::Home(error) => error.code(),
            Self::Vault(error) => error.code(),
            Self::Token(_) => "bad_token",
            Self::Disk(crate::disk::OpenError::InUse { .. }) => "in_use",
            Self::Disk(_) => "disk",
            Self::Start(StartError::Listen { source, .. }) => match source.kind() {
                io::ErrorKind::AddrInUse => "address_in_use",
                io::ErrorKind::PermissionDenied => "permission",
                _ => "listen",
            },
            Self::Start(_) => "start",
            Self::Stopped(_) | Self::Ended(_) => "stopped",
            Self::Fatal(DiskError::NoSpace) => "disk_full",
            Self::Fatal(_) => "disk",
            Self::ClientToken => "client_token",
            Self::OtherNetwork => "other_network",
            Self::NoNetwork | Self::NoAddress => "no_network",
            Self::NotAdmitted | Self::Removed => "not_admitted",
            Self::Settings(_) => "settings",
        }
    }
}

impl HomeError {
    /// A short, stable name for scripts and for other languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => file_code(source),
            Self::Exists { .. } => "exists",
            Self::Damaged { .. } => "home_damaged",
            Self::InUse { .. } => "in_use",
            Self::Entropy(_) => "entropy",
        }
    }
}

/// The code of a file or folder that cannot be used.
pub fn file_code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "no_such_file",
        io::ErrorKind::PermissionDenied => "permission",
        io::ErrorKind::StorageFull => "disk_full",
        _ => "io",
    }
}
