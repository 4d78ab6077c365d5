//! How long an event lasts (RFC 5545 §3.6.1).

use recurrence::{Duration, Moment, Zone};

use crate::property::Property;
use crate::recurrence_lines::{ValueReader, end_of};
use crate::{Reason, value};

/// From DTEND, DURATION or the default of the start's form; and the zone of DTEND where it is another than that of the
/// start. What is of no use is reported, and the default taken. A `line` stands beside each property.
pub(crate) fn length(
    reader: &mut ValueReader<'_>,
    (start_line, start): (u64, &Moment),
    dtend: Option<(u64, Moment)>,
    duration: Option<(u64, Property<'_>)>,
) -> (Duration, Option<Zone>) {
    let (line, length, end_zone) = match (dtend, duration) {
        (None, None) => (start_line, Some(default_length(start)), None),
        (None, Some((line, property))) => (line, stated_length(reader, line, &property, start), None),
        (Some((line, end)), duration) => {
            if let Some((line, _)) = duration {
                reader.report(line, Reason::Both { passed_over: "DURATION", taken: "DTEND" });
            }
            (line, until_end(reader, line, start, &end), end_zone(start, &end))
        }
    };
    match length.filter(|length| end_of(start, *length).is_some()) {
        Some(length) => (length, end_zone),
        None => {
            if length.is_some() {
                reader.report(line, Reason::EndOutOfRange { taken: default_name(start) });
            }
            (default_length(start), None)
        }
    }
}

/// From start to end; `None` when the end was no use, which is reported.
fn until_end(reader: &mut ValueReader<'_>, line: u64, start: &Moment, end: &Moment) -> Option<Duration> {
    let taken = default_name(start);
    let (end, anchor) = match (start, end) {
        (Moment::Date(_), Moment::Date(_))
        | (Moment::Floating(_), Moment::Floating(_))
        | (Moment::Zoned(..), Moment::Zoned(..)) => (end.clone(), Zone::utc()),
        // a day that ends at some hour lasts until the end of that day, or until its beginning
        (Moment::Date(_), Moment::Floating(local) | Moment::Zoned(local, _)) => {
            reader.report(line, Reason::EndForm { property: "DTEND" });
            let begun = local.time() != chrono::NaiveTime::MIN;
            let day = if begun { local.date().succ_opt()? } else { local.date() };
            (Moment::Date(day), Zone::utc())
        }
        (Moment::Floating(_), Moment::Date(_)) => {
            reader.report(line, Reason::EndForm { property: "DTEND" });
            (Moment::Floating(end.local()), Zone::utc())
        }
        (Moment::Zoned(_, zone), Moment::Date(_) | Moment::Floating(_)) => {
            reader.report(line, Reason::EndForm { property: "DTEND" });
            (Moment::Zoned(end.local(), zone.clone()), Zone::utc())
        }
        (Moment::Floating(_), Moment::Zoned(_, zone)) => {
            reader.report(line, Reason::EndForm { property: "DTEND" });
            (end.clone(), zone.clone())
        }
    };
    match Duration::between(start, &end, &anchor) {
        // the end of a date is exclusive, which many producers do not know
        Ok(length) if start.is_date() && length == Duration::ZERO => {
            reader.report(line, Reason::EndBeforeStart { taken });
            None
        }
        Ok(length) => Some(length),
        Err(_) => {
            reader.report(line, Reason::EndBeforeStart { taken });
            None
        }
    }
}

fn stated_length(reader: &mut ValueReader<'_>, line: u64, property: &Property<'_>, start: &Moment) -> Option<Duration> {
    let Some(length) = value::duration(property.value.trim()) else {
        reader.bad_value(line, property, "a duration (PT1H30M, P2D) is needed");
        return None;
    };
    if length.days < 0 || length.seconds < 0 || (start.is_date() && length == Duration::ZERO) {
        reader.report(line, Reason::EndBeforeStart { taken: default_name(start) });
        return None;
    }
    if start.is_date() && length.seconds > 0 {
        // RFC 5545 §3.6.1: only days and weeks go with a date
        reader.report(line, Reason::EndForm { property: "DURATION" });
        let days = i32::try_from((length.seconds + 86_399) / 86_400).ok()?;
        return Some(Duration::days(length.days.checked_add(days)?));
    }
    Some(length)
}

/// How an end is written: DTEND where it says what the length is, DURATION where only that does, nothing where the
/// default does.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Default,
    At(Moment),
    After(Duration),
}

impl End {
    pub(crate) fn of(start: &Moment, length: Duration, end_zone: Option<&Zone>) -> Self {
        if !start.is_date() && length == Duration::ZERO && end_zone.is_none() {
            return Self::Default;
        }
        let Some(end) = end_of(start, length) else {
            return Self::After(length);
        };
        if start.is_date() {
            return Self::At(end);
        }
        if length.days != 0 && end_zone.is_none() {
            // a DTEND would make the days exact
            return Self::After(length);
        }
        let end = match (&end, end_zone) {
            (Moment::Zoned(local, own), Some(zone)) => Moment::Zoned(zone.to_local(own.to_utc(*local)), zone.clone()),
            _ => end,
        };
        // an hour that comes twice names its first pass, so that the end of the second has no clock reading
        if length.days == 0 && Duration::between(start, &end, &Zone::utc()) != Ok(length) {
            return Self::After(length);
        }
        Self::At(end)
    }
}

fn default_length(start: &Moment) -> Duration {
    if start.is_date() { Duration::days(1) } else { Duration::ZERO }
}

fn default_name(start: &Moment) -> &'static str {
    if start.is_date() { "one day" } else { "no length" }
}

fn end_zone(start: &Moment, end: &Moment) -> Option<Zone> {
    match (start, end) {
        (Moment::Zoned(_, start), Moment::Zoned(_, end)) if start != end => Some(end.clone()),
        _ => None,
    }
}
