use std::time::Duration;

/// What kind of value it is: how long it is kept, and under which name it can be switched off and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    /// A calendar's own fields.
    Calendar,
    /// A page of occurrences of some calendars.
    Page,
    /// An event with what is nested into it.
    Event,
    /// A page of occurrences of one event.
    Occurrences,
    /// Guests of an event.
    Attendees,
    /// What an event has booked.
    Reservations,
    /// Which resources are free.
    Availability,
    /// People of a tenant.
    Users,
    /// Resources of a tenant.
    Resources,
    /// What happened in a calendar behind a place.
    Feed,
    /// Ready-made answers, as bytes.
    Body,
}

impl Family {
    pub const ALL: [Self; 11] = [
        Self::Calendar,
        Self::Page,
        Self::Event,
        Self::Occurrences,
        Self::Attendees,
        Self::Reservations,
        Self::Availability,
        Self::Users,
        Self::Resources,
        Self::Feed,
        Self::Body,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Calendar => "calendar",
            Self::Page => "page",
            Self::Event => "event",
            Self::Occurrences => "occurrences",
            Self::Attendees => "attendees",
            Self::Reservations => "reservations",
            Self::Availability => "availability",
            Self::Users => "users",
            Self::Resources => "resources",
            Self::Feed => "feed",
            Self::Body => "body",
        }
    }

    /// How long a value is kept (RFC-003 §2.3). Only to make room: no value ever becomes wrong.
    pub(crate) const fn ttl(self) -> Duration {
        Duration::from_secs(match self {
            Self::Calendar => 600,
            Self::Page | Self::Event | Self::Occurrences | Self::Resources | Self::Body => 300,
            Self::Attendees | Self::Reservations => 120,
            Self::Availability | Self::Feed => 60,
            Self::Users => 1800,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_listed_in_the_order_of_their_numbers() {
        assert!(Family::ALL.into_iter().enumerate().all(|(n, family)| family as usize == n));
    }
}
