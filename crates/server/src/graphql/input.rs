//! What changes are made from.

use async_graphql::{InputObject, MaybeUndefined};
use attendees::AttendeeChange;
use chrono::NaiveDateTime;
use kernel::{Checks, Result};
use koyomi::{CalendarInput, CalendarPatch, EventInput, EventPatch, GuestInput, Reply};
use resources::ResourceChange;
use users::UserChanges;
use uuid::Uuid;

use super::scalar::{
    AttendeeResponseStatus, Date, EventStatus, EventTransparency, EventVisibility, KindOfResource, LocalDateTime,
};

/// A day (`date`), or a reading of a clock (`dateTime`) in a zone; without a zone the same reading everywhere.
#[derive(InputObject)]
pub(super) struct EventTimeInput {
    /// For an all-day event. The end is exclusive: one day long is the next day.
    date: Option<Date>,
    /// For all others.
    date_time: Option<LocalDateTime>,
    /// IANA.
    time_zone: Option<String>,
}

impl From<EventTimeInput> for koyomi::EventTime {
    fn from(input: EventTimeInput) -> Self {
        let date_time: Option<NaiveDateTime> = input.date_time.map(|at| at.0);
        Self { date: input.date.map(|day| day.0), date_time, time_zone: input.time_zone }
    }
}

/// A new event with its guests and rooms: all of it is written, or nothing.
#[derive(InputObject)]
pub(super) struct CreateEventInput {
    /// Where it goes.
    calendar_id: Uuid,
    /// RFC 5545 UID, unique in its calendar; minted when absent.
    uid: Option<String>,
    /// What it is called.
    #[graphql(default)]
    title: String,
    /// What it is about.
    description: Option<String>,
    /// Where it happens.
    location: Option<String>,
    /// RFC 5545 §3.8.1.11
    #[graphql(default_with = "EventStatus::Confirmed")]
    status: EventStatus,
    /// RFC 5545 §3.8.1.3 (CLASS)
    #[graphql(default_with = "EventVisibility::Default")]
    visibility: EventVisibility,
    /// RFC 5545 §3.8.2.7
    #[graphql(default_with = "EventTransparency::Opaque")]
    transparency: EventTransparency,
    /// When it starts.
    start: EventTimeInput,
    /// Of the same form as `start`. Absent: that day, or an instant (RFC 5545 §3.6.1).
    end: Option<EventTimeInput>,
    /// RRULE, RDATE and EXDATE content lines.
    #[graphql(default)]
    recurrence: Vec<String>,
    /// Whom to invite.
    #[graphql(default)]
    attendees: Vec<InviteInput>,
    /// Resources to book for every occurrence.
    #[graphql(default)]
    resource_ids: Vec<Uuid>,
}

/// Somebody to invite.
#[derive(InputObject)]
pub(super) struct InviteInput {
    /// Where the invitation goes.
    email: String,
    /// How he is called.
    name: Option<String>,
    /// Whether it can do without him.
    #[graphql(default)]
    is_optional: bool,
}

impl From<InviteInput> for GuestInput {
    fn from(input: InviteInput) -> Self {
        Self { email: input.email, name: input.name, is_optional: input.is_optional }
    }
}

impl From<CreateEventInput> for EventInput {
    fn from(input: CreateEventInput) -> Self {
        Self {
            calendar_id: input.calendar_id.into(),
            uid: input.uid,
            title: input.title,
            description: input.description,
            location: input.location,
            status: input.status.into(),
            visibility: input.visibility.into(),
            transparency: input.transparency.into(),
            start: input.start.into(),
            end: input.end.map(Into::into),
            recurrence: input.recurrence,
            attendees: input.attendees.into_iter().map(Into::into).collect(),
            resources: input.resource_ids.into_iter().map(Into::into).collect(),
        }
    }
}

/// What to change; what is left out stays. With `start` alone the length stays.
#[derive(InputObject)]
pub(super) struct UpdateEventInput {
    /// What it is called.
    title: MaybeUndefined<String>,
    /// What it is about.
    description: MaybeUndefined<String>,
    /// Where it happens.
    location: MaybeUndefined<String>,
    /// RFC 5545 §3.8.1.11
    status: MaybeUndefined<EventStatus>,
    /// RFC 5545 §3.8.1.3 (CLASS)
    visibility: MaybeUndefined<EventVisibility>,
    /// RFC 5545 §3.8.2.7
    transparency: MaybeUndefined<EventTransparency>,
    /// When it starts.
    start: MaybeUndefined<EventTimeInput>,
    /// When it ends.
    end: MaybeUndefined<EventTimeInput>,
    /// All lines anew; `[]` makes it a single event.
    recurrence: MaybeUndefined<Vec<String>>,
}

impl UpdateEventInput {
    pub(super) fn patch(self) -> Result<EventPatch> {
        let mut checks = Checks::new();
        let patch = EventPatch {
            title: given(self.title, "/title", &mut checks),
            description: nullable(self.description),
            location: nullable(self.location),
            status: given(self.status, "/status", &mut checks).map(Into::into),
            visibility: given(self.visibility, "/visibility", &mut checks).map(Into::into),
            transparency: given(self.transparency, "/transparency", &mut checks).map(Into::into),
            start: given(self.start, "/start", &mut checks).map(Into::into),
            end: given(self.end, "/end", &mut checks).map(Into::into),
            recurrence: given(self.recurrence, "/recurrence", &mut checks),
        };
        checks.done()?;
        Ok(patch)
    }
}

/// A new calendar, the caller's.
#[derive(InputObject)]
pub(super) struct CreateCalendarInput {
    /// What it is called.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// `#1e90ff` when absent.
    color: Option<String>,
    /// IANA; the caller's when absent.
    time_zone: Option<String>,
}

impl From<CreateCalendarInput> for CalendarInput {
    fn from(input: CreateCalendarInput) -> Self {
        Self { name: input.name, description: input.description, color: input.color, time_zone: input.time_zone }
    }
}

/// What to change; what is left out stays.
#[derive(InputObject)]
pub(super) struct UpdateCalendarInput {
    /// What it is called.
    name: MaybeUndefined<String>,
    /// What it is for.
    description: MaybeUndefined<String>,
    /// `#rrggbb`
    color: MaybeUndefined<String>,
    /// IANA. Floating and all-day events move with it.
    time_zone: MaybeUndefined<String>,
}

impl UpdateCalendarInput {
    pub(super) fn patch(self) -> Result<CalendarPatch> {
        let mut checks = Checks::new();
        let patch = CalendarPatch {
            name: given(self.name, "/name", &mut checks),
            description: nullable(self.description),
            color: given(self.color, "/color", &mut checks),
            time_zone: given(self.time_zone, "/timeZone", &mut checks),
        };
        checks.done()?;
        Ok(patch)
    }
}

/// What to change; what is left out stays.
#[derive(InputObject)]
pub(super) struct UpdateAttendeeInput {
    /// Null: the user's own name is shown.
    name: MaybeUndefined<String>,
    /// Whether it can do without him.
    is_optional: MaybeUndefined<bool>,
}

impl UpdateAttendeeInput {
    pub(super) fn change(self) -> Result<AttendeeChange> {
        let mut checks = Checks::new();
        let change = AttendeeChange {
            name: nullable(self.name),
            is_optional: given(self.is_optional, "/isOptional", &mut checks),
        };
        checks.done()?;
        Ok(change)
    }
}

/// The caller's answer to an invitation.
#[derive(InputObject)]
pub(super) struct RespondInput {
    /// Whether he comes.
    response_status: AttendeeResponseStatus,
    /// What he says with it.
    comment: Option<String>,
}

impl From<RespondInput> for Reply {
    fn from(input: RespondInput) -> Self {
        Self { response_status: input.response_status.into(), comment: input.comment }
    }
}

/// Something new that can be booked.
#[derive(InputObject)]
pub(super) struct CreateResourceInput {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: KindOfResource,
    /// How many people it takes.
    pub capacity: Option<i32>,
    /// Where it is.
    pub location: Option<String>,
    /// What one should know of it.
    pub description: Option<String>,
    /// One booking at a time; otherwise any number at once.
    #[graphql(default = true)]
    pub exclusive: bool,
}

/// What to change; what is left out stays.
#[derive(InputObject)]
pub(super) struct UpdateResourceInput {
    /// What it is called.
    name: MaybeUndefined<String>,
    /// What it is.
    kind: MaybeUndefined<KindOfResource>,
    /// How many people it takes.
    capacity: MaybeUndefined<i32>,
    /// Where it is.
    location: MaybeUndefined<String>,
    /// What one should know of it.
    description: MaybeUndefined<String>,
    /// One booking at a time; otherwise any number at once.
    exclusive: MaybeUndefined<bool>,
}

impl UpdateResourceInput {
    pub(super) fn change(self) -> Result<ResourceChange> {
        let mut checks = Checks::new();
        let change = ResourceChange {
            name: given(self.name, "/name", &mut checks),
            kind: given(self.kind, "/kind", &mut checks).map(Into::into),
            capacity: nullable(self.capacity),
            location: nullable(self.location),
            description: nullable(self.description),
            exclusive: given(self.exclusive, "/exclusive", &mut checks),
        };
        checks.done()?;
        Ok(change)
    }
}

/// What to change; what is left out stays.
#[derive(InputObject)]
pub(super) struct UpdateMeInput {
    /// How he is called.
    name: MaybeUndefined<String>,
    /// A picture of him.
    avatar_url: MaybeUndefined<String>,
    /// IANA.
    time_zone: MaybeUndefined<String>,
}

impl UpdateMeInput {
    pub(super) fn changes(self) -> Result<UserChanges> {
        let mut checks = Checks::new();
        let changes = UserChanges {
            name: given(self.name, "/name", &mut checks),
            avatar_url: nullable(self.avatar_url),
            time_zone: given(self.time_zone, "/timeZone", &mut checks),
        };
        checks.done()?;
        Ok(changes)
    }
}

/// What may be left out, but not be null.
fn given<T>(value: MaybeUndefined<T>, pointer: &str, checks: &mut Checks) -> Option<T> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => {
            checks.reject(pointer, "must not be null; leave it out to keep it");
            None
        }
        MaybeUndefined::Value(value) => Some(value),
    }
}

/// What null empties.
fn nullable<T>(value: MaybeUndefined<T>) -> Option<Option<T>> {
    match value {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}
