use chrono::{DateTime, Utc};
use events::{Invitee, Role};
use kernel::{CalendarId, Checks, Failure, Result, UserId};
use koyomi::{CalendarInput, CalendarPatch};
use serde::{Deserialize, Serialize};
use store::Epoch;
use utoipa::ToSchema;

use crate::extract::Patch;

/// A calendar as the caller sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Calendar {
    #[schema(value_type = Uuid)]
    id: CalendarId,
    #[schema(value_type = Uuid)]
    owner_id: UserId,
    #[schema(example = "Work")]
    name: String,
    description: Option<String>,
    #[schema(example = "#1e90ff")]
    color: String,
    /// IANA; where floating and all-day events happen.
    #[schema(example = "Asia/Tokyo")]
    time_zone: String,
    /// What the caller may do here.
    #[schema(value_type = MemberRole)]
    role: Role,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// For `If-Match` on a change of the calendar itself.
    #[schema(example = "\"1.3\"")]
    etag: String,
}

/// `owner`: everything, and shares, renames, deletes the calendar. `writer`: sees and changes all events. `reader`: sees
/// events, private ones as busy. `free_busy`: sees when it is busy.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents events::Role")]
pub(crate) enum MemberRole {
    Owner,
    Writer,
    Reader,
    FreeBusy,
}

impl Calendar {
    pub(crate) fn of(calendar: events::Calendar, epoch: Epoch) -> Self {
        Self {
            etag: epoch.tag(calendar.version),
            id: calendar.id,
            owner_id: calendar.owner_id,
            name: calendar.name,
            description: calendar.description,
            color: calendar.color,
            time_zone: calendar.time_zone,
            role: calendar.role,
            created_at: calendar.created_at,
            updated_at: calendar.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCalendar {
    #[schema(min_length = 1, max_length = 200, example = "Work")]
    name: String,
    #[schema(max_length = 8000)]
    description: Option<String>,
    /// `#1e90ff` when absent.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$", example = "#1e90ff")]
    color: Option<String>,
    /// IANA; the caller's when absent.
    #[schema(example = "Asia/Tokyo")]
    time_zone: Option<String>,
}

impl From<CreateCalendar> for CalendarInput {
    fn from(input: CreateCalendar) -> Self {
        Self { name: input.name, description: input.description, color: input.color, time_zone: input.time_zone }
    }
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateCalendar {
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 8000)]
    description: Patch<String>,
    #[serde(default)]
    #[schema(value_type = String, required = false, pattern = "^#[0-9a-fA-F]{6}$")]
    color: Patch<String>,
    /// Floating and all-day events move with it.
    #[serde(default)]
    #[schema(value_type = String, required = false, example = "Asia/Tokyo")]
    time_zone: Patch<String>,
}

impl UpdateCalendar {
    pub(crate) fn patch(self) -> Result<CalendarPatch> {
        let mut checks = Checks::new();
        let patch = CalendarPatch {
            name: self.name.not_null("/name", &mut checks),
            description: self.description.nullable(),
            color: self.color.not_null("/color", &mut checks),
            time_zone: self.time_zone.not_null("/time_zone", &mut checks),
        };
        checks.done()?;
        Ok(patch)
    }
}

/// Somebody a calendar is shared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    #[schema(value_type = Uuid)]
    calendar_id: CalendarId,
    #[schema(value_type = Uuid)]
    user_id: UserId,
    email: String,
    name: String,
    avatar_url: Option<String>,
    #[schema(value_type = MemberRole)]
    role: Role,
    created_at: DateTime<Utc>,
}

impl From<events::Member> for Member {
    fn from(member: events::Member) -> Self {
        Self {
            calendar_id: member.calendar_id,
            user_id: member.user_id,
            email: member.email,
            name: member.name,
            avatar_url: member.avatar_url,
            role: member.role,
            created_at: member.created_at,
        }
    }
}

/// Whom to share with: exactly one of `user_id` and `email`, of the caller's organisation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateMember {
    #[schema(value_type = Option<Uuid>)]
    user_id: Option<UserId>,
    #[schema(example = "ken@example.com", max_length = 254)]
    email: Option<String>,
    #[schema(value_type = MemberRole)]
    pub role: Role,
}

impl CreateMember {
    pub(crate) fn who(self) -> Result<Invitee> {
        match (self.user_id, self.email) {
            (Some(id), None) => Ok(Invitee::User(id)),
            (None, Some(email)) => {
                let mut checks = Checks::new();
                checks.email("/email", &email);
                checks.done()?;
                Ok(Invitee::Email(email))
            }
            _ => Err(Failure::invalid("", "needs exactly one of user_id and email")),
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateMember {
    #[schema(value_type = MemberRole)]
    pub role: Role,
}
