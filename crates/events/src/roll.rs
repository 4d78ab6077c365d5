//! Series that go on behind what is written down of them.

use chrono::{DateTime, Months, NaiveDateTime, Utc};
use kernel::{CalendarId, EventId, Failure, ResourceId, Result, Span, TenantId};
use recurrence::{Budget, Occurrence, Window};
use serde::Deserialize;
use store::{Batch, Conn};

use crate::write::{occurrences_part, raise_part};
use crate::{Event, HORIZON_MONTHS, Stored, When, sql};

/// A series is written on when less than this is left of it: each about once a month.
pub const ROLL_BELOW_MONTHS: u32 = HORIZON_MONTHS - 1;

/// Occurrences of one series that one step writes; what is left comes in the next one.
pub const MAX_ROLLED: usize = 2_000;

/// Series that have less than this ahead are written on.
pub fn roll_below(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_months(Months::new(ROLL_BELOW_MONTHS)).unwrap_or(Span::LATEST)
}

/// A series that is to be written on, locked.
#[derive(Debug, Clone, Deserialize)]
pub struct Rolling {
    #[serde(flatten)]
    pub event: Event,
    pub expanded_until: DateTime<Utc>,
    pub recurrence_end: Option<DateTime<Utc>>,
    pub calendar_time_zone: String,
    pub calendar_acl: i64,
    pub tenant_id: TenantId,
    overridden: Vec<NaiveDateTime>,
    /// What it has booked.
    pub rooms: Vec<ResourceId>,
}

/// The next piece of a series.
#[derive(Debug, Clone)]
pub struct Rolled {
    pub event_id: EventId,
    pub calendar_id: CalendarId,
    pub occurrences: Vec<Occurrence>,
    /// As far as it is written down then; `None`: to its end.
    pub expanded_until: Option<DateTime<Utc>>,
}

/// Locks at most `limit` series that are written down until less than `below`, those with the least ahead first, but for
/// `but` and for those that somebody else holds. It belongs in a statement of its own: what is read behind the locks is the
/// newest.
pub async fn lock_rolling(conn: &mut Conn, below: DateTime<Utc>, but: &[EventId], limit: i64) -> Result<Vec<EventId>> {
    Ok(sqlx::query_scalar(sql::LOCK_ROLLING).bind(below).bind(but).bind(limit).fetch_all(conn).await?)
}

/// Reads the series that [`lock_rolling`] found.
pub async fn rolling(conn: &mut Conn, ids: &[EventId]) -> Result<Vec<Rolling>> {
    let mut batch = Batch::new();
    batch.part(sql::ROLLING).bind(ids.to_vec()).done();
    batch.run(conn).await?.take()
}

impl Rolling {
    /// Its occurrences from where it is written down to, until `until` or until there are [`MAX_ROLLED`].
    ///
    /// # Errors
    /// `validation_failed` for a series that this build cannot expand.
    pub fn roll(&self, until: DateTime<Utc>) -> Result<Rolled> {
        let series = When::of(&self.event).series(&self.calendar_time_zone)?;
        let from = self.expanded_until;
        let mut limit = MAX_ROLLED + self.overridden.len() + 1;
        let (mut occurrences, complete) = loop {
            let found = series
                .expand(Window { from, to: until }, limit, Budget::default())
                .map_err(|error| Failure::invalid("/recurrence", error.to_string()))?;
            // What was running at `from` is written down already, and may use up the limit.
            let fresh: Vec<Occurrence> = found.occurrences.into_iter().filter(|o| o.start >= from).collect();
            if found.complete || fresh.last().is_some_and(|last| last.start > from) {
                break (fresh, found.complete);
            }
            limit = limit.saturating_mul(4);
        };
        // Cut before an instant, so that all that begins at it comes together.
        let until = if complete { until } else { occurrences.last().map_or(until, |last| last.start) };
        occurrences.retain(|o| o.start < until && !self.overridden.contains(&o.original_start));
        let goes_on = self.recurrence_end.is_none_or(|end| end > until);
        Ok(Rolled {
            event_id: self.event.id,
            calendar_id: self.event.calendar_id,
            occurrences,
            expanded_until: goes_on.then_some(until),
        })
    }
}

/// Writes pieces, those of one calendar after the other.
pub fn roll_parts(batch: &mut Batch, rolled: &[Rolled]) {
    batch
        .quiet(sql::ROLLED)
        .bind(rolled.iter().map(|r| r.event_id).collect::<Vec<_>>())
        .bind(rolled.iter().map(|r| r.expanded_until).collect::<Vec<_>>())
        .done();
    let mut calendars: Vec<CalendarId> = rolled.iter().map(|r| r.calendar_id).collect();
    calendars.sort_unstable();
    calendars.dedup();
    for calendar_id in calendars {
        let of_calendar = rolled.iter().filter(|r| r.calendar_id == calendar_id);
        let stored: Vec<Stored> = of_calendar
            .flat_map(|r| {
                r.occurrences.iter().map(|o| Stored {
                    event_id: r.event_id,
                    original_start: o.original_start,
                    start_time: o.start,
                    end_time: o.end,
                })
            })
            .collect();
        let longest = stored.iter().map(|o| (o.end_time - o.start_time).num_seconds()).max();
        if longest.is_some() {
            occurrences_part(batch, calendar_id, &stored);
            raise_part(batch, calendar_id, longest);
        }
    }
}
