//! NDJSON: one event per line, in the words of the API. It is another spelling of a VEVENT: a line becomes one and is
//! read as such, so that both formats obey the same rules and lose the same, which is nothing.

use std::io::Cursor;

use chrono::{DateTime, Utc};
use events::{Status, Transparency, Visibility, zone_texts};
use ical::{Class, Item, Limits, WriteOptions, Writer};
use recurrence::{Duration, Moment, Zone};
use serde::{Deserialize, Serialize};

use super::source::{Invited, Person};
use super::time::JsonTime;

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    #[serde(default)]
    pub(super) uid: Option<String>,
    /// Of an override: which occurrence of the series with this uid it stands for (RECURRENCE-ID).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_start: Option<JsonTime>,
    #[serde(default)]
    sequence: i32,
    #[serde(default)]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(default)]
    visibility: Visibility,
    #[serde(default)]
    transparency: Transparency,
    start: JsonTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<JsonTime>,
    /// In the place of `end` where only a length says it: nominal days are not hours when clocks change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<Length>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recurrence: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organizer: Option<Person>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attendees: Vec<Invited>,
    /// Content lines that none of the other fields says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    extra: Vec<String>,
    /// VTIMEZONEs of the zones above that IANA does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    zone_rules: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dtstamp: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Length {
    #[serde(default)]
    days: i32,
    #[serde(default)]
    seconds: i64,
}

impl From<&ical::Event> for Line {
    fn from(event: &ical::Event) -> Self {
        let end = end_of(event);
        let is_default = event.duration == default_length(&event.start) && event.end_zone.is_none();
        Self {
            uid: Some(event.uid.clone()),
            original_start: event.recurrence_id.as_ref().map(JsonTime::from),
            sequence: event.sequence,
            title: event.summary.clone(),
            description: event.description.clone(),
            location: event.location.clone(),
            url: event.url.clone(),
            status: event.status.map(|status| match status {
                ical::Status::Confirmed => Status::Confirmed,
                ical::Status::Tentative => Status::Tentative,
                ical::Status::Cancelled => Status::Cancelled,
            }),
            visibility: match event.class {
                None => Visibility::Default,
                Some(Class::Public) => Visibility::Public,
                Some(Class::Private) => Visibility::Private,
                Some(Class::Confidential) => Visibility::Confidential,
            },
            transparency: match event.transparency {
                ical::Transparency::Opaque => Transparency::Opaque,
                ical::Transparency::Transparent => Transparency::Transparent,
            },
            start: JsonTime::from(&event.start),
            duration: (end.is_none() && !is_default)
                .then_some(Length { days: event.duration.days, seconds: event.duration.seconds }),
            end,
            recurrence: event.recurrence.clone(),
            organizer: event.organizer.as_ref().map(Person::from),
            attendees: event.attendees.iter().map(Invited::from).collect(),
            extra: event.extra.clone(),
            zone_rules: event.zones.iter().map(|zone| zone.text.to_string()).collect(),
            dtstamp: event.dtstamp,
            created: event.created,
            last_modified: event.last_modified,
        }
    }
}

impl Line {
    fn into_event(self) -> Result<ical::Event, String> {
        let rules = &self.zone_rules;
        let at = |name: &str, time: &JsonTime| time.moment(rules).map_err(|reason| format!("{name}: {reason}"));
        if self.zone_rules.iter().any(|text| ical::parse_vtimezone(text).is_err()) {
            return Err("zone_rules: each must be one VTIMEZONE".into());
        }
        let start = at("start", &self.start)?;
        let end = self.end.as_ref().map(|end| at("end", end)).transpose()?;
        let duration = match (&end, self.duration) {
            (Some(_), Some(_)) => return Err("duration: say either end or duration".into()),
            (Some(end), None) => length(&start, end)?,
            (None, Some(Length { days, seconds })) if days >= 0 && seconds >= 0 => Duration { days, seconds },
            (None, Some(_)) => return Err("duration: must not be negative".into()),
            (None, None) => default_length(&start),
        };
        if self.original_start.is_some() && !self.recurrence.is_empty() {
            return Err("recurrence: an override is one occurrence and does not recur".into());
        }
        let zones = zone_texts(rules);
        let lines = ical::parse_recurrence(&self.recurrence, &zones).map_err(|error| format!("recurrence: {error}"))?;
        Ok(ical::Event {
            uid: self.uid.unwrap_or_default(),
            recurrence_id: self.original_start.as_ref().map(|id| at("original_start", id)).transpose()?,
            sequence: self.sequence,
            dtstamp: self.dtstamp,
            created: self.created,
            last_modified: self.last_modified,
            summary: self.title,
            description: self.description,
            location: self.location,
            url: self.url,
            status: self.status.map(|status| match status {
                Status::Confirmed => ical::Status::Confirmed,
                Status::Tentative => ical::Status::Tentative,
                Status::Cancelled => ical::Status::Cancelled,
            }),
            class: match self.visibility {
                Visibility::Default => None,
                Visibility::Public => Some(Class::Public),
                Visibility::Private => Some(Class::Private),
                Visibility::Confidential => Some(Class::Confidential),
            },
            transparency: match self.transparency {
                Transparency::Opaque => ical::Transparency::Opaque,
                Transparency::Transparent => ical::Transparency::Transparent,
            },
            end_zone: end.as_ref().and_then(zone).filter(|end| zone(&start).as_ref() != Some(end)),
            start,
            duration,
            rules: lines.rules,
            rdates: lines.rdates,
            exdates: lines.exdates,
            recurrence: self.recurrence,
            organizer: self.organizer.map(ical::Organizer::from),
            attendees: self.attendees.into_iter().map(ical::Attendee::from).collect(),
            extra: self.extra,
            zones,
        })
    }
}

/// Reads one line; what could not be taken as it stands comes beside the event.
///
/// # Errors
/// Why there is no event in it.
pub(super) fn read_line(text: &str) -> Result<(ical::Event, Vec<String>), (Option<String>, String)> {
    let line: Line = serde_json::from_str(text).map_err(|error| (None, format!("not an event: {error}")))?;
    let uid = line.uid.clone();
    let refused = |reason: String| (uid.clone(), reason);
    let event = line.into_event().map_err(refused)?;
    let options = WriteOptions { stamp: None, zones_from: LATE };
    let mut writer =
        Writer::new(Vec::new(), &ical::Calendar::default(), options).map_err(|e| refused(e.to_string()))?;
    writer.event(&event).map_err(|e| refused(e.to_string()))?;
    let text = writer.finish().map_err(|e| refused(e.to_string()))?;
    let limits = Limits { line_bytes: text.len(), component_bytes: text.len(), ..Limits::default() };
    let mut found = None;
    let mut notes = Vec::new();
    for item in ical::read(Cursor::new(text), limits).map_err(|e| refused(e.to_string()))? {
        match item.map_err(|e| refused(e.to_string()))? {
            Item::Event { event, .. } => found = Some(*event),
            Item::Issue(issue) => notes.push(issue.reason.to_string()),
            Item::Calendar(_) => {}
        }
    }
    match found {
        Some(event) => Ok((event, notes)),
        None => Err(refused(notes.join("; "))),
    }
}

/// The zones that such a text defines are read by their names, so that they may as well be short.
const LATE: i32 = 2049;

/// # Errors
/// When it cannot be written, which for these plain types does not happen.
pub(super) fn write_line(event: &ical::Event, out: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *out, &Line::from(event))?;
    out.push(b'\n');
    Ok(())
}

fn zone(moment: &Moment) -> Option<Zone> {
    match moment {
        Moment::Zoned(_, zone) => Some(zone.clone()),
        Moment::Date(_) | Moment::Floating(_) => None,
    }
}

fn default_length(start: &Moment) -> Duration {
    if start.is_date() { Duration::days(1) } else { Duration::ZERO }
}

fn length(start: &Moment, end: &Moment) -> Result<Duration, String> {
    match (start, end) {
        (Moment::Date(from), Moment::Date(to)) if to <= from => {
            Err("end: is exclusive: it must be at least one day after start".into())
        }
        (Moment::Date(_), Moment::Date(_))
        | (Moment::Floating(_), Moment::Floating(_))
        | (Moment::Zoned(..), Moment::Zoned(..)) => {
            Duration::between(start, end, &Zone::utc()).map_err(|_| "end: must not be before start".into())
        }
        _ => Err("end: must be of the same form as start".into()),
    }
}

/// The end, where start and end say the length.
fn end_of(event: &ical::Event) -> Option<JsonTime> {
    let Duration { days, seconds } = event.duration;
    let start = event.start.local();
    let end = match &event.start {
        Moment::Date(day) if seconds == 0 => {
            Moment::Date(day.checked_add_days(chrono::Days::new(days.try_into().ok()?))?)
        }
        Moment::Floating(_) if days == 0 => {
            Moment::Floating(start.checked_add_signed(chrono::TimeDelta::try_seconds(seconds)?)?)
        }
        Moment::Zoned(_, zone) if days == 0 => {
            let at = zone.to_utc(start).checked_add_signed(chrono::TimeDelta::try_seconds(seconds)?)?;
            let zone = event.end_zone.as_ref().unwrap_or(zone);
            Moment::Zoned(zone.to_local(at), zone.clone())
        }
        _ => return None,
    };
    let is_default = event.duration == default_length(&event.start) && event.end_zone.is_none();
    // an hour that comes twice names its first pass, so that the end of the second has no clock reading
    let says_it = !is_default && length(&event.start, &end) == Ok(event.duration);
    says_it.then(|| JsonTime::from(&end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> ical::Event {
        let (event, notes) = read_line(text).unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        event
    }

    #[test]
    fn a_line_is_an_event_and_the_event_is_that_line() {
        let text = r#"{"uid":"a@b","original_start":{"date_time":"2026-11-22T09:00:00","time_zone":"Asia/Tokyo"},
            "sequence":2,"title":"Tea; with, commas\nand \"lines\"","description":"","location":"Kyoto",
            "url":"https://example.com/a,b","status":"tentative","visibility":"private","transparency":"transparent",
            "start":{"date_time":"2026-11-22T10:00:00","time_zone":"Asia/Tokyo"},
            "end":{"date_time":"2026-11-22T04:00:00","time_zone":"Europe/Berlin"},
            "organizer":{"email":"O@example.com","name":"Ō"},
            "attendees":[{"email":"g@example.com","response_status":"declined","delegated":true,"role":"chair"},
                         {"email":"room@example.com","is_optional":true,"kind":"room"}],
            "extra":["X-COLOR:red","BEGIN:VALARM","TRIGGER:-PT5M","END:VALARM"],
            "created":"2026-01-01T00:00:00Z"}"#;
        let event = event(text);
        assert_eq!(event.duration, Duration::seconds(2 * 3600));
        assert_eq!(event.summary.as_deref(), Some("Tea; with, commas\nand \"lines\""));
        assert_eq!(event.extra.len(), 4);
        let mut out = Vec::new();
        write_line(&event, &mut out).unwrap();
        assert_eq!(self::event(std::str::from_utf8(&out).unwrap()), event);
    }

    #[test]
    fn nominal_days_stay_days() {
        let text = r#"{"uid":"a","title":"x","start":{"date_time":"2026-03-28T12:00:00","time_zone":"Europe/Berlin"},
            "duration":{"days":1}}"#;
        let event = event(text);
        assert_eq!(event.duration, Duration::days(1));
        let mut out = Vec::new();
        write_line(&event, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains(r#""duration":{"days":1,"seconds":0}"#));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, reason) in [
            (r#"{"uid":"a","start":{"date":"2026-11-22"},"colour":"red"}"#, "unknown field `colour`"),
            (r#"{"uid":"a"}"#, "missing field `start`"),
            (r#"{"uid":"a","start":{"date":"2026-11-22"},"end":{"date":"2026-11-22"}}"#, "end: is exclusive"),
            (r#"{"uid":"a","start":{"date":"2026-11-22"},"recurrence":["RRULE:FREQ=SOMETIMES"]}"#, "recurrence:"),
            (r#"{"uid":"a","start":{"date":"2026-11-22"},"status":"maybe"}"#, "unknown variant"),
            ("{", "EOF"),
        ] {
            let (_, found) = read_line(text).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
    }
}
