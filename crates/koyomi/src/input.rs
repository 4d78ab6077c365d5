//! What people write about time, checked once for every dialect.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use events::When;
use kernel::{Checks, Failure, Result, Span};
use recurrence::{Budget, Duration, Moment, Until, Window, Zone};

/// `{"date": "2026-11-22"}`, or `{"date_time": "2026-11-22T10:00:00", "time_zone": "Asia/Tokyo"}` with the zone null
/// for floating time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTime {
    pub date: Option<NaiveDate>,
    pub date_time: Option<NaiveDateTime>,
    pub time_zone: Option<String>,
}

/// An event longer than this is refused: every window query starts earlier by the longest one.
pub(crate) const MAX_DURATION_DAYS: i64 = 3_660;
/// RRULE, RDATE and EXDATE lines of one event.
pub(crate) const MAX_RECURRENCE_LINES: usize = 1_000;
pub(crate) const MAX_RECURRENCE_BYTES: usize = 64 * 1024;

impl EventTime {
    fn moment(&self, pointer: &str, checks: &mut Checks) -> Option<Moment> {
        let year = match (self.date, self.date_time) {
            (Some(date), None) => date.year(),
            (None, Some(at)) => at.year(),
            _ => {
                checks.reject(pointer, "needs either date (all-day) or date_time, and not both");
                return None;
            }
        };
        if !(1..=9999).contains(&year) {
            checks.reject(pointer, "must lie in the years 1 to 9999");
            return None;
        }
        match (self.date, self.date_time, &self.time_zone) {
            (Some(date), _, None) => Some(Moment::Date(date)),
            (Some(_), _, Some(_)) => {
                checks.reject(format!("{pointer}/time_zone"), "an all-day date has no time zone; leave it out");
                None
            }
            (_, Some(local), None) => Some(Moment::Floating(local)),
            (_, Some(local), Some(name)) => match Zone::iana(name) {
                Ok(zone) => Some(Moment::Zoned(local, zone)),
                Err(error) => {
                    checks.reject(format!("{pointer}/time_zone"), error.to_string());
                    None
                }
            },
            _ => None,
        }
    }
}

/// Builds the record of a time from what came in. Without an end, a date lasts that day and a time is an instant
/// (RFC 5545 §3.6.1).
pub(crate) fn when(
    start: &EventTime,
    end: Option<&EventTime>,
    recurrence: Vec<String>,
    checks: &mut Checks,
) -> Option<When> {
    let start = start.moment("/start", checks)?;
    let end = match end {
        Some(end) => Some(end.moment("/end", checks)?),
        None => None,
    };
    let when = between(&start, end.as_ref(), checks)?;
    let recurrence = check_lines(recurrence, checks)?;
    let when = When { recurrence, ..when };
    check_rules(&when, checks).then_some(when)
}

fn between(start: &Moment, end: Option<&Moment>, checks: &mut Checks) -> Option<When> {
    let duration = match end {
        None if start.is_date() => Duration::days(1),
        None => Duration::ZERO,
        Some(end) => match length(start, end) {
            Ok(duration) => duration,
            Err(reason) => {
                checks.reject("/end", reason);
                return None;
            }
        },
    };
    let days = i64::from(duration.days) + duration.seconds / 86_400;
    if days > MAX_DURATION_DAYS {
        checks.reject("/end", format!("must be at most {MAX_DURATION_DAYS} days after start"));
        return None;
    }
    let (start_zone, end_zone) = (zone_name(start), end.and_then(zone_name));
    Some(When {
        all_day: start.is_date(),
        start_local: start.local(),
        end_time_zone: end_zone.filter(|zone| start_zone.as_ref() != Some(zone)),
        time_zone: start_zone,
        zone_rules: Vec::new(),
        duration_days: duration.days,
        duration_seconds: duration.seconds,
        recurrence: Vec::new(),
    })
}

fn length(start: &Moment, end: &Moment) -> Result<Duration, String> {
    match (start, end) {
        (Moment::Date(from), Moment::Date(to)) if to <= from => {
            return Err("is exclusive: it must be at least one day after start".into());
        }
        (Moment::Date(_), Moment::Date(_))
        | (Moment::Floating(_), Moment::Floating(_))
        | (Moment::Zoned(..), Moment::Zoned(..)) => {}
        _ => {
            return Err("must be of the same form as start: both dates, both times in a zone, or both floating".into());
        }
    }
    Duration::between(start, end, &Zone::utc()).map_err(|_| "must not be before start".into())
}

fn zone_name(moment: &Moment) -> Option<String> {
    match moment {
        Moment::Zoned(_, zone) => Some(zone.name().to_owned()),
        _ => None,
    }
}

/// Recurrence lines are checked one by one, so that the answer names the one that is wrong.
fn check_lines(lines: Vec<String>, checks: &mut Checks) -> Option<Vec<String>> {
    if lines.len() > MAX_RECURRENCE_LINES || lines.iter().map(String::len).sum::<usize>() > MAX_RECURRENCE_BYTES {
        checks.reject(
            "/recurrence",
            format!("must have at most {MAX_RECURRENCE_LINES} lines and {MAX_RECURRENCE_BYTES} bytes"),
        );
        return None;
    }
    let mut fine = true;
    for (n, line) in lines.iter().enumerate() {
        if let Err(error) = ical::parse_recurrence(std::slice::from_ref(line), &[]) {
            checks.reject(format!("/recurrence/{n}"), error.to_string());
            fine = false;
        }
    }
    fine.then_some(lines)
}

/// Rules that would say nothing: each is named, with what would say something.
fn check_rules(when: &When, checks: &mut Checks) -> bool {
    let mut fine = true;
    for (n, line) in when.recurrence.iter().enumerate() {
        if let Some(reason) = idle_rule(when, line) {
            checks.reject(format!("/recurrence/{n}"), reason);
            fine = false;
        }
    }
    fine
}

/// Why a line is a rule that makes no occurrence; none where it does, or is no rule. Rules that end at once (COUNT=1, UNTIL
/// on the day of the start) make one, the start.
pub(crate) fn idle_rule(when: &When, line: &str) -> Option<String> {
    let alone = When { recurrence: vec![line.to_owned()], ..when.clone() };
    // On which clock hardly matters here: whatever happens, happens within a day of it.
    let mut series = alone.series("UTC").ok()?;
    let rule = series.rules.first()?.clone();
    let start = series.start.to_utc(&series.anchor);
    let until = match rule.until() {
        None => None,
        Some(Until::Utc(until)) => Some(until),
        Some(Until::Local(until)) => Some(series.start.zone(&series.anchor).to_utc(until)),
        Some(Until::Date(day)) => {
            let midnight = day.and_time(NaiveTime::MIN) + TimeDelta::days(1);
            Some(series.start.zone(&series.anchor).to_utc(midnight))
        }
    };
    if let Some(until) = until {
        let day = if series.start.is_date() { TimeDelta::days(1) } else { TimeDelta::zero() };
        return (until + day < start).then(|| {
            format!(
                "UNTIL={} is before the start; it must not be",
                rule.until().map_or_else(String::new, |u| u.to_string())
            )
        });
    }
    if rule.count() == Some(1) {
        return None;
    }
    // All that the rule makes besides the start, which is a member anyway.
    series.duration = Duration::ZERO;
    let window = Window { from: start, to: Span::LATEST };
    let makes = match series.expand(window, 2, Budget::default()) {
        Ok(found) => found.occurrences.len() > 1,
        Err(recurrence::Error::BudgetExhausted { .. }) => false,
        Err(error) => return Some(error.to_string()),
    };
    (!makes).then(|| {
        "makes no occurrence: no day is like that up to the year 9999, or so few that none is found".to_owned()
    })
}

/// The start and end of a record as input again, for a patch that brings only one of them.
pub(crate) fn patched(
    old: &When,
    calendar_zone: &str,
    start: Option<&EventTime>,
    end: Option<&EventTime>,
    recurrence: Option<Vec<String>>,
) -> Result<When> {
    let mut checks = Checks::new();
    let series = old.series(calendar_zone)?;
    let new_start = match start {
        Some(start) => start.moment("/start", &mut checks),
        None => Some(series.start),
    };
    let new_end = end.map(|end| end.moment("/end", &mut checks));
    let when = match (new_start, new_end) {
        (Some(start), Some(Some(end))) => between(&start, Some(&end), &mut checks),
        // The length stays when only the start moves, unless a date became a time or the other way round.
        (Some(start), None) if start.is_date() == old.all_day => Some(When {
            start_local: start.local(),
            time_zone: zone_name(&start),
            end_time_zone: old
                .end_time_zone
                .clone()
                .filter(|zone| matches!(start, Moment::Zoned(..)) && zone_name(&start).as_ref() != Some(zone)),
            ..old.clone()
        }),
        (Some(start), None) => between(&start, None, &mut checks),
        _ => None,
    };
    let ruled = recurrence.is_some() || start.is_some();
    let recurrence = match recurrence {
        Some(lines) => check_lines(lines, &mut checks),
        None => Some(old.recurrence.clone()),
    };
    checks.done()?;
    match (when, recurrence) {
        (Some(when), Some(recurrence)) => {
            // The rules of a zone that only the file knew stay as long as that zone does.
            let zone_rules = if when.time_zone == old.time_zone { old.zone_rules.clone() } else { Vec::new() };
            let when = When { zone_rules, recurrence, ..when };
            if ruled {
                let mut checks = Checks::new();
                check_rules(&when, &mut checks);
                checks.done()?;
            }
            Ok(when)
        }
        _ => Err(Failure::internal("a rejected time without a violation")),
    }
}
