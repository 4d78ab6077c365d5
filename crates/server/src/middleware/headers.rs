use cache::Consistency;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

use store::Stats;

use super::trace::Names;
use crate::etag;
use crate::extract::CONSISTENCY;

/// What every answer carries.
pub(super) fn common(headers: &mut HeaderMap, names: &Names, timing: Option<HeaderValue>, stats: &Stats) {
    for (name, value) in [("x-request-id", &names.request_id), ("traceparent", &names.traceparent)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if let Some(timing) = timing {
        headers.insert("server-timing", timing);
    }
    if let Some(token) = Consistency::of(stats.seen())
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
    } else if path.starts_with("/docs") {
        let own_only = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                        frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(own_only));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
}
