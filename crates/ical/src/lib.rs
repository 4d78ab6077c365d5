//! iCalendar (RFC 5545) to and from a neutral model. Pure: it reads a [`std::io::BufRead`] and writes a
//! [`std::io::Write`], nothing else.
//!
//! An input is read twice, because a VTIMEZONE may follow the events that use it: [`scan_zones`] finds the zones,
//! [`events`] yields calendars, events and issues one at a time, so that memory holds one component however long the
//! input is. [`read`] does both for what can be rewound. [`Writer`] is the way back.
//!
//! Nothing is dropped in silence. What cannot be read is an [`Issue`] with its line and reason, and the rest arrives;
//! what the model does not know travels verbatim in [`Event::extra`].

mod calendar;
mod component;
mod event;
mod events;
mod fields;
mod issue;
mod length;
mod limits;
mod lines;
mod model;
mod property;
mod recurrence_lines;
mod value;
mod vtimezone;
mod windows;
mod write;
mod zones;

pub use events::{Events, Item, events, read};
pub use issue::{Error, Issue, Reason};
pub use limits::{Limit, Limits};
pub use model::{
    Attendee, Calendar, Class, Event, Kind, Organizer, Participation, Role, Status, Transparency, ZoneText,
};
pub use recurrence_lines::{Recurrence, parse_recurrence};
pub use vtimezone::parse_vtimezone;
pub use write::{WriteOptions, Writer};
pub use zones::{Zones, scan_zones};
