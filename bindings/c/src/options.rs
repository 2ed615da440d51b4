//! How to store and how to get a file.

use quantumsync_core::client::{GetOptions, StoreOptions};

/// How to store a file. NULL, or all zero, is the default.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct qs_store_options {
    /// Milliseconds from now after which the file counts as deleted; 0 for never.
    pub ttl_ms: u64,
    /// When the content was last modified, in Unix milliseconds; 0 for now.
    pub modified_ms: u64,
}

/// What of a file to get. NULL, or all zero, is the whole newest version that answers.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct qs_get_options {
    /// The first byte that is wanted.
    pub offset: u64,
    /// How many bytes at most; 0 for all up to the end.
    pub length: u64,
    /// Fail with QS_NOT_FRESH rather than take what too few peers agree on.
    pub fresh: bool,
}

impl From<qs_store_options> for StoreOptions {
    fn from(options: qs_store_options) -> Self {
        let given = |value| (value > 0).then_some(value);
        Self { ttl_ms: given(options.ttl_ms), modified_ms: given(options.modified_ms) }
    }
}

impl From<qs_get_options> for GetOptions {
    fn from(options: qs_get_options) -> Self {
        let qs_get_options { offset, length, fresh } = options;
        let last = (length > 0).then(|| offset.saturating_add(length - 1));
        Self { range: (offset > 0 || length > 0).then_some((offset, last)), fresh }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(offset: u64, length: u64) -> Option<(u64, Option<u64>)> {
        GetOptions::from(qs_get_options { offset, length, fresh: false }).range
    }

    #[test]
    fn offset_and_length_are_a_first_and_a_last_byte() {
        assert_eq!(range(0, 0), None);
        assert_eq!(range(0, 1), Some((0, Some(0))));
        assert_eq!(range(5, 0), Some((5, None)));
        assert_eq!(range(5, 10), Some((5, Some(14))));
        assert_eq!(range(u64::MAX, u64::MAX), Some((u64::MAX, Some(u64::MAX))));
    }
}
