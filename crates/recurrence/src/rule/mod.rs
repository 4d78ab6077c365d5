mod parse;
mod text;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

pub use chrono::Weekday;

/// FREQ of a rule, finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// `SECONDLY`: known, but refused in a rule.
    Secondly,
    /// `MINUTELY`: known, but refused in a rule.
    Minutely,
    /// `HOURLY`
    Hourly,
    /// `DAILY`
    Daily,
    /// `WEEKLY`
    Weekly,
    /// `MONTHLY`
    Monthly,
    /// `YEARLY`
    Yearly,
}

/// One value of BYDAY: `MO`, or with an ordinal `2MO`, `-1FR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByDay {
    /// 1..=53 or -53..=-1 within the month or year; `None` for every one.
    pub ordinal: Option<i8>,
    /// The day of the week.
    pub weekday: Weekday,
}

/// UNTIL in the form it was sent. What it means beside a start of another form is in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// The last day, included.
    Date(NaiveDate),
    /// The last clock reading in the zone of the series, included.
    Local(NaiveDateTime),
    /// The last instant, included.
    Utc(DateTime<Utc>),
}

/// A RECUR value (RFC 5545 §3.3.10), checked: it is within the limits, and its parts go together.
///
/// Read it with [`Rule::parse`], write it with `Display`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    pub(crate) freq: Frequency,
    pub(crate) interval: u32,
    pub(crate) count: Option<u32>,
    pub(crate) until: Option<Until>,
    pub(crate) by_second: Vec<u8>,
    pub(crate) by_minute: Vec<u8>,
    pub(crate) by_hour: Vec<u8>,
    pub(crate) by_day: Vec<ByDay>,
    pub(crate) by_month_day: Vec<i8>,
    pub(crate) by_year_day: Vec<i16>,
    pub(crate) by_week_no: Vec<i8>,
    pub(crate) by_month: Vec<u8>,
    pub(crate) by_set_pos: Vec<i16>,
    pub(crate) week_start: Weekday,
}

impl Rule {
    /// The most a COUNT may be.
    pub const MAX_COUNT: u32 = 10_000;
    /// The most an INTERVAL may be.
    pub const MAX_INTERVAL: u32 = 100_000;
    /// The most values all BY parts may have together.
    pub const MAX_BY_VALUES: usize = 50;
    /// The most bytes its text may have: several times what the longest rule needs.
    pub const MAX_LENGTH: usize = 2_000;

    /// FREQ.
    pub fn frequency(&self) -> Frequency {
        self.freq
    }

    /// INTERVAL, 1 when it was absent.
    pub fn interval(&self) -> u32 {
        self.interval
    }

    /// COUNT.
    pub fn count(&self) -> Option<u32> {
        self.count
    }

    /// UNTIL.
    pub fn until(&self) -> Option<Until> {
        self.until
    }

    /// Whether neither COUNT nor UNTIL ends it.
    pub fn is_endless(&self) -> bool {
        self.count.is_none() && self.until.is_none()
    }

    /// BYSECOND, ascending.
    pub fn by_second(&self) -> &[u8] {
        &self.by_second
    }

    /// BYMINUTE, ascending.
    pub fn by_minute(&self) -> &[u8] {
        &self.by_minute
    }

    /// BYHOUR, ascending.
    pub fn by_hour(&self) -> &[u8] {
        &self.by_hour
    }

    /// BYDAY, in the order it was written.
    pub fn by_day(&self) -> &[ByDay] {
        &self.by_day
    }

    /// BYMONTHDAY, ascending.
    pub fn by_month_day(&self) -> &[i8] {
        &self.by_month_day
    }

    /// BYYEARDAY, ascending.
    pub fn by_year_day(&self) -> &[i16] {
        &self.by_year_day
    }

    /// BYWEEKNO, ascending.
    pub fn by_week_no(&self) -> &[i8] {
        &self.by_week_no
    }

    /// BYMONTH, ascending.
    pub fn by_month(&self) -> &[u8] {
        &self.by_month
    }

    /// BYSETPOS, ascending.
    pub fn by_set_pos(&self) -> &[i16] {
        &self.by_set_pos
    }

    /// WKST, Monday when it was absent.
    pub fn week_start(&self) -> Weekday {
        self.week_start
    }

    /// The same rule ended by `until` and by nothing else.
    #[must_use]
    pub fn ending(mut self, until: Until) -> Rule {
        self.until = Some(until);
        self.count = None;
        self
    }
}
