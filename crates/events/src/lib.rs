//! Calendars, their members, events and occurrences.
//!
//! Everything here answers to a [`Grant`] or a [`Found`] that says what the caller may see; `koyomi::access` decides
//! with it. Reading is in the plural; writing happens inside a `store::Tx`, mostly as parts of a `store::Batch`.

mod agenda;
mod beyond;
mod calendar;
mod error;
mod event;
mod members;
mod noun;
mod plan;
mod read;
mod records;
mod roll;
mod series;
mod sql;
mod when;
mod write;

pub mod calendars;
pub mod zones;

pub use agenda::{Mark, agenda_marks};
pub use calendar::{Calendar, Grant, Member, Role};
pub use error::written;
pub use event::{Event, Found, Happening, NewEvent, Status, Transparency, View, Visibility};
pub use members::{
    Invitee, add_member_in, cursor as member_cursor, first_members, has_other_owner, list_members, remove_member_part,
    set_member_part,
};
pub use noun::{Noun, noun_of};
pub use plan::{HORIZON_MONTHS, MAX_STORED_OCCURRENCES, Plan, horizon};
pub use read::{
    MAX_COUNTED, Position, Source, Window, count, find_for_update_part, find_many, grants, grants_part, page, pages,
    read_found, read_stored, stored_part,
};
pub use records::{
    Record, RecordGuest, Stamp, UserByEmail, first_start, lock_part, read_walk, records_part, users_by_email_part,
    walk_part,
};
pub use roll::{MAX_ROLLED, ROLL_BELOW_MONTHS, Rolled, Rolling, lock_rolling, roll_below, roll_parts, rolling};
pub use series::{Extent, Locked, SeriesChange, SeriesRead, Stored, change_series_part, read_series, series_parts};
pub use when::{When, zone_of, zone_texts};
pub use write::{delete_part, replan_part, write_part};

/// The statements that must keep their plan, for tests that look at it.
pub mod hot {
    pub use crate::sql::{
        AGENDA, AGENDA_BACK, AGENDA_ENDLESS, AGENDA_ENDLESS_BACK, AGENDA_MARKS, COUNT, FIND, FIND_FOR_UPDATE, FIND_ONE,
        FIRST_MEMBERS, FIRST_START, GRANTS, LIST_CALENDARS, LIST_MEMBERS, LOCK_ROLLING, LOCK_SERIES, OF_EVENT,
        OF_EVENT_ENDLESS, OF_USER, OF_USER_ENDLESS, PAGE, PAGE_BACK, PAGE_ENDLESS, PAGE_ENDLESS_BACK, PAGES, RECORDS,
        ROLLING, SEARCH, SEARCH_BACK, SEARCH_ENDLESS, SEARCH_ENDLESS_BACK, SERIES_OCCURRENCES, SERIES_VERSIONS, STORED,
        WALK,
    };
}
