//! The log of this process, on stderr: as text, or with `--json` as one object a line.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// This program's own warnings, and the errors of its parts.
const DEFAULT: &str = "error,quantumsync=warn";

/// Begins to log; `QUANTUMSYNC_LOG` chooses more or less. Nothing of the data or its names is ever logged.
pub(crate) fn to_stderr(json: bool) {
    let filter = EnvFilter::try_from_env("QUANTUMSYNC_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { log.event_format(JsonLines).init() } else { log.init() }
}

/// `{"log":{"level","message",…}}`.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = event.metadata().level().to_string().to_lowercase();
        let mut fields = Fields(Map::from_iter([("level".to_owned(), Value::from(level))]));
        event.record(&mut fields);
        writeln!(out, "{}", json!({ "log": fields.0 }))
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
