//! Content addressing: where a blob lies, by its id alone.

mod path;

pub use path::{PathError, PathTransform};
