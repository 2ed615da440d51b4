//! The harness itself: if it were wrong, every test on it would be.

mod crash_points;
mod disk;
mod races;
mod world;
