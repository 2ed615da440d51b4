//! Lists whose items differ in length: as many as two limits allow, of items and of their bytes.
//!
//! What an item is its own module knows.

use crate::codec::Writer;

/// Writes a `u16` count and the first items, at most `most` and so many that they have at most `bytes` bytes.
pub(super) fn encode_list<T>(
    items: &[T],
    most: usize,
    bytes: usize,
    out: &mut Writer,
    encode: impl Fn(&T, &mut Writer),
) {
    let mut list = Writer::default();
    let mut count = 0;
    for item in items.iter().take(most) {
        let mut one = Writer::default();
        encode(item, &mut one);
        if list.len() + one.len() > bytes {
            break;
        }
        list.raw(one.written());
        count += 1;
    }
    out.count(count, most);
    out.raw(list.written());
}
