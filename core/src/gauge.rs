//! Sizes of queues, buffers and tables, each beside its limit: what the simulator compares during whole runs. Knows none
//! of them: each module tells of its own. For tests and the simulator only.

use alloc::vec::Vec;

/// How large something is, and how large it may get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gauge {
    /// The table, queue or buffer: its module, and what it holds.
    pub of: &'static str,
    /// Entries or bytes that it has.
    pub value: usize,
    /// Entries or bytes that it may have.
    pub limit: usize,
    /// The fields of [`Config`](crate::config::Config), or the constants, that decide it.
    pub by: &'static str,
}

/// What all tables of a machine tell of themselves.
#[derive(Debug, Default)]
pub struct Gauges {
    rows: Vec<Gauge>,
    bytes: usize,
    most_bytes: usize,
}

impl Gauges {
    /// A number of entries.
    pub fn count(&mut self, of: &'static str, value: usize, limit: usize, by: &'static str) {
        self.rows.push(Gauge { of, value, limit, by });
    }

    /// A number of bytes, which is part of the machine's memory.
    pub fn bytes(&mut self, of: &'static str, value: usize, limit: usize, by: &'static str) {
        self.bytes = self.bytes.saturating_add(value);
        self.most_bytes = self.most_bytes.saturating_add(limit);
        self.count(of, value, limit, by);
    }

    /// All bytes told of, together.
    pub fn memory(&mut self, of: &'static str) {
        self.count(of, self.bytes, self.most_bytes, "all limits on bytes, as many links as there are");
    }

    /// What was told.
    pub fn rows(&self) -> &[Gauge] {
        &self.rows
    }

    /// Forgets all, and keeps its memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        (self.bytes, self.most_bytes) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_the_sum_of_all_bytes_and_of_no_counts() {
        let mut gauges = Gauges::default();
        gauges.bytes("a buffer", 3, 10, "its limit");
        gauges.count("a table", 100, 200, "its limit");
        gauges.bytes("another buffer", 4, 5, "its limit");
        gauges.memory("memory");
        assert_eq!(gauges.rows().last().map(|all| (all.value, all.limit)), Some((7, 15)));
        gauges.clear();
        gauges.memory("memory");
        assert_eq!(gauges.rows().last().map(|all| (all.value, all.limit)), Some((0, 0)));
    }
}
