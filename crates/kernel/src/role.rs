use serde::{Deserialize, Serialize};

/// What a member may do with a calendar, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Role {
    /// Sees when it is busy.
    FreeBusy,
    /// Sees events, but private and confidential ones only as busy.
    Reader,
    /// Sees and changes all events.
    Writer,
    /// As a writer, and shares, renames and deletes the calendar.
    Owner,
}
