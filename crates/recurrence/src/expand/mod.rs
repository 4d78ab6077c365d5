mod budget;
mod days;
mod filter;
mod plan;
mod set;
mod stream;

use std::ops::ControlFlow::{Break, Continue};

use chrono::{DateTime, NaiveDateTime, Utc};

pub use budget::Budget;
pub(crate) use budget::Meter;

use crate::civil::{self, DAY, LAST_SECOND};
use crate::{Error, Rule, Series, Window};
use plan::Plan;
use set::RecurrenceSet;
use stream::Stream;

/// One happening of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Local wall time in the zone of the series, midnight for a date: the identity (RECURRENCE-ID).
    pub original_start: NaiveDateTime,
    /// First instant.
    pub start: DateTime<Utc>,
    /// First instant after it; equal to `start` when it has no length.
    pub end: DateTime<Utc>,
}

/// What [`Series::expand`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expansion {
    /// Sorted by `(start, original_start)`, no `original_start` twice.
    pub occurrences: Vec<Occurrence>,
    /// False when `limit` stopped it before the end of the window.
    pub complete: bool,
}

impl Series {
    /// The first `limit` occurrences that overlap the window. Its cost depends on the window, not on the age of the series,
    /// unless a rule has a COUNT that must be counted.
    ///
    /// # Errors
    /// [`Error::BudgetExhausted`]; [`Error::EndBeforeStart`] for a negative length; [`Error::TooFine`] for an HOURLY rule
    /// over whole days.
    pub fn expand(&self, window: Window, limit: usize, budget: Budget) -> Result<Expansion, Error> {
        let mut meter = Meter::new(budget);
        let set = RecurrenceSet::new(self, &mut meter)?;
        let mut occurrences = Vec::new();
        let mut complete = true;
        let (from, to) = set.local_span(window);
        set.walk(from, to, &mut meter, |occurrence| {
            if !window.overlaps(&occurrence) {
                return Continue(());
            }
            if occurrences.len() == limit {
                complete = false;
                return Break(());
            }
            occurrences.push(occurrence);
            Continue(())
        })?;
        Ok(Expansion { occurrences, complete })
    }

    /// The latest end of all occurrences, `None` when a rule has neither COUNT nor UNTIL. A series all of whose occurrences
    /// are excluded answers the end of its DTSTART.
    ///
    /// # Errors
    /// As [`Series::expand`].
    pub fn last_end(&self, budget: Budget) -> Result<Option<DateTime<Utc>>, Error> {
        if self.rules.iter().any(Rule::is_endless) {
            return Ok(None);
        }
        let mut meter = Meter::new(budget);
        let set = RecurrenceSet::new(self, &mut meter)?;
        // backwards in growing steps: EXDATEs may have emptied the end of the series
        let (mut last, mut span) = (set.last(&mut meter)?, 31 * DAY);
        let mut end = None;
        loop {
            let from = last.saturating_sub(span);
            set.walk(from, last, &mut meter, |occurrence| {
                end = end.max(Some(occurrence.end));
                Continue(())
            })?;
            // the last to start may have a short length of its own
            if from <= set.start() || end.is_some_and(|end| set.ends_by(from, end)) {
                break;
            }
            last = from - 1;
            span = span.saturating_mul(8);
        }
        Ok(Some(end.unwrap_or_else(|| set.end_of_start())))
    }

    /// Whether there can be more than one occurrence.
    pub fn is_recurring(&self) -> bool {
        !self.rules.is_empty() || !self.rdates.is_empty()
    }

    /// Whether an occurrence of this identity exists.
    ///
    /// # Errors
    /// As [`Series::expand`].
    pub fn matches(&self, original_start: NaiveDateTime, budget: Budget) -> Result<bool, Error> {
        let mut meter = Meter::new(budget);
        let set = RecurrenceSet::new(self, &mut meter)?;
        let local = civil::seconds(original_start);
        let mut matched = false;
        // a little further, for one skipped by the clock that falls on another (see the README)
        set.walk(local, local.saturating_add(set.widest_shift()), &mut meter, |occurrence| {
            matched |= occurrence.original_start == original_start;
            if matched { Break(()) } else { Continue(()) }
        })?;
        Ok(matched)
    }
}

impl Window {
    fn overlaps(&self, occurrence: &Occurrence) -> bool {
        let Occurrence { start, end, .. } = *occurrence;
        start < self.to && (end > self.from || start == end && start >= self.from)
    }
}

/// The onsets of one observance of a VTIMEZONE, in local seconds, before the instant `horizon`. All of them are read on a
/// clock that is `offset` seconds ahead of UTC.
pub(crate) fn onsets(
    rule: Option<&Rule>,
    onset: NaiveDateTime,
    rdates: &[NaiveDateTime],
    offset: i64,
    horizon: i64,
    meter: &mut Meter,
    mut visit: impl FnMut(i64),
) -> Result<(), Error> {
    let start = civil::seconds(onset);
    let last = horizon.saturating_add(offset).saturating_sub(1);
    for local in std::iter::once(start).chain(rdates.iter().copied().map(civil::seconds)) {
        meter.spend(1)?;
        if local <= last {
            visit(local);
        }
    }
    let Some(rule) = rule else { return Ok(()) };
    let plan = Plan::new(rule, start, false)?;
    let until = rule.until().map_or(LAST_SECOND, |until| set::last_reading(until, |utc| utc + offset));
    let mut stream = Stream::open(&plan, start, last.min(until), meter)?;
    while let Some(local) = stream.next(meter)? {
        visit(local);
    }
    Ok(())
}
