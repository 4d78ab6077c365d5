//! Strong validators. An object's tag is `"epoch.version"` ([`store::Epoch::tag`]); an answer made of many objects is
//! tagged by its bytes.

use axum::response::{IntoResponse, Response};
use events::{Calendar, Happening, View};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use kernel::{Caller, Failure};
use serde::Serialize;
use store::Epoch;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::Answer;
use crate::extract::IfNoneMatch;

/// May be kept by the caller's own cache, and must be asked for again each time.
pub(crate) const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// 304 when the caller has this version already; then the body is not even made.
pub(crate) fn conditional<T: IntoResponse>(tag: &str, wanted: &IfNoneMatch, body: impl FnOnce() -> T) -> Response {
    match wanted.has(tag) {
        Some(sent) => tagged(sent, StatusCode::NOT_MODIFIED),
        None => tagged(tag, body()),
    }
}

/// For answers whose rows have no common version: tagged by their bytes.
pub(crate) fn conditional_bytes(value: &impl Serialize, wanted: &IfNoneMatch) -> Answer {
    let bytes = serde_json::to_vec(value).map_err(Failure::internal)?;
    let tag = format!("\"{:032x}\"", xxh3_128(&bytes));
    let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(conditional(&tag, wanted, || ([json], bytes)))
}

/// An answer with its tag: after a write, what the next `If-Match` is to say.
pub(crate) fn tagged(tag: &str, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, PRIVATE);
    response
}

/// The validator of a calendar's own fields, with what the caller may do in it.
pub(crate) fn of_calendar(epoch: Epoch, calendar: &Calendar) -> String {
    format!("\"{}.{}.{:?}\"", epoch.0, calendar.version, calendar.role)
}

/// The validator of one event: its version first, as `If-Match` reads it, then what else is shown of it.
pub(crate) fn of_event(epoch: Epoch, happening: &Happening, caller: &Caller) -> String {
    let view = match happening.view {
        Some(View::Full) => "full",
        _ => "busy",
    };
    format!("\"{}.{}.{}.{view}\"", epoch.0, happening.event.seq, caller.directory_seq)
}

const VARIANTS: [&str; 3] = ["-gzip", "-br", "-zstd"];

/// A strong tag stands for bytes: the compressed variant of an answer gets one of its own (RFC 9110 §8.8.3.3).
pub(crate) fn mark_variant(headers: &mut HeaderMap) {
    let Some(encoding) = headers.get(CONTENT_ENCODING).and_then(|v| v.to_str().ok()) else {
        return;
    };
    let marked = headers
        .get(ETAG)
        .and_then(|v| v.to_str().ok())
        .and_then(|tag| tag.strip_suffix('"'))
        .map(|open| format!("{open}-{encoding}\""));
    if let Some(tag) = marked.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        headers.insert(ETAG, tag);
    }
}

/// The inside of a tag as it was before [`mark_variant`].
pub(crate) fn without_variant(inside: &str) -> &str {
    VARIANTS.iter().find_map(|suffix| inside.strip_suffix(suffix)).unwrap_or(inside)
}
