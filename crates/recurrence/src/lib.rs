//! Recurrence sets (RFC 5545 §3.8.5) and time zones: pure, bounded, no I/O.
//!
//! A [`Series`] is what a calendar stores; [`Series::expand`] answers which occurrences overlap a window. Wall time is
//! the truth: rules run on local time, and [`Zone`] turns the result into UTC last.

mod expand;
mod model;
mod rule;
mod zone;

pub use expand::{Budget, Expansion, Occurrence};
pub use model::{Duration, Error, Moment, RecurrenceDate, Series, Window};
pub use rule::{ByDay, Frequency, Rule, Weekday};
pub use zone::{Observance, Zone};
