use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::error::{ApiError, GRAPHQL};

/// What the client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    /// Says by its status what became of the request.
    GraphqlResponse,
    /// Is older than that.
    Json,
    /// One event for each answer.
    EventStream,
}

impl MediaType {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(accept) = headers.get(ACCEPT) else { return Ok(Self::Json) };
        let mut best: Option<(f32, Self)> = None;
        for range in accept.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = match parts.next().unwrap_or_default() {
                GRAPHQL => Self::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Self::Json,
                "text/event-stream" => Self::EventStream,
                _ => continue,
            };
            let weight = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(than, _)| weight > than) {
                best = Some((weight, kind));
            }
        }
        best.map(|(_, kind)| kind).ok_or_else(|| {
            let message = "an answer is application/graphql-response+json, application/json or text/event-stream; accept \
                           one of them";
            ApiError::not_acceptable(message)
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            // A stream that never begins is refused like anything else.
            Self::GraphqlResponse | Self::EventStream => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// Whether the body says that it is JSON in UTF-8.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = text.split(';');
    let json = parts.next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let charset =
        parts.find_map(|parameter| parameter.trim().to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    json && charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8")
}
