//! RRULE, RDATE and EXDATE lines under the knife: one occurrence taken out or put back, and a series cut in two. Pure.

use chrono::{NaiveDateTime, TimeDelta};
use events::{When, zone_texts};
use ical::Recurrence;
use kernel::{Failure, Result, Span};
use recurrence::{Budget, Moment, Rule, Series, Until, Window};

use crate::input::{MAX_RECURRENCE_BYTES, MAX_RECURRENCE_LINES};
use crate::transfer::identity;

/// A content line in its three kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rule,
    Added,
    Excluded,
}

fn kind(line: &str) -> Kind {
    let name = line.split([':', ';']).next().unwrap_or_default();
    if name.eq_ignore_ascii_case("RRULE") {
        Kind::Rule
    } else if name.eq_ignore_ascii_case("EXDATE") {
        Kind::Excluded
    } else {
        Kind::Added
    }
}

/// `EXDATE;TZID="a:b"` and `20260310T100000,20260311T100000`: cut at the first colon that is not quoted.
fn head_and_values(line: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ':' if !quoted => return (&line[..at], &line[at + 1..]),
            _ => {}
        }
    }
    (line, "")
}

fn parsed(when: &When, line: &str) -> Result<Recurrence> {
    ical::parse_recurrence(&[line], &zone_texts(&when.zone_rules))
        .map_err(|error| Failure::invalid("/recurrence", error.to_string()))
}

/// The values of an RDATE or EXDATE line that `keep` wants, none of them: no line.
fn filtered(when: &When, line: &str, keep: impl Fn(&Moment) -> bool) -> Result<Option<String>> {
    let (head, values) = head_and_values(line);
    let mut kept = Vec::new();
    for value in values.split(',') {
        let recurrence = parsed(when, &format!("{head}:{value}"))?;
        let added = recurrence.rdates.iter().map(|rdate| &rdate.start);
        if added.chain(&recurrence.exdates).all(&keep) {
            kept.push(value);
        }
    }
    Ok((!kept.is_empty()).then(|| format!("{head}:{}", kept.join(","))))
}

/// Whether an occurrence of that original start exists, overrides aside.
pub(super) fn contains(series: &Series, original_start: NaiveDateTime) -> bool {
    series.matches(original_start, Budget::default()).unwrap_or(false)
}

/// The series without what was taken out of it.
pub(super) fn with_all(series: &Series) -> Series {
    Series { exdates: Vec::new(), ..series.clone() }
}

/// The series without the occurrence: one more EXDATE, in the form of its start (RFC 5545 §3.8.5.1).
pub(super) fn exclude(when: &When, original_start: NaiveDateTime) -> Result<When> {
    let value = original_start.format("%Y%m%dT%H%M%S");
    let (head, value) = match &when.time_zone {
        _ if when.all_day => ("EXDATE;VALUE=DATE".to_owned(), original_start.format("%Y%m%d").to_string()),
        None => ("EXDATE".to_owned(), value.to_string()),
        Some(zone) if zone == "UTC" => ("EXDATE".to_owned(), format!("{value}Z")),
        Some(zone) if zone.contains([':', ';', ',']) => (format!("EXDATE;TZID=\"{zone}\""), value.to_string()),
        Some(zone) => (format!("EXDATE;TZID={zone}"), value.to_string()),
    };
    let mut when = when.clone();
    match when.recurrence.iter_mut().find(|line| head_and_values(line).0 == head) {
        Some(line) => {
            line.push(',');
            line.push_str(&value);
        }
        None => when.recurrence.push(format!("{head}:{value}")),
    }
    let bytes: usize = when.recurrence.iter().map(String::len).sum();
    if when.recurrence.len() > MAX_RECURRENCE_LINES || bytes > MAX_RECURRENCE_BYTES {
        return Err(Failure::new(
            kernel::Kind::LimitExceeded,
            "limit_exceeded",
            format!(
                "its recurrence lines would have {bytes} bytes, at most {MAX_RECURRENCE_BYTES} (and \
                 {MAX_RECURRENCE_LINES} lines) are kept; end the series here and begin a new one"
            ),
        ));
    }
    Ok(when)
}

/// The series with an occurrence that was taken out of it.
pub(super) fn include(when: &When, zone: &str, original_start: NaiveDateTime) -> Result<When> {
    let series = when.series(zone)?;
    let day = original_start.date();
    // A date beside timed occurrences took out all of that day: the others stay out.
    let names_day = |moment: &Moment| !when.all_day && moment.is_date() && moment.local().date() == day;
    let names =
        |moment: &Moment| names_day(moment) || identity(moment, &series.start, &series.anchor) == original_start;
    let mut open = When { recurrence: Vec::new(), ..when.clone() };
    for line in &when.recurrence {
        match kind(line) {
            Kind::Excluded => open.recurrence.extend(filtered(when, line, |moment| !names(moment))?),
            _ => open.recurrence.push(line.clone()),
        }
    }
    if series.exdates.iter().any(names_day) {
        let clock = series.start.zone(&series.anchor);
        let from = clock.to_utc(day.and_time(chrono::NaiveTime::MIN));
        let window = Window { from, to: from + TimeDelta::hours(26) };
        let of_day = open.series(zone)?.expand(window, 1_000, Budget::default()).map_err(unexpanded)?;
        for other in of_day.occurrences {
            if other.original_start.date() == day && other.original_start != original_start {
                open = exclude(&open, other.original_start)?;
            }
        }
    }
    Ok(open)
}

/// The series before an occurrence of it, and from that occurrence on.
///
/// # Errors
/// `cannot_split_here` where the rest is no series of the same rules: none is written that means something else.
pub(super) fn cut(when: &When, zone: &str, at: NaiveDateTime) -> Result<(When, When)> {
    let series = when.series(zone)?;
    let start = tail_start(&series, at)?;
    let until = last_before(&series, at);
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    for line in &when.recurrence {
        match kind(line) {
            Kind::Rule => {
                let (before, after) = cut_rule(when, &series, line, at, start, until)?;
                head.push(before);
                tail.extend(after);
            }
            _ => {
                let of = |moment: &Moment| identity(moment, &series.start, &series.anchor);
                head.extend(filtered(when, line, |moment| of(moment) < at)?);
                tail.extend(filtered(when, line, |moment| of(moment) >= at && of(moment) != start)?);
            }
        }
    }
    // An EXDATE or a PERIOD of the very start says something of it.
    for line in when.recurrence.iter().filter(|line| kind(line) != Kind::Rule) {
        let says = |moment: &Moment| identity(moment, &series.start, &series.anchor) == start;
        let speaks = kind(line) == Kind::Excluded || line.contains('/');
        if speaks && let Some(line) = filtered(when, line, says)? {
            tail.push(line);
        }
    }
    let head = When { recurrence: head, ..when.clone() };
    let tail = When { recurrence: tail, start_local: start, ..when.clone() };
    verify(&series, &head.series(zone)?, &tail.series(zone)?, at)?;
    Ok((head, tail))
}

/// Where the rest begins: at the occurrence, or, if that is an RDATE, at the next one that the rules make: an INTERVAL is
/// counted from the start, and the RDATE stays one.
fn tail_start(series: &Series, at: NaiveDateTime) -> Result<NaiveDateTime> {
    let ruled = Series { rdates: Vec::new(), exdates: Vec::new(), ..series.clone() };
    if series.rules.is_empty() || contains(&ruled, at) {
        return Ok(at);
    }
    Ok(members(&ruled, at, 1)?.first().copied().unwrap_or(at))
}

/// UNTIL of what comes before an occurrence, in the form of the start (RFC 5545 §3.3.10).
fn last_before(series: &Series, at: NaiveDateTime) -> Until {
    let second = TimeDelta::seconds(1);
    match &series.start {
        Moment::Date(_) => Until::Date(at.date().pred_opt().unwrap_or(at.date())),
        Moment::Floating(_) => Until::Local(at - second),
        Moment::Zoned(_, zone) => Until::Utc(zone.to_utc(at) - second),
    }
}

/// One rule before and after; after its end there is none.
fn cut_rule(
    when: &When,
    series: &Series,
    line: &str,
    at: NaiveDateTime,
    start: NaiveDateTime,
    until: Until,
) -> Result<(String, Option<String>)> {
    let Some(rule) = parsed(when, line)?.rules.pop() else { return Ok((line.to_owned(), None)) };
    let alone = Series { rules: vec![rule.clone()], rdates: Vec::new(), exdates: Vec::new(), ..series.clone() };
    if members(&alone, at, 1)?.is_empty() {
        return Ok((line.to_owned(), None));
    }
    let after = match rule.count() {
        None => line.to_owned(),
        Some(count) => {
            let before = u32::try_from(before(&alone, start)?.len()).unwrap_or(count);
            let left = count.saturating_sub(before).max(1);
            let text = rule.to_string().replace(&format!(";COUNT={count}"), &format!(";COUNT={left}"));
            format!("RRULE:{text}")
        }
    };
    let before: Rule = rule.ending(until);
    Ok((format!("RRULE:{before}"), Some(after)))
}

/// The next members at or behind a reading.
pub(super) fn members(series: &Series, from: NaiveDateTime, most: usize) -> Result<Vec<NaiveDateTime>> {
    let clock = series.start.zone(&series.anchor);
    // Clocks that are put back or forward: readings are looked at, not instants.
    let window = Window { from: clock.to_utc(from) - TimeDelta::days(1), to: Span::LATEST };
    let mut limit = most + 100;
    loop {
        let found = series.expand(window, limit, Budget::default()).map_err(unexpanded)?;
        let starts = found.occurrences.iter().map(|o| o.original_start).filter(|at| *at >= from);
        let starts: Vec<NaiveDateTime> = starts.take(most).collect();
        if starts.len() == most || found.complete {
            return Ok(starts);
        }
        limit = limit.saturating_mul(4);
    }
}

/// The members before a reading.
fn before(series: &Series, at: NaiveDateTime) -> Result<Vec<NaiveDateTime>> {
    let clock = series.start.zone(&series.anchor);
    let window = Window { from: Span::EARLIEST, to: clock.to_utc(at) + TimeDelta::days(1) };
    let found = series.expand(window, usize::MAX, Budget::default()).map_err(unexpanded)?;
    Ok(found.occurrences.iter().map(|o| o.original_start).filter(|start| *start < at).collect())
}

/// How many occurrences behind the cut are compared.
const COMPARED: usize = 500;

/// The two halves together are the series: a rule that is counted or phased from a start that it does not make itself cannot
/// be cut, and what cannot be cut is refused.
fn verify(series: &Series, head: &Series, tail: &Series, at: NaiveDateTime) -> Result<()> {
    let earliest = Span::EARLIEST.naive_utc() + TimeDelta::days(2);
    let is_head =
        before(head, NaiveDateTime::MAX.min(Span::LATEST.naive_utc() - TimeDelta::days(2)))? == before(series, at)?;
    if is_head && members(tail, earliest, COMPARED)? == members(series, at, COMPARED)? {
        return Ok(());
    }
    Err(Failure::new(
        kernel::Kind::Invalid,
        "cannot_split_here",
        "the rules of this series are counted from its start and not from this occurrence: what would follow is another \
         series; split it at an occurrence that its rule makes, or change recurrence with scope=all",
    ))
}

fn unexpanded(error: recurrence::Error) -> Failure {
    Failure::invalid("/recurrence", error.to_string())
}
