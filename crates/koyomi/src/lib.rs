//! What no room can do alone: scheduling (event, guests and rooms in one transaction), replies, the agenda,
//! availability, import and export. And the one place that decides who may do what: [`access`].
//!
//! Both dialects call these doors and nothing below them.

pub mod access;
mod bookings;
mod calendars;
mod catalogue;
mod change;
mod each;
mod events_read;
mod follow;
mod guests;
mod input;
mod members;
mod nouns;
mod opened;
mod operation;
mod people;
mod roll;
mod schedule;
pub mod seed;
mod series;
mod transfer;

pub use calendars::{CalendarInput, CalendarPatch};
pub use change::EventPatch;
pub use events::calendars::cursor as calendar_cursor;
pub use events::{Noun, member_cursor};
pub use events_read::{Expand, Listed, Listing, agenda_cursor, event_cursor, of_user_cursor, place};
pub use follow::{AgendaFollower, AgendaNews, CalendarNews, CalendarsFollower, CalendarsNews};
pub use guests::Reply;
pub use input::EventTime;
pub use opened::{Asker, Opened, Scope, own_key};
pub use roll::{ROLL_STEP, RollReport};
pub use schedule::{EventInput, GuestInput};
pub use series::{
    Aim, MAX_PREVIEWED, Preview, Previewed, PreviewedBooking, PreviewedMove, PreviewedOccurrence, RezoneReport,
    SeriesScope, ZoneData,
};
pub use transfer::{ImportIssue, ImportLimits, ImportOptions, ImportOutcome, ImportReport, MAX_ISSUES, TransferFormat};

use cache::{Heads, Reads, Values};
use kernel::Result;
use store::Store;
use users::Users;

/// The product behind its dialects. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Koyomi {
    pub store: Store,
    /// People, sessions and tokens have no rule beyond their own room.
    pub users: Users,
    pub heads: Heads,
    pub values: Values,
}

/// How reads are answered.
#[derive(Debug, Clone)]
pub struct Settings {
    pub reads: Reads,
    /// Connections that do nothing but head checks.
    pub head_connections: usize,
    pub values: cache::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self { reads: Reads::default(), head_connections: 2, values: cache::Settings::default() }
    }
}

impl Koyomi {
    /// Inside a runtime: head checks have tasks of their own.
    ///
    /// # Errors
    /// `validation_failed` for an address of Redis that is none.
    pub fn open(store: Store, settings: Settings) -> Result<Self> {
        Ok(Self {
            heads: Heads::start(&store, settings.reads, settings.head_connections),
            values: Values::new(settings.values, store.identity())?,
            users: Users::new(store.clone()),
            store,
        })
    }

    /// The same, for work that nobody waits for: it takes no connection from those who are waited for.
    pub fn in_background(&self) -> Self {
        Self { store: self.store.background(), ..self.clone() }
    }
}
