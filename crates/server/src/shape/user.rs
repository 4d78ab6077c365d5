use chrono::{DateTime, Utc};
use kernel::{Checks, Result, UserId};
use serde::{Deserialize, Serialize};
use users::UserChanges;
use utoipa::ToSchema;

use crate::extract::Patch;

/// A person of the caller's organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    #[schema(value_type = Uuid)]
    id: UserId,
    #[schema(example = "mio@example.com")]
    email: String,
    #[schema(example = "Mio Tanaka")]
    name: String,
    #[schema(format = "uri", required = true)]
    avatar_url: Option<String>,
    /// IANA.
    #[schema(example = "Asia/Tokyo")]
    time_zone: String,
    /// Keeps the organisation's list of resources.
    is_admin: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<users::User> for User {
    fn from(user: users::User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            avatar_url: user.avatar_url,
            time_zone: user.time_zone,
            is_admin: user.is_admin,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateMe {
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Patch<String>,
    /// `http://` or `https://`; null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 2048, format = "uri")]
    avatar_url: Patch<String>,
    /// IANA.
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "Asia/Tokyo")]
    time_zone: Patch<String>,
}

impl UpdateMe {
    pub(crate) fn changes(self) -> Result<UserChanges> {
        let mut checks = Checks::new();
        let changes = UserChanges {
            name: self.name.not_null("/name", &mut checks),
            avatar_url: self.avatar_url.nullable(),
            time_zone: self.time_zone.not_null("/time_zone", &mut checks),
        };
        checks.done()?;
        Ok(changes)
    }
}
