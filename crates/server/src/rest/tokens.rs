use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use kernel::{Limit, TokenId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Answer;
use crate::etag;
use crate::extract::{Auth, IdempotencyKey, IfNoneMatch, Keyed, PathId, Query};
use crate::shape::Json;
use crate::shape::page::Page;
use crate::shape::token::{CreateToken, CreatedToken, Token};
use crate::state::App;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paged {
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// My API tokens
///
/// Oldest first, without their secrets; revoked ones are left out.
#[utoipa::path(
    get, path = "/api/tokens", tag = "me", params(Paged, IfNoneMatch),
    responses((status = 200, body = Page<Token>, description = "A page of tokens."))
)]
pub(crate) async fn list_tokens(
    State(app): State<App>,
    Auth(caller): Auth,
    Query(page): Query<Paged>,
    have: IfNoneMatch,
) -> Answer {
    let limit = Limit::new(page.limit)?;
    let tokens = app.koyomi.users.list_tokens(&caller, limit, page.cursor.as_deref()).await?;
    etag::conditional_bytes(&Page::of(tokens, Token::from), &have)
}

/// Make an API token
///
/// The secret is in this answer and nowhere else: a repeated request (same `Idempotency-Key`) is answered without it.
#[utoipa::path(
    post, path = "/api/tokens", tag = "me", params(IdempotencyKey), request_body = CreateToken,
    responses((status = 201, body = CreatedToken, description = "Made."))
)]
pub(crate) async fn create_token(
    State(app): State<App>,
    Auth(caller): Auth,
    Keyed(key, input): Keyed<CreateToken>,
) -> Answer {
    let (token, secret) = app.koyomi.users.create_token(&caller, input.into(), key).await?;
    let no_store = [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let body = Json(CreatedToken::new(token, secret.as_ref()));
    Ok((StatusCode::CREATED, no_store, body).into_response())
}

/// Revoke an API token
#[utoipa::path(
    delete, path = "/api/tokens/{token_id}", tag = "me",
    params(("token_id" = uuid::Uuid, Path)),
    responses((status = 204, description = "It opens nothing any more."))
)]
pub(crate) async fn revoke_token(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<TokenId>,
) -> Answer<StatusCode> {
    app.koyomi.users.revoke_token(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
