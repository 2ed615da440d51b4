//! Errors on their way to Python: each is its code and its message; `quantumsync/errors.py` chooses the class.

use std::fmt::Display;
use std::sync::PoisonError;

use pyo3::prelude::*;
use pyo3::types::IntoPyDict as _;
use quantumsync::Error;
use quantumsync_core::error::{ApiMisuse, OpError, PeerFault};

use crate::guard::guard;

/// An error of the driver or of an operation.
pub(crate) fn raised(error: impl Into<Error>) -> PyErr {
    let error = error.into();
    coded(error.code(), &error)
}

/// A call that the machine does not allow now; it had no effect.
pub(crate) fn misuse(error: ApiMisuse) -> PyErr {
    coded("misuse", error)
}

/// An argument that is no value of its kind.
pub(crate) fn bad_value(why: impl Display) -> PyErr {
    coded("bad_value", why)
}

/// Something of an object that was closed.
pub(crate) fn closed(what: &str) -> PyErr {
    coded("closed", format_args!("this {what} is closed"))
}

/// A defect of this package.
pub(crate) fn internal(why: &str) -> PyErr {
    coded("internal", format_args!("a defect of quantumsync, please report it: {why}"))
}

/// A lock behind which something panicked.
pub(crate) fn poisoned<T>(_: PoisonError<T>) -> PyErr {
    internal("this object was left half-way by an earlier panic")
}

/// What a link ended by, as an exception that is not raised.
pub(crate) fn fault(py: Python<'_>, fault: PeerFault) -> Py<PyAny> {
    raised(OpError::from(fault)).into_value(py).into_any()
}

fn coded(code: &str, message: impl Display) -> PyErr {
    Python::attach(|py| {
        let make = || py.import("quantumsync.errors")?.call_method1("from_code", (code, message.to_string()));
        make().map_or_else(|error| error, PyErr::from_value)
    })
}

/// Every code that an operation can end with, and one message of each: the package's table must know them.
#[pyfunction]
#[pyo3(signature = () -> "dict[str, str]")]
pub(crate) fn error_codes(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    use OpError::*;
    guard(|| {
        let all = [
            NotFound,
            Unreachable,
            WrongNetwork,
            WrongKey,
            WrongPassword,
            Deadline,
            Busy,
            BadKey,
            BadRange,
            Missing,
            Damaged,
            Conflict,
            Rollback,
            NotFresh,
            Clock,
            NoSpace,
            Quota,
            Forbidden,
            TooLarge,
            Disk(quantumsync_core::error::DiskError::Io),
            Peer(PeerFault::Silent),
            PeerDisk,
            Refused,
            Cancelled,
            Unknown(0),
        ];
        Ok(all.map(|error| (error.code(), error.to_string())).into_py_dict(py)?.into_any())
    })
}
