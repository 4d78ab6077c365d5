use kernel::{Failure, Kind};

use crate::MAX_PER_EVENT;

/// What a database error of this room's writes means; `None` for what is not ours.
pub fn refusal(error: &sqlx::Error) -> Option<Failure> {
    match store::constraint(error) {
        Some("attendees_event_email_key") => Some(Failure::new(
            Kind::Conflict,
            "already_invited",
            "this address is invited already; change that invitation instead",
        )),
        Some("attendees_email_lower") => {
            Some(Failure::invalid("/email", "has letters without a lower-case form; write the address in lower case"))
        }
        _ => None,
    }
}

/// A database error as a failure: [`refusal`], else what every database error is.
pub fn written(error: sqlx::Error) -> Failure {
    refusal(&error).unwrap_or_else(|| error.into())
}

pub(crate) fn too_many() -> Failure {
    Failure::new(
        Kind::LimitExceeded,
        "too_many_attendees",
        format!("an event has at most {MAX_PER_EVENT} attendees; invite a group address instead"),
    )
}
