//! Tests of the local store: see each file.
