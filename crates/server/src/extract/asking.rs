use std::str::FromStr;

use axum::extract::FromRequestParts;
use cache::Consistency;
use http::header::ACCEPT_ENCODING;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri};
use kernel::Failure;
use koyomi::Asker;
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

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self {
            asker: asker(parts)?,
            have: IfNoneMatch::from_request_parts(parts, state).await?,
            target: parts.uri.clone(),
            encoding: Encoding::of(&parts.headers),
            timings: parts.extensions.get::<Timings>().cloned().unwrap_or_default(),
        })
    }
}

pub(super) fn asker(parts: &Parts) -> Result<Asker, ApiError> {
    let Some(secret) = secret(parts)? else {
        return Err(unauthenticated("send `Authorization: Bearer` with an API token, or sign in").into());
    };
    // What has not even the form of a secret costs no query.
    let secret = Secret::parse(&secret).ok_or_else(Failure::unauthenticated)?.hash();
    let seen = parts.headers.get(&CONSISTENCY).map(|value| Consistency::decode(value.to_str().unwrap_or_default()));
    Ok(Asker { secret, seen: seen.transpose()? })
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
