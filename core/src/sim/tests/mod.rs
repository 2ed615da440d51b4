//! The harness itself: if it were wrong, every test on it would be.

mod clocks;
mod crash_points;
mod disk;
mod disk_faults;
mod liars;
mod links;
mod pauses;
mod probe;
mod races;
mod world;
