//! What the demo stores, as often read as it is wanted, and the comparison of what comes back with it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::cli::error::Failure;
use crate::cli::init::entropy;

/// Length of the file that is made up where none is given.
const MADE_UP: u64 = 64 << 20;

/// How many small keys are stored beside the file.
pub(super) const SMALL: u64 = 20;

/// Bytes compared at once.
const COMPARED_AT_ONCE: usize = 64 << 10;

/// The large file: a given one, or one made up from a seed.
pub(super) struct Material {
    path: Option<PathBuf>,
    seed: u64,
    /// Its length.
    pub(super) size: u64,
}

impl Material {
    /// The given file, which must be readable, or one that nobody has stored before.
    pub(super) fn new(path: Option<&Path>) -> Result<Self, Failure> {
        let size = match path {
            None => MADE_UP,
            Some(path) => {
                let metadata = File::open(path).and_then(|file| file.metadata());
                let metadata = metadata.map_err(|error| Failure::file(path, &error))?;
                if !metadata.is_file() {
                    let message = format!("{} is no file", path.display());
                    return Err(Failure::usage("not_a_file", message, "name one file, or none"));
                }
                metadata.len()
            }
        };
        Ok(Self { path: path.map(Path::to_path_buf), seed: u64::from_ne_bytes(entropy()?), size })
    }

    /// What it is, for a person.
    pub(super) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "a made-up file".to_owned(), |path| path.display().to_string())
    }

    /// The content, from its beginning.
    pub(super) fn open(&self) -> Result<Box<dyn Read>, Failure> {
        Ok(match &self.path {
            None => Box::new(Noise::new(self.seed).take(self.size)),
            Some(path) => Box::new(File::open(path).map_err(|error| Failure::file(path, &error))?),
        })
    }

    /// The content of a small key, and its length: between half a kibibyte and ten, which fits into its record.
    pub(super) fn small(&self, number: u64) -> (impl Read + use<>, u64) {
        let size = 512 * (number + 1);
        (Noise::new(self.seed ^ (number + 1)).take(size), size)
    }
}

/// Endless bytes without pattern, the same for the same seed (SplitMix64).
struct Noise {
    state: u64,
    word: [u8; 8],
    used: usize,
}

impl Noise {
    fn new(seed: u64) -> Self {
        Self { state: seed, word: [0; 8], used: 8 }
    }

    fn next_word(&mut self) -> [u8; 8] {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (begun, rest) = buffer.split_at_mut((self.word.len() - self.used).min(buffer.len()));
        begun.copy_from_slice(&self.word[self.used..][..begun.len()]);
        self.used += begun.len();
        let mut words = rest.chunks_exact_mut(self.word.len());
        for word in &mut words {
            word.copy_from_slice(&self.next_word());
        }
        let end = words.into_remainder();
        if !end.is_empty() {
            self.word = self.next_word();
            self.used = end.len();
            end.copy_from_slice(&self.word[..self.used]);
        }
        Ok(buffer.len())
    }
}

/// Takes what comes back and holds it against what was stored, byte for byte.
pub(super) struct Comparison<R> {
    expected: R,
    buffer: Vec<u8>,
    length: u64,
    difference: Option<u64>,
}

impl<R: Read> Comparison<R> {
    pub(super) fn with(expected: R) -> Self {
        Self { expected, buffer: vec![0; COMPARED_AT_ONCE], length: 0, difference: None }
    }

    /// How many bytes came, if they were the expected ones; else where the first difference is.
    pub(super) fn finish(mut self) -> Result<u64, String> {
        let more = self.expected.read(&mut self.buffer[..1]).map_err(|error| error.to_string())?;
        match self.difference {
            Some(at) => Err(format!("byte {at} differs")),
            None if more > 0 => Err(format!("it ends after {} bytes", self.length)),
            None => Ok(self.length),
        }
    }
}

impl<R: Read> Write for Comparison<R> {
    fn write(&mut self, came: &[u8]) -> io::Result<usize> {
        let came = &came[..came.len().min(self.buffer.len())];
        let mut filled = 0;
        while filled < came.len() {
            match self.expected.read(&mut self.buffer[filled..came.len()])? {
                0 => break,
                count => filled += count,
            }
        }
        let same = came.iter().zip(&self.buffer[..filled]).take_while(|(a, b)| a == b).count();
        if same < came.len() && self.difference.is_none() {
            self.difference = Some(self.length + same as u64);
        }
        self.length += came.len() as u64;
        Ok(came.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(expected: &[u8], came: &[u8]) -> Result<u64, String> {
        let mut comparison = Comparison::with(expected);
        comparison.write_all(came).unwrap();
        comparison.finish()
    }

    #[test]
    fn a_comparison_finds_the_first_difference_a_missing_end_and_a_surplus() {
        let long = vec![7; COMPARED_AT_ONCE * 2 + 1];
        assert_eq!(compare(&long, &long), Ok(long.len() as u64));
        assert_eq!(compare(b"", b""), Ok(0));
        assert_eq!(compare(b"abcd", b"abXd"), Err("byte 2 differs".into()));
        assert_eq!(compare(b"abcd", b"abc"), Err("it ends after 3 bytes".into()));
        assert_eq!(compare(b"abc", b"abcd"), Err("byte 3 differs".into()));
        let mut other = long.clone();
        other[COMPARED_AT_ONCE + 5] = 8;
        assert_eq!(compare(&long, &other), Err(format!("byte {} differs", COMPARED_AT_ONCE + 5)));
    }

    #[test]
    fn noise_is_the_same_for_the_same_seed_however_it_is_read() {
        let mut whole = [0; 100];
        Noise::new(1).read_exact(&mut whole).unwrap();
        let mut again = Noise::new(1);
        let mut parts = [0; 100];
        for part in parts.chunks_mut(7) {
            again.read_exact(part).unwrap();
        }
        assert_eq!(whole, parts);
        let mut other = [0; 100];
        Noise::new(2).read_exact(&mut other).unwrap();
        assert_ne!(whole, other);
    }
}
