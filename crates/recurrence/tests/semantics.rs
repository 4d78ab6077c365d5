//! What the README says was decided, one test per decision.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use recurrence::{Budget, Duration, Error, Frequency, Moment, RecurrenceDate, Zone};
use support::*;

#[test]
fn the_start_is_the_first_member_and_is_counted() {
    // a Thursday; the rule makes Mondays
    let series = series("2026-01-01T09:00:00", &["FREQ=WEEKLY;BYDAY=MO;COUNT=3"]);
    let found = first(&series, 9);
    assert_eq!(originals(&found.occurrences), ["2026-01-01T09:00:00", "2026-01-05T09:00:00", "2026-01-12T09:00:00"]);
    assert!(found.complete);
    let last = series.last_end(Budget::default()).unwrap();
    assert_eq!(last, Some(utc("2026-01-12T10:00:00")));
}

#[test]
fn a_count_is_used_up_before_a_later_window() {
    for (rule, windows) in [
        ("FREQ=DAILY;COUNT=100", [("2026-04-10", 1), ("2026-04-11", 0)]),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=100", [("2026-04-10", 1), ("2026-04-11", 0)]),
        ("FREQ=HOURLY;INTERVAL=24;COUNT=100", [("2026-04-10", 1), ("2026-04-11", 0)]),
        ("FREQ=MONTHLY;COUNT=4", [("2026-04-01", 1), ("2026-05-01", 0)]),
    ] {
        for (day, hits) in windows {
            let series = series("2026-01-01T09:00:00", &[rule]);
            let day = utc(day);
            let window = recurrence::Window { from: day, to: day + chrono::TimeDelta::days(1) };
            assert_eq!(expand(&series, window).len(), hits, "{rule} {day}");
        }
    }
}

#[test]
fn excluded_occurrences_still_count() {
    let mut series = series("2026-01-01T09:00:00", &["FREQ=DAILY;COUNT=3"]);
    series.exdates = vec![moment("2026-01-02T09:00:00")];
    assert_eq!(originals(&first(&series, 9).occurrences), ["2026-01-01T09:00:00", "2026-01-03T09:00:00"]);
}

#[test]
fn rules_are_united_and_each_counts_for_itself() {
    let rules = ["FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;COUNT=2", "FREQ=DAILY;COUNT=2"];
    let series = series("2026-01-01", &rules);
    assert_eq!(
        originals(&first(&series, 9).occurrences),
        ["2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00", "2026-01-08T00:00:00"]
    );
}

#[test]
fn until_is_understood_in_every_form() {
    // 2026-01-05 09:00 in Tokyo is 00:00 UTC
    for (start, until, last) in [
        ("2026-01-01T09:00:00 Asia/Tokyo", "20260105", "2026-01-05T09:00:00"),
        ("2026-01-01T09:00:00 Asia/Tokyo", "20260105T090000", "2026-01-05T09:00:00"),
        ("2026-01-01T09:00:00 Asia/Tokyo", "20260105T085959", "2026-01-04T09:00:00"),
        ("2026-01-01T09:00:00 Asia/Tokyo", "20260105T000000Z", "2026-01-05T09:00:00"),
        ("2026-01-01T09:00:00 Asia/Tokyo", "20260104T235959Z", "2026-01-04T09:00:00"),
        ("2026-01-01T20:00:00 America/New_York", "20260105T005959Z", "2026-01-03T20:00:00"),
        ("2026-01-01T20:00:00 America/New_York", "20260105T010000Z", "2026-01-04T20:00:00"),
        ("2026-01-01T20:00:00 America/New_York", "20260105", "2026-01-05T20:00:00"),
        ("2026-01-01T09:00:00", "20260105T090000Z", "2026-01-05T09:00:00"),
        ("2026-01-01T09:00:00", "20260105T085959Z", "2026-01-04T09:00:00"),
        ("2026-01-01T09:00:00", "20260105", "2026-01-05T09:00:00"),
        ("2026-01-01", "20260105", "2026-01-05T00:00:00"),
        ("2026-01-01", "20260105T120000", "2026-01-05T00:00:00"),
        ("2026-01-01", "20260105T000000Z", "2026-01-05T00:00:00"),
        ("2026-01-01", "20260105T235959Z", "2026-01-05T00:00:00"),
    ] {
        let series = series(start, &[&format!("FREQ=DAILY;UNTIL={until}")]);
        let found = originals(&first(&series, 99).occurrences);
        assert_eq!(found.last().map(String::as_str), Some(last), "{start} UNTIL={until}");
    }
}

#[test]
fn an_until_in_utc_ends_a_series_of_days_on_its_own_calendar_day() {
    // midnight in Tokyo and in New York, and the same day written as if UTC were local
    for (anchor, until) in [
        ("Asia/Tokyo", "20260104T150000Z"),
        ("Asia/Tokyo", "20260105T000000Z"),
        ("Asia/Tokyo", "20260105T235959Z"),
        ("America/New_York", "20260105T050000Z"),
        ("America/New_York", "20260105T000000Z"),
        ("America/New_York", "20260105T235959Z"),
    ] {
        let mut series = series("2026-01-01", &[&format!("FREQ=DAILY;UNTIL={until}")]);
        series.anchor = zone(anchor);
        let found = originals(&first(&series, 99).occurrences);
        assert_eq!(found.len(), 5, "{anchor} UNTIL={until}: {found:?}");
    }
}

#[test]
fn an_until_before_the_start_leaves_the_start() {
    let series = series("2026-01-01T09:00:00", &["FREQ=DAILY;UNTIL=20251231"]);
    assert_eq!(originals(&first(&series, 9).occurrences), ["2026-01-01T09:00:00"]);
    let last = series.last_end(Budget::default()).unwrap();
    assert_eq!(last, Some(utc("2026-01-01T10:00:00")));
}

#[test]
fn exdates_are_understood_in_every_form() {
    let kept = ["2026-01-01T09:00:00", "2026-01-03T09:00:00"];
    for exdate in [
        "2026-01-02T09:00:00 Asia/Tokyo",
        "2026-01-02T09:00:00",
        "2026-01-02",
        "2026-01-02T00:00:00 UTC",
        "2026-01-01T19:00:00 America/New_York",
    ] {
        let mut series = series("2026-01-01T09:00:00 Asia/Tokyo", &["FREQ=DAILY;COUNT=3"]);
        series.exdates = vec![moment(exdate)];
        assert_eq!(originals(&first(&series, 9).occurrences), kept, "{exdate}");
        assert_eq!(series.matches(local("2026-01-02T09:00:00"), Budget::default()), Ok(false));
    }
    for exdate in ["2026-01-02T08:59:59 Asia/Tokyo", "2026-01-02T09:00:00 UTC", "2025-12-31"] {
        let mut series = series("2026-01-01T09:00:00 Asia/Tokyo", &["FREQ=DAILY;COUNT=3"]);
        series.exdates = vec![moment(exdate)];
        assert_eq!(first(&series, 9).occurrences.len(), 3, "{exdate}");
    }
}

#[test]
fn a_day_is_excluded_by_its_midnight_in_any_zone() {
    for exdate in [
        "2026-01-02",
        "2026-01-02T00:00:00",
        "2026-01-02T00:00:00 UTC",
        "2026-01-02T00:00:00 America/New_York",
        "2026-01-01T15:00:00 UTC", // midnight in Tokyo
    ] {
        let mut series = series("2026-01-01", &["FREQ=DAILY;COUNT=3"]);
        series.anchor = zone("Asia/Tokyo");
        series.exdates = vec![moment(exdate)];
        let kept = ["2026-01-01T00:00:00", "2026-01-03T00:00:00"];
        assert_eq!(originals(&first(&series, 9).occurrences), kept, "{exdate}");
    }
}

#[test]
fn a_date_excludes_all_that_starts_on_it() {
    let mut series = series("2026-01-01T09:00:00", &["FREQ=DAILY;BYHOUR=9,18;COUNT=6"]);
    series.exdates = vec![moment("2026-01-02")];
    let kept = ["2026-01-01T09:00:00", "2026-01-01T18:00:00", "2026-01-03T09:00:00", "2026-01-03T18:00:00"];
    assert_eq!(originals(&first(&series, 9).occurrences), kept);
}

#[test]
fn rdates_add_members_once() {
    let mut series = series("2026-01-01T09:00:00 Asia/Tokyo", &["FREQ=DAILY;COUNT=2"]);
    series.rdates = vec![
        rdate("2026-01-20T00:00:00 UTC"),
        rdate("2026-01-02T09:00:00 Asia/Tokyo"), // a member already
        rdate("2026-01-10T12:00:00"),
        rdate("2026-01-15"), // a date takes the time of the start
        rdate("2026-01-15T09:00:00 Asia/Tokyo"),
    ];
    assert_eq!(
        originals(&first(&series, 9).occurrences),
        [
            "2026-01-01T09:00:00",
            "2026-01-02T09:00:00",
            "2026-01-10T12:00:00",
            "2026-01-15T09:00:00",
            "2026-01-20T09:00:00"
        ]
    );
    assert_eq!(series.last_end(Budget::default()), Ok(Some(utc("2026-01-20T01:00:00"))));
}

#[test]
fn exdates_beat_rdates_and_the_start() {
    let mut series = series("2026-01-01T09:00:00", &[]);
    series.rdates = vec![rdate("2026-01-02T09:00:00")];
    series.exdates = vec![moment("2026-01-01T09:00:00"), moment("2026-01-02T09:00:00")];
    assert_eq!(first(&series, 9).occurrences, []);
    assert!(series.is_recurring());
    // nothing is left; what the start would have been bounds it
    assert_eq!(series.last_end(Budget::default()), Ok(Some(utc("2026-01-01T10:00:00"))));
}

#[test]
fn a_period_brings_its_own_length() {
    let mut series = series("2026-01-01T09:00:00", &["FREQ=DAILY;COUNT=3"]);
    let long = Some(Duration::seconds(40 * 86_400));
    series.rdates = vec![
        RecurrenceDate { start: moment("2026-01-02T09:00:00"), duration: long },
        RecurrenceDate { start: moment("2026-01-02T12:00:00"), duration: Some(Duration::seconds(60)) },
    ];
    let found = first(&series, 9).occurrences;
    let ends: Vec<_> = found.iter().map(|o| o.end).collect();
    assert_eq!(
        ends,
        [
            utc("2026-01-01T10:00:00"),
            utc("2026-02-11T09:00:00"),
            utc("2026-01-02T12:01:00"),
            utc("2026-01-03T10:00:00")
        ]
    );
    // long after its start it still overlaps, and it is the last to end
    let late = expand(&series, window("2026-02-11T08:00:00", "2026-03-01"));
    assert_eq!(originals(&late), ["2026-01-02T09:00:00"]);
    assert_eq!(series.last_end(Budget::default()), Ok(Some(utc("2026-02-11T09:00:00"))));
}

#[test]
fn a_window_holds_what_overlaps_it() {
    let daily = series("2026-01-01T09:00:00", &["FREQ=DAILY"]);
    for (from, to, hits) in [
        ("2026-01-05T09:00:00", "2026-01-05T10:00:00", 1),
        ("2026-01-05T09:59:59", "2026-01-05T12:00:00", 1), // runs already
        ("2026-01-05T10:00:00", "2026-01-05T12:00:00", 0), // has just ended
        ("2026-01-05T08:00:00", "2026-01-05T09:00:00", 0), // is about to start
        ("2026-01-05T08:00:00", "2026-01-05T09:00:01", 1),
        ("2026-01-05T09:00:00", "2026-01-05T09:00:00", 0), // an empty window
        ("2026-01-05T09:30:00", "2026-01-05T09:30:00", 1), // what runs at an instant
        ("2026-01-06T00:00:00", "2026-01-05T00:00:00", 0), // a reversed one
    ] {
        assert_eq!(expand(&daily, window(from, to)).len(), hits, "{from} {to}");
    }
    let mut moments = daily;
    moments.duration = Duration::ZERO;
    for (from, to, hits) in [
        ("2026-01-05T09:00:00", "2026-01-05T09:00:01", 1),
        ("2026-01-05T08:00:00", "2026-01-05T09:00:00", 0),
        ("2026-01-05T09:00:01", "2026-01-05T10:00:00", 0),
    ] {
        assert_eq!(expand(&moments, window(from, to)).len(), hits, "{from} {to}");
    }
}

#[test]
fn a_window_between_two_seconds_is_exact() {
    let mut series = series("2026-01-05T09:00:00", &[]);
    let at = |millis| utc("2026-01-05T09:00:00") + chrono::TimeDelta::milliseconds(millis);
    let hits =
        |series: &recurrence::Series, from, to| expand(series, recurrence::Window { from: at(from), to: at(to) }).len();
    assert_eq!(hits(&series, -500, 500), 1);
    assert_eq!(hits(&series, -500, 0), 0);
    assert_eq!(hits(&series, 3_600_000 - 1, 3_600_000), 1);
    assert_eq!(hits(&series, 3_600_000, 3_600_001), 0);
    series.duration = Duration::ZERO;
    assert_eq!(hits(&series, 0, 1), 1);
    assert_eq!(hits(&series, 1, 1_000), 0);
}

#[test]
fn a_limit_says_that_there_is_more() {
    let series = series("2026-01-01T09:00:00", &["FREQ=DAILY;COUNT=3"]);
    for (limit, complete) in [(0, false), (2, false), (3, true), (4, true)] {
        let found = first(&series, limit);
        assert_eq!((found.occurrences.len(), found.complete), (limit.min(3), complete));
    }
}

#[test]
fn days_are_nominal_and_seconds_are_exact() {
    // New York puts the clock forward on 2026-03-08 and back on 2026-11-01
    let mut series = series("2026-03-07T12:00:00 America/New_York", &["FREQ=DAILY;COUNT=2"]);
    let length = |series: &recurrence::Series| {
        let found = first(series, 1).occurrences[0];
        (found.end - found.start).num_hours()
    };
    series.duration = Duration::days(1);
    assert_eq!(length(&series), 23);
    series.duration = Duration::seconds(86_400);
    assert_eq!(length(&series), 24);
    series.duration = Duration { days: 1, seconds: 3_600 };
    assert_eq!(length(&series), 24);
    series.start = moment("2026-10-31T12:00:00 America/New_York");
    series.duration = Duration::days(1);
    assert_eq!(length(&series), 25);
}

#[test]
fn the_length_between_two_moments() {
    let zone = zone("America/New_York");
    let between = |start: &str, end: &str| Duration::between(&moment(start), &moment(end), &zone);
    assert_eq!(between("2026-03-07", "2026-03-09"), Ok(Duration::days(2)));
    assert_eq!(
        between("2026-03-08T00:00:00 America/New_York", "2026-03-09T00:00:00 America/New_York"),
        Ok(Duration::seconds(23 * 3_600))
    );
    assert_eq!(between("2026-03-08T00:00:00 America/New_York", "2026-03-08T05:00:00 UTC"), Ok(Duration::ZERO));
    assert_eq!(between("2026-03-08T00:00:00", "2026-03-09T00:00:00"), Ok(Duration::seconds(86_400)));
    assert_eq!(between("2026-03-09", "2026-03-08"), Err(Error::EndBeforeStart));
    assert_eq!(between("2026-03-08T01:00:00", "2026-03-08T00:00:00"), Err(Error::EndBeforeStart));
    assert_eq!(between("2026-03-08", "2026-03-09T00:00:00"), Err(Error::MixedForms));
}

#[test]
fn whole_days_last_from_midnight_to_midnight_where_the_calendar_is() {
    let mut series = series("2026-03-07", &["FREQ=DAILY;COUNT=3"]);
    series.anchor = zone("America/New_York");
    let found = first(&series, 9).occurrences;
    assert_eq!(starts(&found), ["2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"]);
    let hours: Vec<_> = found.iter().map(|o| (o.end - o.start).num_hours()).collect();
    assert_eq!(hours, [24, 23, 24]);
}

#[test]
fn whole_days_ignore_times_of_day_and_refuse_hours() {
    let rule = "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=5;BYSECOND=7;COUNT=2";
    let found = first(&series("2026-01-01", &[rule]), 9).occurrences;
    assert_eq!(originals(&found), ["2026-01-01T00:00:00", "2026-01-02T00:00:00"]);
    let hourly = series("2026-01-01", &["FREQ=HOURLY"]);
    assert_eq!(
        hourly.expand(always(), 1, Budget::default()),
        Err(Error::TooFine { freq: Frequency::Hourly, finest: Frequency::Daily })
    );
}

#[test]
fn a_negative_length_is_refused() {
    let mut series = series("2026-01-01T09:00:00", &[]);
    series.duration = Duration::seconds(-1);
    assert_eq!(series.expand(always(), 1, Budget::default()), Err(Error::EndBeforeStart));
    series.duration = Duration::ZERO;
    let duration = Some(Duration::days(-1));
    series.rdates = vec![RecurrenceDate { start: moment("2026-01-02"), duration }];
    assert_eq!(series.last_end(Budget::default()), Err(Error::EndBeforeStart));
}

#[test]
fn byday_with_and_without_ordinals_is_united() {
    let series = series("2026-01-05T09:00:00", &["FREQ=MONTHLY;BYDAY=MO,1TU;COUNT=6"]);
    let days: Vec<_> = first(&series, 9).occurrences.iter().map(|o| o.original_start.date().to_string()).collect();
    assert_eq!(days, ["2026-01-05", "2026-01-06", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02"]);
}

#[test]
fn a_week_number_alone_takes_the_weekday_of_the_start() {
    // 2026-05-13 is the Wednesday of week 20
    let series = series("2026-05-13", &["FREQ=YEARLY;BYWEEKNO=20;COUNT=3"]);
    assert_eq!(
        originals(&first(&series, 9).occurrences),
        ["2026-05-13T00:00:00", "2027-05-19T00:00:00", "2028-05-17T00:00:00"]
    );
}

#[test]
fn weeks_are_numbered_across_the_turn_of_the_year() {
    for (start, rule, days) in [
        (
            "2024-12-30",
            "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO",
            ["2024-12-30", "2025-12-29", "2027-01-04", "2028-01-03", "2029-01-01", "2029-12-31"],
        ),
        (
            "2026-12-28",
            "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO,SU",
            ["2026-12-28", "2027-01-03", "2027-12-27", "2028-01-02", "2028-12-25", "2028-12-31"],
        ),
        (
            "2117-12-31",
            "FREQ=YEARLY;BYWEEKNO=52;BYDAY=FR,SA",
            ["2117-12-31", "2118-01-01", "2118-12-30", "2118-12-31", "2119-12-29", "2119-12-30"],
        ),
        (
            "2020-12-31",
            "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,FR",
            ["2020-12-31", "2021-01-01", "2026-12-31", "2027-01-01", "2032-12-30", "2032-12-31"],
        ),
        // weeks from Sunday: week 1 of 2025 begins on 2024-12-29
        (
            "2024-12-29",
            "FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU",
            ["2024-12-29", "2026-01-04", "2027-01-03", "2028-01-02", "2028-12-31", "2029-12-30"],
        ),
    ] {
        let found = first(&series(start, &[rule]), 6).occurrences;
        let found: Vec<_> = found.iter().map(|o| o.original_start.date().to_string()).collect();
        assert_eq!(found, days, "{rule}");
    }
}

#[test]
fn positions_are_those_of_the_whole_week_of_the_start() {
    // The start is a Wednesday, so Monday, position 1, has passed.
    let series = series("2026-01-07", &["FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1;COUNT=3"]);
    assert_eq!(
        originals(&first(&series, 9).occurrences),
        ["2026-01-07T00:00:00", "2026-01-12T00:00:00", "2026-01-19T00:00:00"]
    );
}

#[test]
fn the_last_end_of_each_kind_of_series() {
    let end = |start: &str, rules: &[&str]| series(start, rules).last_end(Budget::default()).unwrap();
    assert_eq!(end("2026-01-01T09:00:00", &[]), Some(utc("2026-01-01T10:00:00")));
    assert_eq!(end("2026-01-01T09:00:00", &["FREQ=DAILY"]), None);
    assert_eq!(end("2026-01-01T09:00:00", &["FREQ=DAILY;COUNT=2", "FREQ=DAILY"]), None);
    for (rule, last) in [
        ("FREQ=DAILY;COUNT=10000", "2053-05-18T10:00:00"),
        ("FREQ=DAILY;UNTIL=20271231", "2027-12-31T10:00:00"),
        ("FREQ=YEARLY;COUNT=10000", "9999-01-01T10:00:00"), // no year follows
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=4", "2036-02-29T10:00:00"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=4", "2026-01-01T10:00:00"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=99991231", "9996-02-29T10:00:00"),
        ("FREQ=MONTHLY;BYDAY=5FR;COUNT=5", "2026-10-30T10:00:00"),
        ("FREQ=HOURLY;BYHOUR=3;COUNT=3", "2026-01-03T04:00:00"),
    ] {
        assert_eq!(end("2026-01-01T09:00:00", &[rule]), Some(utc(last)), "{rule}");
    }
}

#[test]
fn the_last_end_is_found_behind_years_of_exclusions() {
    let mut series = series("2026-01-01T09:00:00", &["FREQ=DAILY;UNTIL=20301231"]);
    let days = date("2026-02-01").iter_days().take_while(|day| *day <= date("2030-12-31"));
    series.exdates = days.map(Moment::Date).collect();
    assert_eq!(series.last_end(Budget::default()), Ok(Some(utc("2026-01-31T10:00:00"))));
    // a period, which is looked at wherever it is, does not end the search
    let duration = Some(Duration::seconds(60));
    series.rdates = vec![RecurrenceDate { start: moment("2026-01-02T12:00:00"), duration }];
    assert_eq!(series.last_end(Budget::default()), Ok(Some(utc("2026-01-31T10:00:00"))));
}

#[test]
fn membership_is_by_wall_time() {
    let series = series("2026-01-01T09:00:00 Asia/Tokyo", &["FREQ=WEEKLY;BYDAY=TH,MO"]);
    for (at, is_member) in [
        ("2026-01-01T09:00:00", true),
        ("2026-01-05T09:00:00", true),
        ("2026-01-05T09:00:01", false),
        ("2026-01-06T09:00:00", false),
        ("2025-12-29T09:00:00", false),
        ("2099-12-31T09:00:00", true),
    ] {
        assert_eq!(series.matches(local(at), Budget::default()), Ok(is_member), "{at}");
    }
}

#[test]
fn moments_become_instants() {
    let tokyo = zone("Asia/Tokyo");
    assert_eq!(moment("2026-01-01").to_utc(&tokyo), utc("2025-12-31T15:00:00"));
    assert_eq!(moment("2026-01-01T09:00:00").to_utc(&tokyo), utc("2026-01-01"));
    assert_eq!(moment("2026-01-01T09:00:00 UTC").to_utc(&tokyo), utc("2026-01-01T09:00:00"));
    assert!(moment("2026-01-01").is_date());
    assert!(!Moment::Zoned(local("2026-01-01"), Zone::utc()).is_date());
}

#[test]
fn an_exdate_removes_a_period_that_began_long_before_the_window() {
    let mut series = series("2026-01-01T09:00:00", &["FREQ=YEARLY;COUNT=3"]);
    let long = |start| RecurrenceDate { start: moment(start), duration: Some(Duration::days(400)) };
    series.rdates = vec![long("2026-02-01T09:00:00"), long("2026-02-02T09:00:00")];
    series.exdates = vec![moment("2026-02-01T09:00:00")];
    let found = expand(&series, window("2026-12-01", "2026-12-02"));
    assert_eq!(originals(&found), ["2026-02-02T09:00:00"]);
}

#[test]
fn the_last_to_start_need_not_be_the_last_to_end() {
    let mut series = series("2026-01-01T09:00:00", &["FREQ=DAILY;COUNT=2"]);
    series.duration = Duration::days(300);
    let short = RecurrenceDate { start: moment("2026-06-01T09:00:00"), duration: Some(Duration::seconds(60)) };
    series.rdates = vec![short];
    assert_eq!(series.last_end(Budget::default()), Ok(Some(utc("2026-10-29T09:00:00"))));
}
