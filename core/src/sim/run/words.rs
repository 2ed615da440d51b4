//! The words of a script's line, read one after the other. Must not know what they come to.

use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::str::{FromStr, SplitWhitespace};

use super::script::{Apart, Device, Kept, Who};

/// What was read, or what was expected.
pub(super) type Parsed<T> = Result<T, &'static str>;

/// The words of a line that were not read yet.
pub(super) struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        Self(line.split_whitespace())
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    pub(super) fn end(&mut self) -> Parsed<()> {
        self.next().map_or(Ok(()), |_| Err("more words than this line has"))
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Parsed<T> {
        self.next().and_then(|word| word.parse().ok()).ok_or("a number is missing here, or out of range")
    }

    pub(super) fn number_or<T: FromStr>(&mut self, usual: T) -> Parsed<T> {
        match self.next() {
            Some(word) => word.parse().map_err(|_| "a number is out of range"),
            None => Ok(usual),
        }
    }

    pub(super) fn node(&mut self) -> Parsed<u8> {
        numbered('n', self.next().unwrap_or_default())
    }

    pub(super) fn client(&mut self) -> Parsed<u8> {
        numbered('c', self.next().unwrap_or_default())
    }

    pub(super) fn client_or_all(&mut self) -> Parsed<Option<u8>> {
        self.next().map(|word| numbered('c', word)).transpose()
    }

    pub(super) fn nodes(&mut self) -> Parsed<Vec<u8>> {
        match self.next().unwrap_or_default() {
            "none" => Ok(Vec::new()),
            nodes => nodes.split(',').map(|node| numbered('n', node)).collect(),
        }
    }

    pub(super) fn device(&mut self) -> Parsed<Device> {
        let (vault, entry) = (self.number()?, self.nodes()?);
        let copy_of = match self.next() {
            None => None,
            Some("like") => Some(self.client()?),
            Some(_) => return Err("after a client's nodes comes nothing, or `like` and another client"),
        };
        Ok(Device { vault, entry, copy_of })
    }

    pub(super) fn kept(&mut self) -> Parsed<Kept> {
        let word = self.next().unwrap_or_default();
        let all = [Kept::File, Kept::Tombstone, Kept::Pins, Kept::Pending];
        let kept = all.into_iter().find(|kept| kept.to_string() == word);
        kept.ok_or("what lies on a disk is a `file`, a `tombstone`, `pins` or `pending`")
    }

    pub(super) fn key(&mut self) -> Parsed<u8> {
        numbered('k', self.next().unwrap_or_default())
    }

    pub(super) fn who(&mut self) -> Parsed<Who> {
        let word = self.next().unwrap_or_default();
        numbered('n', word).map(Who::Node).or_else(|_| numbered('c', word).map(Who::Client))
    }

    pub(super) fn apart(&mut self) -> Parsed<Apart> {
        let word = self.next().unwrap_or_default();
        let all = [Apart::Reset, Apart::Silent, Apart::OneWay];
        all.into_iter().find(|how| how.to_string() == word).ok_or("apart is `reset`, `silent` or `one-way`")
    }

    pub(super) fn file(&mut self) -> Parsed<Option<(u32, u8)>> {
        match self.next() {
            Some("none") => Ok(None),
            Some(bytes) => {
                let bytes = bytes.parse().map_err(|_| "a length is expected here, or `none`")?;
                Ok(Some((bytes, self.number()?)))
            }
            None => Err("a length and a content are expected here, or `none`"),
        }
    }
}

fn numbered(letter: char, word: &str) -> Parsed<u8> {
    let number = word.strip_prefix(letter).and_then(|number| number.parse().ok());
    number.ok_or("n0, c0 and k0 are the first node, client and key")
}
