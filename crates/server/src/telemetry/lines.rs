use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Lines of a log, each with the trace that it belongs to: that of its request, sampled or not, or of its job.
pub(super) struct Traced<F> {
    format: F,
    json: bool,
}

impl<F> Traced<F> {
    pub(super) fn text(format: F) -> Self {
        Self { format, json: false }
    }

    pub(super) fn json(format: F) -> Self {
        Self { format, json: true }
    }
}

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(trace) = trace() else { return self.format.format_event(context, to, event) };
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        to.write_str(&with_trace(&line, &trace, self.json))
    }
}

fn trace() -> Option<String> {
    if let Some(trace) = store::current_trace() {
        return Some(trace.as_str().to_owned());
    }
    let context = Context::current();
    let span = context.span();
    span.span_context().is_valid().then(|| span.span_context().trace_id().to_string())
}

fn with_trace(line: &str, trace: &str, json: bool) -> String {
    let line = line.trim_end_matches('\n');
    match line.strip_suffix('}') {
        Some(object) if json => format!("{object},\"trace_id\":\"{trace}\"}}\n"),
        _ => format!("{line} trace_id={trace}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_what_it_was() {
        assert_eq!(with_trace("INFO a}\n", "4b", false), "INFO a} trace_id=4b\n");
        assert_eq!(with_trace("{\"level\":\"INFO\"}\n", "4b", true), "{\"level\":\"INFO\",\"trace_id\":\"4b\"}\n");
    }
}
