//! Content on its way between the caller's functions or memory and a client.

use std::collections::TryReserveError;
use std::ffi::{c_int, c_void};
use std::io::{self, Read, Write};

use crate::memory::qs_buffer;

/// Reads content of the caller's into `buffer`: returns how many bytes, at most `capacity`; 0 at the end; negative to give up. It is
/// called on the thread of the call that it was given to, may itself call this library, and must return: not longjmp, not
/// throw.
pub type qs_read_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, buffer: *mut u8, capacity: usize) -> isize>;

/// Takes content: returns 0 to go on, anything else to give up. The bytes are there until it returns. Otherwise as qs_read_fn.
pub type qs_write_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, data: *const u8, len: usize) -> c_int>;

/// The caller's function as a reader.
pub(crate) struct Source {
    pub(crate) read: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> isize,
    pub(crate) context: *mut c_void,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the caller has given function and context for one another, and the buffer is as long as is said.
        let count = unsafe { (self.read)(self.context, buffer.as_mut_ptr(), buffer.len()) };
        match usize::try_from(count) {
            Ok(count) if count <= buffer.len() => Ok(count),
            Ok(_) => {
                Err(io::Error::other("the caller's function tells of more bytes than there was room for"))
            }
            Err(_) => Err(io::Error::other("the caller's function gave up")),
        }
    }
}

/// The caller's function as a writer.
pub(crate) struct Sink {
    pub(crate) write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> c_int,
    pub(crate) context: *mut c_void,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SAFETY: the caller has given function and context for one another, and the bytes are there until it returns.
        match unsafe { (self.write)(self.context, bytes.as_ptr(), bytes.len()) } {
            0 => Ok(bytes.len()),
            _ => Err(io::Error::other("the caller's function gave up")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Memory that grows as content comes, and says so when there is no more, where a `Vec` would end the process.
#[derive(Default)]
pub(crate) struct Memory(Vec<u8>);

impl Memory {
    /// Makes room for all of it at once.
    pub(crate) fn with_room(len: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(len).unwrap_or(usize::MAX)).map_err(no_memory)?;
        Ok(Self(bytes))
    }

    pub(crate) fn into_buffer(self) -> qs_buffer {
        qs_buffer::new(self.0)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_reserve(bytes.len()).map_err(no_memory)?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn no_memory(_: TryReserveError) -> io::Error {
    io::ErrorKind::OutOfMemory.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_no_memory_can_hold_is_an_error() {
        for len in [u64::MAX, isize::MAX as u64] {
            let error = Memory::with_room(len).err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        }
    }
}
