use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A half-open stretch of time `[from, to)` in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Span {
    /// The years a calendar reaches; what "no bound" means in a query (PostgreSQL's infinity has no chrono value).
    pub const EARLIEST: DateTime<Utc> = at(-62_135_596_800); // 0001-01-01
    pub const LATEST: DateTime<Utc> = at(253_402_300_800); // 10000-01-01

    /// True when something lasting `[start, end)` happens inside: overlap, not containment. An instant
    /// (`start == end`) is inside when `from <= start < to`.
    pub fn overlaps(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> bool {
        start < self.to && (end > self.from || (start == end && start >= self.from))
    }
}

const fn at(seconds: i64) -> DateTime<Utc> {
    match DateTime::from_timestamp(seconds, 0) {
        Some(t) => t,
        None => DateTime::UNIX_EPOCH,
    }
}
