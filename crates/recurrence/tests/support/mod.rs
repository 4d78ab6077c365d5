//! Short words for the tests of this crate.
#![allow(dead_code, reason = "each test file uses some of them")]

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use recurrence::{Budget, Duration, Expansion, Moment, Occurrence, RecurrenceDate, Rule, Series, Window, Zone};

/// `2026-03-01T09:00:00`, or `2026-03-01` for midnight.
pub(crate) fn local(text: &str) -> NaiveDateTime {
    match text.parse() {
        Ok(local) => local,
        Err(_) => date(text).and_hms_opt(0, 0, 0).unwrap(),
    }
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn utc(text: &str) -> DateTime<Utc> {
    local(text).and_utc()
}

pub(crate) fn zone(name: &str) -> Zone {
    Zone::iana(name).unwrap()
}

/// A start: `2026-03-01` is a date, `2026-03-01T09:00:00` floats, `2026-03-01T09:00:00 Asia/Tokyo` is in a zone.
pub(crate) fn moment(text: &str) -> Moment {
    match text.split_once(' ') {
        Some((time, name)) => Moment::Zoned(local(time), zone(name)),
        None if text.len() == 10 => Moment::Date(date(text)),
        None => Moment::Floating(local(text)),
    }
}

pub(crate) fn rule(text: &str) -> Rule {
    Rule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A series of one hour, or of one day if it starts on a date, anchored in UTC.
pub(crate) fn series(start: &str, rules: &[&str]) -> Series {
    let start = moment(start);
    let duration = if start.is_date() { Duration::days(1) } else { Duration::seconds(3_600) };
    Series {
        start,
        duration,
        rules: rules.iter().map(|text| rule(text)).collect(),
        rdates: Vec::new(),
        exdates: Vec::new(),
        anchor: Zone::utc(),
    }
}

pub(crate) fn rdate(text: &str) -> RecurrenceDate {
    RecurrenceDate { start: moment(text), duration: None }
}

pub(crate) fn window(from: &str, to: &str) -> Window {
    Window { from: utc(from), to: utc(to) }
}

/// Every instant that can be asked for.
pub(crate) fn always() -> Window {
    Window { from: DateTime::<Utc>::MIN_UTC, to: DateTime::<Utc>::MAX_UTC }
}

pub(crate) fn expand(series: &Series, window: Window) -> Vec<Occurrence> {
    let expansion = series.expand(window, usize::MAX, Budget::default()).unwrap();
    assert!(expansion.complete);
    expansion.occurrences
}

/// The first `limit` of a series.
pub(crate) fn first(series: &Series, limit: usize) -> Expansion {
    series.expand(always(), limit, Budget::default()).unwrap()
}

/// Original starts, written like the arguments of [`local`].
pub(crate) fn originals(occurrences: &[Occurrence]) -> Vec<String> {
    occurrences.iter().map(|o| o.original_start.format("%Y-%m-%dT%H:%M:%S").to_string()).collect()
}

/// Starts in UTC.
pub(crate) fn starts(occurrences: &[Occurrence]) -> Vec<String> {
    occurrences.iter().map(|o| o.start.format("%Y-%m-%dT%H:%M:%SZ").to_string()).collect()
}
