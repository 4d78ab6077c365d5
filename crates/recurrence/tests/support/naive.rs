//! The recurrence set from the definition: every day and hour since the start is looked at and asked, part by part, whether
//! it may stay. Slow, and shares nothing with the crate but the parser.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use jiff::tz::{AmbiguousOffset, TimeZone};
use recurrence::{ByDay, Frequency, Rule, Until};

/// Members of one rule from its start (the first, whatever it is) to `to`, all floating.
pub(crate) fn members(rule: &Rule, start: NaiveDateTime, to: NaiveDateTime) -> Vec<NaiveDateTime> {
    let mut periods: BTreeMap<i64, BTreeSet<NaiveDateTime>> = BTreeMap::new();
    let first = NaiveDate::from_ymd_opt(start.year(), 1, 1).unwrap() - Days::new(7);
    for day in first.iter_days().take_while(|day| *day <= to.date() + Days::new(366)) {
        if !day_may_stay(rule, start, day) {
            continue;
        }
        for hour in hours(rule, start) {
            for minute in or_own(rule.by_minute(), start.minute()) {
                for second in or_own(rule.by_second(), start.second()) {
                    let at = day.and_time(NaiveTime::from_hms_opt(hour, minute, second).unwrap());
                    let distance = period(rule, at) - period(rule, start);
                    if distance >= 0 && distance % i64::from(rule.interval()) == 0 {
                        periods.entry(distance).or_default().insert(at);
                    }
                }
            }
        }
    }
    let mut members = vec![start];
    for set in periods.values() {
        let set: Vec<_> = set.iter().copied().collect();
        let chosen: BTreeSet<_> = if rule.by_set_pos().is_empty() {
            set.into_iter().collect()
        } else {
            let from_end = |p: i16| (set.len() as i64) + i64::from(p);
            let index = |p: i16| if p > 0 { i64::from(p) - 1 } else { from_end(p) };
            let positions = rule.by_set_pos().iter().map(|p| index(*p)).filter(|i| *i >= 0);
            positions.filter_map(|i| set.get(i as usize).copied()).collect()
        };
        members.extend(chosen.into_iter().filter(|at| *at > start));
    }
    if let Some(count) = rule.count() {
        members.truncate(count as usize);
    }
    if let Some(Until::Local(until)) = rule.until() {
        members.retain(|at| *at == start || *at <= until);
    }
    members.retain(|at| *at <= to);
    members
}

fn or_own(values: &[u8], own: u32) -> Vec<u32> {
    if values.is_empty() { vec![own] } else { values.iter().map(|v| u32::from(*v)).collect() }
}

fn hours(rule: &Rule, start: NaiveDateTime) -> Vec<u32> {
    if rule.frequency() == Frequency::Hourly && rule.by_hour().is_empty() {
        (0..24).collect()
    } else {
        or_own(rule.by_hour(), start.hour())
    }
}

fn period(rule: &Rule, at: NaiveDateTime) -> i64 {
    let day = i64::from(at.date().num_days_from_ce());
    match rule.frequency() {
        Frequency::Yearly => i64::from(at.year()),
        Frequency::Monthly => i64::from(at.year()) * 12 + i64::from(at.month()),
        Frequency::Weekly => i64::from(week_start(rule, at.date()).num_days_from_ce()) / 7,
        Frequency::Daily => day,
        _ => day * 24 + i64::from(at.hour()),
    }
}

fn week_start(rule: &Rule, mut day: NaiveDate) -> NaiveDate {
    while day.weekday() != rule.week_start() {
        day = day.pred_opt().unwrap();
    }
    day
}

fn day_may_stay(rule: &Rule, start: NaiveDateTime, day: NaiveDate) -> bool {
    use Frequency::{Monthly, Weekly, Yearly};
    let freq = rule.frequency();
    let (months, month_days, year_days) = (rule.by_month(), rule.by_month_day(), rule.by_year_day());
    let (weeks, days) = (rule.by_week_no(), rule.by_day());
    let nothing_says_day = month_days.is_empty() && year_days.is_empty() && days.is_empty();
    // what DTSTART says when the rule does not
    if nothing_says_day {
        let of_week = freq == Weekly || freq == Yearly && !weeks.is_empty();
        if of_week && day.weekday() != start.weekday() {
            return false;
        }
        if !of_week && matches!(freq, Monthly | Yearly) && day.day() != start.day() {
            return false;
        }
        if freq == Yearly && weeks.is_empty() && months.is_empty() && day.month() != start.month() {
            return false;
        }
    }
    let among = |list: &[i16], number: u32, of: u32| {
        list.iter()
            .any(|n| i64::from(*n) == i64::from(number) || i64::from(*n) == i64::from(number) - i64::from(of) - 1)
    };
    if !months.is_empty() && !months.contains(&(day.month() as u8)) {
        return false;
    }
    if !weeks.is_empty() {
        let (number, of) = week_number(rule, day);
        if !among(&weeks.iter().map(|n| i16::from(*n)).collect::<Vec<_>>(), number, of) {
            return false;
        }
    }
    if !year_days.is_empty() && !among(year_days, day.ordinal(), last_of_year(day).ordinal()) {
        return false;
    }
    if !month_days.is_empty() {
        let list: Vec<_> = month_days.iter().map(|n| i16::from(*n)).collect();
        if !among(&list, day.day(), last_of_month(day).day()) {
            return false;
        }
    }
    days.is_empty() || days.iter().any(|by| is_day(rule, *by, day))
}

fn last_of_year(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), 12, 31).unwrap()
}

fn last_of_month(mut day: NaiveDate) -> NaiveDate {
    while day.succ_opt().unwrap().month() == day.month() {
        day = day.succ_opt().unwrap();
    }
    day
}

fn is_day(rule: &Rule, by: ByDay, day: NaiveDate) -> bool {
    if day.weekday() != by.weekday {
        return false;
    }
    let Some(ordinal) = by.ordinal else { return true };
    let in_year = rule.frequency() == Frequency::Yearly && rule.by_month().is_empty();
    let last = if in_year { last_of_year(day) } else { last_of_month(day) };
    let number = if in_year { day.ordinal() } else { day.day() };
    let of = if in_year { last.ordinal() } else { last.day() };
    if ordinal > 0 {
        (number - 1) / 7 + 1 == ordinal as u32
    } else {
        (of - number) / 7 + 1 == u32::from(ordinal.unsigned_abs())
    }
}

/// The number of the week that holds the day, and how many weeks its year has. A week belongs to the year of its fourth
/// day.
fn week_number(rule: &Rule, day: NaiveDate) -> (u32, u32) {
    let fourth = week_start(rule, day) + Days::new(3);
    let mut last = fourth;
    while (last + Days::new(7)).year() == fourth.year() {
        last = last + Days::new(7);
    }
    (fourth.ordinal0() / 7 + 1, last.ordinal0() / 7 + 1)
}

/// Seconds UTC of a reading and whether the clock skipped it.
pub(crate) fn resolve(zone: &TimeZone, at: NaiveDateTime) -> (i64, bool) {
    let date = jiff::civil::date(at.year() as i16, at.month() as i8, at.day() as i8);
    let at = date.at(at.hour() as i8, at.minute() as i8, at.second() as i8, 0);
    let ambiguous = zone.to_ambiguous_timestamp(at);
    let in_gap = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    (ambiguous.compatible().unwrap().as_second(), in_gap)
}

/// (original start, start, end) of the members in a zone, for a length in nominal days and exact seconds; without those
/// that the clock skipped onto another one.
pub(crate) fn occurrences(
    members: &BTreeSet<NaiveDateTime>,
    zone: &TimeZone,
    days: i64,
    seconds: i64,
) -> Vec<(i64, NaiveDateTime, i64)> {
    let resolved: Vec<_> = members.iter().map(|at| (*at, resolve(zone, *at))).collect();
    let real: BTreeSet<i64> =
        resolved.iter().filter(|(_, (_, in_gap))| !in_gap).map(|(_, (start, _))| *start).collect();
    let mut found: Vec<_> = resolved
        .into_iter()
        .filter(|(_, (start, in_gap))| !in_gap || !real.contains(start))
        .map(|(at, (start, _))| {
            let end = if days == 0 { start } else { resolve(zone, at + TimeDelta::days(days)).0 };
            (start, at, start.max(end + seconds))
        })
        .collect();
    found.sort_unstable();
    found
}
