use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum_extra::extract::CookieJar;
use http::header::{AUTHORIZATION, HOST, ORIGIN, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Uri};
use kernel::{Caller, Failure, Kind};

use super::asking::asker;
use crate::error::ApiError;
use crate::state::App;

pub(crate) const SESSION_COOKIE: &str = "koyomi_session";

/// The authenticated caller: from `Authorization: Bearer`, else from the session cookie.
#[derive(Debug)]
pub(crate) struct Auth(pub Arc<Caller>);

/// The secret that was sent, whether or not it still opens anything.
pub(crate) struct Presented(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Auth
where
    App: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let asker = asker(parts)?;
        let app = App::from_ref(state);
        // Whoever changes something is looked up where it is changed.
        let caller = app.koyomi.caller(&asker, parts.method.is_safe()).await?;
        tracing::Span::current().record("user_id", tracing::field::display(caller.user_id));
        Ok(Self(caller))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Presented {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(secret(parts)?))
    }
}

pub(super) fn secret(parts: &Parts) -> Result<Option<String>, ApiError> {
    if let Some(header) = parts.headers.get(AUTHORIZATION) {
        let bearer = header.to_str().ok().and_then(|text| text.split_once(' '));
        return match bearer {
            Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim().to_owned())),
            _ => Err(unauthenticated("the header Authorization must say `Bearer` and a token").into()),
        };
    }
    let jar = CookieJar::from_headers(&parts.headers);
    let Some(cookie) = jar.get(SESSION_COOKIE) else {
        return Ok(None);
    };
    // What is asked over a WebSocket may be a change, and a browser lets any page open one.
    let changes = !parts.method.is_safe() || parts.headers.contains_key(UPGRADE);
    if changes && !same_origin(&parts.headers) {
        return Err(Failure::new(
            Kind::Forbidden,
            "cross_site",
            "a page of another site sent this with your cookie; only this site's own pages may change things that way",
        )
        .into());
    }
    Ok(Some(cookie.value().to_owned()))
}

/// A browser attaches the cookie whoever asks. It also says who asks: `Sec-Fetch-Site`, and older ones `Origin`, which
/// must then be the host that was asked. Who sends neither is no browser, and nobody can make it send a cookie.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text(ORIGIN.as_str()) else {
        return true;
    };
    let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    authority.is_some_and(|authority| text(HOST.as_str()) == Some(authority.as_str()))
}

pub(super) fn unauthenticated(message: &str) -> Failure {
    Failure::new(Kind::Unauthenticated, "unauthenticated", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_count_as_ours() {
        let ask = |pairs: &[(&'static str, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
            same_origin(&headers)
        };
        assert!(ask(&[("sec-fetch-site", "same-origin")]));
        assert!(ask(&[("sec-fetch-site", "none")]));
        assert!(!ask(&[("sec-fetch-site", "same-site")]));
        assert!(!ask(&[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")]));
        assert!(ask(&[("origin", "https://a.example:8443"), ("host", "a.example:8443")]));
        assert!(!ask(&[("origin", "https://evil.example"), ("host", "a.example")]));
        assert!(!ask(&[("origin", "null"), ("host", "a.example")]));
        assert!(ask(&[("host", "a.example")]));
    }
}
