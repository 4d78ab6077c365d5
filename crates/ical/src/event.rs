use std::borrow::Cow;

use chrono::{DateTime, Utc};
use recurrence::Moment;

use crate::component::Component;
use crate::fields::{self, Read};
use crate::issue::quote;
use crate::length::{End, length};
use crate::property::{Boundary, Property, boundary};
use crate::recurrence_lines::{Recurrence, ValueReader};
use crate::zones::Zones;
use crate::{Event, Issue, Reason, Transparency};

/// Reads a VEVENT. Without an event, the issues say why.
pub(crate) fn read(component: &Component, zones: &Zones, calendar: u64) -> (Option<Event>, Vec<Issue>) {
    let mut draft = Draft::new(ValueReader::new(zones, calendar));
    let mut depth = 0_usize;
    for line in component.lines.iter().filter(|line| !line.text.is_empty()) {
        match boundary(&line.text) {
            Some((Boundary::Begin, _)) => depth += 1,
            Some((Boundary::End, _)) => {
                depth = depth.saturating_sub(1);
                draft.nested.push(line.text.clone());
                continue;
            }
            None => {}
        }
        let Some(property) = Property::parse(&line.text) else {
            draft.reader.report(line.number, Reason::NotAContentLine(quote(&line.text)));
            continue;
        };
        if depth > 0 {
            draft.nested.push(line.text.clone());
            continue;
        }
        if property.malformed_param {
            let property = property.name.to_ascii_uppercase();
            draft.reader.report(line.number, Reason::MalformedParameter { property });
        }
        draft.property(line.number, property, &line.text);
    }
    let (event, found) = draft.finish(component);
    let mut issues = component.issues.clone();
    issues.extend(found);
    issues.sort_by_key(|issue| issue.line);
    let uid = event.as_ref().map(|event| event.uid.clone()).or_else(|| component.uid.clone());
    for issue in &mut issues {
        issue.component = Some(component.name.clone());
        issue.uid.clone_from(&uid);
    }
    (event, issues)
}

/// A property that is read when all have been seen.
type Later<'a> = Option<(u64, Property<'a>)>;

struct Draft<'a> {
    reader: ValueReader<'a>,
    uid: Option<String>,
    sequence: Option<i32>,
    dtstamp: Option<DateTime<Utc>>,
    created: Option<DateTime<Utc>>,
    last_modified: Option<DateTime<Utc>>,
    summary: Option<String>,
    description: Option<String>,
    location: Option<String>,
    url: Option<String>,
    status: Option<crate::Status>,
    class: Option<crate::Class>,
    transparency: Option<Transparency>,
    organizer: Option<crate::Organizer>,
    /// Also where it has no mail address.
    organizer_seen: bool,
    attendees: Vec<crate::Attendee>,
    /// Lines of known properties that say more than the model.
    originals: Vec<String>,
    /// Unknown properties.
    extra: Vec<String>,
    /// Sub-components.
    nested: Vec<String>,
    dtstart: Later<'a>,
    dtend: Later<'a>,
    duration: Later<'a>,
    recurrence_id: Later<'a>,
    recurrence: Vec<(u64, Property<'a>)>,
}

impl<'a> Draft<'a> {
    fn new(reader: ValueReader<'a>) -> Self {
        Self {
            reader,
            uid: None,
            sequence: None,
            dtstamp: None,
            created: None,
            last_modified: None,
            summary: None,
            description: None,
            location: None,
            url: None,
            status: None,
            class: None,
            transparency: None,
            organizer: None,
            organizer_seen: false,
            attendees: Vec::new(),
            originals: Vec::new(),
            extra: Vec::new(),
            nested: Vec::new(),
            dtstart: None,
            dtend: None,
            duration: None,
            recurrence_id: None,
            recurrence: Vec::new(),
        }
    }

    fn property(&mut self, line: u64, property: Property<'a>, original: &str) {
        let name = if property.name.bytes().any(|b| b.is_ascii_lowercase()) {
            Cow::Owned(property.name.to_ascii_uppercase())
        } else {
            Cow::Borrowed(property.name)
        };
        if self.is_taken(&name) {
            self.reader.report(line, Reason::Duplicate { property: name.into_owned() });
            return;
        }
        match name.as_ref() {
            "UID" => {
                let Read { value, complete } = fields::text(&property);
                if !value.trim().is_empty() {
                    self.uid = Some(value);
                    self.keep_unless(complete, original);
                }
            }
            "SUMMARY" => self.summary = Some(self.text(&property, original)),
            "DESCRIPTION" => self.description = Some(self.text(&property, original)),
            "LOCATION" => self.location = Some(self.text(&property, original)),
            "URL" => {
                let Read { value, complete } = fields::uri(&property);
                self.url = Some(value);
                self.keep_unless(complete, original);
            }
            "SEQUENCE" => match property.value.trim().parse() {
                Ok(sequence) if sequence >= 0 => self.sequence = Some(sequence),
                _ => self.reader.bad_value(line, &property, "a number from 0 to 2147483647 is needed"),
            },
            "DTSTAMP" => self.dtstamp = self.instant(line, &property),
            "CREATED" => self.created = self.instant(line, &property),
            "LAST-MODIFIED" => self.last_modified = self.instant(line, &property),
            "STATUS" => {
                let read = fields::status(&property);
                self.status =
                    self.choice(line, &property, original, read, "TENTATIVE, CONFIRMED or CANCELLED is needed");
            }
            "CLASS" => {
                let read = Some(fields::class(&property));
                self.class = self.choice(line, &property, original, read, "");
            }
            "TRANSP" => {
                let read = fields::transparency(&property);
                self.transparency = self.choice(line, &property, original, read, "OPAQUE or TRANSPARENT is needed");
            }
            "ORGANIZER" => {
                self.organizer_seen = true;
                match fields::organizer(&property) {
                    Some(Read { value, complete }) => {
                        self.organizer = Some(value);
                        self.keep_unless(complete, original);
                    }
                    None => self.extra.push(original.to_owned()),
                }
            }
            "ATTENDEE" => match fields::attendee(&property) {
                Some(Read { value, complete }) => {
                    self.attendees.push(value);
                    self.keep_unless(complete, original);
                }
                None => self.extra.push(original.to_owned()),
            },
            "DTSTART" => self.dtstart = Some((line, property)),
            "DTEND" => self.dtend = Some((line, property)),
            "DURATION" => self.duration = Some((line, property)),
            "RECURRENCE-ID" => self.recurrence_id = Some((line, property)),
            "RRULE" | "RDATE" | "EXDATE" => self.recurrence.push((line, property)),
            "EXRULE" => {
                let why = "RFC 5545 has withdrawn it";
                self.reader.report(line, Reason::NotApplied { property: name.into_owned(), why });
                self.extra.push(original.to_owned());
            }
            _ => self.extra.push(original.to_owned()),
        }
    }

    /// Whether a property that may stand once has been read.
    fn is_taken(&self, name: &str) -> bool {
        match name {
            "UID" => self.uid.is_some(),
            "SUMMARY" => self.summary.is_some(),
            "DESCRIPTION" => self.description.is_some(),
            "LOCATION" => self.location.is_some(),
            "URL" => self.url.is_some(),
            "SEQUENCE" => self.sequence.is_some(),
            "DTSTAMP" => self.dtstamp.is_some(),
            "CREATED" => self.created.is_some(),
            "LAST-MODIFIED" => self.last_modified.is_some(),
            "STATUS" => self.status.is_some(),
            "CLASS" => self.class.is_some(),
            "TRANSP" => self.transparency.is_some(),
            "ORGANIZER" => self.organizer_seen,
            "DTSTART" => self.dtstart.is_some(),
            "DTEND" => self.dtend.is_some(),
            "DURATION" => self.duration.is_some(),
            "RECURRENCE-ID" => self.recurrence_id.is_some(),
            _ => false,
        }
    }

    fn keep_unless(&mut self, complete: bool, original: &str) {
        if !complete {
            self.originals.push(original.to_owned());
        }
    }

    fn text(&mut self, property: &Property<'_>, original: &str) -> String {
        let Read { value, complete } = fields::text(property);
        self.keep_unless(complete, original);
        value
    }

    fn choice<T>(
        &mut self,
        line: u64,
        property: &Property<'_>,
        original: &str,
        read: Option<Read<T>>,
        needed: &str,
    ) -> Option<T> {
        match read {
            Some(Read { value, complete }) => {
                self.keep_unless(complete, original);
                Some(value)
            }
            None => {
                self.reader.bad_value(line, property, needed);
                None
            }
        }
    }

    /// DTSTAMP and its like: UTC by the RFC, in a zone with some producers, never without one.
    fn instant(&mut self, line: u64, property: &Property<'_>) -> Option<DateTime<Utc>> {
        match self.reader.moment(line, property)? {
            Moment::Zoned(local, zone) => Some(zone.to_utc(local)),
            Moment::Date(_) | Moment::Floating(_) => {
                self.reader.bad_value(line, property, "a time in UTC is needed");
                None
            }
        }
    }

    /// A time property; parameters of its own are kept in a line with them, otherwise as it will be written.
    fn moment(&mut self, later: Later<'a>) -> Option<(u64, Moment)> {
        let (line, property) = later?;
        let moment = self.reader.moment(line, &property)?;
        self.keep_params(&property, &moment);
        Some((line, moment))
    }

    fn keep_params(&mut self, property: &Property<'_>, moment: &Moment) {
        let params = property.params_besides(&fields::TIME_PARAMS);
        if !params.is_empty() {
            let tzid = match moment {
                Moment::Zoned(_, zone) => fields::tzid(zone),
                Moment::Date(_) | Moment::Floating(_) => None,
            };
            let name = property.name.to_ascii_uppercase();
            self.originals.push(fields::write_time(&name, moment, tzid, &params));
        }
    }

    fn finish(mut self, component: &Component) -> (Option<Event>, Vec<Issue>) {
        let dtstart = self.dtstart.take();
        let Some((start_line, start)) = self.moment(dtstart) else {
            self.reader.report(component.line, Reason::Missing { property: "DTSTART" });
            return (None, self.reader.issues);
        };
        let dtend = self.dtend.take();
        let end = dtend.as_ref().and_then(|(line, property)| Some((*line, self.reader.moment(*line, property)?)));
        let (duration, end_zone) = length(&mut self.reader, (start_line, &start), end, self.duration.take());
        if let (Some((_, property)), End::At(end)) = (dtend, End::of(&start, duration, end_zone.as_ref())) {
            self.keep_params(&property, &end);
        }
        if let Some((line, property)) = &self.recurrence_id
            && property.param("RANGE").is_some()
        {
            self.reader.report(*line, Reason::RangeNotApplied);
        }
        let is_override = self.recurrence_id.is_some();
        let recurrence_id = self.recurrence_id.take();
        let recurrence_id = self.moment(recurrence_id).map(|(_, moment)| moment);
        if is_override && recurrence_id.is_none() {
            // taken for a master it would replace the whole series
            self.reader.report(component.line, Reason::Missing { property: "RECURRENCE-ID" });
            return (None, self.reader.issues);
        }
        let mut typed = Recurrence::default();
        let mut lines = Vec::new();
        for (line, property) in std::mem::take(&mut self.recurrence) {
            if is_override {
                let why = "an override is one occurrence and does not recur";
                let name = property.name.to_ascii_uppercase();
                self.reader.report(line, Reason::NotApplied { property: name, why });
                self.extra.push(property.with_tzid(property.param("TZID").as_deref()));
            } else {
                lines.extend(typed.take(&mut self.reader, line, &property));
            }
        }
        let uid = self.uid.take().unwrap_or_else(|| {
            let uid = derived_uid(component);
            self.reader.report(component.line, Reason::DerivedUid(uid.clone()));
            uid
        });
        // the order in which they are written
        self.originals.sort_by_key(|line| fields::rank(line));
        let mut extra = self.originals;
        extra.append(&mut self.extra);
        extra.append(&mut self.nested);
        let event = Event {
            uid,
            recurrence_id,
            sequence: self.sequence.unwrap_or(0),
            dtstamp: self.dtstamp,
            created: self.created,
            last_modified: self.last_modified,
            summary: self.summary,
            description: self.description,
            location: self.location,
            url: self.url,
            status: self.status,
            class: self.class,
            transparency: self.transparency.unwrap_or_default(),
            start,
            duration,
            end_zone,
            rules: typed.rules,
            rdates: typed.rdates,
            exdates: typed.exdates,
            recurrence: lines,
            organizer: self.organizer,
            attendees: self.attendees,
            extra,
            zones: self.reader.used,
        };
        (Some(event), self.reader.issues)
    }
}

/// The same for the same content, in whatever file and at whatever time it is exported.
fn derived_uid(component: &Component) -> String {
    const VOLATILE: [&str; 4] = ["DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE"];
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for line in &component.lines {
        let name = line.text.split([':', ';']).next().unwrap_or_default();
        if !VOLATILE.iter().any(|volatile| volatile.eq_ignore_ascii_case(name)) {
            hasher.update(line.text.as_bytes());
            hasher.update(b"\n");
        }
    }
    format!("{:032x}@derived.koyomi", hasher.digest128())
}
