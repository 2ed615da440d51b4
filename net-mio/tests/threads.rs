//! The driver in the core's README, of threads alone, works as it stands there.

#[allow(dead_code, reason = "its main is not called")]
#[path = "../examples/threads.rs"]
mod threads;

use std::fs;
use std::path::Path;

use quantumsync::Home;
use quantumsync::node::{Node, NodeOptions};

#[test]
fn it_stores_a_file_on_a_node_and_gets_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    let node = Node::start(&home, NodeOptions::new("127.0.0.1:0".parse().unwrap())).unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at.wrapping_mul(at) >> 9) as u8).collect();
    threads::store_and_get(&node.token(false).to_text(), content.into()).unwrap();
    node.stop();
    node.wait().unwrap();
}

#[test]
fn it_stands_in_the_readme_as_it_is() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/README.md");
    let readme = fs::read_to_string(core).unwrap();
    let shown = readme.split("```rust\n").filter_map(|rest| rest.split("```").next());
    let program = include_str!("../examples/threads.rs");
    assert_eq!(shown.filter(|shown| shown.trim_end() == driver_of(program)).count(), 1);
}

/// The function that performs what the machine wants.
fn driver_of(program: &str) -> &str {
    let from = program.find("/// Performs what").unwrap();
    let until = program.find("/// The table of versions").unwrap();
    program[from..until].trim_end()
}
