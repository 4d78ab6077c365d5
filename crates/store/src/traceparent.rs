//! W3C Trace Context, as it travels: in the header of a request, and with the news that a write leaves.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Trace id, span id and flags of a valid `traceparent` (W3C Trace Context §3.2). Later versions are read as far as this one goes.
pub fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |text: &str| text.bytes().any(|b| b != b'0');
    let valid = hex(version, 2)
        && version != "ff"
        && (version != "00" || parts.next().is_none())
        && hex(trace, 32)
        && nonzero(trace)
        && hex(span, 16)
        && nonzero(span)
        && hex(flags, 2);
    valid.then_some((trace, span, flags))
}

/// The span that [`parts`] speak of: of another process.
pub fn context((trace, span, flags): (&str, &str, &str)) -> Option<SpanContext> {
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

/// Puts a span, in which nobody has been yet, below one of another process.
pub fn below(span: &Span, context: SpanContext) {
    // An error means that the span is not collected: then it has no context either.
    let _ = span.set_parent(Context::new().with_remote_span_context(context));
}

/// A `traceparent` of the span around us, if it is collected.
pub(crate) fn current() -> Option<String> {
    let context = Context::current();
    let span = context.span();
    let own = span.span_context();
    (own.is_valid() && own.is_sampled()).then(|| format!("00-{}-{}-01", own.trace_id(), own.span_id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_one_is_taken_apart_and_another_is_none() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(parts(&format!("00-{trace}-{span}-01")), Some((trace, span, "01")));
        assert_eq!(parts(&format!("cc-{trace}-{span}-00-more")), Some((trace, span, "00")));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert!(parts(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_context_is_that_of_its_parts() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let context = context((trace, span, "01")).unwrap();
        assert_eq!(
            (context.trace_id().to_string(), context.span_id().to_string()),
            (trace.to_owned(), span.to_owned())
        );
        assert!(context.is_sampled() && context.is_remote());
    }
}
