use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

id! {
    /// A tenant: the wall between organisations.
    TenantId,
    /// A user of one tenant.
    UserId,
    /// A named API token (not its secret).
    TokenId,
    /// A calendar.
    CalendarId,
    /// An event record: a single event, a series' master, or an override of one occurrence.
    EventId,
    /// An invitation of one address to one event.
    AttendeeId,
    /// A room, vehicle or other bookable thing.
    ResourceId,
    /// One booked occurrence of one resource.
    ReservationId,
}
