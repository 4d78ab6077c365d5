use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use kernel::{Failure, Kind};
use tower_http::timeout::TimeoutError;

use crate::middleware::Names;
use crate::shape::problem::Problem;

/// What a handler answers.
pub(crate) type Answer<T = Response> = Result<T, ApiError>;

/// The one table of failures: what rooms say on the left, what HTTP says on the right.
pub(crate) const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Invalid | Kind::LimitExceeded => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Gone => StatusCode::GONE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::TooOften => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable | Kind::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A refused request on its way out. It travels as a bodiless response with the failure attached; the outermost
/// middleware, which knows the request id, writes the problem document ([`render`]).
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    failure: Failure,
}

/// An answer of GraphQL that says by its status what became of the request.
pub(crate) const GRAPHQL: &str = "application/graphql-response+json";

/// What says nothing but that too much is asked.
const OF_LOAD: [&str; 2] = ["overloaded", "rate_limited"];

#[derive(Debug, Clone)]
struct Attached(Failure);

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        error.failure
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self { status: status(failure.kind()), failure }
    }
}

impl ApiError {
    pub(crate) fn no_such_route() -> Self {
        Failure::new(Kind::NotFound, "not_found", "nothing is served at this path; /docs lists what is").into()
    }

    pub(crate) fn method_not_allowed(message: &str) -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            failure: Failure::new(Kind::Malformed, "method_not_allowed", message),
        }
    }

    pub(crate) fn not_acceptable(message: &str) -> Self {
        Self { status: StatusCode::NOT_ACCEPTABLE, failure: Failure::new(Kind::Malformed, "not_acceptable", message) }
    }

    /// A body that did not come to its end.
    pub(crate) fn unread(error: &axum::Error) -> Self {
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(at) = cause {
            if at.is::<TimeoutError>() {
                let failure =
                    Failure::new(Kind::Malformed, "body_timeout", "the body stopped coming; nothing was done");
                return Self { status: StatusCode::REQUEST_TIMEOUT, failure };
            }
            cause = at.source();
        }
        Failure::new(Kind::Malformed, "malformed_request", "the body ended early").because(error).into()
    }

    /// What axum refuses by itself, with an empty or plain-text answer.
    fn of_bare(status: StatusCode, allow: Option<&HeaderValue>) -> Self {
        let failure = match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                let allowed = allow.and_then(|v| v.to_str().ok()).unwrap_or("no method");
                Failure::new(Kind::Malformed, "method_not_allowed", format!("this path answers {allowed}"))
            }
            StatusCode::NOT_FOUND => return Self::no_such_route(),
            status if status.is_server_error() => Failure::internal(format!("a bare {status}")),
            status => Failure::new(
                Kind::Malformed,
                "malformed_request",
                status.canonical_reason().unwrap_or("the request cannot be read"),
            ),
        };
        Self { status, failure }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Attached(self.failure));
        response
    }
}

/// Writes the problem document (RFC 9457) of a refused request, and logs what must not be shown.
pub(crate) fn render(response: Response, names: &Names, method: &Method, path: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let failure = match parts.extensions.remove::<Attached>() {
        Some(Attached(failure)) => failure,
        // Problems, and what GraphQL says of its own, are told already.
        None if parts
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|v| v == Problem::MEDIA_TYPE || v.as_bytes().starts_with(GRAPHQL.as_bytes())) =>
        {
            return Response::from_parts(parts, body);
        }
        None => ApiError::of_bare(status, parts.headers.get(ALLOW)).failure,
    };
    log(status, &failure, names.request_id(), method, path);
    let mut answer = Problem::new(status, &failure, names).into_response();
    for (name, value) in &parts.headers {
        if !answer.headers().contains_key(name) && name != http::header::CONTENT_LENGTH {
            answer.headers_mut().append(name, value.clone());
        }
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        let wait = failure.retry_after().map_or(1, |wait| wait.as_millis().div_ceil(1000).max(1));
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(u64::try_from(wait).unwrap_or(1)));
    }
    answer
}

pub(crate) fn log(status: StatusCode, failure: &Failure, request_id: &str, method: &Method, path: &str) {
    let (code, cause) = (failure.code(), failure.cause().unwrap_or_default());
    if OF_LOAD.contains(&code) {
        // Counted; a line for each would be load on top of it.
        tracing::debug!(code, request_id, %method, path, "turned away");
    } else if status.is_server_error() {
        tracing::error!(code, cause, request_id, %method, path, "failed: {}", failure.message());
    } else if failure.cause().is_some() {
        tracing::info!(code, cause, request_id, %method, path, "refused: {}", failure.message());
    }
}
