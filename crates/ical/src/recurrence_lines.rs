use chrono::NaiveDate;
use recurrence::{Duration, Moment, RecurrenceDate, Rule, Zone};

use crate::issue::quote;
use crate::property::Property;
use crate::zones::Zones;
use crate::{Error, Issue, Reason, ZoneText, fields, value};

/// RRULE, RDATE and EXDATE (RFC 5545 §3.8.5), typed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recurrence {
    /// RRULE.
    pub rules: Vec<Rule>,
    /// RDATE.
    pub rdates: Vec<RecurrenceDate>,
    /// EXDATE.
    pub exdates: Vec<Moment>,
}

/// Reads what [`crate::Event::recurrence`] holds. `zones` are the definitions stored with the event.
///
/// # Errors
/// [`Error::Unusable`] at the first line that is not wholly understood; its number counts from 1.
pub fn parse_recurrence<S: AsRef<str>>(lines: &[S], zones: &[ZoneText]) -> Result<Recurrence, Error> {
    let zones = Zones::from_texts(zones)?;
    let mut recurrence = Recurrence::default();
    for (at, text) in lines.iter().enumerate() {
        let mut reader = ValueReader::new(&zones, 0);
        let line = at as u64 + 1;
        match Property::parse(text.as_ref()) {
            Some(property) => {
                recurrence.take(&mut reader, line, &property);
            }
            None => reader.report(line, Reason::NotAContentLine(quote(text.as_ref()))),
        }
        if let Some(issue) = reader.issues.into_iter().next() {
            return Err(Error::Unusable(Box::new(issue)));
        }
    }
    Ok(recurrence)
}

impl Recurrence {
    /// Takes one line in; gives it back as far as it was understood, with the TZID its zone has here.
    pub(crate) fn take(&mut self, reader: &mut ValueReader<'_>, line: u64, property: &Property<'_>) -> Option<String> {
        if property.is("RRULE") {
            return match Rule::parse(property.value) {
                Ok(rule) => {
                    self.rules.push(rule);
                    Some(property.with_tzid(None))
                }
                Err(error) => {
                    reader.bad_value(line, property, error.to_string());
                    None
                }
            };
        }
        let mut zone = None;
        let mut good = Vec::new();
        for piece in property.value.split(',') {
            let piece_property = property.with_value(piece);
            let start = if property.is("RDATE") {
                reader.recurrence_date(line, &piece_property).map(|date| {
                    let start = date.start.clone();
                    self.rdates.push(date);
                    start
                })
            } else if property.is("EXDATE") {
                reader.moment(line, &piece_property).inspect(|start| self.exdates.push(start.clone()))
            } else {
                reader.report(line, Reason::NotAContentLine(quote(property.name)));
                return None;
            };
            let Some(start) = start else { continue };
            good.push(piece.trim());
            if let Moment::Zoned(_, own) = start {
                // a Z beside a TZID says UTC whatever the TZID is
                if fields::tzid(&own).is_some() {
                    zone = Some(own);
                }
            }
        }
        if good.is_empty() {
            return None;
        }
        let value = good.join(",");
        Some(property.with_value(&value).with_tzid(zone.as_ref().and_then(fields::tzid)))
    }
}

/// Reads values that need time zones, and collects what was wrong with them.
pub(crate) struct ValueReader<'a> {
    zones: &'a Zones,
    calendar: u64,
    pub issues: Vec<Issue>,
    /// Definitions that the values read need.
    pub used: Vec<ZoneText>,
}

impl<'a> ValueReader<'a> {
    pub(crate) fn new(zones: &'a Zones, calendar: u64) -> Self {
        Self { zones, calendar, issues: Vec::new(), used: Vec::new() }
    }

    pub(crate) fn report(&mut self, line: u64, reason: Reason) {
        self.issues.push(Issue { line, component: None, uid: None, reason });
    }

    pub(crate) fn bad_value(&mut self, line: u64, property: &Property<'_>, why: impl Into<String>) {
        self.report(
            line,
            Reason::BadValue {
                property: property.name.to_ascii_uppercase(),
                value: quote(property.value),
                why: why.into(),
            },
        );
    }

    /// DATE or DATE-TIME (§3.3.4, §3.3.5), whatever VALUE says; a value that is not of the form it claims is reported.
    pub(crate) fn moment(&mut self, line: u64, property: &Property<'_>) -> Option<Moment> {
        let text = property.value.trim();
        let says_date = property.param_is("VALUE", "DATE");
        let mut reinterpreted = |expected, taken| {
            let property = property.name.to_ascii_uppercase();
            self.report(line, Reason::Reinterpreted { property, value: quote(text), expected, taken });
        };
        if let Some(day) = value::date(text) {
            if !says_date {
                reinterpreted("DATE-TIME", "DATE");
            }
            return Some(Moment::Date(day));
        }
        let Some((local, utc)) = value::date_time(text) else {
            self.bad_value(line, property, "a date (20240131) or date-time (20240131T235900) is needed");
            return None;
        };
        if says_date {
            reinterpreted("DATE", "the day of a DATE-TIME");
            return Some(Moment::Date(local.date()));
        }
        if utc {
            return Some(Moment::Zoned(local, Zone::utc()));
        }
        Some(match property.param("TZID") {
            None => Moment::Floating(local),
            Some(tzid) => match self.zone(line, &tzid) {
                Some(zone) => Moment::Zoned(local, zone),
                None => Moment::Floating(local),
            },
        })
    }

    fn zone(&mut self, line: u64, tzid: &str) -> Option<Zone> {
        let Some(resolved) = self.zones.resolve(self.calendar, tzid) else {
            self.report(line, Reason::UnknownZone(quote(tzid)));
            return None;
        };
        if let Some(text) = resolved.text
            && !self.used.contains(&text)
        {
            self.used.push(text);
        }
        Some(resolved.zone)
    }

    /// One value of RDATE: a date, a time, or a PERIOD (§3.3.9).
    fn recurrence_date(&mut self, line: u64, property: &Property<'_>) -> Option<RecurrenceDate> {
        let Some((start_text, end_text)) = property.value.split_once('/') else {
            let start = self.moment(line, property)?;
            return Some(RecurrenceDate { start, duration: None });
        };
        let start = self.moment(line, &property.with_value(start_text))?;
        let end_text = end_text.trim();
        let duration = if end_text.starts_with(['P', 'p', '+', '-']) {
            value::duration(end_text).filter(|length| length.days >= 0 && length.seconds >= 0)
        } else {
            let end = self.moment(line, &property.with_value(end_text))?;
            Duration::between(&start, &end, &Zone::utc()).ok()
        };
        let Some(duration) = duration.filter(|length| end_of(&start, *length).is_some()) else {
            self.bad_value(
                line,
                property,
                "a period (start/end or start/duration) that ends after it starts is needed",
            );
            return None;
        };
        Some(RecurrenceDate { start, duration: Some(duration) })
    }
}

/// Where something that begins at `start` ends, in the zone of its start: days on the clock, then exact seconds. `None`
/// beyond the years that can be written.
pub(crate) fn end_of(start: &Moment, length: Duration) -> Option<Moment> {
    let last = NaiveDate::from_ymd_opt(9998, 12, 31)?;
    let local = start.local().checked_add_signed(chrono::TimeDelta::try_days(length.days.into())?)?;
    let seconds = chrono::TimeDelta::try_seconds(length.seconds)?;
    if local.date() > last {
        return None;
    }
    let end = match start {
        Moment::Date(_) => Moment::Date(local.checked_add_signed(seconds)?.date()),
        Moment::Floating(_) => Moment::Floating(local.checked_add_signed(seconds)?),
        Moment::Zoned(_, zone) => {
            let instant = zone.to_utc(local).checked_add_signed(seconds)?;
            Moment::Zoned(if length.seconds == 0 { local } else { zone.to_local(instant) }, zone.clone())
        }
    };
    (end.local().date() <= last).then_some(end)
}
