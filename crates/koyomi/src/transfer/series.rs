//! What an import finds of one UID: the series or single event as it will be, and the overrides that are here.

use chrono::{NaiveDateTime, TimeDelta};
use events::{Record, When};
use kernel::EventId;
use recurrence::{Budget, Moment, Series, Window};

use super::from_ical::Draft;
use super::source::Source;
use super::time::at;
use super::to_ical::recurrence_id;

/// An override that is here.
pub(super) struct Known {
    pub(super) record: Record,
    /// RECURRENCE-ID.
    pub(super) id: Option<Moment>,
    /// Which occurrence it stands for, once the series is settled.
    pub(super) original_start: NaiveDateTime,
    /// The input brought a newer copy.
    pub(super) rewritten: bool,
}

/// Each with its RECURRENCE-ID: on the clock of the series it belongs to, else as it came.
pub(super) fn known_overrides(records: Vec<Record>, master: Option<&Record>) -> Vec<Known> {
    let series = master.map(|master| When::of(&master.event));
    let known = records.into_iter().filter_map(|record| {
        let original_start = record.original_start?;
        let id = match (&series, record.event.recurring_event_id) {
            (Some(series), Some(_)) => at(series, original_start).ok(),
            _ => {
                let source = Source::of(record.source.as_ref());
                recurrence_id(&record, &When::of(&record.event), source.as_ref(), None).ok().flatten()
            }
        };
        Some(Known { record, id, original_start, rewritten: false })
    });
    known.collect()
}

/// The series, or the single event, as it will be.
pub(super) struct Master {
    /// What is here of it.
    pub(super) record: Option<Record>,
    /// What is written of it; nothing where it stays as it is.
    pub(super) draft: Option<Box<Draft>>,
}

impl Master {
    pub(super) fn id(&self) -> Option<EventId> {
        self.draft.as_ref().map(|d| d.event.id).or(self.record.as_ref().map(|r| r.event.id))
    }

    pub(super) fn set(&self, zone: &str) -> Option<kernel::Result<Series>> {
        match (&self.draft, &self.record) {
            (Some(draft), _) => Some(draft.event.when.series(zone)),
            (None, Some(record)) => Some(When::of(&record.event).series(zone)),
            (None, None) => None,
        }
    }
}

/// A series that overrides are placed in.
pub(super) struct Clock {
    pub(super) id: EventId,
    pub(super) set: Series,
    /// It has rooms.
    pub(super) booked: bool,
}

/// Whether an override is at another time than the occurrence it stands for.
pub(super) fn moves(draft: &Draft, original_start: NaiveDateTime, clock: &Clock) -> bool {
    let set = &clock.set;
    let from = set.start.zone(&set.anchor).to_utc(original_start);
    let window = Window { from, to: from + TimeDelta::seconds(1) };
    let Ok(found) = set.expand(window, usize::MAX, Budget::default()) else { return true };
    let of = found.occurrences.iter().find(|occurrence| occurrence.original_start == original_start);
    let own = (draft.plan.start_time, draft.plan.end_time);
    of.is_some_and(|occurrence| (occurrence.start, occurrence.end) != own)
}
