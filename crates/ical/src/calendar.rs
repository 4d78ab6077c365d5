use crate::issue::quote;
use crate::lines::Line;
use crate::property::{Property, unescape};
use crate::zones::Zones;
use crate::{Calendar, Issue, Limit, Reason};

/// Collects the properties of a VCALENDAR.
#[derive(Debug)]
pub(crate) struct CalendarDraft {
    calendar: Calendar,
    /// The RFC 7986 property was seen, which goes before the older X- one.
    named: bool,
    described: bool,
    coloured: bool,
    /// Bytes that may still come.
    left: usize,
    limit: usize,
}

impl CalendarDraft {
    pub(crate) fn new(limit: usize) -> Self {
        Self { calendar: Calendar::default(), named: false, described: false, coloured: false, left: limit, limit }
    }

    pub(crate) fn property(&mut self, line: &Line) -> Option<Issue> {
        if line.text.is_empty() {
            return None;
        }
        let Some(property) = Property::parse(&line.text) else {
            return issue(line, Reason::NotAContentLine(quote(&line.text)));
        };
        let Some(left) = self.left.checked_sub(line.text.len()) else {
            return issue(line, Reason::Limit(Limit::ComponentBytes(self.limit)));
        };
        self.left = left;
        let text = || unescape(property.value.trim());
        let calendar = &mut self.calendar;
        match property.name.to_ascii_uppercase().as_str() {
            "VERSION" | "CALSCALE" => {}
            "PRODID" => calendar.prodid = Some(text()),
            "METHOD" => calendar.method = Some(text()),
            "NAME" => {
                calendar.name = Some(text());
                self.named = true;
            }
            "X-WR-CALNAME" if self.named => {}
            "X-WR-CALNAME" => calendar.name = Some(text()),
            "DESCRIPTION" => {
                calendar.description = Some(text());
                self.described = true;
            }
            "X-WR-CALDESC" if self.described => {}
            "X-WR-CALDESC" => calendar.description = Some(text()),
            "COLOR" => {
                calendar.color = Some(text());
                self.coloured = true;
            }
            "X-APPLE-CALENDAR-COLOR" if self.coloured => {}
            "X-APPLE-CALENDAR-COLOR" => calendar.color = Some(text()),
            "X-WR-TIMEZONE" => {
                let tzid = text();
                match Zones::default().resolve(0, &tzid) {
                    Some(resolved) => calendar.time_zone = Some(resolved.zone.name().to_owned()),
                    None => {
                        let reason = Reason::BadValue {
                            property: "X-WR-TIMEZONE".to_owned(),
                            value: quote(&tzid),
                            why: "a known time zone is needed".to_owned(),
                        };
                        return issue(line, reason);
                    }
                }
            }
            _ => calendar.extra.push(line.text.clone()),
        }
        None
    }

    /// A property that comes when the calendar has been handed out already.
    pub(crate) fn late(line: &Line) -> Option<Issue> {
        if line.text.is_empty() {
            return None;
        }
        let text = quote(&line.text);
        let is_property = Property::parse(&line.text).is_some();
        issue(line, if is_property { Reason::LateCalendarProperty(text) } else { Reason::NotAContentLine(text) })
    }

    pub(crate) fn finish(self) -> Calendar {
        self.calendar
    }
}

fn issue(line: &Line, reason: Reason) -> Option<Issue> {
    Some(Issue { line: line.number, component: Some("VCALENDAR".to_owned()), uid: None, reason })
}
