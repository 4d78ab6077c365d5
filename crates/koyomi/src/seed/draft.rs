//! An event while it is being thought up.

use attendees::ResponseStatus;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use events::{NewEvent, Status, Transparency, Visibility, When};
use kernel::{CalendarId, EventId, UserId};
use users::User;
use uuid::Uuid;

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) event: NewEvent,
    pub(super) guests: Vec<Invited>,
    /// The first of these that is free gets booked.
    pub(super) rooms: Vec<usize>,
    /// Occurrences that will have a record of their own.
    pub(super) overridden: Vec<NaiveDateTime>,
}

#[derive(Debug)]
pub(super) struct Invited {
    pub(super) user_id: Option<UserId>,
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) is_optional: bool,
    pub(super) answer: ResponseStatus,
    /// Since the invitation; `None`: no answer yet.
    pub(super) answered_after: Option<TimeDelta>,
    pub(super) comment: Option<&'static str>,
}

impl Invited {
    pub(super) fn user(user: &User) -> Self {
        Self {
            user_id: Some(user.id),
            email: user.email.clone(),
            name: None,
            is_optional: false,
            answer: ResponseStatus::NeedsAction,
            answered_after: None,
            comment: None,
        }
    }

    pub(super) fn outsider(email: String, name: Option<String>) -> Self {
        Self {
            user_id: None,
            email,
            name,
            is_optional: false,
            answer: ResponseStatus::NeedsAction,
            answered_after: None,
            comment: None,
        }
    }

    pub(super) fn answers(mut self, answer: ResponseStatus, after: TimeDelta, comment: Option<&'static str>) -> Self {
        self.answer = answer;
        self.answered_after = Some(after);
        self.comment = comment;
        self
    }
}

impl Draft {
    pub(super) fn new(title: impl Into<String>, when: When, organizer: UserId, created_at: DateTime<Utc>) -> Self {
        let event = NewEvent {
            id: EventId(Uuid::nil()),
            calendar_id: CalendarId(Uuid::nil()),
            uid: String::new(),
            recurring_event_id: None,
            original_start: None,
            previous_series_id: None,
            next_series_id: None,
            title: title.into(),
            description: None,
            location: None,
            status: Status::Confirmed,
            visibility: Visibility::Default,
            transparency: Transparency::Opaque,
            when,
            organizer_id: Some(organizer),
            organizer_email: None,
            organizer_name: None,
            sequence: 0,
            extra: Vec::new(),
            source: None,
            stamped_at: None,
            created_at,
            updated_at: created_at,
        };
        Self { event, guests: Vec::new(), rooms: Vec::new(), overridden: Vec::new() }
    }

    pub(super) fn about(mut self, description: impl Into<String>) -> Self {
        self.event.description = Some(description.into());
        self
    }

    pub(super) fn at(mut self, location: impl Into<String>) -> Self {
        self.event.location = Some(location.into());
        self
    }

    pub(super) fn status(mut self, status: Status) -> Self {
        self.event.status = status;
        self
    }

    pub(super) fn visibility(mut self, visibility: Visibility) -> Self {
        self.event.visibility = visibility;
        self
    }

    /// Takes up no time.
    pub(super) fn transparent(mut self) -> Self {
        self.event.transparency = Transparency::Transparent;
        self
    }

    pub(super) fn with(mut self, guests: impl IntoIterator<Item = Invited>) -> Self {
        self.guests.extend(guests);
        self
    }

    pub(super) fn room(mut self, candidates: impl IntoIterator<Item = usize>) -> Self {
        self.rooms.extend(candidates);
        self
    }

    pub(super) fn without(mut self, occurrence: NaiveDateTime) -> Self {
        self.overridden.push(occurrence);
        self
    }

    /// Stands for one occurrence of a series.
    pub(super) fn instead_of(mut self, series: EventId, occurrence: NaiveDateTime) -> Self {
        self.event.uid = format!("{series}@koyomi");
        self.event.recurring_event_id = Some(series);
        self.event.original_start = Some(occurrence);
        self
    }
}

/// `minutes` from a time of day in a zone; floating without one.
pub(super) fn timed(day: NaiveDate, at: NaiveTime, minutes: i64, zone: Option<&str>) -> When {
    When {
        all_day: false,
        start_local: day.and_time(at),
        time_zone: zone.map(str::to_owned),
        end_time_zone: None,
        zone_rules: Vec::new(),
        duration_days: 0,
        duration_seconds: minutes * 60,
        recurrence: Vec::new(),
    }
}

pub(super) fn all_day(day: NaiveDate, days: i32) -> When {
    When {
        all_day: true,
        start_local: day.and_time(NaiveTime::MIN),
        time_zone: None,
        end_time_zone: None,
        zone_rules: Vec::new(),
        duration_days: days,
        duration_seconds: 0,
        recurrence: Vec::new(),
    }
}

pub(super) fn repeated(when: When, lines: impl IntoIterator<Item = String>) -> When {
    When { recurrence: lines.into_iter().collect(), ..when }
}
