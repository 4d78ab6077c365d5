//! What an edit would do, for who asks before he does it.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use events::Stored;
use kernel::{Conflict, EventId, ReservationId, ResourceId};
use resources::{Rebookings, Reservation};

use super::edit::Edit;
use super::state::Series;

/// How many of each kind a preview names.
pub const MAX_PREVIEWED: usize = 50;

/// Some of them, by start, and how many there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Previewed<T> {
    pub count: usize,
    /// At most [`MAX_PREVIEWED`].
    pub items: Vec<T>,
}

/// What would happen to the occurrences that are written down, and to what they have booked.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    pub added: Previewed<PreviewedOccurrence>,
    pub removed: Previewed<PreviewedOccurrence>,
    pub moved: Previewed<PreviewedMove>,
    /// Occurrences with a record of their own that would be gone, because the series has them no more.
    pub overrides_dropped: usize,
    pub booked: Previewed<PreviewedBooking>,
    pub released: Previewed<PreviewedBooking>,
    pub rebooked: Previewed<PreviewedBooking>,
    /// Who stands in the way: with any of these the change is refused.
    pub conflicts: Vec<Conflict>,
    /// The series is split.
    pub splits: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreviewedOccurrence {
    pub original_start: NaiveDateTime,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreviewedMove {
    pub from: PreviewedOccurrence,
    pub to: PreviewedOccurrence,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreviewedBooking {
    pub resource_id: ResourceId,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
}

impl<T> Previewed<T> {
    fn of<K: Ord>(mut all: Vec<T>, by: impl Fn(&T) -> K) -> Self {
        all.sort_by_key(by);
        let count = all.len();
        all.truncate(MAX_PREVIEWED);
        Self { count, items: all }
    }

    /// How many are not among the items.
    pub fn more(&self) -> usize {
        self.count - self.items.len()
    }
}

pub(super) fn preview(series: &Series, edit: &Edit, bookings: &Rebookings, conflicts: Vec<Conflict>) -> Preview {
    let mut stored: HashMap<NaiveDateTime, &Stored> = HashMap::new();
    if edit.moves {
        stored.extend(series.occurrences.iter().map(|o| (o.original_start, o)));
    }
    let (mut added, mut moved) = (Vec::new(), Vec::new());
    for happens in edit.happens.iter().filter(|_| edit.moves) {
        let occurrence = &happens.occurrence;
        let to = PreviewedOccurrence {
            original_start: occurrence.original_start,
            start_time: occurrence.start,
            end_time: occurrence.end,
        };
        match happens.from.and_then(|from| stored.remove(&from)) {
            None => added.push(to),
            Some(was) if (was.start_time, was.end_time) != (to.start_time, to.end_time) => {
                moved.push(PreviewedMove { from: shown(was), to });
            }
            Some(_) => {}
        }
    }
    let mine: std::collections::HashSet<EventId> = series.overrides.iter().map(events::Locked::id).collect();
    let of: HashMap<ReservationId, &Reservation> = series.reservations.iter().map(|r| (r.id, r)).collect();
    let confirmed =
        |id: &ReservationId| of.get(id).is_some_and(|r| r.status == resources::ReservationStatus::Confirmed);
    let retimed = bookings.moved.iter().filter(|m| {
        confirmed(&m.reservation_id)
            && of.get(&m.reservation_id).is_some_and(|r| (r.start_time, r.end_time) != (m.start_time, m.end_time))
    });
    let at = |resource_id, start_time, end_time| PreviewedBooking { resource_id, start_time, end_time };
    let by_start = |b: &PreviewedBooking| (b.start_time, b.resource_id);
    Preview {
        added: Previewed::of(added, |o| (o.start_time, o.original_start)),
        removed: Previewed::of(stored.into_values().map(shown).collect(), |o| (o.start_time, o.original_start)),
        moved: Previewed::of(moved, |m| (m.from.start_time, m.from.original_start)),
        overrides_dropped: edit.deleted.iter().filter(|id| mine.contains(id)).count(),
        booked: Previewed::of(
            bookings.new.iter().map(|(_, b)| at(b.resource_id, b.start_time, b.end_time)).collect(),
            by_start,
        ),
        released: Previewed::of(
            bookings
                .gone
                .iter()
                .filter(|r| confirmed(&r.id))
                .map(|r| at(r.resource_id, r.start_time, r.end_time))
                .collect(),
            by_start,
        ),
        rebooked: Previewed::of(retimed.map(|m| at(m.resource_id, m.start_time, m.end_time)).collect(), by_start),
        conflicts,
        splits: edit.drafts.iter().any(|d| d.event.previous_series_id.is_some() && d.fate == super::edit::Fate::New),
    }
}

fn shown(stored: &Stored) -> PreviewedOccurrence {
    PreviewedOccurrence {
        original_start: stored.original_start,
        start_time: stored.start_time,
        end_time: stored.end_time,
    }
}
