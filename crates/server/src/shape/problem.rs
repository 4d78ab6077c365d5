use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use kernel::Failure;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::middleware::Names;
use crate::problems;

/// Why a request was refused (RFC 9457). Machines look at `code`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Reference to an explanation of `code`.
    #[schema(format = "uri-reference", example = "/problems/validation_failed")]
    r#type: String,
    #[schema(example = "A value is not allowed")]
    title: &'static str,
    #[schema(example = 422)]
    status: u16,
    /// What a person should know or do about it.
    #[schema(example = "/name: must not be empty")]
    detail: String,
    /// Stable.
    #[schema(example = "validation_failed")]
    code: String,
    /// Finds the request in the server's log; also in the header `X-Request-Id`.
    request_id: String,
    /// Finds it in the traces of whoever sent it, and in ours (W3C Trace Context); also in the header `traceparent`.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: String,
    /// Every field that is not allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// Reservations that stand in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    conflicts: Vec<ReservationConflict>,
    /// With 412: the tag to send as `If-Match` if the change should be made nevertheless.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    current_etag: Option<String>,
    /// With 429: the quota that is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<Quota>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Quota {
    /// As the header `RateLimit-Policy` calls it.
    #[schema(example = "read")]
    name: &'static str,
    /// So many requests …
    #[schema(example = 120)]
    quota: u32,
    /// … in so many seconds.
    #[schema(example = 60)]
    window: u32,
}

#[derive(Debug, Serialize, ToSchema)]
struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or `?name` of a query parameter, or the name of a header.
    pointer: String,
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReservationConflict {
    resource_id: Uuid,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    /// Only where the caller may see that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event_id: Option<Uuid>,
}

impl Problem {
    pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

    pub(crate) fn new(status: StatusCode, failure: &Failure, names: &Names) -> Self {
        let code = failure.code();
        Self {
            r#type: format!("/problems/{code}"),
            title: problems::title(code, failure.kind()),
            status: status.as_u16(),
            detail: failure.message().to_owned(),
            code: code.to_owned(),
            request_id: names.request_id().to_owned(),
            trace_id: names.trace().as_str().to_owned(),
            errors: failure
                .errors()
                .iter()
                .map(|e| FieldError { pointer: e.pointer.clone(), reason: e.reason.clone() })
                .collect(),
            conflicts: failure
                .conflicts()
                .iter()
                .map(|c| ReservationConflict {
                    resource_id: c.resource_id,
                    start_time: c.start_time,
                    end_time: c.end_time,
                    event_id: c.event_id,
                })
                .collect(),
            current_etag: failure.current_etag().map(str::to_owned),
            limit: failure.spent().map(|s| Quota { name: s.name, quota: s.quota, window: s.window }),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let media_type = (CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        // A struct of strings and numbers always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        (status, [media_type], body).into_response()
    }
}
