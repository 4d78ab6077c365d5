use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{TenantId, TokenId, UserId};

/// Who asks: an authenticated user of one tenant, and what a request learns with that knowledge for free.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub name: String,
    pub email: String,
    pub time_zone: String,
    /// Tenant administrators keep the list of resources.
    pub is_admin: bool,
    /// The tenant's version of names (users', resources'): part of every validator whose answer shows one.
    pub directory_seq: i64,
    /// Of the user himself, as `/api/me` shows him.
    pub version: i64,
    /// One more with whatever changes who he is or what his credentials open.
    pub seq: i64,
    pub credential: Credential,
    /// Of the credential.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The hash of a secret that was shown: what the database knows of it.
pub type SecretHash = [u8; 32];

/// What the caller showed at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    Session,
    ApiToken(TokenId),
}
