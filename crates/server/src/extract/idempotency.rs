use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, Uri};
use kernel::Failure;
use serde::de::DeserializeOwned;

use super::body;
use crate::error::ApiError;

const HEADER: &str = "idempotency-key";

/// `Idempotency-Key` of a request without a body.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub Option<store::IdempotencyKey>);

/// `Idempotency-Key` and the JSON body, which is part of what the key stands for.
#[derive(Debug)]
pub(crate) struct Keyed<T>(pub Option<store::IdempotencyKey>, pub T);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let key = key(&parts.headers)?;
        Ok(Self(key.map(|key| bind(key, [parts.method.as_str().as_bytes(), target(&parts.uri), b""]))))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Keyed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let key = key(request.headers())?;
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (bytes, value) = body::json(request).await?;
        Ok(Self(key.map(|key| bind(key, [method.as_str().as_bytes(), target(&uri), &bytes])), value))
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if !is_key(key) || values.next().is_some() {
        return Err(
            Failure::malformed("Idempotency-Key", "must be 1 to 255 visible ASCII characters, given once").into()
        );
    }
    Ok(Some(key.to_owned()))
}

pub(crate) fn is_key(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The fields are told apart by their lengths: no two requests hash alike by moving a byte between them.
pub(crate) fn bind<'a>(key: String, request: impl IntoIterator<Item = &'a [u8]>) -> store::IdempotencyKey {
    let mut hasher = blake3::Hasher::new();
    for part in request {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part);
    }
    store::IdempotencyKey { key, request_hash: *hasher.finalize().as_bytes() }
}

fn target(uri: &Uri) -> &[u8] {
    uri.path_and_query().map_or("", |target| target.as_str()).as_bytes()
}
