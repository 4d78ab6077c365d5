//! Pages of other sites (Fetch standard, "CORS protocol"): those on the list may ask with a token. Cookies never cross
//! sites: `Access-Control-Allow-Credentials` is never sent.

use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};

const METHODS: &str = "GET, HEAD, POST, PATCH, DELETE";
const SENT: &str = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Koyomi-Consistency, \
                    Koyomi-Timeout, X-Request-Id, traceparent";
const SHOWN: &str = "ETag, Koyomi-Consistency, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, Server-Timing";
/// Seconds; browsers ask again after two hours anyway.
const REMEMBERED: &str = "7200";

/// Origins that are let in.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    /// # Errors
    /// With what is wrong with the first that is none.
    pub fn of(texts: &[String]) -> Result<Self, String> {
        let one = |text: &String| {
            let uri: Option<Uri> = text.parse().ok();
            let whole = uri.is_some_and(|uri| {
                uri.scheme().is_some() && uri.authority().is_some() && uri.path() == "/" && uri.query().is_none()
            });
            let value = HeaderValue::from_str(text).ok().filter(|_| whole && !text.ends_with('/'));
            value.ok_or_else(|| format!("`{text}` is no origin: it must be like https://calendar.example"))
        };
        Ok(Self(texts.iter().map(one).collect::<Result<_, _>>()?))
    }

    /// The page that asks, if it is on the list.
    pub(super) fn asking(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let origin = request.get(ORIGIN)?;
        self.0.iter().find(|allowed| *allowed == origin).cloned()
    }
}

/// The answer to a browser that asks whether it may ask.
pub(super) fn preflight<B>(origin: Option<&HeaderValue>, request: &Request<B>) -> Option<Response> {
    origin?;
    if request.method() != Method::OPTIONS || !request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, SENT),
        (ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    Some((StatusCode::NO_CONTENT, headers).into_response())
}

pub(super) fn tell(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let of = |text: &str| Origins::of(&[text.to_owned()]);
        assert!(of("https://a.example").is_ok() && of("http://localhost:5173").is_ok());
        for bad in ["*", "a.example", "https://a.example/", "https://a.example/x", "https://", "null", ""] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
