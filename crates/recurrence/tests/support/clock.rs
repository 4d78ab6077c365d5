//! Clocks as jiff reads them.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil::DateTime as CivilDateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

pub(crate) fn civil(local: NaiveDateTime) -> CivilDateTime {
    let (date, time) = (local.date(), local.time());
    let [month, day] = [date.month(), date.day()].map(|n| n as i8);
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(|n| n as i8);
    jiff::civil::date(date.year() as i16, month, day).at(hour, minute, second, 0)
}

pub(crate) fn expected_utc(zone: &TimeZone, local: NaiveDateTime) -> DateTime<Utc> {
    let ambiguous = zone.to_ambiguous_timestamp(civil(local));
    let mut timestamp = ambiguous.compatible().unwrap();
    // jiff 0.2.46 claims a fold where standard time changes and daylight saving ends at once (Nuuk, 2023-10-29): its own
    // instants know nothing of the first of the two offsets
    if let AmbiguousOffset::Fold { before, .. } = ambiguous.offset()
        && zone.to_offset(timestamp) != before
    {
        timestamp = ambiguous.later().unwrap();
    }
    DateTime::from_timestamp(timestamp.as_second(), 0).unwrap()
}

pub(crate) fn expected_local(zone: &TimeZone, instant: DateTime<Utc>) -> NaiveDateTime {
    let timestamp = Timestamp::from_second(instant.timestamp()).unwrap();
    let offset = zone.to_offset(timestamp).seconds();
    instant.naive_utc() + TimeDelta::seconds(i64::from(offset))
}
