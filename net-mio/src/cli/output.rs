//! What a person or a script reads: results on stdout, all else on stderr, one object a line with `--json`.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::error::Failure;

/// How to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Output {
    /// A result: as an object with `--json`, else as text.
    pub(crate) fn result(&self, object: &Value, text: &str) -> Result<(), Failure> {
        if self.json { self.line(&object.to_string()) } else { self.line(text) }
    }

    /// A result that is itself a line, with `--json` too.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::stdout)
    }

    /// Something that a person may want to know.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            eprintln!("{text}");
        }
    }

    /// Something that went less well than it should.
    pub(crate) fn warning(&self, text: &str) {
        if self.json {
            eprintln!("{}", json!({ "warning": { "message": text } }));
        } else {
            eprintln!("warning: {text}");
        }
    }

    /// An error, with what to do next.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            let Failure { code, message, hint, .. } = failure;
            eprintln!("{}", json!({ "error": { "code": code, "message": message, "hint": hint } }));
        } else {
            eprintln!("error: {}", failure.message);
            if !failure.hint.is_empty() {
                eprintln!("hint: {}", failure.hint);
            }
        }
    }

    /// A bar for something that takes long: of `length` bytes, or counting up. Invisible unless a person watches.
    pub(crate) fn progress(&self, length: Option<u64>) -> ProgressBar {
        if self.quiet || self.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let (bar, template) = match length {
            Some(length) => {
                (ProgressBar::new(length), "{wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}")
            }
            None => (ProgressBar::new_spinner(), "{spinner} {bytes} {binary_bytes_per_sec} {elapsed}"),
        };
        bar.set_style(ProgressStyle::with_template(template).expect("the template is well-formed"));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// A number of bytes as a person reads it.
pub(crate) fn human_bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    indicatif::BinaryBytes(bytes).to_string()
}

/// A time as a person reads it: two digits of it are enough.
pub(crate) fn human_time(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A key as a terminal may show it: control characters escaped.
pub(crate) fn escaped(key: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    key.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::{escaped, human_time};

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        let said: Vec<String> = [999, 119_999, 120_000, 7_200_000, 172_800_000].map(human_time).into();
        assert_eq!(said, ["0 s", "119 s", "2 min", "2 h", "2 d"]);
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(escaped("a\u{1b}[2J\nb\u{85}ü"), "a\\u{1b}[2J\\nb\\u{85}ü");
    }
}
