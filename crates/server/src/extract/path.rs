use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use kernel::Failure;
use uuid::Uuid;

use crate::error::ApiError;

/// The one id in a path. What is no UUID names nothing: 404, as for an id that nobody has.
#[derive(Debug)]
pub(crate) struct PathId<T>(pub T);

/// The two ids in a path, in their order.
#[derive(Debug)]
pub(crate) struct PathIds<A, B>(pub A, pub B);

impl<T: From<Uuid>, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let [id] = ids(parts, state).await?;
        Ok(Self(id.into()))
    }
}

impl<A: From<Uuid>, B: From<Uuid>, S: Send + Sync> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let [a, b] = ids(parts, state).await?;
        Ok(Self(a.into(), b.into()))
    }
}

async fn ids<const N: usize, S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<[Uuid; N], ApiError> {
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Failure::not_found("thing"))?;
    // One spelling per id: only the hyphenated form.
    let ids: Option<Vec<Uuid>> =
        params.iter().map(|(_, text)| (text.len() == 36).then(|| Uuid::try_parse(text).ok())?).collect();
    let ids = ids.ok_or_else(|| Failure::not_found("thing"))?;
    ids.try_into().map_err(|_| Failure::internal("the route has another number of ids than its handler").into())
}
