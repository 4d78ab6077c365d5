use attendees::{AttendeeChange, Guest, ResponseStatus};
use chrono::{DateTime, Utc};
use kernel::{AttendeeId, Checks, EventId, Result, UserId};
use koyomi::Reply;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Patch;

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attendee {
    #[schema(value_type = Uuid)]
    id: AttendeeId,
    #[schema(value_type = Uuid)]
    event_id: EventId,
    /// Null: an address outside of the organisation.
    #[schema(value_type = Option<Uuid>)]
    user_id: Option<UserId>,
    #[schema(example = "ken@example.com")]
    email: String,
    name: Option<String>,
    avatar_url: Option<String>,
    #[schema(value_type = AttendeeResponseStatus)]
    response_status: ResponseStatus,
    is_optional: bool,
}

/// An invitation, and what was said with the answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttendeeDetails {
    #[serde(flatten)]
    attendee: Attendee,
    comment: Option<String>,
    /// When the guest answered here.
    responded_at: Option<DateTime<Utc>>,
}

/// RFC 5545 §3.2.12 (PARTSTAT)
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents attendees::ResponseStatus")]
pub(crate) enum AttendeeResponseStatus {
    NeedsAction,
    Accepted,
    Declined,
    Tentative,
}

impl From<Guest> for Attendee {
    fn from(guest: Guest) -> Self {
        Self {
            id: guest.id,
            event_id: guest.event_id,
            user_id: guest.user_id,
            email: guest.email,
            name: guest.name,
            avatar_url: guest.avatar_url,
            response_status: guest.response_status,
            is_optional: guest.is_optional,
        }
    }
}

impl From<attendees::Attendee> for AttendeeDetails {
    fn from(attendee: attendees::Attendee) -> Self {
        Self { comment: attendee.comment, responded_at: attendee.responded_at, attendee: attendee.guest.into() }
    }
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateAttendee {
    /// Null: the user's own name is shown.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, min_length = 1, max_length = 200)]
    name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = bool, required = false)]
    is_optional: Patch<bool>,
}

impl UpdateAttendee {
    pub(crate) fn change(self) -> Result<AttendeeChange> {
        let mut checks = Checks::new();
        let change = AttendeeChange {
            name: self.name.nullable(),
            is_optional: self.is_optional.not_null("/is_optional", &mut checks),
        };
        checks.done()?;
        Ok(change)
    }
}

/// The caller's answer to an invitation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Respond {
    #[schema(value_type = AttendeeResponseStatus)]
    response_status: ResponseStatus,
    #[schema(max_length = 2000)]
    comment: Option<String>,
}

impl From<Respond> for Reply {
    fn from(input: Respond) -> Self {
        Self { response_status: input.response_status, comment: input.comment }
    }
}
