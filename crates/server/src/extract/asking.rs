use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use cache::Consistency;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri};
use kernel::{Failure, SecretHash};
use koyomi::{Asker, Opened};
use users::Secret;

use super::auth::{secret, unauthenticated};
use super::precondition::IfNoneMatch;
use crate::error::ApiError;
use crate::middleware::Timings;

/// What a client has seen, both ways.
pub(crate) const CONSISTENCY: HeaderName = HeaderName::from_static("koyomi-consistency");

/// A read whose answer may come ready-made: who asks (the head check will tell), for what, and what he has already.
#[derive(Debug)]
pub(crate) struct Asking {
    pub asker: Asker,
    pub have: IfNoneMatch,
    /// Path and query.
    pub target: Uri,
    pub encoding: Encoding,
    pub timings: Timings,
    /// A GET that shows this header, and no cookie: the same two again are the same question (see [`crate::again`]).
    pub bearer: Option<HeaderValue>,
    /// The head check, where it has been made already for this request.
    pub opened: Option<Arc<Opened>>,
}

/// In which form the answer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut bearer = parts.headers.get(AUTHORIZATION).filter(|_| parts.method == Method::GET).cloned();
        if let Some(bearer) = &mut bearer {
            // Not to be printed by anybody.
            bearer.set_sensitive(true);
        }
        Ok(Self {
            bearer,
            opened: parts.extensions.remove::<Arc<Opened>>(),
            ..Self::of(asker(parts)?.secret, &parts.headers, parts.uri.clone(), timings(&parts.extensions))?
        })
    }
}

impl Asking {
    pub(crate) fn of(secret: SecretHash, headers: &HeaderMap, target: Uri, timings: Timings) -> Result<Self, ApiError> {
        Ok(Self {
            asker: Asker { secret, seen: seen(headers)?, current: false },
            have: IfNoneMatch::of(headers)?,
            target,
            encoding: Encoding::of(headers),
            timings,
            bearer: None,
            opened: None,
        })
    }
}

pub(crate) fn timings(extensions: &Extensions) -> Timings {
    extensions.get::<Timings>().cloned().unwrap_or_default()
}

fn seen(headers: &HeaderMap) -> Result<Option<Consistency>, Failure> {
    headers.get(&CONSISTENCY).map(|value| Consistency::decode(value.to_str().unwrap_or_default())).transpose()
}

/// Whether no secret came along at all.
pub(crate) fn is_anonymous(parts: &Parts) -> Result<bool, ApiError> {
    Ok(secret(parts)?.is_none())
}

pub(crate) fn asker(parts: &Parts) -> Result<Asker, ApiError> {
    let Some(secret) = secret(parts)? else {
        return Err(unauthenticated("send `Authorization: Bearer` with an API token, or sign in").into());
    };
    // What has not even the form of a secret costs no query.
    let secret = Secret::parse(&secret).ok_or_else(Failure::unauthenticated)?.hash();
    Ok(Asker { secret, seen: seen(&parts.headers)?, current: false })
}

impl Encoding {
    /// The densest that we keep ready and the client takes; without a wish, none.
    fn of(headers: &HeaderMap) -> Self {
        let mut best = Self::Identity;
        for value in headers.get_all(ACCEPT_ENCODING) {
            for coding in value.to_str().unwrap_or_default().split(',') {
                let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
                let refused =
                    weight.trim().strip_prefix("q=").and_then(|q| f32::from_str(q).ok()).is_some_and(|q| q == 0.0);
                match name.trim() {
                    _ if refused => {}
                    "zstd" => return Self::Zstd,
                    "gzip" => best = Self::Gzip,
                    _ => {}
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_densest_acceptable_form_is_taken() {
        let of = |text: &'static str| Encoding::of(&HeaderMap::from_iter([(ACCEPT_ENCODING, text.parse().unwrap())]));
        assert_eq!(of("gzip, deflate, br, zstd"), Encoding::Zstd);
        assert_eq!(of("gzip;q=0.5, zstd;q=0"), Encoding::Gzip);
        assert_eq!(of("br"), Encoding::Identity);
        assert_eq!(Encoding::of(&HeaderMap::new()), Encoding::Identity);
    }
}
