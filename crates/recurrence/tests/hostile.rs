//! Whatever is asked, the answer comes within the budget, and an expansion that is cut says so.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use proptest::prelude::*;
use recurrence::{Budget, Duration, Error, Moment, Observance, RecurrenceDate, Rule, Series, Window, Zone};
use support::{always, first, local, moment, rdate, series, window};

const SMALL: Budget = Budget::steps(10_000);

#[test]
fn a_bomb_is_refused_by_the_limit_it_breaks() {
    let numbers = |n: u32| (0..n).map(|i| (i % 60).to_string()).collect::<Vec<_>>().join(",");
    let long = format!("FREQ=DAILY{}", ";".repeat(10_000_000));
    for (text, said) in [
        ("FREQ=SECONDLY", "FREQ=SECONDLY is too fine: HOURLY or coarser is needed".to_owned()),
        ("FREQ=MINUTELY;INTERVAL=1440", "FREQ=MINUTELY is too fine: HOURLY or coarser is needed".to_owned()),
        ("FREQ=DAILY;COUNT=1000000000", "COUNT is 1000000000: at most 10000 is allowed".to_owned()),
        (
            "FREQ=DAILY;COUNT=99999999999999999999",
            "COUNT=99999999999999999999: a number from 1 to 10000 is needed".into(),
        ),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0: a number from 1 to 100000 is needed".to_owned()),
        ("FREQ=DAILY;INTERVAL=4294967297", "INTERVAL is 4294967297: at most 100000 is allowed".to_owned()),
        (&format!("FREQ=DAILY;BYMINUTE={}", numbers(400)), {
            "the number of values in all BY parts is 51: at most 50 is allowed".to_owned()
        }),
        (&long, "the length of a rule in bytes is 10000010: at most 2000 is allowed".to_owned()),
        (&"FREQ=".repeat(400), "FREQ=FREQ=FREQ=FREQ=FREQ=FREQ=FREQ=FREQ=FREQ=: one of HOURLY".to_owned()),
    ] {
        let error = Rule::parse(text).unwrap_err().to_string();
        assert!(error.starts_with(&said), "{error}");
    }
    // the longest rule there is stays far below the limit
    let values = (0..50).map(|n| format!("-{}", 366 - n)).collect::<Vec<_>>().join(", ");
    let longest =
        format!("RRULE: FREQ=YEARLY ; INTERVAL=100000 ; UNTIL=20261231T235959Z ; WKST=MO ; BYYEARDAY={values}");
    assert!(Rule::parse(&longest).is_ok() && longest.len() < Rule::MAX_LENGTH / 2);
}

#[test]
fn nonsense_has_a_small_answer_in_a_few_steps() {
    let few = Budget::steps(20);
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30,31",
        "FREQ=DAILY;UNTIL=20251231",
        "FREQ=HOURLY;UNTIL=19700101T000000Z",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=200",
        "FREQ=MONTHLY;BYDAY=6MO,-53SU;COUNT=2",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=6MO",
    ] {
        let series = series("2026-01-01T09:00:00 Europe/Berlin", &[rule]);
        let found = series.expand(always(), usize::MAX, few).unwrap();
        assert_eq!(found.occurrences.len(), 1, "{rule}: only the start");
        let later = series.expand(window("2076-01-01", "2077-01-01"), usize::MAX, few).unwrap();
        assert_eq!(later.occurrences, [], "{rule}");
    }
}

#[test]
fn what_can_never_match_ends_quickly() {
    let budget = Budget::steps(40_000); // every year up to 9999 may be looked at
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2,4;BYMONTHDAY=31",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=-30",
        "FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31;COUNT=10000",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=6;UNTIL=99991231",
        "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1",
        "FREQ=YEARLY;BYYEARDAY=1;BYMONTH=12;COUNT=10000",
        "FREQ=YEARLY;BYDAY=53MO;BYMONTH=3",
        "FREQ=YEARLY;INTERVAL=100000",
        "FREQ=HOURLY;BYMINUTE=0;BYSETPOS=2;COUNT=10000",
        "FREQ=HOURLY;BYDAY=MO;BYSETPOS=2;COUNT=10000",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=-2;COUNT=10000",
        "FREQ=MONTHLY;INTERVAL=100000;COUNT=10000",
    ] {
        let series = series("2026-01-01T09:00:00 Europe/Berlin", &[rule]);
        let found = series.expand(always(), usize::MAX, budget).unwrap();
        assert_eq!(found.occurrences.len(), 1, "{rule}: only the start");
        assert_eq!(series.matches(local("2900-01-01"), budget), Ok(false), "{rule}");
        assert!(series.last_end(budget).is_ok(), "{rule}");
    }
}

#[test]
fn an_exhausted_budget_is_an_error_and_never_a_cut() {
    let daily = series("2026-01-01T09:00:00", &["FREQ=DAILY"]);
    let exhausted = |steps| Err(Error::BudgetExhausted { steps });
    assert_eq!(daily.expand(always(), usize::MAX, SMALL), exhausted(10_000));
    assert_eq!(daily.expand(window("2026-01-01", "2026-02-01"), usize::MAX, Budget::steps(10)), exhausted(10));
    assert_eq!(daily.expand(always(), 1, Budget::steps(0)), exhausted(0));
    // what is asked for fits, whatever would come after it
    assert_eq!(daily.expand(always(), 30, Budget::steps(100)).unwrap().occurrences.len(), 30);
    // 604,800 days apart and never a Tuesday
    let never = series("2026-01-01T09:00:00", &["FREQ=DAILY;INTERVAL=7;BYDAY=TU;COUNT=2"]);
    assert_eq!(never.last_end(SMALL), Err(Error::BudgetExhausted { steps: 10_000 }));
    assert!(never.expand(window("2036-01-01", "2036-02-01"), usize::MAX, SMALL).is_ok());
}

#[test]
fn the_densest_rules_are_bounded() {
    let numbers = |n: u8| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let times = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", numbers(16), numbers(16), numbers(16));
    for rule in [
        format!("FREQ=YEARLY;{times};BYDAY=MO"),
        format!("FREQ=DAILY;{times}"),
        format!("FREQ=HOURLY;{times}"),
        format!("FREQ=YEARLY;{times};BYDAY=MO;BYSETPOS=366"),
        format!("FREQ=YEARLY;{times};BYDAY=MO;COUNT=10000"),
    ] {
        let series = series("1970-01-01T00:00:00", &[&rule]);
        let one_day = series.expand(window("2026-11-02", "2026-11-03"), usize::MAX, SMALL);
        assert!(one_day.is_ok(), "{rule}");
        let ten = series.expand(window("2026-11-02", "2036-11-03"), 10, SMALL).unwrap();
        assert!(ten.occurrences.len() <= 10, "{rule}");
        let _ = series.expand(always(), usize::MAX, SMALL);
        let _ = series.last_end(SMALL);
    }
}

#[test]
fn the_age_of_a_series_costs_nothing() {
    // the start, the jump, and the members of one day: an expansion that walked would need thousands of steps
    for rule in [
        "FREQ=HOURLY",
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        "FREQ=MONTHLY;BYMONTHDAY=1,2,3",
        "FREQ=YEARLY;BYMONTH=1,2,3,11",
        "FREQ=YEARLY;BYDAY=1MO,-1SU",
        "FREQ=HOURLY;UNTIL=99991231",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1,1",
        "FREQ=HOURLY;INTERVAL=7;BYMINUTE=0,30",
        // and a COUNT with a closed form is not walked either
        "FREQ=DAILY;COUNT=10000;INTERVAL=3",
        "FREQ=WEEKLY;COUNT=10000",
        "FREQ=MONTHLY;COUNT=10000;BYDAY=1MO",
    ] {
        let series = series("1970-01-01T09:00:00 Europe/Berlin", &[rule]);
        let day = window("2026-11-02", "2026-11-03");
        assert!(series.expand(day, usize::MAX, Budget::steps(100)).is_ok(), "{rule}");
        assert!(series.matches(local("2026-11-02T09:00:00"), Budget::steps(100)).is_ok(), "{rule}");
    }
}

#[test]
fn long_lists_are_paid_for() {
    let mut series = series("2026-01-01T09:00:00", &[]);
    series.rdates = vec![rdate("2026-01-02T09:00:00"); 20_000];
    assert_eq!(series.expand(always(), 9, SMALL), Err(Error::BudgetExhausted { steps: 10_000 }));
    assert_eq!(first(&series, 9).occurrences.len(), 2);
    series.exdates = vec![moment("2026-01-02"); 20_000];
    assert_eq!(first(&series, 9).occurrences.len(), 1);
    // refused before one of them is read
    series.exdates = vec![moment("2026-01-02"); 100_000];
    let refused = series.expand(always(), 9, Budget::default());
    assert_eq!(refused, Err(Error::BudgetExhausted { steps: 100_000 }));
    series.rdates.clear();
    assert_eq!(series.expand(always(), 9, Budget::steps(100_010)).unwrap().occurrences.len(), 1);
}

#[test]
fn the_ends_of_time_are_survived() {
    let far = [NaiveDateTime::MIN, NaiveDateTime::MAX, local("0001-01-01"), local("9999-12-31T23:59:59")];
    let rules = [
        "FREQ=HOURLY",
        "FREQ=DAILY;COUNT=5",
        "FREQ=WEEKLY;BYDAY=MO",
        "FREQ=MONTHLY;BYMONTHDAY=-1",
        "FREQ=YEARLY;BYWEEKNO=1,-1",
        "FREQ=YEARLY;UNTIL=99991231T235959Z",
    ];
    let windows = [
        always(),
        window("0001-01-01", "0001-02-01"),
        window("9999-12-01", "9999-12-31T23:59:59"),
        Window { from: DateTime::<Utc>::MAX_UTC, to: DateTime::<Utc>::MIN_UTC },
    ];
    let lengths = [Duration::ZERO, Duration { days: i32::MAX, seconds: i64::MAX }];
    for start in far {
        for zone in ["UTC", "Pacific/Apia", "America/New_York"].map(support::zone) {
            for moment in [Moment::Date(start.date()), Moment::Floating(start), Moment::Zoned(start, zone.clone())] {
                for rule in rules {
                    for duration in lengths {
                        let series = Series {
                            start: moment.clone(),
                            duration,
                            rules: vec![support::rule(rule)],
                            rdates: far
                                .map(|at| RecurrenceDate { start: Moment::Floating(at), duration: Some(lengths[1]) })
                                .to_vec(),
                            exdates: far.map(|at| Moment::Zoned(at, Zone::utc())).to_vec(),
                            anchor: zone.clone(),
                        };
                        for window in windows {
                            let _ = series.expand(window, 50, SMALL);
                        }
                        let _ = series.last_end(SMALL);
                        for at in far {
                            let _ = series.matches(at, SMALL);
                        }
                    }
                }
            }
        }
    }
    let last = series("9999-12-30T09:00:00", &["FREQ=DAILY"]);
    let found = first(&last, 9);
    assert_eq!((found.occurrences.len(), found.complete), (2, true), "there is no year 10000");
}

#[test]
fn a_hostile_zone_is_bounded() {
    let wild = |onset: NaiveDateTime, from, to| Observance {
        onset,
        offset_from: from,
        offset_to: to,
        rule: Some(support::rule("FREQ=YEARLY;BYMONTH=1,2,3;BYMONTHDAY=1,2")),
        rdates: vec![NaiveDateTime::MIN, NaiveDateTime::MAX, onset],
    };
    let observances = vec![
        wild(local("1990-01-01"), 86_399, -86_399),
        wild(local("1990-01-01T01:00:00"), -86_399, 86_399),
        wild(NaiveDateTime::MAX, 1, 2),
        wild(NaiveDateTime::MIN, -1, 2),
    ];
    let zone = Zone::custom("Wild", observances).unwrap();
    let mut series = series("1989-12-31T00:00:00", &["FREQ=HOURLY"]);
    series.start = Moment::Zoned(local("1989-12-31"), zone.clone());
    let found = series.expand(always(), 1_000, SMALL).unwrap().occurrences;
    for pair in found.windows(2) {
        assert!((pair[0].start, pair[0].original_start) < (pair[1].start, pair[1].original_start), "{pair:?}");
    }
    for at in [NaiveDateTime::MIN, NaiveDateTime::MAX, local("2026-01-01")] {
        zone.to_local(zone.to_utc(at));
    }
}

fn any_moment() -> impl Strategy<Value = Moment> {
    let zones = prop::sample::select(vec!["UTC", "Europe/Berlin", "Pacific/Apia", "Asia/Kolkata"]);
    let at = prop_oneof![
        4 => (0i64..4_000_000_000).prop_map(|s| DateTime::from_timestamp(s, 0).unwrap().naive_utc()),
        1 => (-96_000_000i64..96_000_000).prop_map(|day| {
            let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
            let shifted = if day < 0 { epoch.checked_sub_days(Days::new(day.unsigned_abs())) } else { epoch.checked_add_days(Days::new(day.unsigned_abs())) };
            shifted.unwrap_or(epoch).and_hms_opt(1, 2, 3).unwrap()
        }),
    ];
    (at, zones, 0..3).prop_map(|(at, zone, form)| match form {
        0 => Moment::Date(at.date()),
        1 => Moment::Floating(at),
        _ => Moment::Zoned(at, support::zone(zone)),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Panics are what is looked for here.
    #[test]
    fn any_text_is_read_or_refused(text in "(RRULE:)?(FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY);)?([A-Z]{3,10}=[-+0-9A-Z,]{0,12};){0,5}") {
        if let Ok(rule) = Rule::parse(&text) {
            prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule));
        }
    }

    #[test]
    fn any_noise_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = Rule::parse(&text);
        let _ = Rule::parse(&format!("FREQ=DAILY;UNTIL={text}"));
        let _ = Zone::iana(&text);
    }

    #[test]
    fn any_series_is_expanded_or_refused(
        start in any_moment(),
        rule in prop::sample::select(vec![
            "FREQ=HOURLY;BYMINUTE=1,2;BYSETPOS=2", "FREQ=DAILY;INTERVAL=99999;COUNT=9999", "FREQ=WEEKLY;BYMONTH=2;WKST=SU",
            "FREQ=MONTHLY;BYDAY=-5MO,5TU;BYSETPOS=-1", "FREQ=YEARLY;BYWEEKNO=53,-53;BYDAY=SU", "FREQ=YEARLY;BYYEARDAY=366",
            "FREQ=DAILY;BYMONTH=12;UNTIL=20260101T000000Z",
        ]),
        rdates in prop::collection::vec(any_moment(), 0..3),
        exdates in prop::collection::vec(any_moment(), 0..3),
        days in 0..i32::MAX, seconds in 0..i64::MAX, short in any::<bool>(),
        from in any_moment(), to in any_moment(),
    ) {
        let duration = if short { Duration { days: days % 3, seconds: seconds % 90_000 } } else { Duration { days, seconds } };
        let anchor = support::zone("America/Sao_Paulo");
        let rdates = rdates.into_iter().map(|start| RecurrenceDate { start, duration: None }).collect();
        let window = Window { from: from.to_utc(&anchor), to: to.to_utc(&anchor) };
        let series = Series { start, duration, rules: vec![support::rule(rule)], rdates, exdates, anchor };
        if let Ok(found) = series.expand(window, 100, SMALL) {
            for o in &found.occurrences {
                prop_assert!(o.start <= o.end && o.start < window.to);
                prop_assert_eq!(series.matches(o.original_start, Budget::default()), Ok(true));
            }
            let identities: std::collections::BTreeSet<_> = found.occurrences.iter().map(|o| o.original_start).collect();
            prop_assert_eq!(identities.len(), found.occurrences.len());
        }
        let _ = series.last_end(SMALL);
    }
}
