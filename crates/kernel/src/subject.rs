use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::CalendarId;

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
