//! Random series against the definition, and against themselves seen through another window.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/naive.rs"]
mod naive;
mod support;

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, TimeDelta};
use jiff::tz::TimeZoneDatabase;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use recurrence::{Budget, Duration, Moment, RecurrenceDate, Rule, Series, Window, Zone};
use support::local;

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"];

fn around_zero(most: i32) -> impl Strategy<Value = i32> {
    prop_oneof![1..=most, -most..=-1]
}

/// A BY part, absent two times out of three.
fn part<T: std::fmt::Display + std::fmt::Debug>(
    name: &'static str,
    value: impl Strategy<Value = T>,
    most: usize,
) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        1 => vec(value, 1..=most).prop_map(move |values| {
            let values: Vec<_> = values.iter().map(T::to_string).collect();
            format!(";{name}={}", values.join(","))
        }),
    ]
}

fn by_day(ordinals: i32) -> BoxedStrategy<String> {
    let plain = subsequence(WEEKDAYS.to_vec(), 1..=4).prop_map(|days| format!(";BYDAY={}", days.join(",")));
    let numbered =
        (prop_oneof![1 => Just(None), 3 => around_zero(ordinals.max(1)).prop_map(Some)], select(WEEKDAYS.to_vec()))
            .prop_map(|(n, day)| n.map_or(day.to_owned(), |n| format!("{n}{day}")));
    let absent = Just(String::new());
    if ordinals == 0 {
        prop_oneof![1 => absent, 1 => plain].boxed()
    } else {
        prop_oneof![2 => absent, 1 => plain, 2 => part("BYDAY", numbered, 3)].boxed()
    }
}

fn by_parts(freq: &'static str) -> BoxedStrategy<String> {
    let nothing = || Just(String::new()).boxed();
    let month_day = match freq {
        "WEEKLY" => nothing(),
        _ => part("BYMONTHDAY", around_zero(31), 4).boxed(),
    };
    let year_day = match freq {
        "YEARLY" | "HOURLY" => part("BYYEARDAY", around_zero(366), 5).boxed(),
        _ => nothing(),
    };
    let weeks = if freq == "YEARLY" {
        part("BYWEEKNO", prop_oneof![around_zero(53), select(vec![1, 52, 53, -1, -52, -53])], 3).boxed()
    } else {
        nothing()
    };
    let days = weeks.prop_flat_map(move |weeks| {
        let ordinals = match freq {
            "YEARLY" if weeks.is_empty() => 53,
            "MONTHLY" => 5,
            _ => 0,
        };
        by_day(ordinals).prop_map(move |days| format!("{weeks}{days}"))
    });
    (
        part("BYMONTH", 1..=12, 4),
        days,
        month_day,
        year_day,
        (part("BYHOUR", 0..24, 3), part("BYMINUTE", 0..60, 2), part("BYSECOND", 0..60, 2)),
        part("BYSETPOS", around_zero(4), 2),
    )
        .prop_map(|(month, days, month_day, year_day, (hour, minute, second), position)| {
            let parts = format!("{month}{days}{month_day}{year_day}{hour}{minute}{second}");
            if parts.is_empty() { parts } else { parts + &position }
        })
        .boxed()
}

fn seconds_within_days(days: i64) -> impl Strategy<Value = i64> {
    // round times half of the time, for clocks are put forward at them
    prop_oneof![(0..days * 48).prop_map(|n| n * 1_800), 0..days * 86_400]
}

fn rule_from(start: NaiveDateTime) -> impl Strategy<Value = (Rule, i64)> {
    let freqs = vec![("YEARLY", 4_000), ("MONTHLY", 900), ("WEEKLY", 400), ("DAILY", 120), ("HOURLY", 9)];
    select(freqs).prop_flat_map(move |(freq, reach)| {
        let end = prop_oneof![
            3 => Just(String::new()),
            2 => (1..60u32).prop_map(|n| format!(";COUNT={n}")),
            1 => seconds_within_days(reach).prop_map(move |n| {
                let until = start + TimeDelta::seconds(n);
                format!(";UNTIL={}", until.format("%Y%m%dT%H%M%S"))
            }),
        ];
        (end, 1..5u32, select(WEEKDAYS.to_vec()), by_parts(freq)).prop_map(move |(end, interval, week_start, by)| {
            let text = format!("FREQ={freq}{end};INTERVAL={interval};WKST={week_start}{by}");
            (support::rule(&text), reach)
        })
    })
}

#[derive(Debug, Clone)]
struct Sample {
    start: NaiveDateTime,
    rules: Vec<Rule>,
    zone: &'static str,
    length: (i64, i64),
    /// Seconds from the start: added, removed, and the window.
    added: Vec<i64>,
    removed: Vec<i64>,
    /// Members to remove, as numbers to be taken modulo how many there are.
    removed_members: Vec<usize>,
    window: (i64, i64),
}

fn sample() -> impl Strategy<Value = Sample> {
    // starts shortly before clocks are put forward are as likely as all others together
    let near_shift = select(vec!["2026-03-25", "2011-12-20", "2026-02-10", "2025-10-01", "2026-03-06"]).prop_map(local);
    let anywhen = (0..20_000i64).prop_map(|day| local("1980-01-01") + TimeDelta::days(day));
    let start =
        (prop_oneof![near_shift, anywhen], seconds_within_days(2)).prop_map(|(day, n)| day + TimeDelta::seconds(n));
    start
        .prop_flat_map(|start| (Just(start), vec(rule_from(start), 1..=2)))
        .prop_flat_map(|(start, rules)| {
            let reach = rules.iter().map(|(_, reach)| *reach).min().unwrap_or(1);
            let rules: Vec<_> = rules.into_iter().map(|(rule, _)| rule).collect();
            let length = (prop_oneof![2 => Just(0i64), 1 => 1..4i64], prop_oneof![1 => Just(0i64), 2 => 0..90_000i64]);
            (
                (Just(start), Just(rules), select(ZONES.to_vec()), length),
                vec(seconds_within_days(reach), 0..3),
                vec(seconds_within_days(reach), 0..2),
                vec(any::<usize>(), 0..4),
                (seconds_within_days(reach), seconds_within_days(reach)),
            )
        })
        .prop_map(|((start, rules, zone, length), added, removed, removed_members, (a, b))| Sample {
            start,
            rules,
            zone,
            length,
            added,
            removed,
            removed_members,
            window: (a.min(b), a.max(b)),
        })
}

impl Sample {
    fn at(&self, seconds: i64) -> NaiveDateTime {
        self.start + TimeDelta::seconds(seconds)
    }

    fn members(&self) -> BTreeSet<NaiveDateTime> {
        let to = self.at(self.window.1) + TimeDelta::days(3);
        let rules = self.rules.iter().flat_map(|rule| naive::members(rule, self.start, to));
        rules.chain(self.added.iter().map(|n| self.at(*n))).collect()
    }

    fn removed(&self, members: &BTreeSet<NaiveDateTime>) -> Vec<NaiveDateTime> {
        let chosen = self.removed_members.iter();
        let chosen = chosen.filter_map(|n| members.iter().nth(n % members.len().max(1)).copied());
        self.removed.iter().map(|n| self.at(*n)).chain(chosen).collect()
    }

    fn series(&self, removed: &[NaiveDateTime]) -> Series {
        let zone = support::zone(self.zone);
        let zoned = |at| Moment::Zoned(at, zone.clone());
        let (days, seconds) = self.length;
        let added = self.added.iter().map(|n| self.at(*n));
        Series {
            start: zoned(self.start),
            duration: Duration { days: days as i32, seconds },
            rules: self.rules.clone(),
            rdates: added.map(|at| RecurrenceDate { start: zoned(at), duration: None }).collect(),
            exdates: removed.iter().map(|at| zoned(*at)).collect(),
            anchor: Zone::utc(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_expansion_is_what_the_definition_says(sample in sample()) {
        let jiff = TimeZoneDatabase::bundled().get(sample.zone).unwrap();
        let members = sample.members();
        let removed = sample.removed(&members);
        let series = sample.series(&removed);
        let (days, seconds) = sample.length;
        // an EXDATE removes by reading, and by instant unless it names a skipped reading
        let gone: BTreeSet<i64> = removed
            .iter()
            .map(|at| naive::resolve(&jiff, *at))
            .filter(|(_, in_gap)| !in_gap)
            .map(|(at, _)| at)
            .collect();
        let (from, to) = (sample.at(sample.window.0).and_utc(), sample.at(sample.window.1).and_utc());
        let expected: Vec<_> = naive::occurrences(&members, &jiff, days, seconds)
            .into_iter()
            .filter(|(start, at, _)| !removed.contains(at) && !gone.contains(start))
            .filter(|(start, _, end)| {
                let (from, to) = (from.timestamp(), to.timestamp());
                if start == end { from <= *start && *start < to } else { *end > from && *start < to }
            })
            .collect();
        let expansion = series.expand(Window { from, to }, usize::MAX, Budget::default()).unwrap();
        let found: Vec<_> = expansion
            .occurrences
            .iter()
            .map(|o| (o.start.timestamp(), o.original_start, o.end.timestamp()))
            .collect();
        prop_assert!(expansion.complete);
        prop_assert_eq!(&found, &expected);
        for (_, at, _) in expected.iter().take(5) {
            prop_assert!(series.matches(*at, Budget::default()).unwrap());
        }
        for at in removed.iter().chain([&(sample.start - TimeDelta::seconds(1))]) {
            prop_assert!(!series.matches(*at, Budget::default()).unwrap());
        }
    }

    #[test]
    fn a_window_is_a_part_of_the_whole(sample in sample(), limit in 0..20usize) {
        let members: Vec<_> = sample.added.iter().map(|n| sample.at(*n)).collect();
        let series = sample.series(&members[..members.len().min(1)]);
        let to = sample.at(sample.window.1).and_utc();
        let before = sample.start.and_utc() - TimeDelta::days(400);
        let whole = series.expand(Window { from: before, to }, usize::MAX, Budget::default()).unwrap();
        let from = sample.at(sample.window.0).and_utc();
        let part: Vec<_> = whole
            .occurrences
            .into_iter()
            .filter(|o| if o.start == o.end { o.start >= from } else { o.end > from })
            .collect();
        let window = Window { from, to };
        let found = series.expand(window, usize::MAX, Budget::default()).unwrap();
        prop_assert_eq!(&found.occurrences, &part);
        let limited = series.expand(window, limit, Budget::default()).unwrap();
        let cut = found.occurrences.len().min(limit);
        prop_assert_eq!(&limited.occurrences, &found.occurrences[..cut]);
        prop_assert_eq!(limited.complete, found.occurrences.len() <= limit);
    }

    #[test]
    fn the_last_end_is_the_latest_of_all(sample in sample()) {
        let series = sample.series(&[]);
        let endless = series.rules.iter().any(Rule::is_endless);
        match series.last_end(Budget::steps(300_000)) {
            Ok(last) => {
                prop_assert_eq!(last.is_none(), endless);
                if let Some(last) = last {
                    let budget = Budget::steps(1_000_000);
                    let all = series.expand(support::always(), usize::MAX, budget);
                    prop_assert_eq!(all.unwrap().occurrences.iter().map(|o| o.end).max(), Some(last));
                }
            }
            // a rule with COUNT that never matches again
            Err(error) => prop_assert_eq!(error, recurrence::Error::BudgetExhausted { steps: 300_000 }),
        }
    }

    #[test]
    fn canonical_text_is_the_same_rule((rule, _) in rule_from(local("2026-01-01"))) {
        prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule));
    }
}
