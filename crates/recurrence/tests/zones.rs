//! Clocks: every zone of the database against jiff, and what a series does when one is put forward or back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/clock.rs"]
mod clock;
mod support;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};
use clock::{expected_local, expected_utc};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use recurrence::{Duration, Error, Observance, Zone};
use support::*;

fn check(name: &str, zone: &Zone, jiff: &TimeZone, instant: DateTime<Utc>) {
    let local = expected_local(jiff, instant);
    assert_eq!(zone.to_local(instant), local, "{name} at {instant}");
    assert_eq!(zone.to_utc(local), expected_utc(jiff, local), "{name} reads {local}");
    // the same figures as if they were local, which also hits what the clock skipped
    let local = instant.naive_utc();
    assert_eq!(zone.to_utc(local), expected_utc(jiff, local), "{name} reads {local}");
}

#[test]
fn every_transition_of_every_zone_is_that_of_the_database() {
    let database = TimeZoneDatabase::bundled();
    let from: Timestamp = "2019-12-31T00:00:00Z".parse().unwrap();
    let to: Timestamp = "2031-01-02T00:00:00Z".parse().unwrap();
    let (mut zones, mut transitions) = (0, 0);
    for name in Zone::names() {
        let jiff = database.get(&name).unwrap();
        if jiff.is_unknown() {
            assert_eq!(Zone::iana(&name), Err(Error::UnknownZone(name)));
            continue;
        }
        let zone = zone(&name);
        assert_eq!(zone.name(), name, "the database's spelling");
        assert!(zone.is_iana());
        zones += 1;
        for transition in jiff.following(from).take_while(|t| t.timestamp() < to) {
            transitions += 1;
            let at = DateTime::from_timestamp(transition.timestamp().as_second(), 0).unwrap();
            let before = expected_local(&jiff, at - TimeDelta::seconds(1));
            for half_hour in -8..=8 {
                for second in [-1, 0, 1] {
                    let step = TimeDelta::minutes(30 * half_hour) + TimeDelta::seconds(second);
                    check(&name, &zone, &jiff, at + step);
                    let local = before + step;
                    assert_eq!(zone.to_utc(local), expected_utc(&jiff, local), "{name} reads {local}");
                }
            }
        }
    }
    assert!(zones > 590, "{zones}");
    assert!(transitions > 4_000, "{transitions}");
}

#[test]
fn every_zone_agrees_with_the_database_in_any_year() {
    let database = TimeZoneDatabase::bundled();
    for name in Zone::names() {
        let jiff = database.get(&name).unwrap();
        if jiff.is_unknown() {
            continue;
        }
        let zone = zone(&name);
        // every ten weeks of some years: history, both ends of the repeated cycle, and the last years there are
        for year in [
            2, 1850, 1883, 1900, 1915, 1945, 1972, 1994, 2011, 2037, 2038, 2087, 2099, 2100, 2101, 2499, 2500, 2501,
            2899, 2900, 7777, 9998,
        ] {
            let start = utc(&format!("{year:04}-01-01T11:59:59"));
            for step in 0..53 {
                check(&name, &zone, &jiff, start + TimeDelta::days(7 * step) + TimeDelta::hours(step));
            }
        }
    }
}

#[test]
fn names_are_found_in_any_case_and_nothing_else_is_found() {
    for (asked, name) in [
        ("asia/tokyo", "Asia/Tokyo"),
        ("AMERICA/NEW_YORK", "America/New_York"),
        ("utc", "UTC"),
        ("us/pacific", "US/Pacific"),
        ("etc/utc", "Etc/UTC"),
        ("Etc/GMT-9", "Etc/GMT-9"),
    ] {
        assert_eq!(zone(asked).name(), name);
        assert_eq!(zone(asked), zone(name));
    }
    let long = "Europe/".repeat(1_000);
    for wrong in ["", " ", "Europe", "Europe/Berlin ", "../etc/passwd", "JST-9", "Etc/Unknown", "é", &long] {
        match Zone::iana(wrong) {
            Err(Error::UnknownZone(name)) => assert!(wrong.starts_with(&name) && name.len() <= 64),
            other => panic!("{wrong}: {other:?}"),
        }
    }
    assert_ne!(zone("Asia/Tokyo"), zone("Asia/Seoul"));
    assert_eq!(zone("UTC"), Zone::utc());
}

#[test]
fn far_readings_saturate() {
    let zone = zone("Asia/Tokyo");
    assert_eq!(zone.to_utc(NaiveDateTime::MIN), DateTime::<Utc>::MIN_UTC);
    assert_eq!(zone.to_local(DateTime::<Utc>::MAX_UTC), DateTime::<Utc>::MAX_UTC.naive_utc());
    assert_eq!(zone.to_utc(local("9999-12-31T23:59:59")), utc("9999-12-31T14:59:59"));
    assert_eq!(zone.to_utc(local("2080-07-01T09:00:00")), utc("2080-07-01"));
    let berlin = support::zone("Europe/Berlin");
    assert_eq!(berlin.to_utc(local("2080-07-01T09:00:00")), utc("2080-07-01T07:00:00"));
    assert_eq!(berlin.to_utc(local("2080-12-01T09:00:00")), utc("2080-12-01T08:00:00"));
}

#[test]
fn a_reading_the_clock_skipped_is_later_by_the_gap() {
    // 2026-03-29: 02:00 to 03:00 do not exist in Berlin
    let mut series = series("2026-03-28T02:30:00 Europe/Berlin", &["FREQ=DAILY;COUNT=3"]);
    let found = first(&series, 9).occurrences;
    assert_eq!(originals(&found), ["2026-03-28T02:30:00", "2026-03-29T02:30:00", "2026-03-30T02:30:00"]);
    assert_eq!(starts(&found), ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
    assert_eq!(series.matches(local("2026-03-29T02:30:00"), Default::default()), Ok(true));
    // it can be excluded by either name
    for exdate in ["2026-03-29T02:30:00 Europe/Berlin", "2026-03-29T03:30:00 Europe/Berlin", "2026-03-29T01:30:00 UTC"]
    {
        series.exdates = vec![moment(exdate)];
        assert_eq!(first(&series, 9).occurrences.len(), 2, "{exdate}");
    }
}

#[test]
fn a_reading_that_exists_twice_is_the_first() {
    // 2026-10-25: 02:00 to 03:00 exist twice in Berlin
    let series = series("2026-10-24T02:30:00 Europe/Berlin", &["FREQ=DAILY;COUNT=3"]);
    assert_eq!(
        starts(&first(&series, 9).occurrences),
        ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
}

#[test]
fn a_window_that_ends_in_a_shift_misses_nothing() {
    let mut series = series("2026-03-01T02:30:00 Europe/Berlin", &["FREQ=DAILY"]);
    series.duration = Duration::ZERO;
    for (from, to, found) in [
        // 02:30 is held at 03:30, which is what the window's own clock reads
        ("2026-03-29T01:30:00", "2026-03-29T01:30:01", "2026-03-29T02:30:00"),
        // the window ends in the second pass of the repeated hour, at 02:15, after 02:30 of the first
        ("2026-10-25T00:15:00", "2026-10-25T01:15:00", "2026-10-25T02:30:00"),
        // and begins there, before an hour whose reading is earlier
        ("2026-10-25T00:30:00", "2026-10-25T00:30:01", "2026-10-25T02:30:00"),
    ] {
        assert_eq!(originals(&expand(&series, window(from, to))), [found], "{from} {to}");
    }
    for (from, to) in [
        ("2026-10-25T01:15:00", "2026-10-25T02:00:00"), // the second 02:30
        ("2026-03-29T00:00:00", "2026-03-29T01:30:00"),
    ] {
        assert_eq!(expand(&series, window(from, to)), [], "{from} {to}");
    }
}

#[test]
fn an_until_within_the_repeated_hour_is_an_instant() {
    // 02:30 is at 00:30Z, in the first pass; an UNTIL of 02:15 in the second is later
    for (until, last) in [
        ("20261025T011500Z", "2026-10-25T02:30:00"),
        ("20261025T003000Z", "2026-10-25T02:30:00"),
        ("20261025T002959Z", "2026-10-24T02:30:00"),
        ("20261025T001500Z", "2026-10-24T02:30:00"),
    ] {
        let rule = format!("FREQ=DAILY;UNTIL={until}");
        let series = series("2026-10-20T02:30:00 Europe/Berlin", &[&rule]);
        let found = originals(&first(&series, 99).occurrences);
        assert_eq!(found.last().map(String::as_str), Some(last), "{until}");
    }
}

#[test]
fn two_occurrences_never_share_an_instant_because_of_a_gap() {
    let hourly = series("2026-03-29T00:00:00 Europe/Berlin", &["FREQ=HOURLY;COUNT=6"]);
    let found = first(&hourly, 9).occurrences;
    // 02:00 falls on 03:00, which is there in its own right; it is counted all the same
    assert_eq!(
        originals(&found),
        [
            "2026-03-29T00:00:00",
            "2026-03-29T01:00:00",
            "2026-03-29T03:00:00",
            "2026-03-29T04:00:00",
            "2026-03-29T05:00:00"
        ]
    );
    assert_eq!(
        starts(&found),
        [
            "2026-03-28T23:00:00Z",
            "2026-03-29T00:00:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T02:00:00Z",
            "2026-03-29T03:00:00Z"
        ]
    );
    // so it cannot be excluded by the name of the other one
    let mut excluded = hourly.clone();
    excluded.exdates = vec![moment("2026-03-29T02:00:00 Europe/Berlin")];
    assert_eq!(first(&excluded, 9).occurrences, found);
    assert_eq!(hourly.matches(local("2026-03-29T02:00:00"), Default::default()), Ok(false));
    assert_eq!(hourly.matches(local("2026-03-29T03:00:00"), Default::default()), Ok(true));
    // Samoa skipped the whole of 2011-12-30
    let mut daily = series("2011-12-28", &["FREQ=DAILY;COUNT=5"]);
    daily.anchor = zone("Pacific/Apia");
    assert_eq!(
        originals(&first(&daily, 9).occurrences),
        ["2011-12-28T00:00:00", "2011-12-29T00:00:00", "2011-12-31T00:00:00", "2012-01-01T00:00:00"]
    );
}

#[test]
fn order_is_by_instant_even_within_a_gap() {
    // 02:45 is held at 03:45, after 03:15
    let rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=15,45";
    let series = series("2026-03-01T02:15:00 Europe/Berlin", &[rule]);
    let found = expand(&series, window("2026-03-29T00:00:00", "2026-03-29T12:00:00"));
    assert_eq!(originals(&found), ["2026-03-29T03:15:00", "2026-03-29T03:45:00"]);
    let rule = "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=20,45;BYSETPOS=2,3";
    let series = support::series("2026-03-01T02:45:00 Europe/Berlin", &[rule]);
    let found = expand(&series, window("2026-03-29T00:00:00", "2026-03-29T12:00:00"));
    assert_eq!(originals(&found), ["2026-03-29T03:20:00", "2026-03-29T02:45:00"]);
    assert_eq!(starts(&found), ["2026-03-29T01:20:00Z", "2026-03-29T01:45:00Z"]);
    // and the limit cuts that order, not the one of the readings
    let first = series.expand(window("2026-03-29T00:00:00", "2026-03-29T12:00:00"), 1, Default::default());
    assert_eq!(originals(&first.unwrap().occurrences), ["2026-03-29T03:20:00"]);
}

#[test]
fn wall_time_holds_over_the_years_in_every_zone() {
    let days = date("2020-01-01").iter_days().take_while(|day| day.year() < 2031).count();
    for name in Zone::names().filter(|name| name != "Etc/Unknown") {
        let zone = zone(&name);
        for time in ["00:30:00", "02:30:00", "12:00:00"] {
            let mut series = series(&format!("2020-01-01T{time} {name}"), &["FREQ=DAILY;UNTIL=20301231"]);
            series.duration = Duration::seconds(1_800);
            let found = first(&series, usize::MAX).occurrences;
            assert_eq!(found.len(), days, "{name} {time}");
            let moved: Vec<_> = found.iter().filter(|o| zone.to_local(o.start) != o.original_start).collect();
            // at most two gaps a year (where daylight saving pauses for Ramadan), at most the three hours of Casey
            assert!(moved.len() <= 22, "{name} {time}: {}", moved.len());
            for o in moved {
                let shift = zone.to_local(o.start) - o.original_start;
                assert!(shift > TimeDelta::zero() && shift <= TimeDelta::hours(3), "{name} {o:?}");
            }
        }
    }
}

fn observance(onset: &str, from: i32, to: i32, rule: Option<&str>) -> Observance {
    Observance {
        onset: local(onset),
        offset_from: from * 3_600,
        offset_to: to * 3_600,
        rule: rule.map(support::rule),
        rdates: Vec::new(),
    }
}

#[test]
fn a_zone_from_a_calendar_file_is_the_zone_it_describes() {
    // as RFC 5545 §3.6.5 writes New York since 1967
    let observances = vec![
        observance("1967-10-29T02:00:00", -4, -5, Some("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;UNTIL=20061029T060000Z")),
        observance("1967-04-30T02:00:00", -5, -4, Some("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=4;UNTIL=19730429T070000Z")),
        observance("1974-01-06T02:00:00", -5, -4, None),
        observance("1975-02-23T02:00:00", -5, -4, None),
        observance("1976-04-25T02:00:00", -5, -4, Some("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=4;UNTIL=19860427T070000Z")),
        observance("1987-04-05T02:00:00", -5, -4, Some("FREQ=YEARLY;BYDAY=1SU;BYMONTH=4;UNTIL=20060402T070000Z")),
        observance("2007-03-11T02:00:00", -5, -4, Some("FREQ=YEARLY;BYDAY=2SU;BYMONTH=3")),
        observance("2007-11-04T02:00:00", -4, -5, Some("FREQ=YEARLY;BYDAY=1SU;BYMONTH=11")),
    ];
    let custom = Zone::custom("Eastern", observances.clone()).unwrap();
    assert_eq!((custom.name(), custom.is_iana()), ("Eastern", false));
    assert_eq!(custom, Zone::custom("Eastern", observances.clone()).unwrap());
    assert_ne!(custom, Zone::custom("Eastern", observances[1..].to_vec()).unwrap());
    assert_ne!(custom, Zone::custom("Other", observances).unwrap());
    let real = zone("America/New_York");
    for from in ["1967-06-01", "2000-01-01", "2099-01-01", "2499-06-01", "9000-01-01"] {
        for step in 0..40_000 {
            let instant = utc(from) + TimeDelta::minutes(15 * 7 * step);
            assert_eq!(custom.to_local(instant), real.to_local(instant), "{instant}");
            let local = instant.naive_utc();
            assert_eq!(custom.to_utc(local), real.to_utc(local), "{local}");
        }
    }
}

#[test]
fn a_fixed_offset_is_a_zone() {
    let zone = Zone::custom("Tokyo", vec![observance("1970-01-01T00:00:00", 9, 9, None)]).unwrap();
    for at in ["1900-01-01T09:00:00", "2026-01-01T09:00:00", "9999-01-01T09:00:00"] {
        assert_eq!(zone.to_utc(local(at)), (local(at) - TimeDelta::hours(9)).and_utc());
    }
    // onsets listed one by one; before the first of them the clock it replaced is right
    let mut listed = observance("2020-01-01T00:00:00", 1, 2, None);
    listed.rdates = vec![local("2022-01-01")];
    let back = observance("2021-01-01T00:00:00", 2, 1, None);
    let zone = Zone::custom("Listed", vec![back, listed]).unwrap();
    for (at, offset) in [("2019-06-01", 1), ("2020-06-01", 2), ("2021-06-01", 1), ("2022-06-01", 2)] {
        assert_eq!(zone.to_local(utc(at)), local(at) + TimeDelta::hours(offset), "{at}");
    }
}

#[test]
fn a_zone_that_makes_no_sense_is_refused() {
    let reason = |observances| match Zone::custom("Bad", observances) {
        Err(Error::InvalidZone { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(vec![]), "it has neither STANDARD nor DAYLIGHT");
    assert_eq!(reason(vec![observance("2020-01-01T00:00:00", 0, 24, None)]), "an offset is a day or more");
    let hourly = observance("2020-01-01T00:00:00", 0, 1, Some("FREQ=HOURLY"));
    assert_eq!(Zone::custom("Bad", vec![hourly]), Err(Error::BudgetExhausted { steps: 50_000 }));
    let many = vec![observance("2020-01-01T00:00:00", 0, 1, None); 1_001];
    assert!(matches!(Zone::custom("Bad", many), Err(Error::Limit { limit: 1_000, .. })));
}
