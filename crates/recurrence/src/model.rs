use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use crate::{Error, Rule, Zone, civil};

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

impl Moment {
    /// The clock reading; midnight for a date.
    pub fn local(&self) -> NaiveDateTime {
        match self {
            Moment::Date(date) => civil::midnight(*date),
            Moment::Floating(local) | Moment::Zoned(local, _) => *local,
        }
    }

    /// Whether this is a whole day rather than a time.
    pub fn is_date(&self) -> bool {
        matches!(self, Moment::Date(_))
    }

    /// The zone its clock hangs in; `anchor` for dates and floating times.
    pub fn zone<'a>(&'a self, anchor: &'a Zone) -> &'a Zone {
        match self {
            Moment::Date(_) | Moment::Floating(_) => anchor,
            Moment::Zoned(_, zone) => zone,
        }
    }

    /// The instant, with dates and floating times read in `anchor`.
    pub fn to_utc(&self, anchor: &Zone) -> DateTime<Utc> {
        self.zone(anchor).to_utc(self.local())
    }
}

/// Length of an occurrence. Days are nominal (a day of 23 hours is one day), seconds are exact (RFC 5545 §3.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duration {
    /// Nominal days, added to the wall time of the start.
    pub days: i32,
    /// Exact seconds, added after the days.
    pub seconds: i64,
}

impl Duration {
    /// No length at all.
    pub const ZERO: Duration = Duration { days: 0, seconds: 0 };

    /// Nominal days.
    pub const fn days(days: i32) -> Duration {
        Duration { days, seconds: 0 }
    }

    /// Exact seconds.
    pub const fn seconds(seconds: i64) -> Duration {
        Duration { days: 0, seconds }
    }

    /// The length from `start` to `end`: nominal days between dates, exact seconds between times, because a DTEND asks
    /// for the same exact duration of every occurrence (RFC 5545 §3.8.5.3).
    ///
    /// # Errors
    /// [`Error::EndBeforeStart`]; [`Error::MixedForms`] when one of both is a date and the other a time.
    pub fn between(start: &Moment, end: &Moment, anchor: &Zone) -> Result<Duration, Error> {
        let length = match (start, end) {
            (Moment::Date(start), Moment::Date(end)) => {
                let days = end.signed_duration_since(*start).num_days();
                Duration::days(i32::try_from(days).unwrap_or(i32::MAX))
            }
            (Moment::Date(_), _) | (_, Moment::Date(_)) => return Err(Error::MixedForms),
            // the clock counts here: between two floating times no zone has a say
            (Moment::Floating(start), Moment::Floating(end)) => {
                Duration::seconds(end.signed_duration_since(*start).num_seconds())
            }
            _ => {
                let (start, end) = (start.to_utc(anchor), end.to_utc(anchor));
                Duration::seconds(end.signed_duration_since(start).num_seconds())
            }
        };
        if length.is_negative() { Err(Error::EndBeforeStart) } else { Ok(length) }
    }

    pub(crate) fn is_negative(self) -> bool {
        self.days < 0 || self.seconds < 0
    }
}

/// An RDATE; a PERIOD brings its own length.
#[derive(Debug, Clone, PartialEq)]
pub struct RecurrenceDate {
    /// When it starts.
    pub start: Moment,
    /// Its own length, `None` for that of the series.
    pub duration: Option<Duration>,
}

/// A recurrence set: the start (always its first member), rules, added and removed dates.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// DTSTART.
    pub start: Moment,
    /// Length of every occurrence.
    pub duration: Duration,
    /// RRULE; several are united.
    pub rules: Vec<Rule>,
    /// RDATE.
    pub rdates: Vec<RecurrenceDate>,
    /// EXDATE; a date removes what starts on that day.
    pub exdates: Vec<Moment>,
    /// Where floating and all-day values are anchored to get UTC: the calendar's zone.
    pub anchor: Zone,
}

/// Half-open `[from, to)` in UTC; an occurrence is inside when it overlaps: `end > from && start < to`, and an empty
/// occurrence when `from <= start < to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant inside.
    pub from: DateTime<Utc>,
    /// First instant after.
    pub to: DateTime<Utc>,
}
