use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Ids;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use store::{Trace, traceparent};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::telemetry;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// For handlers that tell of it themselves: among the request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub HeaderValue);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// What a request is called: in our log, in the answer, and in the traces of whoever sent it.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub request_id: HeaderValue,
    /// W3C Trace Context: the sender's trace id, or a new one, with a span id of ours.
    pub traceparent: HeaderValue,
    trace: Trace,
    /// Of the sender's span, where there is one.
    sender: Option<SpanContext>,
    /// Whether its spans are collected.
    traced: bool,
}

impl Names {
    pub(crate) fn of(headers: &HeaderMap, ids: &Ids) -> Self {
        let minted: Uuid = ids.mint();
        let request_id = headers.get(&REQUEST_ID).filter(|value| is_sane(value)).cloned().unwrap_or_else(|| {
            let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
            plain(minted.hyphenated().encode_lower(&mut text).as_bytes())
        });
        let mut own = [0; uuid::fmt::Simple::LENGTH];
        let own: &str = minted.simple().encode_lower(&mut own);
        let sender = headers.get(&TRACEPARENT).and_then(parent);
        let (trace, flags) = sender.map_or((own, "00"), |(trace, _, flags)| (trace, flags));
        let mut text = [0; 55];
        text[..3].copy_from_slice(b"00-");
        text[3..35].copy_from_slice(trace.as_bytes());
        text[35] = b'-';
        // The second half of a UUIDv7 is random, and never zero.
        text[36..52].copy_from_slice(&own.as_bytes()[16..]);
        text[52] = b'-';
        text[53..].copy_from_slice(flags.as_bytes());
        let mut id = [0; 32];
        id.copy_from_slice(trace.as_bytes());
        let sender = if telemetry::is_on() { sender.and_then(traceparent::context) } else { None };
        let traced = telemetry::begins(sender.as_ref().map(SpanContext::is_sampled), &minted);
        Self { traceparent: plain(&text), request_id, trace: Trace(id), sender, traced }
    }

    /// Puts `span` below the sender's, and goes by its name from now on.
    pub(crate) fn join(&mut self, span: &Span) {
        if let Some(sender) = self.sender.take() {
            traceparent::below(span, sender);
        }
        let context = span.context();
        let own = context.span().span_context().clone();
        if own.is_valid() {
            let (trace, id) = (own.trace_id().to_string(), own.span_id());
            self.trace.0.copy_from_slice(trace.as_bytes());
            self.traceparent = plain(format!("00-{trace}-{id}-01").as_bytes());
        }
    }

    pub(crate) fn trace(&self) -> Trace {
        self.trace
    }

    /// The trace that its spans are collected under, if they are.
    pub(crate) fn traced(&self) -> Option<Trace> {
        self.traced.then_some(self.trace)
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    pub(crate) fn traceparent(&self) -> &str {
        self.traceparent.to_str().unwrap_or_default()
    }
}

/// Of letters and digits of our own.
fn plain(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).unwrap_or(HeaderValue::from_static(""))
}

/// Goes into logs and headers: short, and of plain characters.
fn is_sane(value: &HeaderValue) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:+/=".contains(b);
    (1..=128).contains(&value.len()) && value.as_bytes().iter().all(plain)
}

fn parent(value: &HeaderValue) -> Option<(&str, &str, &str)> {
    traceparent::parts(value.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use kernel::Clock;

    use super::*;

    fn ids() -> Ids {
        Ids::random(Clock::System)
    }

    #[test]
    fn without_a_name_a_request_gets_one() {
        let names = Names::of(&HeaderMap::new(), &ids());
        let id: Uuid = names.request_id().parse().unwrap();
        let simple = id.simple().to_string();
        assert_eq!(names.traceparent(), format!("00-{simple}-{}-00", &simple[16..]));
        let junk = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static("<script>"))]);
        assert!(Uuid::parse_str(Names::of(&junk, &ids()).request_id()).is_ok());
    }

    #[test]
    fn only_valid_parents_are_continued() {
        let read = |text: &'static str| {
            let names = Names::of(&HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(text))]), &ids());
            names.traceparent().to_owned()
        };
        let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let told = read(sent);
        assert!(told.starts_with(&sent[..36]) && told.ends_with("-01") && told[36..52] != sent[36..52], "{told}");
        let other = read("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01");
        assert!(!other.to_lowercase().starts_with(&sent[..36]) && other.ends_with("-00"), "{other}");
    }
}
