//! The fields of koyomi's answers.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// There are first pages only.
    pub(crate) next_cursor: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Event {
    pub(crate) id: Uuid,
    pub(crate) calendar_id: Uuid,
    pub(crate) uid: String,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) status: String,
    pub(crate) visibility: String,
    pub(crate) transparency: String,
    pub(crate) start: EventTime,
    pub(crate) end: EventTime,
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) end_time: DateTime<Utc>,
    pub(crate) recurrence: Vec<String>,
    pub(crate) recurring_event_id: Option<Uuid>,
    pub(crate) previous_series_id: Option<Uuid>,
    pub(crate) next_series_id: Option<Uuid>,
    pub(crate) original_start: Option<String>,
    pub(crate) organizer_id: Option<Uuid>,
    pub(crate) organizer_name: Option<String>,
    pub(crate) attendee_count: usize,
    pub(crate) room_name: Option<String>,
    pub(crate) sequence: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) view: &'static str,
    pub(crate) etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) organizer: Option<Organizer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attendees: Option<Vec<Attendee>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resources: Option<Vec<Reservation>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct EventTime {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) date_time: Option<NaiveDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Organizer {
    pub(crate) id: Option<Uuid>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) avatar_url: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Attendee {
    pub(crate) id: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) email: String,
    pub(crate) name: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) response_status: String,
    pub(crate) is_optional: bool,
}

#[derive(Serialize)]
pub(crate) struct Reservation {
    pub(crate) id: Uuid,
    pub(crate) resource_id: Uuid,
    pub(crate) resource_name: String,
    pub(crate) event_id: Uuid,
    pub(crate) original_start: NaiveDateTime,
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) end_time: DateTime<Utc>,
    pub(crate) status: String,
}

#[derive(Serialize)]
pub(crate) struct Availability {
    pub(crate) resource: Resource,
    pub(crate) free: bool,
    pub(crate) busy: Vec<Busy>,
}

#[derive(Serialize)]
pub(crate) struct Resource {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) capacity: Option<i32>,
    pub(crate) location: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) exclusive: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) etag: String,
}

#[derive(Serialize)]
pub(crate) struct Busy {
    pub(crate) start_time: DateTime<Utc>,
    pub(crate) end_time: DateTime<Utc>,
}
