//! Tests of the local store over a disk of memory that can fail, delay and reorder.

mod bench;
mod blobs;
mod crash_points;
mod deaths;
mod expiring;
mod faults;
mod lapses;
mod lists;
mod model;
mod promises;
mod quarantine;
mod quotas;
mod records;
mod repair;
mod things;
mod tombstones;
mod upkeep;
