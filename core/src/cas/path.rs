//! The path transform: the hex form of an id cut into folders.

use crate::id::BlobId;
use alloc::string::{String, ToString as _};
use thiserror::Error;

/// Hexadecimal digits of an id.
const HEX_DIGITS: usize = 2 * BlobId::LEN;

/// How an id becomes a relative path: `depth` folders of `width` hex digits, then the full hex as the file's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathTransform {
    depth: u8,
    width: u8,
}

/// Settings that would need more digits than an id has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{depth} folders of {width} digits: at most 64 digits in all, each folder at least one")]
pub struct PathError {
    depth: u8,
    width: u8,
}

impl PathTransform {
    /// Two folders of two digits: 65,536 folders.
    pub const DEFAULT: Self = Self { depth: 2, width: 2 };
    /// A transform of one's own. Depth 0, with any width, puts all files into one folder.
    pub const fn new(depth: u8, width: u8) -> Result<Self, PathError> {
        // The product of two bytes fits two.
        let digits = depth as u16 * width as u16;
        if digits > HEX_DIGITS as u16 || (depth > 0 && width == 0) {
            return Err(PathError { depth, width });
        }
        Ok(Self { depth, width })
    }

    /// `ab/cd/abcd…`, with `/` between the parts.
    pub fn path(&self, id: &BlobId) -> String {
        let hex = id.to_string();
        let mut path = String::with_capacity(self.folders_len() + HEX_DIGITS);
        for folder in 0..usize::from(self.depth) {
            let start = folder * usize::from(self.width);
            // `new` has checked that all folders together need no more digits than there are.
            path.push_str(&hex[start..start + usize::from(self.width)]);
            path.push('/');
        }
        path.push_str(&hex);
        path
    }

    /// The id of a path that [`path`](Self::path) made; `None` for any other.
    pub fn id(&self, path: &str) -> Option<BlobId> {
        let id = BlobId::from_hex(path.get(self.folders_len()..)?)?;
        // Making it again checks the folders, and that the digits are lower case.
        (self.path(&id) == path).then_some(id)
    }

    /// Bytes of all folders, each with its `/`.
    fn folders_len(&self) -> usize {
        usize::from(self.depth) * (usize::from(self.width) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    const ID: BlobId = BlobId([0xab; 32]);

    #[test]
    fn by_default_an_id_lies_in_two_folders_of_two_digits() {
        let id = BlobId(core::array::from_fn(|i| i as u8));
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        assert_eq!(PathTransform::DEFAULT.path(&id), format!("00/01/{hex}"));
        assert_eq!(PathTransform::new(2, 2), Ok(PathTransform::DEFAULT));
    }

    #[test]
    fn without_folders_a_path_is_the_hex_form_itself() {
        let flat = PathTransform::new(0, 0).expect("no folder needs no digit");
        assert_eq!(flat.path(&ID), ID.to_string());
        assert_eq!(flat.id(&ID.to_string()), Some(ID));
    }

    #[test]
    fn folders_never_need_more_digits_than_an_id_has() {
        for (depth, width) in [(13, 5), (65, 1), (1, 65), (255, 255), (1, 0)] {
            let error = PathTransform::new(depth, width).expect_err("too many digits, or none");
            assert!(error.to_string().contains(&format!("{depth} folders of {width}")));
        }
        for (depth, width) in [(12, 5), (64, 1), (1, 64), (0, 255)] {
            let transform = PathTransform::new(depth, width).expect("no more than 64 digits");
            assert_eq!(transform.id(&transform.path(&ID)), Some(ID));
        }
    }

    #[test]
    fn a_path_that_no_id_has_is_none() {
        let hex = ID.to_string();
        let bad = [
            String::new(),
            hex.clone(),
            format!("ab/{hex}"),
            format!("ab/ab/ab/{hex}"),
            format!("ab/ac/{hex}"),
            format!("AB/ab/{hex}"),
            format!("ab/ab/{}", hex.to_uppercase()),
            format!("ab\\ab\\{hex}"),
            format!("ab/ab/{hex}.part"),
            format!("/ab/ab/{hex}"),
            format!("../ab/{hex}"),
            format!("ab/é/{hex}"),
            format!("ab/ab/{}", &hex[1..]),
        ];
        for path in bad {
            assert_eq!(PathTransform::DEFAULT.id(&path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_path_leads_back_to_its_id(id in any::<[u8; 32]>(), depth in 0u8..70, width in 0u8..70) {
            if let Ok(transform) = PathTransform::new(depth, width) {
                let path = transform.path(&BlobId(id));
                prop_assert_eq!(path.split('/').count(), usize::from(depth) + 1);
                prop_assert_eq!(transform.id(&path), Some(BlobId(id)));
            }
        }

        #[test]
        fn no_text_makes_reading_a_path_panic(path in ".{0,80}") {
            prop_assert_eq!(PathTransform::DEFAULT.id(&path), None);
        }
    }
}
