mod fold;
mod lines;
mod zone;

use std::collections::HashMap;
use std::io::{self, Write};

use chrono::{DateTime, Utc};
use recurrence::{Moment, Zone};

use crate::length::End;
use crate::property::{Property, boundary, escape};
use crate::value::{write_date_time, write_duration};
use crate::{Calendar, Event, Transparency, fields};
use fold::write_line;
use lines::{EventLines, Extra};

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// DTSTAMP of events that have none; RFC 5545 §3.6.1 demands one, so it should be given.
    pub stamp: Option<DateTime<Utc>>,
    /// The year from which the VTIMEZONEs of IANA zones hold: that of the first event, at the latest.
    pub zones_from: i32,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { stamp: None, zones_from: 1970 }
    }
}

const PRODID: &str = "-//koyomi//koyomi//EN";

/// Writes one VCALENDAR, event by event: CRLF, folded at 75 octets, each VTIMEZONE before the first event that needs it.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    options: WriteOptions,
    /// Digests of the definitions written under each TZID. The first stands under its own name, a different one of the
    /// same name under a numbered one.
    zones: HashMap<String, Vec<u64>>,
}

impl<W: Write> Writer<W> {
    /// Begins the calendar.
    ///
    /// # Errors
    /// Those of `out`, as for all methods.
    pub fn new(out: W, calendar: &Calendar, options: WriteOptions) -> io::Result<Self> {
        let mut writer = Self { out, options, zones: HashMap::new() };
        writer.line("BEGIN:VCALENDAR")?;
        writer.line("VERSION:2.0")?;
        writer.text("PRODID", calendar.prodid.as_deref().unwrap_or(PRODID))?;
        writer.line("CALSCALE:GREGORIAN")?;
        let named = [
            ("METHOD", &calendar.method),
            ("X-WR-CALNAME", &calendar.name),
            ("X-WR-CALDESC", &calendar.description),
            ("X-WR-TIMEZONE", &calendar.time_zone),
            ("COLOR", &calendar.color),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                writer.text(name, value)?;
            }
        }
        for line in &calendar.extra {
            if Property::parse(line).is_some() && boundary(line).is_none() {
                writer.line(line)?;
            }
        }
        Ok(writer)
    }

    /// Writes an event, with [`Event::recurrence`] as it stands and what [`Event::extra`] adds.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        self.write(event, event.recurrence_id.as_ref())
    }

    /// Writes an override of a series: its RECURRENCE-ID takes the form of the series' DTSTART, as RFC 5545 §3.8.4.4
    /// demands, whatever form it is stored in.
    pub fn override_of(&mut self, series: &Event, event: &Event) -> io::Result<()> {
        let id = event.recurrence_id.as_ref().map(|id| in_form_of(id, &series.start));
        self.write(event, id.as_ref())
    }

    /// Ends the calendar and gives the output back, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.line("END:VCALENDAR")?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        write_line(&mut self.out, line)
    }

    fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.line(&format!("{name}:{}", escape(text)))
    }

    fn write(&mut self, event: &Event, recurrence_id: Option<&Moment>) -> io::Result<()> {
        let names = self.define_zones(event, recurrence_id)?;
        let extra = Extra::of(event, &names);
        let mut lines = EventLines { lines: Vec::new(), originals: extra.originals };

        lines.push(fields::write_text("UID", &event.uid), |p| fields::text(p).value == event.uid);
        if let Some(id) = recurrence_id {
            lines.time(names.time("RECURRENCE-ID", id));
        }
        if event.sequence != 0 {
            lines.push(format!("SEQUENCE:{}", event.sequence), |_| false);
        }
        let stamp = event.dtstamp.or(self.options.stamp);
        for (name, at) in [("DTSTAMP", stamp), ("CREATED", event.created), ("LAST-MODIFIED", event.last_modified)] {
            if let Some(at) = at {
                lines.push(format!("{name}:{}Z", write_date_time(at.naive_utc())), |_| false);
            }
        }
        lines.time(names.time("DTSTART", &event.start));
        match End::of(&event.start, event.duration, event.end_zone.as_ref()) {
            End::Default => {}
            End::At(end) => lines.time(names.time("DTEND", &end)),
            End::After(length) => lines.push(format!("DURATION:{}", write_duration(length)), |_| false),
        }
        lines.lines.extend(event.recurrence.iter().map(|line| names.renamed(line)));
        let texts = [("SUMMARY", &event.summary), ("DESCRIPTION", &event.description), ("LOCATION", &event.location)];
        for (name, text) in texts {
            if let Some(text) = text {
                lines.push(fields::write_text(name, text), |p| fields::text(p).value == *text);
            }
        }
        if let Some(url) = &event.url {
            lines.push(fields::write_plain("URL", url), |p| fields::uri(p).value == *url);
        }
        if let Some(status) = event.status {
            let same = |p: &Property<'_>| fields::status(p).is_some_and(|read| read.value == status);
            lines.push(fields::write_status(status).to_owned(), same);
        }
        if let Some(class) = event.class {
            lines.push(fields::write_class(class).to_owned(), |p| fields::class(p).value == class);
        }
        let transparency = match event.transparency {
            Transparency::Opaque => "TRANSP:OPAQUE",
            Transparency::Transparent => "TRANSP:TRANSPARENT",
        };
        lines.push(transparency.to_owned(), |p| {
            fields::transparency(p).is_some_and(|read| read.value == event.transparency)
        });
        if let Some(organizer) = &event.organizer {
            let same = |p: &Property<'_>| fields::organizer(p).is_some_and(|read| read.value == *organizer);
            lines.push(fields::write_organizer(organizer), same);
        }
        for attendee in &event.attendees {
            let same = |p: &Property<'_>| fields::attendee(p).is_some_and(|read| read.value == *attendee);
            lines.push(fields::write_attendee(attendee), same);
        }

        self.line("BEGIN:VEVENT")?;
        for line in lines.lines {
            self.line(&line)?;
        }
        for line in extra.verbatim {
            self.line(line)?;
        }
        self.line("END:VEVENT")
    }

    /// Writes the definitions an event needs and that were not written yet.
    fn define_zones(&mut self, event: &Event, recurrence_id: Option<&Moment>) -> io::Result<ZoneNames> {
        let zone_of = |moment: &'_ Moment| match moment {
            Moment::Zoned(_, zone) => Some(zone.clone()),
            Moment::Date(_) | Moment::Floating(_) => None,
        };
        let used = [zone_of(&event.start), recurrence_id.and_then(zone_of), event.end_zone.clone()]
            .into_iter()
            .chain(event.rdates.iter().map(|date| zone_of(&date.start)))
            .chain(event.exdates.iter().map(zone_of))
            .flatten();
        let mut names = ZoneNames::default();
        let mut seen: Vec<Zone> = Vec::new();
        for zone in used {
            let Some(tzid) = fields::tzid(&zone) else { continue };
            if seen.contains(&zone) {
                continue;
            }
            let text = event.zones.iter().find(|text| text.tzid == tzid).map(|found| found.text.as_ref());
            let digest = text.map_or(0, |text| xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
            let digests = self.zones.entry(tzid.to_owned()).or_default();
            let known = digests.iter().position(|found| *found == digest);
            let position = known.unwrap_or(digests.len());
            if known.is_none() {
                digests.push(digest);
            }
            let name = if position == 0 { tzid.to_owned() } else { format!("{tzid} ({})", position + 1) };
            if known.is_none() {
                match text {
                    Some(text) => self.custom_zone(text, &name)?,
                    None => {
                        for line in zone::vtimezone(&name, self.options.zones_from).unwrap_or_default() {
                            self.line(&line)?;
                        }
                    }
                }
            }
            if position > 0 {
                names.renamed.push((tzid.to_owned(), name));
            }
            seen.push(zone);
        }
        Ok(names)
    }

    fn custom_zone(&mut self, text: &str, name: &str) -> io::Result<()> {
        for line in text.lines() {
            match Property::parse(line) {
                Some(property) if property.is("TZID") => self.text("TZID", name)?,
                Some(_) => self.line(line)?,
                None => {}
            }
        }
        Ok(())
    }
}

/// Under which names the zones of an event stand in this export.
#[derive(Debug, Default)]
struct ZoneNames {
    /// Only those that stand under another one than their own.
    renamed: Vec<(String, String)>,
}

impl ZoneNames {
    fn tzid<'a>(&'a self, zone: &'a Zone) -> Option<&'a str> {
        let own = fields::tzid(zone)?;
        Some(self.renamed.iter().find(|(from, _)| from == own).map_or(own, |(_, to)| to))
    }

    /// A line with its TZID as it stands here.
    fn renamed(&self, line: &str) -> String {
        if !self.renamed.is_empty()
            && let Some(property) = Property::parse(line)
            && let Some(tzid) = property.param("TZID")
            && let Some((_, to)) = self.renamed.iter().find(|(from, _)| *from == tzid)
        {
            return property.with_tzid(Some(to));
        }
        line.to_owned()
    }

    fn time(&self, name: &str, moment: &Moment) -> String {
        let tzid = match moment {
            Moment::Zoned(_, zone) => self.tzid(zone),
            Moment::Date(_) | Moment::Floating(_) => None,
        };
        fields::write_time(name, moment, tzid, "")
    }
}

/// A RECURRENCE-ID as the series would write that start.
fn in_form_of(id: &Moment, start: &Moment) -> Moment {
    match (start, id) {
        (Moment::Date(_), id) => Moment::Date(id.local().date()),
        (Moment::Zoned(_, zone), Moment::Zoned(local, own)) => {
            let local = if zone == own { *local } else { zone.to_local(own.to_utc(*local)) };
            Moment::Zoned(local, zone.clone())
        }
        (Moment::Zoned(_, zone), Moment::Floating(local)) => Moment::Zoned(*local, zone.clone()),
        (Moment::Zoned(series, zone), Moment::Date(day)) => Moment::Zoned(day.and_time(series.time()), zone.clone()),
        (Moment::Floating(series), Moment::Date(day)) => Moment::Floating(day.and_time(series.time())),
        (Moment::Floating(_), id) => Moment::Floating(id.local()),
    }
}
