use cache::Consistency;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use store::Stats;

use super::trace::{Names, REQUEST_ID, TRACEPARENT};
use crate::etag;
use crate::extract::CONSISTENCY;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What every answer carries.
pub(super) fn common(headers: &mut HeaderMap, names: Names, timing: Option<HeaderValue>, stats: &Stats) {
    headers.reserve(8);
    headers.insert(REQUEST_ID, names.request_id);
    headers.insert(TRACEPARENT, names.traceparent);
    if let Some(timing) = timing {
        headers.insert(SERVER_TIMING, timing);
    }
    // A ready-made answer brings its own.
    if !headers.contains_key(CONSISTENCY)
        && let Some(token) = Consistency::of(stats.seen())
        && let Ok(token) = HeaderValue::try_from(token.encode())
    {
        headers.insert(CONSISTENCY, token);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// What depends on where it was asked for: data belong to their caller, pages may not be framed.
pub(super) fn by_path(headers: &mut HeaderMap, path: &str) {
    if path.starts_with("/api") {
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding, Authorization, Cookie"));
        headers.entry(CACHE_CONTROL).or_insert(etag::PRIVATE);
    } else if path == "/graphql" {
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding, Authorization, Cookie"));
    } else if ["/docs", "/graphiql", "/ops"].iter().any(|page| path.starts_with(page)) {
        let own_only = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                        font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(own_only));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
}
