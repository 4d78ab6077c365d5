//! A cell is one counter: a write raises it, reads show it.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::http::Token;

/// Where an event is: its calendar (an index of the world), its id, its time in UTC.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub calendar: usize,
    pub event: String,
    pub start: String,
    pub end: String,
}

/// What carries the counter.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The title of an event.
    Title {
        at: Spot,
        private: bool,
    },
    /// Odd: an event with the counter for its title exists; even: it does not. With a room, which is taken or free.
    Presence {
        at: Spot,
        room: Option<String>,
    },
    CalendarName {
        calendar: usize,
    },
    /// The name on an invitation.
    GuestName {
        at: Spot,
        attendee: String,
    },
    /// The comment of an answer, accepted when odd, declined when even; by the guest himself.
    Reply {
        at: Spot,
        attendee: String,
        guest: usize,
    },
    /// Odd: the event has booked the room; even: it gave it back.
    Booking {
        at: Spot,
        room: String,
    },
    /// The name of a user; with an event that he organizes or an invitation, which show it.
    UserName {
        user: usize,
        organizes: Option<Spot>,
        invited: Option<(Spot, String)>,
    },
    /// The name of a room, booked by an event.
    ResourceName {
        room: String,
        at: Spot,
    },
}

impl Kind {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Title { .. } => "title",
            Self::Presence { .. } => "presence",
            Self::CalendarName { .. } => "calendar name",
            Self::GuestName { .. } => "guest name",
            Self::Reply { .. } => "reply",
            Self::Booking { .. } => "booking",
            Self::UserName { .. } => "user name",
            Self::ResourceName { .. } => "resource name",
        }
    }

    /// A renamed person or room touches what everybody in the organisation sees: rare, as it is in life.
    pub(crate) const fn is_slow(&self) -> bool {
        matches!(self, Self::UserName { .. } | Self::ResourceName { .. })
    }
}

#[derive(Debug)]
pub(crate) struct Cell {
    pub number: usize,
    pub kind: Kind,
    /// What exists of a presence (the event) or a booking (the reservation); for its writer only.
    pub object: Mutex<Option<String>>,
    /// Nothing is written any more.
    pub retired: AtomicBool,
    sent: AtomicU64,
    acknowledged: Mutex<Acknowledged>,
}

#[derive(Debug)]
struct Acknowledged {
    n: u64,
    /// That came with the acknowledgement of `n`.
    token: Option<Token>,
    /// Newest last; what was before the first is `before`.
    history: VecDeque<(Instant, u64)>,
    before: u64,
}

/// What a reader may ask for.
#[derive(Debug, Clone)]
pub(crate) struct Floor {
    pub n: u64,
    pub token: Option<Token>,
    /// How old the acknowledgement of `n` is.
    pub age: Option<Duration>,
}

const MEMORY: Duration = Duration::from_secs(3);

impl Cell {
    pub(crate) fn new(number: usize, kind: Kind) -> Self {
        Self {
            number,
            kind,
            object: Mutex::new(None),
            retired: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            acknowledged: Mutex::new(Acknowledged { n: 0, token: None, history: VecDeque::new(), before: 0 }),
        }
    }

    /// How the counter stands in texts: `c12 n=34`.
    pub(crate) fn text(&self, n: u64) -> String {
        text(self.number, n)
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// The number of the next write, which may show from now on.
    pub(crate) fn begin(&self) -> u64 {
        self.sent.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Every read that begins from now on must show `n`.
    pub(crate) fn acknowledge(&self, n: u64, token: Option<Token>) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        let now = Instant::now();
        acknowledged.n = n;
        acknowledged.token = token;
        acknowledged.history.push_back((now, n));
        while acknowledged.history.front().is_some_and(|(at, _)| *at + MEMORY < now) {
            acknowledged.before = acknowledged.history.pop_front().map_or(0, |(_, n)| n);
        }
    }

    pub(crate) fn floor(&self) -> Floor {
        let acknowledged = self.acknowledged.lock().unwrap();
        let age = acknowledged.history.back().map(|(at, _)| at.elapsed());
        Floor { n: acknowledged.n, token: acknowledged.token.clone(), age }
    }

    /// What was acknowledged by then.
    pub(crate) fn floor_at(&self, at: Instant) -> u64 {
        let acknowledged = self.acknowledged.lock().unwrap();
        let known = acknowledged.history.iter().rev().find(|(when, _)| *when <= at);
        known.map_or(acknowledged.before, |(_, n)| *n)
    }

    /// Tokens of an epoch that is over are worth nothing.
    pub(crate) fn forget(&self, token: &str) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        if acknowledged.token.as_deref() == Some(token) {
            acknowledged.token = None;
        }
    }
}

pub(crate) fn text(cell: usize, n: u64) -> String {
    format!("c{cell} n={n}")
}

/// What an answer shows of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    Exactly(u64),
    /// Something is there or taken: the counter is odd.
    Odd,
    Even,
    /// Nothing, as it should be: the caller sees only that time is taken.
    Hidden,
    /// It should have been there.
    Missing,
    /// There is something else in its place.
    Odder(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fine,
    Stale,
    /// What cannot be at any time: lost, mixed up, from the future.
    Wrong,
}

impl Shown {
    /// `floor` was acknowledged before the read began, nothing above `sent` was sent when it ended.
    pub(crate) fn judge(&self, floor: u64, sent: u64) -> Verdict {
        let possible = |parity| floor < sent || floor % 2 == parity;
        match self {
            Self::Exactly(n) if *n < floor => Verdict::Stale,
            Self::Exactly(n) if *n > sent => Verdict::Wrong,
            Self::Odd if !possible(1) => Verdict::Stale,
            Self::Even if !possible(0) => Verdict::Stale,
            Self::Missing | Self::Odder(_) => Verdict::Wrong,
            _ => Verdict::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_floor_is_stale() {
        assert_eq!(Shown::Exactly(4).judge(5, 6), Verdict::Stale);
        assert_eq!(Shown::Exactly(5).judge(5, 6), Verdict::Fine);
        assert_eq!(Shown::Exactly(7).judge(5, 6), Verdict::Wrong);
        assert_eq!(Shown::Even.judge(5, 5), Verdict::Stale);
        assert_eq!(Shown::Even.judge(5, 6), Verdict::Fine);
        assert_eq!(Shown::Odd.judge(5, 5), Verdict::Fine);
    }

    #[test]
    fn the_floor_of_an_instant_is_what_was_acknowledged_by_then() {
        let cell = Cell::new(1, Kind::CalendarName { calendar: 0 });
        let before = Instant::now();
        cell.acknowledge(3, None);
        let after = Instant::now();
        assert_eq!(cell.floor_at(before), 0);
        assert_eq!(cell.floor_at(after), 3);
        assert_eq!(cell.floor().n, 3);
    }
}
