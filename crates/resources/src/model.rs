use std::collections::HashSet;

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, Checks, EventId, Failure, Kind, ReservationId, ResourceId, Result, Span, TenantId};
use serde::{Deserialize, Serialize};

/// Resources that one event can book.
pub const MAX_PER_EVENT: usize = 50;
/// Reservations (resources × occurrences) that one call can make.
pub const MAX_BOOKINGS: usize = 20_000;
/// Reservations that an explanation of a conflict names; there may be more.
pub const MAX_BLOCKERS: usize = 100;
/// Characters of a name or a location.
const MAX_NAME: usize = 200;
/// Characters of a description.
const MAX_DESCRIPTION: usize = 8_000;

/// What sort of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ResourceKind {
    /// A place to meet.
    Room,
    /// Something to go by.
    Vehicle,
    /// Something to carry away.
    Equipment,
    /// Anything else.
    Other,
}

impl ResourceKind {
    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Vehicle => "vehicle",
            Self::Equipment => "equipment",
            Self::Other => "other",
        }
    }
}

/// Something that can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Resource {
    /// Of the resource.
    pub id: ResourceId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Not unique: two buildings may both have a "Blue room".
    pub name: String,
    /// What sort of thing it is.
    pub kind: ResourceKind,
    /// How many people it takes; absent: unknown or meaningless. It is for choosing (`min_capacity`) only: a booking
    /// never counts guests, who may come by video or not at all, and change after the booking.
    pub capacity: Option<i32>,
    /// Where it is.
    pub location: Option<String>,
    /// What people should know.
    pub description: Option<String>,
    /// One booking at a time. Otherwise any number at once, whatever the capacity.
    pub exclusive: bool,
    /// One more with each change: the resource's ETag, and what `If-Match` compares.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A resource to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewResource {
    /// Minted by the caller.
    pub id: ResourceId,
    /// As [`Resource::name`].
    pub name: String,
    /// As [`Resource::kind`].
    pub kind: ResourceKind,
    /// As [`Resource::capacity`].
    pub capacity: Option<i32>,
    /// As [`Resource::location`].
    pub location: Option<String>,
    /// As [`Resource::description`].
    pub description: Option<String>,
    /// As [`Resource::exclusive`].
    pub exclusive: bool,
}

impl NewResource {
    /// Rejects what is wrong, each at `{pointer}/{field}`.
    pub fn check(&self, checks: &mut Checks, pointer: &str) {
        ResourceChange {
            name: Some(self.name.clone()),
            capacity: Some(self.capacity),
            location: Some(self.location.clone()),
            description: Some(self.description.clone()),
            ..ResourceChange::default()
        }
        .check(checks, pointer);
    }
}

/// A change of a resource; `None` leaves a field, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResourceChange {
    /// As [`Resource::name`].
    pub name: Option<String>,
    /// As [`Resource::kind`].
    pub kind: Option<ResourceKind>,
    /// As [`Resource::capacity`].
    pub capacity: Option<Option<i32>>,
    /// As [`Resource::location`].
    pub location: Option<Option<String>>,
    /// As [`Resource::description`].
    pub description: Option<Option<String>>,
    /// As [`Resource::exclusive`].
    pub exclusive: Option<bool>,
}

impl ResourceChange {
    /// Rejects what is wrong, each at `{pointer}/{field}`.
    pub fn check(&self, checks: &mut Checks, pointer: &str) {
        if let Some(name) = &self.name {
            checks.name(&format!("{pointer}/name"), name, MAX_NAME);
        }
        if let Some(Some(capacity)) = self.capacity {
            checks.require(
                capacity > 0,
                &format!("{pointer}/capacity"),
                "must be at least 1; leave it out when it is unknown",
            );
        }
        if let Some(Some(location)) = &self.location {
            checks.text(&format!("{pointer}/location"), location, MAX_NAME);
        }
        if let Some(Some(description)) = &self.description {
            checks.text(&format!("{pointer}/description"), description, MAX_DESCRIPTION);
        }
    }
}

/// Which resources a list is about; what is absent does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Filter {
    /// Only these.
    pub ids: Option<Vec<ResourceId>>,
    /// Part of the name or the location, in any case.
    pub q: Option<String>,
    /// Only of this sort.
    pub kind: Option<ResourceKind>,
    /// Only those known to take this many people.
    pub min_capacity: Option<i32>,
}

/// Ids that one call can ask for.
const MAX_IDS: usize = 500;

impl Filter {
    pub(crate) fn check(&self) -> Result<()> {
        if self.ids.as_ref().is_some_and(|ids| ids.len() > MAX_IDS) {
            return Err(Failure::malformed("?ids", format!("at most {MAX_IDS} at a time")));
        }
        if self.q.as_ref().is_some_and(|q| !(1..=200).contains(&q.chars().count())) {
            return Err(Failure::malformed("?q", "must have 1 to 200 characters"));
        }
        if self.min_capacity.is_some_and(|n| n < 1) {
            return Err(Failure::malformed("?capacity", "must be at least 1"));
        }
        Ok(())
    }
}

/// Does the reservation hold?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReservationStatus {
    /// It does.
    Confirmed,
    /// Somebody withdrew it ([`crate::release_in`]); the event still knows that it had it.
    Cancelled,
}

/// One booked occurrence of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Reservation {
    /// Of the reservation.
    pub id: ReservationId,
    /// What is booked.
    pub resource_id: ResourceId,
    /// Shown even when the resource has been deleted since.
    pub resource_name: String,
    /// For what.
    pub event_id: EventId,
    /// Which occurrence of the event, in its wall time.
    pub original_start: NaiveDateTime,
    /// From, included.
    pub start_time: DateTime<Utc>,
    /// To, excluded. A reservation of no length takes nothing from anybody.
    pub end_time: DateTime<Utc>,
    /// Does it hold?
    pub status: ReservationStatus,
}

/// What an event has booked, all its occurrences together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct BookedResource {
    /// For what.
    pub event_id: EventId,
    /// What is booked.
    pub resource_id: ResourceId,
    /// Its name.
    pub resource_name: String,
    /// How many confirmed reservations.
    pub reservations: i64,
}

/// A reservation to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Minted by the caller; a reservation that is there already keeps its own.
    pub reservation_id: ReservationId,
    /// What to book.
    pub resource_id: ResourceId,
    /// Which occurrence of the event, in its wall time. With the resource, the identity of a booking within its event.
    pub original_start: NaiveDateTime,
    /// From, included.
    pub start_time: DateTime<Utc>,
    /// To, excluded.
    pub end_time: DateTime<Utc>,
}

/// Rejects a list of resources for one event that is too long or names one twice, at `{pointer}/{n}`.
pub fn check_booked(ids: &[ResourceId], checks: &mut Checks, pointer: &str) {
    checks.require(ids.len() <= MAX_PER_EVENT, pointer, "must have at most 50 resources");
    let mut seen = HashSet::new();
    for (n, id) in ids.iter().enumerate() {
        if !seen.insert(id) {
            checks.reject(format!("{pointer}/{n}"), "is in the list already");
        }
    }
}

/// A reservation that stands in the way, and what decides who may know of which event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Blocker {
    /// What is booked.
    pub resource_id: ResourceId,
    /// From, included.
    pub start_time: DateTime<Utc>,
    /// To, excluded.
    pub end_time: DateTime<Utc>,
    /// The event that holds the resource. Absent: the call overlaps itself here, by two of its own occurrences.
    pub event_id: Option<EventId>,
    /// The calendar of that event.
    pub calendar_id: Option<CalendarId>,
    /// `events.visibility`: default | public | private | confidential.
    pub visibility: Option<String>,
}

/// A resource, and what is booked of it within a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// The resource.
    pub resource: Resource,
    /// Nothing is booked within the span. Always true when the resource is not exclusive.
    pub free: bool,
    /// What is booked, cut to the span, in order; neighbours are one. Empty when the resource is not exclusive.
    pub busy: Vec<Span>,
}

impl Booking {
    /// # Errors
    /// `too_many_reservations` over [`MAX_BOOKINGS`].
    pub fn check_number(bookings: &[Self]) -> Result<()> {
        if bookings.len() <= MAX_BOOKINGS {
            return Ok(());
        }
        Err(Failure::new(
            Kind::LimitExceeded,
            "too_many_reservations",
            format!(
                "{} reservations in one call, at most {MAX_BOOKINGS}; book fewer resources or end the series earlier",
                bookings.len()
            ),
        ))
    }
}
