use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, EventId, Result, UserId};
use recurrence::Moment;
use serde::{Deserialize, Serialize};

use crate::{Role, zone_of};

/// RFC 5545 §3.8.1.11
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    #[default]
    Confirmed,
    Tentative,
    Cancelled,
}

/// RFC 5545 §3.8.1.3 (CLASS); `default` is what the calendar's role gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Default,
    Public,
    Private,
    Confidential,
}

/// RFC 5545 §3.8.2.7: does it take up time?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Transparency {
    #[default]
    Opaque,
    Transparent,
}

/// How much of an event somebody sees: `koyomi::access` decides it, [`Happening::seen_as`] applies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// When, and that it is taken.
    Busy,
    Full,
}

/// An event record: a single event, the master of a series, or the override of one occurrence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Event {
    pub id: EventId,
    pub calendar_id: CalendarId,
    /// RFC 5545 §3.8.4.7
    pub uid: String,
    /// Of an override: its series.
    pub recurring_event_id: Option<EventId>,
    /// Of a series that was split: what came before it, and what goes on after it.
    #[serde(default)]
    pub previous_series_id: Option<EventId>,
    #[serde(default)]
    pub next_series_id: Option<EventId>,
    pub title: String,
    pub description: Option<String>,
    pub location: Option<String>,
    pub status: Status,
    pub visibility: Visibility,
    pub transparency: Transparency,
    pub all_day: bool,
    /// Wall time; midnight of the first day when `all_day`.
    pub start_local: NaiveDateTime,
    /// IANA, or the TZID of a zone in `zone_rules`; null for floating and all-day events.
    pub time_zone: Option<String>,
    /// Only where it ends in another zone.
    pub end_time_zone: Option<String>,
    /// VTIMEZONE texts of the zones that IANA does not know.
    pub zone_rules: Vec<String>,
    pub duration_days: i32,
    pub duration_seconds: i64,
    /// RRULE, RDATE and EXDATE content lines (RFC 5545 §3.8.5).
    pub recurrence: Vec<String>,
    pub organizer_id: Option<UserId>,
    pub organizer_email: Option<String>,
    pub sequence: i32,
    /// The calendar's seq when this last changed.
    pub seq: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Event {
    pub fn is_recurring(&self) -> bool {
        !self.recurrence.is_empty()
    }
}

/// One happening of an event, with what a list shows beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Happening {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub event: Event,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
    /// Which occurrence of the series, in the series' wall time.
    pub original_start: NaiveDateTime,
    pub attendee_count: i64,
    pub organizer_name: Option<String>,
    pub organizer_address: Option<String>,
    pub organizer_avatar_url: Option<String>,
    pub room_name: Option<String>,
    /// The calendar's: where floating and all-day times are anchored.
    pub calendar_time_zone: String,
    /// The caller is among the attendees; false where the question was not about him.
    #[sqlx(default)]
    #[serde(default)]
    pub invited: bool,
    #[sqlx(skip)]
    #[serde(default)]
    pub view: Option<View>,
}

impl Happening {
    /// When it starts, in the terms of the event.
    ///
    /// # Errors
    /// Only where a stored zone is unknown to this build.
    pub fn start(&self) -> Result<Moment> {
        self.moment(self.start_time, self.event.time_zone.as_deref())
    }

    /// When it ends; exclusive for all-day events.
    ///
    /// # Errors
    /// As [`Happening::start`].
    pub fn end(&self) -> Result<Moment> {
        let zone = self.event.end_time_zone.as_deref().or(self.event.time_zone.as_deref());
        self.moment(self.end_time, zone)
    }

    fn moment(&self, at: DateTime<Utc>, zone: Option<&str>) -> Result<Moment> {
        let rules = &self.event.zone_rules;
        Ok(match zone {
            Some(name) => {
                let zone = zone_of(name, rules)?;
                Moment::Zoned(zone.to_local(at), zone)
            }
            None => {
                let local = zone_of(&self.calendar_time_zone, &[])?.to_local(at);
                if self.event.all_day { Moment::Date(local.date()) } else { Moment::Floating(local) }
            }
        })
    }

    /// Where this stands in the order of every list of occurrences.
    pub fn position(&self) -> crate::Position {
        crate::Position {
            start_micros: self.start_time.timestamp_micros(),
            event_id: self.event.id,
            original_micros: self.original_start.and_utc().timestamp_micros(),
        }
    }

    /// Leaves only what `view` may see. A busy block keeps when it is, by the calendar's clock, and whether it takes up
    /// time; nothing that tells what, who or where, nor how often it was changed.
    #[must_use]
    pub fn seen_as(mut self, view: View) -> Self {
        self.view = Some(view);
        if view == View::Full {
            return self;
        }
        let event = &mut self.event;
        event.uid.clear();
        event.recurring_event_id = None;
        event.previous_series_id = None;
        event.next_series_id = None;
        event.time_zone = event.time_zone.is_some().then(|| self.calendar_time_zone.clone());
        event.end_time_zone = None;
        event.zone_rules.clear();
        event.title.clear();
        event.description = None;
        event.location = None;
        event.visibility = Visibility::Private;
        event.recurrence.clear();
        event.organizer_id = None;
        event.organizer_email = None;
        event.sequence = 0;
        self.attendee_count = 0;
        self.organizer_name = None;
        self.organizer_address = None;
        self.organizer_avatar_url = None;
        self.room_name = None;
        self
    }
}

/// An event found by id, with the facts that decide what the caller may see of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Found {
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub happening: Happening,
    /// The caller's in the event's calendar.
    pub role: Option<Role>,
    pub calendar_seq: i64,
    pub calendar_acl: i64,
    pub epoch: i64,
    /// Of the names of the caller's tenant.
    pub directory_seq: i64,
}

/// A record to be written; [`crate::Plan`] adds what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewEvent {
    pub id: EventId,
    pub calendar_id: CalendarId,
    pub uid: String,
    pub recurring_event_id: Option<EventId>,
    pub original_start: Option<NaiveDateTime>,
    /// Halves of a split series know each other.
    pub previous_series_id: Option<EventId>,
    pub next_series_id: Option<EventId>,
    pub title: String,
    pub description: Option<String>,
    pub location: Option<String>,
    pub status: Status,
    pub visibility: Visibility,
    pub transparency: Transparency,
    #[serde(flatten)]
    pub when: crate::When,
    pub organizer_id: Option<UserId>,
    pub organizer_email: Option<String>,
    pub organizer_name: Option<String>,
    pub sequence: i32,
    /// Content lines that the model does not hold.
    pub extra: Vec<String>,
    /// What an imported event said that no column holds; an export says it again.
    pub source: Option<serde_json::Value>,
    pub stamped_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NewEvent {
    /// The record as it will be read back.
    pub fn event(&self, seq: i64) -> Event {
        let when = self.when.clone();
        Event {
            id: self.id,
            calendar_id: self.calendar_id,
            uid: self.uid.clone(),
            recurring_event_id: self.recurring_event_id,
            previous_series_id: self.previous_series_id,
            next_series_id: self.next_series_id,
            title: self.title.clone(),
            description: self.description.clone(),
            location: self.location.clone(),
            status: self.status,
            visibility: self.visibility,
            transparency: self.transparency,
            all_day: when.all_day,
            start_local: when.start_local,
            time_zone: when.time_zone,
            end_time_zone: when.end_time_zone,
            zone_rules: when.zone_rules,
            duration_days: when.duration_days,
            duration_seconds: when.duration_seconds,
            recurrence: when.recurrence,
            organizer_id: self.organizer_id,
            organizer_email: self.organizer_email.clone(),
            sequence: self.sequence,
            seq,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}
