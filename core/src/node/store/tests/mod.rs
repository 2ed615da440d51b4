//! Tests of the local store over a disk of memory that can fail, delay and reorder.

mod bench;
mod blobs;
mod crash;
mod deaths;
mod expiring;
mod faults;
mod lists;
mod model;
mod records;
mod things;
mod upkeep;
