//! `quantumsync._quantumsync`: the native layer of the Python package. Converts, calls, maps the error; whatever makes it
//! feel like Python stands beside it in `quantumsync/`, whatever decides stands in the core.
//!
//! Every function that Python calls runs inside `guard::guard`, so that a defect is a `RuntimeError` and never more.

mod client;
mod errors;
mod events;
mod guard;
mod machine;
mod node;
mod outcomes;
mod record;
mod values;
mod vault;

use pyo3::prelude::*;

/// The native layer of `quantumsync`: use that package.
#[pymodule]
mod _quantumsync {
    #[pymodule_export]
    use crate::client::{Client, Operation};
    #[pymodule_export]
    use crate::errors::error_codes;
    #[pymodule_export]
    use crate::events::{
        Close, Connected, Data, Dial, Disconnected, Done, Entries, Failed, Found, Job, JobResult, NeedData,
        ReadRows, Send, WriteRows,
    };
    #[pymodule_export]
    use crate::guard::panic_on_purpose;
    #[pymodule_export]
    use crate::machine::Machine;
    #[pymodule_export]
    use crate::node::Node;
    #[pymodule_export]
    use crate::outcomes::{Evicted, FileInfo, Got, Leaving, Listed, Peer, Status, Stored, Verified, Written};
    #[pymodule_export]
    use crate::values::{Conn, Now};
    #[pymodule_export]
    use crate::vault::Vault;
}
