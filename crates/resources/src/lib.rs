//! Things that can be booked: rooms, vehicles, equipment; their reservations, and when they are free.
//!
//! No room is booked twice because PostgreSQL refuses it (`reservations_no_overlap`); nothing here decides it in
//! advance. Every id that comes in here was authorised by the layer above.

mod availability;
mod error;
mod extend;
mod model;
mod read;
mod reservations;
mod reserve;
mod series;
mod sql;
mod write;

pub use availability::{MAX_SPAN, availability, availability_cursor};
pub use error::{is_overlap, overlap_failure, refusal, written};
pub use extend::{Extension, Unbooked, extend_series_part, lock_in, read_unbooked};
pub use model::{
    Availability, Blocker, BookedResource, Booking, Filter, MAX_BLOCKERS, MAX_BOOKINGS, MAX_PER_EVENT, NewResource,
    Reservation, ReservationStatus, Resource, ResourceChange, ResourceKind, check_booked,
};
pub use read::{find, find_many, list, list_cursor};
pub use reservations::{
    OccurrenceKey, booked_many, conflicts, find_reservation_in, list_for_occurrences, list_many, of_resource_cursor,
    page, page_of_resource,
};
pub use reserve::{
    extend_parts, release_calendar_part, release_in, release_occurrences_part, release_part, release_series_part,
    replace_in, replace_parts, replaced, reserve_in, reserve_part, reserved, shift_part,
};
pub use series::{Rebooking, Rebookings, read_series, rebook_parts, rebooked, series_parts};
pub use write::{create_in, delete_in, update_in};

/// The statements that must keep their plan, for tests that look at it.
pub mod hot {
    pub use crate::sql::{
        AVAILABILITY, BOOKED_MANY, CONFLICTS, FIND_MANY, LIST, LIST_FOR_OCCURRENCES, LIST_MANY, OF_RESOURCE, PAGE,
        SERIES_RESERVATIONS,
    };
}
