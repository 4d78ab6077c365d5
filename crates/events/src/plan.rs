use chrono::{DateTime, Months, NaiveDateTime, Utc};
use kernel::{Failure, Kind, Result, Span};
use recurrence::{Budget, Occurrence, Window};

use crate::When;

/// How far ahead the occurrences of an endless series are written down. Windows that reach further expand on the fly.
pub const HORIZON_MONTHS: u32 = 24;

/// An event that would leave more rows than this is refused.
pub const MAX_STORED_OCCURRENCES: usize = 50_000;

pub fn horizon(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_months(Months::new(HORIZON_MONTHS)).unwrap_or(Span::LATEST)
}

/// What follows from a [`When`]: the UTC columns of the record and its occurrences up to the horizon.
#[derive(Debug, Clone)]
pub struct Plan {
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
    pub recurrence_end: Option<DateTime<Utc>>,
    pub expanded_until: Option<DateTime<Utc>>,
    pub occurrences: Vec<Occurrence>,
}

impl Plan {
    /// # Errors
    /// `validation_failed` for a rule that cannot be expanded, `too_many_occurrences` over the limit.
    pub fn of(when: &When, calendar_zone: &str, horizon: DateTime<Utc>) -> Result<Self> {
        let series = when.series(calendar_zone)?;
        let failed = |error: recurrence::Error| Failure::invalid("/recurrence", error.to_string());
        let start_time = series.start.to_utc(&series.anchor);
        let recurrence_end = series.last_end(Budget::default()).map_err(failed)?;
        // A single event is written down wherever it lies.
        let until = if series.is_recurring() { horizon } else { Span::LATEST };
        let expansion = series
            .expand(Window { from: Span::EARLIEST, to: until }, MAX_STORED_OCCURRENCES, Budget::default())
            .map_err(failed)?;
        if !expansion.complete {
            return Err(Failure::new(
                Kind::LimitExceeded,
                "too_many_occurrences",
                format!(
                    "more than {MAX_STORED_OCCURRENCES} occurrences until {}; use a coarser FREQ, an UNTIL or a COUNT",
                    until.date_naive()
                ),
            ));
        }
        let goes_on = series.is_recurring() && recurrence_end.is_none_or(|end| end > until);
        let end_time = match expansion.occurrences.first() {
            Some(first) if first.start == start_time => first.end,
            _ => length_end(&series, start_time),
        };
        Ok(Self {
            start_time,
            end_time,
            recurrence_end,
            expanded_until: goes_on.then_some(until),
            occurrences: expansion.occurrences,
        })
    }

    /// Of an override: it stands for that occurrence of its series wherever it moves.
    #[must_use]
    pub fn standing_for(mut self, original_start: NaiveDateTime) -> Self {
        for occurrence in &mut self.occurrences {
            occurrence.original_start = original_start;
        }
        self
    }

    /// Drops the occurrences that have a record of their own.
    #[must_use]
    pub fn without(mut self, overridden: &[NaiveDateTime]) -> Self {
        if !overridden.is_empty() {
            self.occurrences.retain(|o| !overridden.contains(&o.original_start));
        }
        self
    }

    /// The longest occurrence, in whole seconds.
    pub fn longest_seconds(&self) -> i64 {
        self.occurrences
            .iter()
            .map(|o| (o.end - o.start).num_seconds())
            .chain([(self.end_time - self.start_time).num_seconds()])
            .max()
            .unwrap_or(0)
    }
}

/// The end of the first occurrence where the set itself does not have it (its start lies past the horizon, or an
/// EXDATE took it out).
fn length_end(series: &recurrence::Series, start_time: DateTime<Utc>) -> DateTime<Utc> {
    let alone = recurrence::Series { rules: Vec::new(), rdates: Vec::new(), exdates: Vec::new(), ..series.clone() };
    alone.last_end(Budget::default()).ok().flatten().unwrap_or(start_time)
}
