use std::collections::HashSet;

use chrono::NaiveDateTime;
use kernel::{Checks, Conflict, Failure, Kind, ResourceId, Result};

use crate::{Blocker, Booking, MAX_BLOCKERS};

/// Is it the double booking that PostgreSQL refused? Then the transaction is over; [`crate::conflicts`] says on a fresh
/// connection who stands in the way, and [`overlap_failure`] tells the caller.
pub fn is_overlap(error: &sqlx::Error) -> bool {
    store::constraint(error) == Some("reservations_no_overlap")
}

/// What a database error of this room's writes means, without names; `None` for what is not ours.
pub fn refusal(error: &sqlx::Error) -> Option<Failure> {
    is_overlap(error).then(|| overlap_failure(Vec::new(), |_| false))
}

/// A database error as a failure: [`refusal`], else what every database error is.
pub fn written(error: sqlx::Error) -> Failure {
    refusal(&error).unwrap_or_else(|| error.into())
}

/// `resource_conflict`: somebody else has it. `may_see` decides whether the caller learns which event that is.
pub fn overlap_failure(blockers: Vec<Blocker>, may_see: impl Fn(&Blocker) -> bool) -> Failure {
    let message = if blockers.is_empty() {
        // Committed after we asked, or released since: somebody was faster by a moment.
        "a resource was booked by somebody else at the same moment; try again".to_owned()
    } else if blockers.iter().all(|b| b.event_id.is_none()) {
        "occurrences of this event overlap each other, and a resource can be booked once at a time".to_owned()
    } else if blockers.len() >= MAX_BLOCKERS {
        format!("resources are booked at that time; conflicts names the first {}", blockers.len())
    } else {
        "a resource is booked at that time; see conflicts".to_owned()
    };
    let conflicts = blockers
        .iter()
        .map(|blocker| Conflict {
            resource_id: blocker.resource_id.0,
            start_time: blocker.start_time,
            end_time: blocker.end_time,
            event_id: blocker.event_id.filter(|_| may_see(blocker)).map(|event_id| event_id.0),
        })
        .collect();
    Failure::new(Kind::Conflict, "resource_conflict", message).with_conflicts(conflicts)
}

/// Names at `/resources/{n}` the resources of which a booking was not made: unknown, deleted or another tenant's. `n`
/// counts the different resources of the bookings in the order of their first one.
pub(crate) fn known(bookings: &[Booking], made: &HashSet<(ResourceId, NaiveDateTime)>) -> Result<()> {
    let mut asked: Vec<ResourceId> = Vec::new();
    let mut seen = HashSet::new();
    let mut missing = HashSet::new();
    for booking in bookings {
        if seen.insert(booking.resource_id) {
            asked.push(booking.resource_id);
        }
        if !made.contains(&(booking.resource_id, booking.original_start)) {
            missing.insert(booking.resource_id);
        }
    }
    let mut checks = Checks::new();
    for (n, id) in asked.iter().enumerate() {
        if missing.contains(id) {
            checks.reject(format!("/resources/{n}"), format!("there is no resource {id}"));
        }
    }
    checks.done()
}

pub(crate) fn in_use(reservations: i64) -> Failure {
    Failure::new(
        Kind::Conflict,
        "resource_in_use",
        format!("{reservations} reservations of this resource are still to come; release them first"),
    )
}

pub(crate) fn shared_in_use() -> Failure {
    Failure::new(
        Kind::Conflict,
        "resource_in_use",
        "reservations of this resource that are still to come overlap; release some of them before it becomes exclusive",
    )
}
