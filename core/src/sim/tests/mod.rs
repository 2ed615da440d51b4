//! The harness itself: if it were wrong, every test on it would be.

mod disk;
mod world;
