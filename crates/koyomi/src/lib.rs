//! What no room can do alone: scheduling (event, guests and rooms in one transaction), replies, the agenda,
//! availability, import and export. And the one place that decides who may do what: [`access`].
//!
//! Both dialects call these doors and nothing below them.

pub mod access;
mod bookings;
mod calendars;
mod catalogue;
mod change;
mod events_read;
mod guests;
mod input;
mod members;
mod schedule;
pub mod seed;
mod transfer;

pub use calendars::{CalendarInput, CalendarPatch};
pub use change::EventPatch;
pub use events_read::{Expand, Listed, Listing};
pub use guests::Reply;
pub use input::EventTime;
pub use schedule::{EventInput, GuestInput};
pub use transfer::{ImportIssue, ImportLimits, ImportOptions, ImportOutcome, ImportReport, MAX_ISSUES, TransferFormat};

use store::Store;
use users::Users;

/// The product behind its dialects. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Koyomi {
    pub store: Store,
    /// People, sessions and tokens have no rule beyond their own room.
    pub users: Users,
}

impl Koyomi {
    pub fn new(store: Store) -> Self {
        Self { users: Users::new(store.clone()), store }
    }
}
