//! Prints the digests of the traces of so many seeds, from the first one: one line each. `digests.mjs` does the same with the module.

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).expect("how many seeds");
    for seed in 1..=count {
        println!("{}", quantumsync_probe::digest(seed));
    }
}
