use kernel::{Failure, Kind};

/// A database error of this room's writes: named constraints become what they mean.
pub fn written(error: sqlx::Error) -> Failure {
    match store::constraint(&error) {
        Some("events_uid") => Failure::new(
            Kind::Conflict,
            "uid_taken",
            "this calendar already has an event with that uid; update it, or leave uid out to get a new one",
        ),
        Some("events_override") => Failure::new(
            Kind::Conflict,
            "uid_taken",
            "this calendar already has a record of that occurrence with that uid",
        ),
        Some("calendar_members_pkey") => Failure::new(
            Kind::Conflict,
            "already_member",
            "the calendar is already shared with this user; change the role instead",
        ),
        _ => error.into(),
    }
}
