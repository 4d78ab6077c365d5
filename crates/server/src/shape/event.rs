use std::collections::HashMap;

use attendees::Guest;
use chrono::{DateTime, NaiveDateTime, Utc};
use events::{Happening, Status, Transparency, View, Visibility};
use kernel::{CalendarId, Checks, EventId, ResourceId, Result, UserId};
use koyomi::{EventInput, EventPatch, GuestInput, Listed};
use resources::Reservation as Booked;
use serde::{Deserialize, Serialize};
use store::Epoch;
use utoipa::ToSchema;

use super::attendee::Attendee;
use super::reservation::Reservation;
use super::time::EventTime;
use crate::extract::Patch;

mod shown;

pub(crate) use shown::{Shown, fields_of};

/// One happening of an event. Lists show each occurrence of a series as one; the same `id` may then appear several
/// times, told apart by `original_start`.
///
/// Who sees only free/busy gets `view: busy`: when it is and whether it takes up time, the rest null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    #[schema(value_type = Uuid)]
    id: EventId,
    #[schema(value_type = Uuid)]
    calendar_id: CalendarId,
    /// RFC 5545 UID.
    uid: Option<String>,
    #[schema(example = "Design review")]
    title: Option<String>,
    description: Option<String>,
    location: Option<String>,
    #[schema(value_type = EventStatus)]
    status: Status,
    #[schema(value_type = EventVisibility)]
    visibility: Visibility,
    #[schema(value_type = EventTransparency)]
    transparency: Transparency,
    start: EventTime,
    /// Exclusive for all-day events.
    end: EventTime,
    /// `start` in UTC.
    start_time: DateTime<Utc>,
    /// `end` in UTC, exclusive.
    end_time: DateTime<Utc>,
    /// RRULE, RDATE and EXDATE content lines (RFC 5545 §3.8.5).
    recurrence: Vec<String>,
    /// Of an occurrence that was changed on its own: its series.
    #[schema(value_type = Option<Uuid>)]
    recurring_event_id: Option<EventId>,
    /// Of a series that was split: what came before it.
    #[schema(value_type = Option<Uuid>)]
    previous_series_id: Option<EventId>,
    /// Of a series that was split: what goes on after it.
    #[schema(value_type = Option<Uuid>)]
    next_series_id: Option<EventId>,
    /// Which occurrence of the series this is, in the series' wall time: a day or a local time. Null where nothing
    /// recurs.
    #[schema(example = "2026-11-22T10:00:00")]
    original_start: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    organizer_id: Option<UserId>,
    organizer_name: Option<String>,
    attendee_count: i64,
    /// The first of its resources.
    room_name: Option<String>,
    /// RFC 5545 SEQUENCE.
    sequence: i32,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    #[schema(value_type = EventView)]
    view: View,
    /// For `If-Match` on a change of this event.
    #[schema(example = "\"1.42\"")]
    etag: String,
    /// With `expand=organizer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    organizer: Option<Organizer>,
    /// With `expand=attendees`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    attendees: Option<Vec<Attendee>>,
    /// With `expand=resources`: what this occurrence has booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resources: Option<Vec<Reservation>>,
}

/// Who called the event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Organizer {
    /// Null: not of the caller's organisation.
    #[schema(value_type = Option<Uuid>)]
    id: Option<UserId>,
    email: Option<String>,
    name: Option<String>,
    avatar_url: Option<String>,
}

/// RFC 5545 §3.8.1.11
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents events::Status")]
pub(crate) enum EventStatus {
    Confirmed,
    Tentative,
    Cancelled,
}

/// RFC 5545 §3.8.1.3 (CLASS). Private and confidential events are busy blocks to readers.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents events::Visibility")]
pub(crate) enum EventVisibility {
    Default,
    Public,
    Private,
    Confidential,
}

/// RFC 5545 §3.8.2.7: does it take up time?
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents events::Transparency")]
pub(crate) enum EventTransparency {
    Opaque,
    Transparent,
}

/// How much of the event is shown.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "documents events::View")]
pub(crate) enum EventView {
    Busy,
    Full,
}

/// What a list nests into its items.
#[derive(Debug, Default)]
pub(crate) struct Nested {
    pub organizer: bool,
    pub attendees: Option<HashMap<EventId, Vec<Guest>>>,
    pub reservations: Option<HashMap<(EventId, NaiveDateTime), Vec<Booked>>>,
}

impl Event {
    /// The items of a list.
    pub(crate) fn list(listed: Listed, organizer: bool, epoch: Epoch) -> Result<(Vec<Self>, Option<String>)> {
        let nested = Nested { organizer, attendees: listed.attendees, reservations: listed.reservations };
        let items: Result<_> = listed.page.items.into_iter().map(|h| Self::of(h, &nested, epoch)).collect();
        Ok((items?, listed.page.next_cursor))
    }

    pub(crate) fn of(happening: Happening, nested: &Nested, epoch: Epoch) -> Result<Self> {
        let (start, end) = (happening.start()?.into(), happening.end()?.into());
        let view = happening.view.unwrap_or(View::Busy);
        let full = view == View::Full;
        let key = (happening.event.id, happening.original_start);
        let original_start = original_start(&happening);
        let organizer = (nested.organizer && full).then(|| Organizer {
            id: happening.event.organizer_id,
            email: happening.organizer_address.clone(),
            name: happening.organizer_name.clone(),
            avatar_url: happening.organizer_avatar_url.clone(),
        });
        let guests = nested
            .attendees
            .as_ref()
            .filter(|_| full)
            .map(|by_event| by_event.get(&key.0).into_iter().flatten().cloned().map(Attendee::from).collect());
        let booked = nested.reservations.as_ref().filter(|_| full).map(|by_occurrence| {
            by_occurrence.get(&key).into_iter().flatten().cloned().map(Reservation::from).collect()
        });
        let event = happening.event;
        Ok(Self {
            id: event.id,
            calendar_id: event.calendar_id,
            uid: full.then_some(event.uid),
            title: full.then_some(event.title),
            description: event.description,
            location: event.location,
            status: event.status,
            visibility: event.visibility,
            transparency: event.transparency,
            start,
            end,
            start_time: happening.start_time,
            end_time: happening.end_time,
            recurrence: event.recurrence,
            recurring_event_id: event.recurring_event_id,
            previous_series_id: event.previous_series_id,
            next_series_id: event.next_series_id,
            original_start,
            organizer_id: event.organizer_id,
            organizer_name: happening.organizer_name,
            attendee_count: happening.attendee_count,
            room_name: happening.room_name,
            sequence: event.sequence,
            created_at: full.then_some(event.created_at),
            updated_at: full.then_some(event.updated_at),
            view,
            etag: epoch.tag(event.seq),
            organizer,
            attendees: guests,
            resources: booked,
        })
    }

    pub(crate) fn etag(&self) -> &str {
        &self.etag
    }

    /// Where a new event is to be found.
    pub(crate) fn path(&self) -> String {
        format!("/api/events/{}", self.id)
    }

    /// Every name that `fields` may hold.
    pub(crate) const FIELDS: [&'static str; 30] = [
        "id",
        "calendar_id",
        "uid",
        "title",
        "description",
        "location",
        "status",
        "visibility",
        "transparency",
        "start",
        "end",
        "start_time",
        "end_time",
        "recurrence",
        "recurring_event_id",
        "previous_series_id",
        "next_series_id",
        "original_start",
        "organizer_id",
        "organizer_name",
        "attendee_count",
        "room_name",
        "sequence",
        "created_at",
        "updated_at",
        "view",
        "etag",
        "organizer",
        "attendees",
        "resources",
    ];
}

fn original_start(happening: &Happening) -> Option<String> {
    let recurs = happening.event.is_recurring() || happening.event.recurring_event_id.is_some();
    // A busy block does not tell that it recurs.
    if !recurs || happening.view != Some(View::Full) {
        return None;
    }
    let at = happening.original_start;
    // Of an occurrence that became a whole day on its own, the time says which one it was.
    let is_day = happening.event.all_day && at.time() == chrono::NaiveTime::MIN;
    Some(if is_day { at.date().to_string() } else { at.format("%Y-%m-%dT%H:%M:%S").to_string() })
}

/// A new event with its guests and rooms: all of it is written, or nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateEvent {
    #[schema(value_type = Uuid)]
    calendar_id: CalendarId,
    /// RFC 5545 UID, unique in its calendar; minted when absent.
    #[schema(min_length = 1, max_length = 512)]
    uid: Option<String>,
    #[serde(default)]
    #[schema(max_length = 1000, example = "Design review")]
    title: String,
    #[schema(max_length = 65536)]
    description: Option<String>,
    #[schema(max_length = 2000)]
    location: Option<String>,
    #[serde(default)]
    #[schema(value_type = EventStatus, required = false)]
    status: Status,
    #[serde(default)]
    #[schema(value_type = EventVisibility, required = false)]
    visibility: Visibility,
    #[serde(default)]
    #[schema(value_type = EventTransparency, required = false)]
    transparency: Transparency,
    start: EventTime,
    /// Of the same form as `start`. Absent: that day, or an instant (RFC 5545 §3.6.1).
    end: Option<EventTime>,
    /// RRULE, RDATE and EXDATE content lines.
    #[serde(default)]
    #[schema(max_items = 1000, example = json!(["RRULE:FREQ=WEEKLY;BYDAY=MO"]))]
    recurrence: Vec<String>,
    #[serde(default)]
    #[schema(max_items = 500)]
    attendees: Vec<Invite>,
    /// Resources to book for every occurrence.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, required = false, max_items = 50)]
    resources: Vec<ResourceId>,
}

/// Somebody to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invite {
    #[schema(example = "ken@example.com", max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default)]
    is_optional: bool,
}

impl From<Invite> for GuestInput {
    fn from(invite: Invite) -> Self {
        Self { email: invite.email, name: invite.name, is_optional: invite.is_optional }
    }
}

impl From<CreateEvent> for EventInput {
    fn from(input: CreateEvent) -> Self {
        Self {
            calendar_id: input.calendar_id,
            uid: input.uid,
            title: input.title,
            description: input.description,
            location: input.location,
            status: input.status,
            visibility: input.visibility,
            transparency: input.transparency,
            start: input.start.into(),
            end: input.end.map(Into::into),
            recurrence: input.recurrence,
            attendees: input.attendees.into_iter().map(Into::into).collect(),
            resources: input.resources,
        }
    }
}

/// What to change; what is left out stays. With `start` alone the length stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateEvent {
    #[serde(default)]
    #[schema(value_type = String, required = false, max_length = 1000)]
    title: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 65536)]
    description: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false, max_length = 2000)]
    location: Patch<String>,
    #[serde(default)]
    #[schema(value_type = EventStatus, required = false)]
    status: Patch<Status>,
    #[serde(default)]
    #[schema(value_type = EventVisibility, required = false)]
    visibility: Patch<Visibility>,
    #[serde(default)]
    #[schema(value_type = EventTransparency, required = false)]
    transparency: Patch<Transparency>,
    #[serde(default)]
    #[schema(value_type = EventTime, required = false)]
    start: Patch<EventTime>,
    #[serde(default)]
    #[schema(value_type = EventTime, required = false)]
    end: Patch<EventTime>,
    /// All lines anew; `[]` makes it a single event.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false, max_items = 1000)]
    recurrence: Patch<Vec<String>>,
}

impl UpdateEvent {
    pub(crate) fn patch(self) -> Result<EventPatch> {
        let mut checks = Checks::new();
        let patch = EventPatch {
            title: self.title.not_null("/title", &mut checks),
            description: self.description.nullable(),
            location: self.location.nullable(),
            status: self.status.not_null("/status", &mut checks),
            visibility: self.visibility.not_null("/visibility", &mut checks),
            transparency: self.transparency.not_null("/transparency", &mut checks),
            start: self.start.not_null("/start", &mut checks).map(Into::into),
            end: self.end.not_null("/end", &mut checks).map(Into::into),
            recurrence: self.recurrence.not_null("/recurrence", &mut checks),
        };
        checks.done()?;
        Ok(patch)
    }
}
