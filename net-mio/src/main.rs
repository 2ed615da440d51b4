//! The `quantumsync` command.
fn main() {}
