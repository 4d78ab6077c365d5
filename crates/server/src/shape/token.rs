use chrono::{DateTime, Utc};
use kernel::TokenId;
use serde::{Deserialize, Serialize};
use users::{NewToken, Secret, SignedIn};
use utoipa::ToSchema;

use super::user::User;

/// An API token. Its secret was shown once, when it was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Token {
    #[schema(value_type = Uuid)]
    id: TokenId,
    #[schema(example = "nightly export")]
    name: String,
    created_at: DateTime<Utc>,
    /// Null: until it is revoked.
    #[schema(required = true)]
    expires_at: Option<DateTime<Utc>>,
}

impl From<users::Token> for Token {
    fn from(token: users::Token) -> Self {
        Self { id: token.id, name: token.name, created_at: token.created_at, expires_at: token.expires_at }
    }
}

/// A new API token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    token: Token,
    /// Shown this once. Absent in the answer to a repeated request (same `Idempotency-Key`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "kyt_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE")]
    secret: Option<String>,
}

impl CreatedToken {
    pub(crate) fn new(token: users::Token, secret: Option<&Secret>) -> Self {
        Self { token: token.into(), secret: secret.map(|s| s.expose().to_owned()) }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateToken {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, example = "nightly export")]
    name: String,
    /// Without it the token lasts until it is revoked.
    expires_at: Option<DateTime<Utc>>,
}

impl From<CreateToken> for NewToken {
    fn from(input: CreateToken) -> Self {
        Self { name: input.name, expires_at: input.expires_at }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[schema(example = "mio@example.com")]
    pub email: String,
    #[schema(format = Password, example = "koyomi-demo")]
    pub password: String,
    /// Slug of the organisation; `default` where there is only one.
    pub tenant: Option<String>,
}

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// For `Authorization: Bearer …`. Browsers can forget it: it is also in an HttpOnly cookie.
    #[schema(example = "kys_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE")]
    token: String,
    expires_at: DateTime<Utc>,
    user: User,
}

impl From<SignedIn> for Session {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            token: signed_in.secret.expose().to_owned(),
            expires_at: signed_in.expires_at,
            user: signed_in.user.into(),
        }
    }
}
