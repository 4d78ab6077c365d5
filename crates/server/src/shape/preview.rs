use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::ResourceId;
use koyomi::{Previewed, PreviewedBooking, PreviewedMove, PreviewedOccurrence};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::Event;

/// The changed event, or with `dry_run=true` what would change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "documents two answers as one")]
pub(crate) enum EventOrPreview {
    Event(Box<Event>),
    Preview(Box<Preview>),
}

/// What an edit would change of what is written down (a series that goes on is written down for about 24 months). Nothing
/// was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// Always true.
    dry_run: bool,
    /// The series would be split: a second one would go on from here.
    splits: bool,
    added: Occurrences,
    removed: Occurrences,
    moved: Moves,
    /// Occurrences that were changed on their own and would be dropped: the series would have them no more.
    overrides_dropped: usize,
    booked: Bookings,
    released: Bookings,
    rebooked: Bookings,
    /// With any of these the change is refused (409).
    conflicts: Vec<BookedBy>,
}

/// The first of them, by start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Occurrences {
    count: usize,
    #[schema(max_items = 50)]
    items: Vec<Occurrence>,
    /// How many are not among `items`.
    more: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Occurrence {
    #[schema(example = "2026-11-22T10:00:00")]
    original_start: String,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
}

/// The first of them, by start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moves {
    count: usize,
    #[schema(max_items = 50)]
    items: Vec<Move>,
    more: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Move {
    from: Occurrence,
    to: Occurrence,
}

/// Reservations: the first of them, by start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bookings {
    count: usize,
    #[schema(max_items = 50)]
    items: Vec<Booked>,
    more: usize,
}

/// A resource at a time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Booked {
    #[schema(value_type = Uuid)]
    resource_id: ResourceId,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
}

/// Somebody else's reservation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookedBy {
    resource_id: Uuid,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    /// Only where the caller may see that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event_id: Option<Uuid>,
}

impl Preview {
    pub(crate) fn of(preview: koyomi::Preview) -> Self {
        let koyomi::Preview { added, removed, moved, overrides_dropped, booked, released, rebooked, conflicts, splits } =
            preview;
        let conflicts = conflicts.into_iter().map(|c| BookedBy {
            resource_id: c.resource_id,
            start_time: c.start_time,
            end_time: c.end_time,
            event_id: c.event_id,
        });
        Self {
            dry_run: true,
            splits,
            added: added.into(),
            removed: removed.into(),
            moved: Moves { count: moved.count, more: moved.more(), items: moved.items.iter().map(Move::of).collect() },
            overrides_dropped,
            booked: booked.into(),
            released: released.into(),
            rebooked: rebooked.into(),
            conflicts: conflicts.collect(),
        }
    }
}

impl From<Previewed<PreviewedOccurrence>> for Occurrences {
    fn from(list: Previewed<PreviewedOccurrence>) -> Self {
        Self { count: list.count, more: list.more(), items: list.items.iter().map(Occurrence::of).collect() }
    }
}

impl From<Previewed<PreviewedBooking>> for Bookings {
    fn from(list: Previewed<PreviewedBooking>) -> Self {
        let booked = |b: &PreviewedBooking| Booked {
            resource_id: b.resource_id,
            start_time: b.start_time,
            end_time: b.end_time,
        };
        Self { count: list.count, more: list.more(), items: list.items.iter().map(booked).collect() }
    }
}

impl Occurrence {
    fn of(occurrence: &PreviewedOccurrence) -> Self {
        Self {
            original_start: original_start(occurrence.original_start),
            start_time: occurrence.start_time,
            end_time: occurrence.end_time,
        }
    }
}

impl Move {
    fn of(moved: &PreviewedMove) -> Self {
        Self { from: Occurrence::of(&moved.from), to: Occurrence::of(&moved.to) }
    }
}

/// Both forms are understood where an occurrence is asked for.
fn original_start(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}
