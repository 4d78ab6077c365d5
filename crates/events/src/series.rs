//! A series with its overrides, read as a whole under its locks and written as a difference.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, EventId, Result, TenantId, UserId};
use serde::Deserialize;
use serde_json::Value;
use store::{Batch, Rows};

use crate::write::{occurrences_part, row};
use crate::{Found, NewEvent, Plan, When, sql};

/// How much of a series is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The series itself, and the record of one occurrence: that of the id which was asked for, or of this original start.
    Occurrence(Option<NaiveDateTime>),
    /// All of it where the id is that of a series, else as [`Extent::Occurrence`].
    OfRecord,
    Whole,
}

impl Extent {
    /// As the statements have it: a number, and the occurrence.
    pub fn binds(self) -> (i32, Option<NaiveDateTime>) {
        match self {
            Self::Occurrence(at) => (0, at),
            Self::OfRecord => (1, None),
            Self::Whole => (2, None),
        }
    }
}

/// A record of a series, locked until the transaction ends, with every column of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Locked {
    #[serde(flatten)]
    pub found: Found,
    /// Of an override: which occurrence of the series, in its wall time.
    pub stands_for: Option<NaiveDateTime>,
    /// The column; what is shown may be a user's name.
    pub told_organizer_name: Option<String>,
    pub extra: Vec<String>,
    pub source: Option<Value>,
    pub stamped_at: Option<DateTime<Utc>>,
    pub expanded_until: Option<DateTime<Utc>>,
}

impl Locked {
    pub fn id(&self) -> EventId {
        self.found.happening.event.id
    }

    /// The record as it would be written again, unchanged.
    pub fn record(&self) -> NewEvent {
        let event = self.found.happening.event.clone();
        NewEvent {
            id: event.id,
            calendar_id: event.calendar_id,
            when: When::of(&event),
            uid: event.uid,
            recurring_event_id: event.recurring_event_id,
            original_start: self.stands_for,
            previous_series_id: event.previous_series_id,
            next_series_id: event.next_series_id,
            title: event.title,
            description: event.description,
            location: event.location,
            status: event.status,
            visibility: event.visibility,
            transparency: event.transparency,
            organizer_id: event.organizer_id,
            organizer_email: event.organizer_email,
            organizer_name: self.told_organizer_name.clone(),
            sequence: event.sequence,
            extra: self.extra.clone(),
            source: self.source.clone(),
            stamped_at: self.stamped_at,
            created_at: event.created_at,
            updated_at: event.updated_at,
        }
    }
}

/// An occurrence that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Stored {
    pub event_id: EventId,
    pub original_start: NaiveDateTime,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
}

/// What [`series_parts`] found.
#[derive(Debug, Clone)]
pub struct SeriesRead {
    /// The series, or the single event, first.
    pub records: Vec<Locked>,
    pub occurrences: Vec<Stored>,
    /// How many overrides the series has, whatever the extent.
    pub overrides: i64,
    /// Nobody changed any of it while the locks were waited for. Else the parts must run again, behind the locks.
    pub settled: bool,
}

/// Locks the series that `id` (a series, an override or a single event) belongs to, in the order of ids, and reads it;
/// read the answer with [`read_series`]. Without `occurrences` those of a whole series
/// are left out.
pub fn series_parts(
    batch: &mut Batch,
    (user_id, tenant_id): (UserId, TenantId),
    id: EventId,
    extent: Extent,
    occurrences: bool,
) {
    let (how, at) = extent.binds();
    batch.part(sql::LOCK_SERIES).bind(user_id).bind(tenant_id).bind(id).bind(at).bind(how).done();
    batch.part(sql::SERIES_VERSIONS).bind(id).bind(at).bind(how).done();
    batch.part(sql::SERIES_OCCURRENCES).bind(id).bind(at).bind(how).bind(occurrences).done();
}

/// Reads what [`series_parts`] found; without records when there is no such event in the tenant.
pub fn read_series(rows: &mut Rows) -> Result<SeriesRead> {
    #[derive(Deserialize)]
    struct Version {
        id: EventId,
        seq: i64,
        expanded_until: Option<DateTime<Utc>>,
        overrides: i64,
    }
    let mut records: Vec<Locked> = rows.take()?;
    let versions: Vec<Version> = rows.take()?;
    let occurrences = rows.take()?;
    let locked: BTreeMap<EventId, _> =
        records.iter().map(|r| (r.id(), (r.found.happening.event.seq, r.expanded_until))).collect();
    let seen: BTreeMap<EventId, _> = versions.iter().map(|v| (v.id, (v.seq, v.expanded_until))).collect();
    records.sort_by_key(|r| (r.found.happening.event.recurring_event_id.is_some(), r.stands_for, r.id()));
    let root = records.first().map(Locked::id);
    let overrides = versions.iter().find(|v| Some(v.id) == root).map_or(0, |v| v.overrides);
    Ok(SeriesRead { records, occurrences, overrides, settled: locked == seen })
}

/// What changes of a series.
#[derive(Debug, Clone, Default)]
pub struct SeriesChange {
    /// The occurrences of the plans are not looked at.
    pub new: Vec<(NewEvent, Plan)>,
    pub changed: Vec<(NewEvent, Plan)>,
    pub deleted: Vec<EventId>,
    pub occurrences_gone: Vec<Stored>,
    /// New ones, and those that end at another time.
    pub occurrences: Vec<Stored>,
    /// Of a neighbour that is not among the records: its new neighbour before or after it.
    pub previous_of: Option<(EventId, Option<EventId>)>,
    pub next_of: Option<(EventId, Option<EventId>)>,
}

/// Writes a difference: rows that it does not name are not touched.
///
/// [`crate::written`] says what a violated constraint means.
pub fn change_series_part(
    batch: &mut Batch,
    calendar_id: CalendarId,
    now: DateTime<Utc>,
    change: &SeriesChange,
) -> Result<()> {
    for (sql, records) in [(sql::INSERT, &change.new), (sql::REWRITE, &change.changed)] {
        if !records.is_empty() {
            let rows: Vec<Value> = records.iter().map(|(event, plan)| row(event, plan)).collect::<Result<_>>()?;
            batch.quiet(sql).bind(Value::Array(rows)).done();
        }
    }
    if !change.deleted.is_empty() {
        batch.quiet(sql::DELETE_RECORDS).bind(change.deleted.clone()).bind(now).done();
    }
    if !change.occurrences_gone.is_empty() {
        let gone = &change.occurrences_gone;
        batch
            .quiet(sql::OCCURRENCES_GONE)
            .bind(gone.iter().map(|o| o.event_id).collect::<Vec<_>>())
            .bind(gone.iter().map(|o| o.start_time).collect::<Vec<_>>())
            .bind(gone.iter().map(|o| o.original_start).collect::<Vec<_>>())
            .done();
    }
    if !change.occurrences.is_empty() {
        occurrences_part(batch, calendar_id, &change.occurrences);
        let longest = change.occurrences.iter().map(|o| (o.end_time - o.start_time).num_seconds()).max();
        crate::write::raise_part(batch, calendar_id, longest);
    }
    if let Some((id, previous)) = change.previous_of {
        batch.quiet(sql::SET_PREVIOUS).bind(id).bind(previous).done();
    }
    if let Some((id, next)) = change.next_of {
        batch.quiet(sql::SET_NEXT).bind(id).bind(next).done();
    }
    Ok(())
}
