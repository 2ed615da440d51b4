//! The bodies of the fuzz targets: one function for each, which holds any bytes against laws and panics where one is broken.
//!
//! For `fuzz/` and for tests (feature `sim`). A body asserts more than that nothing panics: what parses is written again as it
//! was, what was altered is noticed, what was sent arrives or the link has faulted, every operation ends.
//!
//! * `frame`, `message`, `signed`, `text` (tokens and paths), `vault_file`, `manifest`: parsers and what they promise;
//! * `session` and `node`: bytes drive machines; `peer` is the other side of a node's link, `rig` its driver, which may break the contract;
//! * `cluster`: bytes choose what happens to a whole network of the simulator;
//! * `choices`: bytes as a source of decisions.

mod choices;
mod cluster;
mod frame;
mod manifest;
mod message;
mod node;
mod peer;
mod rig;
mod session;
mod signed;
mod text;
mod vault_file;

pub use cluster::cluster;
pub use frame::frame;
pub use manifest::manifest;
pub use message::message;
pub use node::node;
pub use session::session;
pub use signed::record;
pub use text::{path, token};
pub use vault_file::vault_file;

/// Holds any bytes against laws, and panics where one is broken.
pub type Body = fn(&[u8]);

/// Every target under its name, which is also the name of its folder in `fuzz/corpus`.
pub const TARGETS: [(&str, Body); 10] = [
    ("frame", frame),
    ("message", message),
    ("record", record),
    ("manifest", manifest),
    ("vault_file", vault_file),
    ("token", token),
    ("path", path),
    ("session", session),
    ("node", node),
    ("cluster", cluster),
];
