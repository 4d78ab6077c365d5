use std::fmt::Write as _;

use chrono::NaiveDateTime;
use recurrence::{Observance, Rule, Zone};

use crate::issue::quote;
use crate::lines::{Line, Lines};
use crate::property::{Boundary, Property, boundary, unescape};
use crate::{Error, Issue, Limits, Reason, value};

/// A VTIMEZONE (RFC 5545 §3.6.5) as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Definition {
    pub tzid: Option<String>,
    /// X-LIC-LOCATION: the IANA zone it was made from, as libical and its descendants write it.
    pub location: Option<String>,
    pub observances: Vec<Observance>,
    /// The first observance that could not be used, and why.
    pub fault: Option<(u64, String)>,
    /// The first time that was read otherwise than written.
    pub reinterpreted: Option<(u64, Reason)>,
}

/// Observances taken from one VTIMEZONE; a full history of a zone has about 200.
const MAX_OBSERVANCES: usize = 1_000;

impl Definition {
    /// Reads what stands between BEGIN:VTIMEZONE and END:VTIMEZONE.
    pub(crate) fn read(lines: &[Line]) -> Self {
        let mut definition = Self::default();
        // the open STANDARD or DAYLIGHT, or the depth of something else
        let mut open: Option<(u64, Draft)> = None;
        let mut depth = 0_usize;
        for line in lines {
            match boundary(&line.text) {
                Some((Boundary::Begin, name)) => {
                    depth += 1;
                    let is_observance = ["STANDARD", "DAYLIGHT"].iter().any(|o| o.eq_ignore_ascii_case(name));
                    if depth == 1 && is_observance {
                        open = Some((line.number, Draft::default()));
                    }
                }
                Some((Boundary::End, _)) => {
                    depth = depth.saturating_sub(1);
                    if let (0, Some((number, draft))) = (depth, open.take_if(|_| depth == 0)) {
                        match draft.finish() {
                            Ok(_) if definition.observances.len() >= MAX_OBSERVANCES => {
                                definition.fault = Some((number, format!("more than {MAX_OBSERVANCES} observances")));
                                return definition;
                            }
                            Ok(observance) => definition.observances.push(observance),
                            Err(why) => {
                                definition.fault.get_or_insert((number, why));
                            }
                        }
                    }
                }
                None => {
                    let Some(property) = Property::parse(&line.text) else { continue };
                    match (depth, &mut open) {
                        (0, _) => definition.property(&property),
                        (1, Some((_, draft))) => {
                            if let Some(reason) = draft.property(&property) {
                                definition.reinterpreted.get_or_insert((line.number, reason));
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        definition
    }

    fn property(&mut self, property: &Property<'_>) {
        let slot = if property.is("TZID") {
            &mut self.tzid
        } else if property.is("X-LIC-LOCATION") {
            &mut self.location
        } else {
            return;
        };
        slot.get_or_insert_with(|| unescape(property.value.trim()));
    }

    /// The zone its observances make.
    pub(crate) fn zone(self) -> Result<Zone, String> {
        let name = self.tzid.ok_or("it has no TZID")?;
        if self.observances.is_empty() {
            return Err("it has no STANDARD or DAYLIGHT that can be used".to_owned());
        }
        Zone::custom(&name, self.observances).map_err(|error| error.to_string())
    }
}

#[derive(Debug, Default)]
struct Draft {
    onset: Option<NaiveDateTime>,
    offset_from: Option<i32>,
    offset_to: Option<i32>,
    rule: Option<Rule>,
    rdates: Vec<NaiveDateTime>,
    fault: Option<String>,
}

impl Draft {
    fn property(&mut self, property: &Property<'_>) -> Option<Reason> {
        let text = property.value.trim();
        let mut reinterpreted = None;
        let mut local_time = |text: &str| {
            let (local, taken) = local_time(text)?;
            reinterpreted = taken;
            Some(local)
        };
        match property.name.to_ascii_uppercase().as_str() {
            "DTSTART" => self.onset = self.read(property, local_time(text)),
            "TZOFFSETFROM" => self.offset_from = self.read(property, value::utc_offset(text)),
            "TZOFFSETTO" => self.offset_to = self.read(property, value::utc_offset(text)),
            "RRULE" => match Rule::parse(text) {
                Ok(rule) => self.rule = Some(rule),
                Err(error) => {
                    self.fault.get_or_insert(format!("RRULE: {error}"));
                }
            },
            "RDATE" => {
                for piece in text.split(',') {
                    let onset = piece.split('/').next().unwrap_or(piece);
                    if let Some(onset) = self.read(property, local_time(onset)) {
                        self.rdates.push(onset);
                    }
                }
            }
            _ => {}
        }
        reinterpreted.map(|taken| Reason::Reinterpreted {
            property: property.name.to_ascii_uppercase(),
            value: quote(text),
            expected: "a local DATE-TIME",
            taken,
        })
    }

    fn read<T>(&mut self, property: &Property<'_>, value: Option<T>) -> Option<T> {
        if value.is_none() {
            let name = property.name.to_ascii_uppercase();
            self.fault.get_or_insert(format!("{name} cannot be read: {:?}", quote(property.value)));
        }
        value
    }

    fn finish(self) -> Result<Observance, String> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        Ok(Observance {
            onset: self.onset.ok_or("an observance has no DTSTART")?,
            offset_from: self.offset_from.ok_or("an observance has no TZOFFSETFROM")?,
            offset_to: self.offset_to.ok_or("an observance has no TZOFFSETTO")?,
            rule: self.rule,
            rdates: self.rdates,
        })
    }
}

/// The RFC wants a local DATE-TIME; a DATE and a Z are met too. Also says as what the text was taken, if not as that.
fn local_time(text: &str) -> Option<(NaiveDateTime, Option<&'static str>)> {
    match value::date_time(text) {
        Some((local, false)) => Some((local, None)),
        Some((local, true)) => Some((local, Some("the local time before the Z"))),
        None => Some((value::date(text)?.and_time(chrono::NaiveTime::MIN), Some("midnight of a DATE"))),
    }
}

/// The VTIMEZONE as text, unfolded.
pub(crate) fn text_of(lines: &[Line]) -> String {
    let mut text = String::from("BEGIN:VTIMEZONE\n");
    for line in lines.iter().filter(|line| !line.text.is_empty()) {
        let _ = writeln!(text, "{}", line.text);
    }
    text.push_str("END:VTIMEZONE");
    text
}

/// The zone of a stored VTIMEZONE ([`crate::ZoneText`]); folded and unfolded text are both understood.
///
/// # Errors
/// [`Error::Unusable`] when the text holds no VTIMEZONE, or one without a TZID or a usable STANDARD or DAYLIGHT.
pub fn parse_vtimezone(text: &str) -> Result<Zone, Error> {
    let unusable = |line, tzid: Option<String>, why| {
        Error::Unusable(Box::new(Issue {
            line,
            component: Some("VTIMEZONE".to_owned()),
            uid: None,
            reason: Reason::BadZone { tzid: quote(&tzid.unwrap_or_default()), why },
        }))
    };
    let mut lines = Lines::new(text.as_bytes(), &Limits::default());
    let mut inside = Vec::new();
    let mut begin = None;
    while let Some(line) = lines.next()? {
        match boundary(&line.text) {
            Some((kind, name)) if name.eq_ignore_ascii_case("VTIMEZONE") => match kind {
                Boundary::Begin => begin = Some(line.number),
                Boundary::End => break,
            },
            _ if begin.is_some() => inside.push(line),
            _ => {}
        }
    }
    let Some(begin) = begin else {
        return Err(unusable(1, None, "there is no BEGIN:VTIMEZONE".to_owned()));
    };
    let definition = Definition::read(&inside);
    let tzid = definition.tzid.clone();
    definition.zone().map_err(|why| unusable(begin, tzid, why))
}
