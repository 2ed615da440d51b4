//! How the demo says what it did: a numbered line a step, or an object with `--json`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::error::Failure;
use crate::cli::output::{Output, human_bytes};

/// Says one step after the other.
pub(super) struct Report {
    out: Output,
    began: Instant,
    step_began: Instant,
    steps: u32,
}

impl Report {
    pub(super) fn new(out: Output) -> Self {
        let now = Instant::now();
        Self { out, began: now, step_began: now, steps: 0 }
    }

    /// The next step begins now.
    pub(super) fn begin(&mut self) {
        self.step_began = Instant::now();
    }

    /// A step is done. `bytes` is what it moved; `details` are its further figures.
    pub(super) fn step(
        &mut self,
        name: &str,
        bytes: Option<u64>,
        details: Value,
        text: &str,
    ) -> Result<(), Failure> {
        let took = self.step_began.elapsed();
        self.steps += 1;
        let mut object = json!({ "step": name, "ok": true, "seconds": rounded(took) });
        let mut figures = format!("{:.2} s", took.as_secs_f64());
        if let Some(bytes) = bytes {
            let rate = megabytes_per_second(bytes, took);
            object["bytes"] = json!(bytes);
            object["mb_per_s"] = json!(rate.round());
            figures = format!("{}, {figures}, {rate:.0} MB/s", human_bytes(bytes));
        }
        if let (Some(object), Value::Object(details)) = (object.as_object_mut(), details) {
            object.extend(details);
        }
        let number = self.steps;
        self.out.result(&object, &format!("{number:>2}. {name:<8}  {text}  ({figures})"))
    }

    /// The last line: what all of it came to.
    pub(super) fn verdict(&self, outcome: &Result<String, Failure>) -> Result<(), Failure> {
        let took = self.began.elapsed();
        let (ok, text) = match outcome {
            Ok(text) => (true, text.as_str()),
            Err(failure) => (false, failure.message.as_str()),
        };
        let object = json!({ "step": "verdict", "ok": ok, "seconds": rounded(took), "text": text });
        let verdict = if ok { "PASSED" } else { "FAILED" };
        self.out.result(&object, &format!("{verdict}: {text} ({:.1} s)", took.as_secs_f64()))
    }
}

/// Seconds with milliseconds: more digits would be noise.
fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// In millions of bytes, as disks and networks are measured.
fn megabytes_per_second(bytes: u64, took: Duration) -> f64 {
    let seconds = took.as_secs_f64().max(1e-6);
    bytes as f64 / 1e6 / seconds
}
