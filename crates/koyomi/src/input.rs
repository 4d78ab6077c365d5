//! What people write about time, checked once for every dialect.

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use events::When;
use kernel::{Checks, Failure, Result};
use recurrence::{Duration, Moment, Zone};

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
    Some(When { recurrence, ..when })
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
    let recurrence = match recurrence {
        Some(lines) => check_lines(lines, &mut checks),
        None => Some(old.recurrence.clone()),
    };
    checks.done()?;
    match (when, recurrence) {
        (Some(when), Some(recurrence)) => Ok(When {
            // The rules of a zone that only the file knew stay as long as that zone does.
            zone_rules: if when.time_zone == old.time_zone { old.zone_rules.clone() } else { Vec::new() },
            recurrence,
            ..when
        }),
        _ => Err(Failure::internal("a rejected time without a violation")),
    }
}
