use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use crate::{Rule, Zone};

/// A DTSTART-like value: the four forms of RFC 5545 §3.3.4 and §3.3.5. UTC is `Zoned` in the zone `UTC`.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// `VALUE=DATE`: the whole day, wherever one is.
    Date(NaiveDate),
    /// Local time without a zone: the same clock reading everywhere.
    Floating(NaiveDateTime),
    /// Local time in a zone.
    Zoned(NaiveDateTime, Zone),
}

/// Length of an occurrence. Days are nominal (a day of 23 hours is one day), seconds are exact (RFC 5545 §3.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    pub days: i32,
    pub seconds: i64,
}

/// An RDATE; a PERIOD brings its own length.
#[derive(Debug, Clone, PartialEq)]
pub struct RecurrenceDate {
    pub start: Moment,
    pub duration: Option<Duration>,
}

/// A recurrence set: the start (always its first member), rules, added and removed dates.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub start: Moment,
    pub duration: Duration,
    pub rules: Vec<Rule>,
    pub rdates: Vec<RecurrenceDate>,
    pub exdates: Vec<Moment>,
    /// Where floating and all-day values are anchored to get UTC: the calendar's zone.
    pub anchor: Zone,
}

/// Half-open `[from, to)` in UTC; an occurrence is inside when it overlaps: `end > from && start < to`, and an empty
/// occurrence when `from <= start < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

