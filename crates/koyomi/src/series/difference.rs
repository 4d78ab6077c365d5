//! From what a series is to what it will be: the rows that differ, and no others.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use events::{SeriesChange, Stored};
use kernel::{Change, ChangeKind, EventId, Ids, ResourceId, Result};
use resources::{Booking, Rebooking, Rebookings, Reservation, ReservationStatus};

use super::edit::{Edit, Fate, Happens};
use super::state::Series;

/// What is written.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) events: SeriesChange,
    pub(super) bookings: Rebookings,
    /// What the change log says, the answered record first.
    pub(super) changes: Vec<Change>,
}

pub(super) fn difference(series: &Series, edit: &Edit, ids: &Ids) -> Result<Difference> {
    let mut difference = Difference::default();
    let calendar_id = series.master.found.happening.event.calendar_id;
    let log = |kind, id: EventId| Change { calendar_id, kind, object_id: id.0 };
    for draft in &edit.drafts {
        let written = (draft.event.clone(), draft.plan.clone());
        let kind = match draft.fate {
            Fate::New => {
                difference.events.new.push(written);
                ChangeKind::EventCreated
            }
            Fate::Changed => {
                difference.events.changed.push(written);
                ChangeKind::EventUpdated
            }
            Fate::Touched => ChangeKind::EventUpdated,
        };
        difference.changes.push(log(kind, draft.event.id));
    }
    difference.changes.extend(edit.deleted.iter().map(|id| log(ChangeKind::EventDeleted, *id)));
    difference.events.deleted.clone_from(&edit.deleted);
    if let Some((id, previous)) = edit.previous_of {
        difference.events.previous_of = Some((id, previous));
        difference.changes.push(log(ChangeKind::EventUpdated, id));
    }
    if edit.moves {
        occurrences(series, edit, &mut difference.events);
        difference.bookings = bookings(series, edit, ids)?;
    }
    Ok(difference)
}

type Key = (EventId, NaiveDateTime, DateTime<Utc>);

fn occurrences(series: &Series, edit: &Edit, change: &mut SeriesChange) {
    let stored: HashMap<Key, &Stored> =
        series.occurrences.iter().map(|o| ((o.event_id, o.original_start, o.start_time), o)).collect();
    let wanted: HashSet<Key> = edit.happens.iter().map(key).collect();
    change.occurrences_gone = stored.iter().filter(|(key, _)| !wanted.contains(*key)).map(|(_, o)| **o).collect();
    change.occurrences = edit
        .happens
        .iter()
        .filter(|h| stored.get(&key(h)).is_none_or(|o| o.end_time != h.occurrence.end))
        .map(|h| Stored {
            event_id: h.event_id,
            original_start: h.occurrence.original_start,
            start_time: h.occurrence.start,
            end_time: h.occurrence.end,
        })
        .collect();
}

fn key(happens: &Happens) -> Key {
    (happens.event_id, happens.occurrence.original_start, happens.occurrence.start)
}

/// Reservations follow their occurrence and stay the same rows; what is new books what the series has.
fn bookings(series: &Series, edit: &Edit, ids: &Ids) -> Result<Rebookings> {
    let mut of: HashMap<NaiveDateTime, Vec<&Reservation>> = HashMap::new();
    for reservation in &series.reservations {
        of.entry(reservation.original_start).or_default().push(reservation);
    }
    let mut change = Rebookings::default();
    for happens in edit.happens.iter().filter(|h| h.holds) {
        let along = happens.from.and_then(|from| of.remove(&from)).unwrap_or_default();
        let mut held: HashSet<ResourceId> = HashSet::new();
        for reservation in along {
            if reservation.status == ReservationStatus::Confirmed {
                held.insert(reservation.resource_id);
            }
            change.moved.extend(moved(reservation, happens));
        }
        if happens.from.is_none() || happens.restored {
            for resource_id in series.rooms.iter().filter(|room| !held.contains(room)) {
                change.new.push((happens.event_id, booking(ids, *resource_id, happens)));
            }
        }
    }
    change.gone = of.into_values().flatten().cloned().collect();
    let all: Vec<Booking> =
        change.new.iter().map(|(_, booking)| *booking).chain(change.moved.iter().map(as_booking)).collect();
    Booking::check_number(&all)?;
    Ok(change)
}

fn moved(reservation: &Reservation, happens: &Happens) -> Option<Rebooking> {
    let occurrence = &happens.occurrence;
    let is = (happens.event_id, occurrence.original_start, occurrence.start, occurrence.end);
    let was = (reservation.event_id, reservation.original_start, reservation.start_time, reservation.end_time);
    (is != was).then_some(Rebooking {
        reservation_id: reservation.id,
        resource_id: reservation.resource_id,
        event_id: happens.event_id,
        original_start: occurrence.original_start,
        start_time: occurrence.start,
        end_time: occurrence.end,
    })
}

fn booking(ids: &Ids, resource_id: ResourceId, happens: &Happens) -> Booking {
    Booking {
        reservation_id: ids.mint(),
        resource_id,
        original_start: happens.occurrence.original_start,
        start_time: happens.occurrence.start,
        end_time: happens.occurrence.end,
    }
}

pub(super) fn as_booking(moved: &Rebooking) -> Booking {
    Booking {
        reservation_id: moved.reservation_id,
        resource_id: moved.resource_id,
        original_start: moved.original_start,
        start_time: moved.start_time,
        end_time: moved.end_time,
    }
}
