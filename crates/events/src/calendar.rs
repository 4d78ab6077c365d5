use chrono::{DateTime, Utc};
pub use kernel::Role;
use kernel::{CalendarId, TenantId, UserId, Version};
use serde::{Deserialize, Serialize};

/// A calendar as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Calendar {
    pub id: CalendarId,
    pub tenant_id: TenantId,
    pub owner_id: UserId,
    pub name: String,
    pub description: Option<String>,
    /// `#rrggbb`
    pub color: String,
    /// IANA; where floating and all-day events happen.
    pub time_zone: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The caller's.
    pub role: Role,
    /// Of the calendar's own fields; what happens in it is `seq`.
    pub version: i64,
    pub seq: i64,
    pub acl: i64,
}

/// Who a calendar is shared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Member {
    pub calendar_id: CalendarId,
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    pub avatar_url: Option<String>,
    pub role: Role,
    pub created_at: DateTime<Utc>,
}

/// The caller's right to a calendar, read together with the calendar's head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Grant {
    pub calendar_id: CalendarId,
    pub role: Role,
    pub seq: i64,
    pub acl: i64,
    pub time_zone: String,
    pub longest_seconds: i64,
    /// Up to here all of its series are written down; absent when none goes on.
    pub written_until: Option<DateTime<Utc>>,
    pub epoch: i64,
    /// Of the names of the caller's tenant.
    pub directory_seq: i64,
}

impl Grant {
    pub fn version(&self) -> Version {
        Version { calendar_id: self.calendar_id, seq: self.seq, acl: self.acl }
    }
}
