//! What a call came to: a stable number, a short name that is the same in every language, and a message for people.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::sync::PoisonError;

use quantumsync::Error;
use quantumsync::home::HomeError;
use quantumsync_core::error::{ApiMisuse, OpError, VaultError};
use quantumsync_core::wire::TokenError;

use crate::guard::guard_or;

/// What a call, or an operation, came to. Numbers never change their meaning; a later version may add some.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum qs_result {
    /// Success.
    QS_OK = 0,

    /// An argument that must be given is NULL.
    QS_NULL_ARGUMENT = 1,
    /// The handle was freed, or is of another kind.
    QS_BAD_HANDLE = 2,
    /// The node or client was closed.
    QS_CLOSED = 3,
    /// An argument is no value of its kind: not UTF-8, no address, not 32 bytes.
    QS_BAD_VALUE = 4,
    /// The machine does not allow this call now; it had no effect.
    QS_MISUSE = 5,
    /// There is not enough memory for the content.
    QS_NO_MEMORY = 6,
    /// A defect of QuantumSync; the object is dead.
    QS_INTERNAL = 7,
    /// A failure that this version of the header has no number for.
    QS_FAILED = 8,

    /// There is nothing under this key.
    QS_NOT_FOUND = 20,
    /// No peer of the network could be reached.
    QS_UNREACHABLE = 21,
    /// The token is of another network, or no longer accepted.
    QS_WRONG_NETWORK = 22,
    /// What is stored under this key does not open with this vault.
    QS_WRONG_KEY = 23,
    /// The password of this file is missing or wrong.
    QS_WRONG_PASSWORD = 24,
    /// No complete answer before the deadline.
    QS_DEADLINE = 25,
    /// Too many operations at once.
    QS_BUSY = 26,
    /// Not a usable key: 1 to 1,024 bytes of UTF-8 without unassigned code points.
    QS_BAD_KEY = 27,
    /// The range is not inside the file.
    QS_BAD_RANGE = 28,
    /// A piece of the file could not be had from any peer.
    QS_MISSING_PIECE = 29,
    /// Stored bytes are damaged on every peer that answered.
    QS_DAMAGED = 30,
    /// Another writer keeps changing this key.
    QS_CONFLICT = 31,
    /// The peers serve an older version than this device has seen.
    QS_ROLLBACK = 32,
    /// Too few peers answered to be sure of the newest version.
    QS_NOT_FRESH = 33,
    /// This device's clock is too far from the network's.
    QS_CLOCK = 34,
    /// The peers have no space left.
    QS_NO_SPACE = 35,
    /// What this user may store through this peer is used up.
    QS_QUOTA = 36,
    /// This is not allowed for this client.
    QS_FORBIDDEN = 37,
    /// Over a limit of the format.
    QS_TOO_LARGE = 38,
    /// The local disk failed.
    QS_DISK = 39,
    /// The peer misbehaved, and no other is left.
    QS_PEER_FAULT = 40,
    /// The disk of the peer failed.
    QS_PEER_DISK = 41,
    /// The peer refused what was sent as invalid.
    QS_REFUSED = 42,
    /// The operation was cancelled, for example by closing its client.
    QS_CANCELLED = 43,
    /// The peer answered with an error that this version does not know.
    QS_UNKNOWN = 44,

    /// Not a vault file of a version that this library knows.
    QS_NOT_A_VAULT = 60,
    /// The passphrase is wrong.
    QS_WRONG_PASSPHRASE = 61,
    /// The vault needs its passphrase.
    QS_NEEDS_PASSPHRASE = 62,
    /// The vault file is damaged.
    QS_VAULT_DAMAGED = 63,
    /// Stretching the passphrase takes more memory or time than is allowed or there is.
    QS_VAULT_PARAMETERS = 64,
    /// Not a valid list of 24 words.
    QS_BAD_WORDS = 65,
    /// Not a token.
    QS_BAD_TOKEN = 66,

    /// The caller's function that reads the content gave up.
    QS_INPUT = 80,
    /// The caller's function that takes the content gave up.
    QS_OUTPUT = 81,
    /// No space left on the local disk.
    QS_DISK_FULL = 82,
    /// Another process uses this home's node.
    QS_IN_USE = 83,
    /// The address is in use.
    QS_ADDRESS_IN_USE = 84,
    /// The operating system does not permit it.
    QS_PERMISSION = 85,
    /// The address cannot be listened on.
    QS_LISTEN = 86,
    /// The operating system gives no event queue or thread.
    QS_START = 87,
    /// The node or client ended by itself.
    QS_STOPPED = 88,
    /// A token for users where one for nodes is needed.
    QS_CLIENT_TOKEN = 89,
    /// The home belongs to another network than the token.
    QS_OTHER_NETWORK = 90,
    /// No network or no address of a node is known.
    QS_NO_NETWORK = 91,
    /// The network has not admitted this node, or removed it.
    QS_NOT_ADMITTED = 92,
    /// The network has other settings than were asked for.
    QS_SETTINGS = 93,
    /// There is no such file or folder.
    QS_NO_SUCH_FILE = 94,
    /// A file or folder cannot be read or written.
    QS_IO = 95,
    /// A file is there that would be overwritten.
    QS_EXISTS = 96,
    /// A file of the home does not hold what it should.
    QS_HOME_DAMAGED = 97,
    /// The operating system gives no random bytes.
    QS_ENTROPY = 98,
}

use qs_result::*;

/// Every result and the name that it has in every language: the core's and the driver's `code()`.
const NAMES: &[(qs_result, &CStr)] = &[
    (QS_OK, c"ok"),
    (QS_NULL_ARGUMENT, c"null_argument"),
    (QS_BAD_HANDLE, c"bad_handle"),
    (QS_CLOSED, c"closed"),
    (QS_BAD_VALUE, c"bad_value"),
    (QS_MISUSE, c"misuse"),
    (QS_NO_MEMORY, c"no_memory"),
    (QS_INTERNAL, c"internal"),
    (QS_FAILED, c"failed"),
    (QS_NOT_FOUND, c"not_found"),
    (QS_UNREACHABLE, c"unreachable"),
    (QS_WRONG_NETWORK, c"wrong_network"),
    (QS_WRONG_KEY, c"wrong_key"),
    (QS_WRONG_PASSWORD, c"wrong_password"),
    (QS_DEADLINE, c"deadline"),
    (QS_BUSY, c"busy"),
    (QS_BAD_KEY, c"bad_key"),
    (QS_BAD_RANGE, c"bad_range"),
    (QS_MISSING_PIECE, c"missing_piece"),
    (QS_DAMAGED, c"damaged"),
    (QS_CONFLICT, c"conflict"),
    (QS_ROLLBACK, c"rollback"),
    (QS_NOT_FRESH, c"not_fresh"),
    (QS_CLOCK, c"clock"),
    (QS_NO_SPACE, c"no_space"),
    (QS_QUOTA, c"quota"),
    (QS_FORBIDDEN, c"forbidden"),
    (QS_TOO_LARGE, c"too_large"),
    (QS_DISK, c"disk"),
    (QS_PEER_FAULT, c"peer_fault"),
    (QS_PEER_DISK, c"peer_disk"),
    (QS_REFUSED, c"refused"),
    (QS_CANCELLED, c"cancelled"),
    (QS_UNKNOWN, c"unknown"),
    (QS_NOT_A_VAULT, c"not_a_vault"),
    (QS_WRONG_PASSPHRASE, c"wrong_passphrase"),
    (QS_NEEDS_PASSPHRASE, c"needs_passphrase"),
    (QS_VAULT_DAMAGED, c"vault_damaged"),
    (QS_VAULT_PARAMETERS, c"vault_parameters"),
    (QS_BAD_WORDS, c"bad_words"),
    (QS_BAD_TOKEN, c"bad_token"),
    (QS_INPUT, c"input"),
    (QS_OUTPUT, c"output"),
    (QS_DISK_FULL, c"disk_full"),
    (QS_IN_USE, c"in_use"),
    (QS_ADDRESS_IN_USE, c"address_in_use"),
    (QS_PERMISSION, c"permission"),
    (QS_LISTEN, c"listen"),
    (QS_START, c"start"),
    (QS_STOPPED, c"stopped"),
    (QS_CLIENT_TOKEN, c"client_token"),
    (QS_OTHER_NETWORK, c"other_network"),
    (QS_NO_NETWORK, c"no_network"),
    (QS_NOT_ADMITTED, c"not_admitted"),
    (QS_SETTINGS, c"settings"),
    (QS_NO_SUCH_FILE, c"no_such_file"),
    (QS_IO, c"io"),
    (QS_EXISTS, c"exists"),
    (QS_HOME_DAMAGED, c"home_damaged"),
    (QS_ENTROPY, c"entropy"),
];

/// The short, stable name of a result, such as "not_found"; "failed" for a number that is none. Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn qs_result_name(result: i32) -> *const c_char {
    let named = NAMES.iter().find(|(known, _)| *known as i32 == result);
    named.map_or(c"failed", |(_, name)| name).as_ptr()
}

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::default();
}

/// What was wrong with the last call of this thread that did not return QS_OK, for people; "" before any. It holds no secret, no
/// key and no content. Valid until the next such call of this thread; never freed.
#[unsafe(no_mangle)]
pub extern "C" fn qs_error_message() -> *const c_char {
    guard_or(c"".as_ptr(), || {
        Ok(MESSAGE.try_with(|message| message.borrow().as_ptr()).unwrap_or(c"".as_ptr()))
    })
}

/// Why a call does not succeed.
pub(crate) struct Failure {
    pub(crate) result: qs_result,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(result: qs_result, message: impl Into<String>) -> Self {
        Self { result, message: message.into() }
    }

    /// An argument that must be given was not.
    pub(crate) fn null(what: &str) -> Self {
        Self::new(QS_NULL_ARGUMENT, format!("{what} is NULL"))
    }

    /// An argument that is no value of its kind.
    pub(crate) fn bad_value(why: impl Into<String>) -> Self {
        Self::new(QS_BAD_VALUE, why)
    }

    /// Something of an object that was closed.
    pub(crate) fn closed(what: &str) -> Self {
        Self::new(QS_CLOSED, format!("this {what} is closed"))
    }

    /// Leaves the message for `qs_error_message` and gives the number.
    pub(crate) fn tell(self) -> qs_result {
        // A thread that is ending has nobody left to read it.
        let _ = MESSAGE.try_with(|message| *message.borrow_mut() = c_text(self.message));
        self.result
    }

    fn coded(code: &str, message: String) -> Self {
        let known = NAMES.iter().find(|(_, name)| name.to_bytes() == code.as_bytes());
        Self { result: known.map_or(QS_FAILED, |(result, _)| *result), message }
    }
}

/// A defect of this library.
pub(crate) fn internal(why: &str) -> Failure {
    Failure::new(QS_INTERNAL, format!("a defect of quantumsync, please report it: {why}"))
}

/// A lock behind which something panicked.
pub(crate) fn poisoned<T>(_: PoisonError<T>) -> Failure {
    internal("this object was left half-way by an earlier panic")
}

/// A text for C, which ends at the first NUL that it holds.
pub(crate) fn c_text(text: impl Into<Vec<u8>>) -> CString {
    let mut bytes = text.into();
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    CString::new(bytes).unwrap_or_default()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::coded(error.code(), error.to_string())
    }
}

impl From<OpError> for Failure {
    fn from(error: OpError) -> Self {
        Self::coded(error.code(), error.to_string())
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Error::from(error).into()
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Error::from(error).into()
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        Error::from(error).into()
    }
}

impl From<ApiMisuse> for Failure {
    fn from(misuse: ApiMisuse) -> Self {
        Self::new(QS_MISUSE, misuse.to_string())
    }
}

#[cfg(test)]
mod tests;
