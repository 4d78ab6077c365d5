//! Wall time across every transition of every zone of the database from 1970 to 2050: daily series at times that the clock
//! skips, repeats, or reads just before and after, against jiff's own reading of the same database.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/clock.rs"]
mod clock;
mod support;

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use clock::{expected_local, expected_utc};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use recurrence::{Budget, Duration, Moment, Series, Zone};

const DAYS: i64 = 5;

/// Local times around a transition from one reading of the clock to another: before, at the edges, in the middle, after.
fn times(before: NaiveDateTime, after: NaiveDateTime) -> Vec<NaiveDateTime> {
    let (low, high) = (before.min(after), before.max(after));
    let second = TimeDelta::seconds(1);
    let hour = TimeDelta::hours(1);
    let mut times = vec![low - hour, low - second, low, low + (high - low) / 2, high - second, high, high + hour];
    times.dedup();
    times
}

/// Reading and instant of `count` members that are a step apart, less those that are skipped onto another one.
fn expected(zone: &TimeZone, first: NaiveDateTime, step: TimeDelta, count: i64) -> Vec<(i64, NaiveDateTime)> {
    let members = (0..count).map(|n| first + step * n as i32);
    let read = members.map(|at| {
        let in_gap = matches!(zone.to_ambiguous_timestamp(clock::civil(at)).offset(), AmbiguousOffset::Gap { .. });
        (expected_utc(zone, at).timestamp(), at, in_gap)
    });
    let read: Vec<_> = read.collect();
    let taken = |instant: i64| read.iter().any(|(at, _, in_gap)| *at == instant && !in_gap);
    let held = read.iter().filter(|(instant, _, in_gap)| !in_gap || !taken(*instant));
    let mut held: Vec<_> = held.map(|(instant, at, _)| (*instant, *at)).collect();
    held.sort_unstable();
    held
}

fn found(zone: &Zone, first: NaiveDateTime, rule: &str) -> Vec<(i64, NaiveDateTime)> {
    let series = Series {
        start: Moment::Zoned(first, zone.clone()),
        duration: Duration::ZERO,
        rules: vec![support::rule(rule)],
        rdates: Vec::new(),
        exdates: Vec::new(),
        anchor: Zone::utc(),
    };
    let all = series.expand(support::always(), usize::MAX, Budget::default()).unwrap();
    all.occurrences.iter().map(|o| (o.start.timestamp(), o.original_start)).collect()
}

#[test]
fn every_transition_of_every_zone_from_1970_to_2050_keeps_the_wall_time() {
    let database = TimeZoneDatabase::bundled();
    let from: Timestamp = "1970-01-01T00:00:00Z".parse().unwrap();
    let to: Timestamp = "2051-01-01T00:00:00Z".parse().unwrap();
    let (mut zones, mut transitions, mut skipped, mut repeated) = (0, 0, 0, 0);
    for name in Zone::names() {
        let jiff = database.get(&name).unwrap();
        if jiff.is_unknown() {
            continue;
        }
        let zone = support::zone(&name);
        zones += 1;
        for transition in jiff.following(from).take_while(|t| t.timestamp() < to) {
            transitions += 1;
            let at = DateTime::from_timestamp(transition.timestamp().as_second(), 0).unwrap();
            let after = expected_local(&jiff, at);
            let before = expected_local(&jiff, at - TimeDelta::seconds(1)) + TimeDelta::seconds(1);
            skipped += u32::from(before < after);
            repeated += u32::from(before > after);
            for time in times(before, after) {
                let first = time - TimeDelta::days(DAYS / 2);
                let daily = expected(&jiff, first, TimeDelta::days(1), DAYS);
                assert_eq!(found(&zone, first, "FREQ=DAILY;COUNT=5"), daily, "{name} daily at {time}");
                for (instant, at) in &daily {
                    // what the clock reads then is the reading of the member, or later by the gap that skipped it
                    let reads = expected_local(&jiff, DateTime::from_timestamp(*instant, 0).unwrap());
                    let shift = (before - after).abs();
                    assert!(reads == *at || reads == *at + shift, "{name}: {at} is held at {reads}");
                }
            }
            let first = before.min(after) - TimeDelta::hours(2);
            let hourly = expected(&jiff, first, TimeDelta::minutes(60), 6);
            assert_eq!(found(&zone, first, "FREQ=HOURLY;COUNT=6"), hourly, "{name} hourly from {first}");
        }
    }
    assert!(zones > 590, "{zones}");
    assert!(transitions > 35_000 && skipped > 17_000 && repeated > 17_000, "{transitions} {skipped} {repeated}");
}
