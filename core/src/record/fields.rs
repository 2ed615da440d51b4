//! Optional fields of signed things that this version does not know: kept, and under the signature.

use alloc::collections::BTreeMap;
use bytes::Bytes;

use super::SignedError;
use crate::codec::{FIELD_HEADER, Reader, Writer};
use crate::config::limit;

/// Fields in the order of their tags, at most [`limit::FIELDS`] bytes in all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields {
    fields: BTreeMap<u16, Bytes>,
    encoded_len: usize,
}

impl Fields {
    /// Adds a field. A tag that is there already is [`SignedError::Malformed`], one field too many
    /// [`SignedError::Limit`]; either changes nothing.
    pub fn insert(&mut self, tag: u16, value: Bytes) -> Result<(), SignedError> {
        let encoded_len = self.encoded_len.saturating_add(FIELD_HEADER).saturating_add(value.len());
        if encoded_len > limit::FIELDS {
            return Err(SignedError::Limit);
        }
        if self.fields.contains_key(&tag) {
            return Err(SignedError::Malformed);
        }
        self.fields.insert(tag, value);
        self.encoded_len = encoded_len;
        Ok(())
    }

    /// The value under a tag.
    pub fn get(&self, tag: u16) -> Option<&Bytes> {
        self.fields.get(&tag)
    }

    /// All of them in the order of their tags.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &Bytes)> {
        self.fields.iter().map(|(tag, value)| (*tag, value))
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes of all of them, tags and lengths included.
    pub(super) const fn encoded_len(&self) -> usize {
        self.encoded_len
    }

    /// Takes out a field that this version knows.
    pub(super) fn take(&mut self, tag: u16) -> Option<Bytes> {
        let value = self.fields.remove(&tag)?;
        self.encoded_len -= FIELD_HEADER + value.len();
        Some(value)
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        self.iter().for_each(|(tag, value)| out.field(tag, value));
    }

    /// Reads fields to the end of the buffer.
    pub(super) fn decode(mut reader: Reader) -> Result<Self, SignedError> {
        let (mut fields, mut last) = (Self::default(), None);
        while let Some((tag, value)) = reader.field(&mut last)? {
            fields.insert(tag, value)?;
        }
        Ok(fields)
    }
}
