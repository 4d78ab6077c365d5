//! Following calendars: what changed in them, as it changes, without a gap (docs/SUBSCRIPTIONS.md).
//!
//! A follower is a place in the history. It looks what is behind it, under a head check of its own, and waits for a hint
//! that looking again is worth it. What its reader has not asked for yet is nowhere.

mod agenda;
mod calendars;
mod wait;

pub use agenda::{AgendaFollower, AgendaNews};
pub use calendars::{CalendarNews, CalendarsFollower, CalendarsNews};

use std::time::Duration;

use bus::Watch;

use crate::{Asker, Koyomi};

use self::wait::Hints;

/// Who follows, and how he hears that something may have happened.
#[derive(Debug)]
struct Follower {
    koyomi: Koyomi,
    asker: Asker,
    hints: Hints,
}

impl Follower {
    fn new(koyomi: &Koyomi, asker: &Asker, watch: Option<Watch>, pace: Duration) -> Self {
        // What memory knows is what the bus has told it. The primary is to say whether it is so.
        let asker = Asker { current: true, seen: None, ..asker.clone() };
        Self { koyomi: koyomi.clone(), asker, hints: Hints::new(watch, pace) }
    }
}
