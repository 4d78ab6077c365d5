//! What the process tells of its doings as it does them: the log, and traces (OpenTelemetry) where somebody collects them.

mod lines;
mod otlp;
mod sampling;

use std::io::{IsTerminal, stderr};

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use self::lines::Traced;
pub(crate) use self::otlp::Exporting;
pub(crate) use self::sampling::{begins, is_on};
use crate::config::{LogFormat, Logging, Tracing};

/// Starts the log, and traces where there is a collector. Traces end with [`Exporting::end`].
///
/// # Errors
/// When the filter of the log or the address of the collector cannot be read.
pub(crate) fn start(logging: &Logging, tracing: Option<&Tracing>) -> anyhow::Result<Option<Exporting>> {
    let filter = EnvFilter::try_new(&logging.log).map_err(|error| anyhow::anyhow!("KOYOMI_LOG: {error}"))?;
    let endpoint = tracing.and_then(|tracing| Some((tracing.otlp_endpoint.as_deref()?, tracing.trace_sample)));
    let exporting = endpoint.map(|(endpoint, share)| Exporting::to(endpoint, share)).transpose()?;
    let spans = exporting.as_ref().map(Exporting::layer);
    tracing_subscriber::registry().with(log(logging.log_format).with_filter(filter)).with(spans).init();
    Ok(exporting)
}

/// stdout belongs to what a command prints.
fn log<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync> {
    let lines = fmt::layer().with_writer(stderr);
    match format {
        LogFormat::Text => {
            let ansi = stderr().is_terminal();
            lines.with_ansi(ansi).map_event_format(|format| Traced::text(format.with_ansi(ansi))).boxed()
        }
        LogFormat::Json => lines.json().map_event_format(Traced::json).boxed(),
    }
}
