use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CalendarId, TenantId, UserId};

/// What a write did to one object of a calendar: a row of the change log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub calendar_id: CalendarId,
    pub kind: ChangeKind,
    pub object_id: Uuid,
}

/// The words of `changes.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    CalendarCreated,
    CalendarUpdated,
    CalendarDeleted,
    EventCreated,
    EventUpdated,
    EventDeleted,
    /// `object_id` is the user's.
    MemberChanged,
}

impl ChangeKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CalendarCreated => "calendar_created",
            Self::CalendarUpdated => "calendar_updated",
            Self::CalendarDeleted => "calendar_deleted",
            Self::EventCreated => "event_created",
            Self::EventUpdated => "event_updated",
            Self::EventDeleted => "event_deleted",
            Self::MemberChanged => "member_changed",
        }
    }
}

/// A place in a calendar's history: everything up to `seq`, under the access rules of `acl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Version {
    pub calendar_id: CalendarId,
    pub seq: i64,
    pub acl: i64,
}

/// What has a version that somebody may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// A calendar and everything in it: its head.
    Calendar(CalendarId),
    /// A person and what his credentials open: `users.seq`.
    User(UserId),
    /// The names of a tenant's people and resources: `tenants.directory_seq`.
    Tenant(TenantId),
    /// What is booked of a tenant's resources: the sum of `resource_heads.seq`. Never on the bus.
    Bookings(TenantId),
}

/// A subject has reached a version: what the bus carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub subject: Subject,
    pub seq: i64,
    /// Of a calendar: the version of its access rules; 0 for the others.
    pub acl: i64,
}
