//! A network of three peers on this machine: a large file, many small ones, and how long a small get takes.
//!
//! Prints figures and asserts nothing: `cargo bench -p quantumsync --bench peers`. Peers and user share one process, so
//! the peak memory printed is that of all four together.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use quantumsync::client::{Client, ClientOptions, GetOptions, StoreOptions};
use quantumsync::home::Home;
use quantumsync::node::{Node, NodeOptions};
use quantumsync_core::crypto::Suite;
use quantumsync_core::rng::Rng;
use quantumsync_core::vault::Vault;

/// Calls at once, each on a thread of its own.
const AT_ONCE: usize = 64;
const SMALL: usize = 4096;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let full = std::env::args().any(|arg| arg == "--bench");
    let (large, small) = if full { (1 << 30, 10_000) } else { (1 << 20, 100) };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let nodes = network(folder.path());
    let vault = Vault::create(Suite::Real, [7; 32]);
    let client = Client::start(ClientOptions::new(nodes[0].token(false), vault)).expect("the client starts");
    while client.status().expect("the node answers").peers_alive < 2 {
        thread::yield_now();
    }
    large_file(&client, large);
    small_files(&client, small);
    println!("peak memory, three peers and their user  {} MiB", peak_kib() / 1024);
}

fn network(folder: &Path) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    for name in ["first", "second", "third"] {
        let mut options = NodeOptions::new("127.0.0.1:0".parse().expect("an address"));
        options.join = nodes.first().map(|first| first.token(true));
        nodes.push(Node::start(&Home::new(folder.join(name)), options).expect("the node starts"));
    }
    nodes
}

fn large_file(client: &Client, size: u64) {
    let store = time(|| {
        client.store("large", Noise::of(1).take(size), StoreOptions::default()).expect("it is stored");
    });
    let get = || time(|| drop(client.get("large", io::sink(), GetOptions::default()).expect("it is got")));
    let local = get();
    let mb = |time: Duration| size as f64 / time.as_secs_f64() / 1e6;
    println!("store of {} MiB, durable on two of three  {:6.0} MB/s", size >> 20, mb(store));
    println!("get of it from the local copy            {:6.0} MB/s", mb(local));
}

fn small_files(client: &Client, count: usize) {
    let store = time(|| {
        at_once(count, |index| {
            let content = Noise::of(index as u64).take(SMALL as u64);
            client.store(&format!("small/{index}"), content, StoreOptions::default()).expect("it is stored");
        });
    });
    println!(
        "stores of {count} x 4 KiB, {AT_ONCE} at once       {:6.0} /s",
        count as f64 / store.as_secs_f64()
    );
    let mut times: Vec<Duration> = (0..count.min(2000))
        .map(|index| {
            time(|| {
                let key = format!("small/{index}");
                client.get(&key, io::sink(), GetOptions::default()).expect("it is got");
            })
        })
        .collect();
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    println!("get of 4 KiB, one after another          p50 {} µs, p99 {} µs", at(50), at(99));
}

fn at_once(count: usize, call: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    call(index);
                }
            });
        }
    });
}

fn time(call: impl FnOnce()) -> Duration {
    let start = Instant::now();
    call();
    start.elapsed()
}

/// Bytes that no two of these share.
struct Noise(Rng);

impl Noise {
    fn of(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Self(Rng::from_seed(bytes))
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.fill(buffer);
        Ok(buffer.len())
    }
}

/// The highest resident memory of this process, where the system tells it; else zero.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
