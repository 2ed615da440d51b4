//! The memory that an output points into.

use std::any::Any;
use std::ffi::c_char;

use bytes::Bytes;

use crate::handle;
use crate::job::qs_job;
use crate::memory::qs_bytes;
use crate::result::c_text;

/// What keeps the values that an output points to, at the same place until it is dropped.
#[derive(Default)]
pub struct qs_output_owner {
    kept: Vec<Box<dyn Any>>,
    job: Option<*mut qs_job>,
}

impl qs_output_owner {
    pub(crate) fn text(&mut self, text: String) -> *const c_char {
        let text = c_text(text);
        let place = text.as_ptr();
        self.kept.push(Box::new(text));
        place
    }

    pub(crate) fn bytes(&mut self, bytes: Bytes) -> qs_bytes {
        let view = qs_bytes { data: bytes.as_ptr(), len: bytes.len() };
        self.kept.push(Box::new(bytes));
        view
    }

    pub(crate) fn array<T: 'static>(&mut self, values: Vec<T>) -> (*const T, usize) {
        let view = (values.as_ptr(), values.len());
        self.kept.push(Box::new(values));
        view
    }

    pub(crate) fn job(&mut self, job: qs_job) -> *mut qs_job {
        *self.job.insert(handle::open(job))
    }
}

impl Drop for qs_output_owner {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            drop(handle::free(job));
        }
    }
}
