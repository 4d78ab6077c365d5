use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use recurrence::Zone;

use crate::component::{Component, Piece, Reader};
use crate::issue::quote;
use crate::vtimezone::{Definition, text_of};
use crate::{Error, Issue, Limit, Limits, Reason, ZoneText, parse_vtimezone, windows};

/// The time zones that an input defines for itself. A TZID is understood, in this order, as
///
/// 1. an IANA name, also behind a path (`/mozilla.org/20050126_1/Europe/Berlin`): then the bundled database is right,
///    whatever the VTIMEZONE says;
/// 2. what its VTIMEZONE defines. Where an IANA zone can be guessed (X-LIC-LOCATION, an IANA name in another case, a
///    Windows name) and tells the same time through 2020–2029, that zone is taken, else the VTIMEZONE's own rules:
///    Google has exported a "Europe/lisbon" that keeps the time of Madrid, and its UNTILs show that it means it;
/// 3. an IANA name in any case;
/// 4. a Windows name (CLDR).
///
/// A definition counts in its own VCALENDAR, and in the others where they have none of that name.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    /// By position of the VCALENDAR and TZID.
    defined: HashMap<(u64, String), Defined>,
    /// The first definition of each TZID.
    anywhere: HashMap<String, u64>,
    bytes: usize,
    computed: usize,
    issues: Vec<Issue>,
}

#[derive(Debug, Clone)]
struct Defined {
    zone: Zone,
    /// Where the zone cannot be had without it.
    text: Option<Arc<str>>,
    source: u64,
}

/// What a TZID stands for.
pub(crate) struct Resolved {
    pub zone: Zone,
    pub text: Option<ZoneText>,
}

/// Reads an input for its VTIMEZONEs only: they may come after the events that use them.
///
/// # Errors
/// [`Error::Io`] and [`Error::Limit`]. What is wrong with single definitions is among [`Zones::issues`].
pub fn scan_zones<R: BufRead>(input: R, limits: &Limits) -> Result<Zones, Error> {
    let mut zones = Zones::default();
    let mut reader = Reader::new(input, *limits);
    let mut calendar = 0;
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::CalendarBegins => calendar += 1,
            Piece::Component(component) if component.name == "VTIMEZONE" => zones.define(calendar, &component, limits),
            // the second reading reports them
            _ => {}
        }
    }
    Ok(zones)
}

impl Zones {
    /// The zones stored with an event.
    ///
    /// # Errors
    /// [`Error::Unusable`] when one of the texts is no VTIMEZONE.
    pub fn from_texts(texts: &[ZoneText]) -> Result<Self, Error> {
        let mut zones = Self::default();
        for ZoneText { tzid, text } in texts {
            let zone = parse_vtimezone(text)?;
            zones.insert(0, tzid.clone(), Defined { zone, text: Some(Arc::clone(text)), source: 0 });
        }
        Ok(zones)
    }

    /// What was wrong with the definitions.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    pub(crate) fn take_issues(&mut self) -> Vec<Issue> {
        std::mem::take(&mut self.issues)
    }

    pub(crate) fn resolve(&self, calendar: u64, tzid: &str) -> Option<Resolved> {
        let tzid = tzid.trim();
        let guess = by_name(tzid);
        if let Some((zone, true)) = guess {
            return Some(Resolved { zone, text: None });
        }
        let own = self.defined.get(&(calendar, tzid.to_owned()));
        let defined = own.or_else(|| self.defined.get(&(*self.anywhere.get(tzid)?, tzid.to_owned())));
        if let Some(Defined { zone, text, .. }) = defined {
            let text = text.clone().map(|text| ZoneText { tzid: tzid.to_owned(), text });
            return Some(Resolved { zone: zone.clone(), text });
        }
        let zone = guess.map(|(zone, _)| zone).or_else(|| by_windows_name(tzid))?;
        Some(Resolved { zone, text: None })
    }

    fn define(&mut self, calendar: u64, component: &Component, limits: &Limits) {
        let definition = Definition::read(&component.lines);
        let Some(tzid) = definition.tzid.clone() else {
            return self.bad_zone(component.line, "", "it has no TZID".to_owned());
        };
        if let Some((line, why)) = definition.fault.clone() {
            self.issue(line, Reason::BadObservance { tzid: quote(&tzid), why });
        }
        if let Some((line, reason)) = definition.reinterpreted.clone() {
            self.issue(line, reason);
        }
        let guess = by_name(&tzid);
        if matches!(guess, Some((_, true))) {
            return;
        }
        let source = digest(&component.lines);
        if let Some(first) = self.defined.get(&(calendar, tzid.clone())) {
            if first.source != source {
                self.issue(component.line, Reason::ZoneRedefined(quote(&tzid)));
            }
            return;
        }
        // those that come to nothing count too: each costs a computation
        if self.computed >= limits.zones {
            return self.issue(component.line, Reason::Limit(Limit::Zones(limits.zones)));
        }
        self.computed += 1;
        let location = definition.location.as_deref().and_then(by_name);
        let origin = location.or(guess).map(|(zone, _)| zone).or_else(|| by_windows_name(&tzid));
        let defined = match (definition.zone(), origin) {
            (Ok(zone), Some(origin)) if agree(&zone, &origin) => Defined { zone: origin, text: None, source },
            (Err(_), Some(origin)) => Defined { zone: origin, text: None, source },
            (Ok(zone), _) => Defined { zone, text: Some(text_of(&component.lines).into()), source },
            (Err(why), None) => return self.bad_zone(component.line, &tzid, why),
        };
        let bytes = tzid.len() + defined.text.as_ref().map_or(0, |text| text.len());
        if self.bytes + bytes > limits.zone_bytes {
            return self.issue(component.line, Reason::Limit(Limit::ZoneBytes(limits.zone_bytes)));
        }
        self.bytes += bytes;
        self.insert(calendar, tzid, defined);
    }

    fn insert(&mut self, calendar: u64, tzid: String, defined: Defined) {
        self.anywhere.entry(tzid.clone()).or_insert(calendar);
        self.defined.insert((calendar, tzid), defined);
    }

    fn bad_zone(&mut self, line: u64, tzid: &str, why: String) {
        self.issue(line, Reason::BadZone { tzid: quote(tzid), why });
    }

    fn issue(&mut self, line: u64, reason: Reason) {
        self.issues.push(Issue { line, component: Some("VTIMEZONE".to_owned()), uid: None, reason });
    }
}

/// The IANA zone that a name or what follows a vendor's prefix stands for, and whether it is spelled as in the database.
pub(crate) fn by_name(tzid: &str) -> Option<(Zone, bool)> {
    // the longest IANA name has 32 bytes
    if tzid.len() > 255 {
        return None;
    }
    let rooted = tzid.starts_with('/');
    let behind_a_path = tzid
        .match_indices('/')
        .map(|(at, _)| &tzid[at + 1..])
        // one word ("UTC", "Japan") is believed only where the path says that it is one
        .filter(|name| rooted || name.contains('/'));
    std::iter::once(tzid).chain(behind_a_path).find_map(|name| {
        let zone = Zone::iana(name).ok()?;
        let exact = zone.name() == name;
        Some((zone, exact))
    })
}

fn by_windows_name(tzid: &str) -> Option<Zone> {
    Zone::iana(windows::iana(tzid)?).ok()
}

/// Whether two zones tell the same time through 2020–2029: week by week, and around each change.
fn agree(zone: &Zone, iana: &Zone) -> bool {
    const FROM: i64 = 1_577_836_800;
    const TO: i64 = 1_893_456_000;
    const WEEK: usize = 7 * 86_400;
    let Ok(known) = jiff::tz::TimeZoneDatabase::bundled().get(iana.name()) else {
        return false;
    };
    let from = jiff::Timestamp::from_second(FROM).unwrap_or_default();
    let changes = known
        .following(from)
        .map(|change| change.timestamp().as_second())
        .take_while(|at| *at < TO)
        .flat_map(|at| [at - 1, at]);
    (FROM..TO)
        .step_by(WEEK)
        .chain(changes)
        .filter_map(|at| DateTime::<Utc>::from_timestamp(at, 0))
        .all(|at| zone.to_local(at) == iana.to_local(at))
}

fn digest(lines: &[crate::lines::Line]) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for line in lines {
        hasher.update(line.text.as_bytes());
        hasher.update(b"\n");
    }
    hasher.digest()
}
