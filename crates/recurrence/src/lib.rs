//! Recurrence sets (RFC 5545 §3.8.5) and time zones: pure, bounded, no I/O.
//!
//! A [`Series`] is what a calendar stores; [`Series::expand`] answers which occurrences overlap a window. Wall time is
//! the truth: rules run on local time, and [`Zone`] turns the result into UTC last. The README lists what was decided
//! where the RFC leaves a choice.

mod civil;
mod error;
mod expand;
mod model;
mod rule;
mod zone;

pub use error::Error;
pub use expand::{Budget, Expansion, Occurrence};
pub use model::{Duration, Moment, RecurrenceDate, Series, Window};
pub use rule::{ByDay, Frequency, Rule, Until, Weekday};
pub use zone::{Observance, Zone};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
