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
    pub credential: Credential,
}

/// What the caller showed at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    Session,
    ApiToken(TokenId),
}
