//! One month of rules that started 1, 10 and 50 years ago, beside the `rrule` crate (which gets the times as if they were
//! UTC, its faster mode, and leaves the conversion to instants undone).

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use recurrence::{Budget, Duration, Moment, Rule, Series, Window, Zone};
use std::hint::black_box;

const RULES: [(&str, &str); 6] = [
    ("daily", "FREQ=DAILY"),
    ("daily-count", "FREQ=DAILY;COUNT=10000"),
    ("weekly-byday", "FREQ=WEEKLY;BYDAY=MO,WE,FR"),
    ("monthly-bysetpos", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    ("yearly", "FREQ=YEARLY"),
    ("hourly", "FREQ=HOURLY"),
];

fn start(years: i32) -> NaiveDateTime {
    let date = NaiveDate::from_ymd_opt(2026 - years, 11, 6).unwrap_or_default();
    date.and_hms_opt(9, 0, 0).unwrap_or_default()
}

fn month() -> Window {
    let first = |month| NaiveDate::from_ymd_opt(2026, month, 1).unwrap_or_default();
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
    Window { from: midnight(first(11)), to: midnight(first(12)) }
}

fn ours(rule: &str, years: i32) -> Series {
    let zone = Zone::iana("Europe/Berlin").unwrap_or_else(|_| Zone::utc());
    let rules = Rule::parse(rule).into_iter().collect();
    Series {
        start: Moment::Zoned(start(years), zone.clone()),
        duration: Duration::seconds(3_600),
        rules,
        rdates: Vec::new(),
        exdates: Vec::new(),
        anchor: zone,
    }
}

fn theirs(rule: &str, years: i32) -> Option<rrule::RRuleSet> {
    let text = format!("DTSTART:{}Z\nRRULE:{rule}", start(years).format("%Y%m%dT%H%M%S"));
    text.parse().ok()
}

fn fake_utc(instant: DateTime<Utc>) -> DateTime<rrule::Tz> {
    instant.with_timezone(&rrule::Tz::UTC)
}

fn expand(criterion: &mut Criterion) {
    for (name, rule) in RULES {
        let mut group = criterion.benchmark_group(name);
        for years in [1, 10, 50] {
            let window = month();
            let series = ours(rule, years);
            group.bench_function(BenchmarkId::new("recurrence", years), |bench| {
                bench.iter(|| black_box(&series).expand(black_box(window), 1_000, Budget::default()));
            });
            if name == "hourly" && years == 50 {
                continue; // a tenth of a second each
            }
            let Some(set) = theirs(rule, years) else { continue };
            let (from, to) = (fake_utc(window.from), fake_utc(window.to));
            group.bench_function(BenchmarkId::new("rrule", years), |bench| {
                bench.iter(|| black_box(&set).clone().after(from).before(to).all(1_000));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = expand
}
criterion_main!(benches);
