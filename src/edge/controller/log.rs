//! Log lines as Flux's controllers write them: JSON with `level`, `ts`, `msg`,
//! and what is being reconciled.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// For people.
    Console,
    /// For machines.
    Json,
}

/// Logs to standard error from now on. `level` is one of Flux's: trace, debug,
/// info, error.
///
/// # Errors
/// When something logs already.
pub fn start(
    level: &str,
    encoding: Encoding,
) -> Result<(), tracing_subscriber::util::TryInitError> {
    // Clients and servers speak at debug level of what only their authors ask.
    let filter = EnvFilter::new(format!(
        "warn,kube_client=error,flux_apim={level},kube_runtime={}",
        match level {
            "trace" | "debug" => level,
            _ => "off",
        }
    ));
    let registry = tracing_subscriber::registry().with(filter);
    match encoding {
        Encoding::Console => {
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
            registry.with(lines.with_target(false)).try_init()
        }
        Encoding::Json => {
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
            registry
                .with(Fields)
                .with(lines.event_format(Flux))
                .try_init()
        }
    }
}

/// Keeps the fields of each span as JSON.
struct Fields;

#[derive(Default)]
struct Kept(Map<String, Json>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Fields {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut kept = Kept::default();
            attributes.record(&mut kept);
            span.extensions_mut().insert(kept);
        }
    }
}

impl Visit for Kept {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }
}

impl Kept {
    fn put(&mut self, field: &Field, value: Json) {
        let name = match field.name() {
            "message" => "msg",
            name => name,
        };
        self.0.insert(name.to_owned(), value);
    }
}

struct Flux;

impl<S, N> FormatEvent<S, N> for Flux
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            // Flux's controllers know no warnings.
            Level::WARN | Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        line.insert("level".into(), json!(level));
        line.insert(
            "ts".into(),
            json!(
                Timestamp::now()
                    .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
                    .to_string()
            ),
        );
        let mut fields = Kept::default();
        event.record(&mut fields);
        if let Some(message) = fields.0.remove("msg") {
            line.insert("msg".into(), message);
        }
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(kept) = span.extensions().get::<Kept>() {
                line.extend(kept.0.clone());
            }
        }
        line.extend(fields.0);
        writeln!(writer, "{}", Json::Object(line))
    }
}
