use std::sync::Arc;

use chrono::{DateTime, Utc};
use recurrence::{Duration, Moment, RecurrenceDate, Rule, Series, Zone};

/// A VEVENT (RFC 5545 §3.6.1) as a store wants it: typed where koyomi understands it, verbatim where it does not.
///
/// Whatever the model does not carry stays in [`Event::extra`], so that reading, writing and reading again gives the
/// same event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// UID; where the input has none, one derived from its content, the same at each reading.
    pub uid: String,
    /// For an override: the start its occurrence had in the series.
    pub recurrence_id: Option<Moment>,
    /// SEQUENCE, 0 where there is none.
    pub sequence: i32,
    /// DTSTAMP.
    pub dtstamp: Option<DateTime<Utc>>,
    /// CREATED.
    pub created: Option<DateTime<Utc>>,
    /// LAST-MODIFIED.
    pub last_modified: Option<DateTime<Utc>>,
    /// SUMMARY, unescaped.
    pub summary: Option<String>,
    /// DESCRIPTION, unescaped.
    pub description: Option<String>,
    /// LOCATION, unescaped.
    pub location: Option<String>,
    /// URL.
    pub url: Option<String>,
    /// STATUS; the RFC has no default.
    pub status: Option<Status>,
    /// CLASS; public where there is none.
    pub class: Option<Class>,
    /// TRANSP.
    pub transparency: Transparency,
    /// DTSTART.
    pub start: Moment,
    /// From DTEND, DURATION or the defaults of RFC 5545 §3.6.1: one day for a date, nothing for a time. Never negative.
    pub duration: Duration,
    /// The zone of DTEND where it is not that of DTSTART (a flight lands elsewhere).
    pub end_zone: Option<Zone>,
    /// RRULE.
    pub rules: Vec<Rule>,
    /// RDATE.
    pub rdates: Vec<RecurrenceDate>,
    /// EXDATE.
    pub exdates: Vec<Moment>,
    /// `rules`, `rdates` and `exdates` as unfolded content lines ("RRULE:FREQ=DAILY", "EXDATE;TZID=…:…"), as written
    /// but for their TZID, which names the zone as [`Zone`] does. [`crate::parse_recurrence`] reads them.
    pub recurrence: Vec<String>,
    /// ORGANIZER.
    pub organizer: Option<Organizer>,
    /// ATTENDEE, in their order.
    pub attendees: Vec<Attendee>,
    /// Everything else, as unfolded content lines in their order: unknown properties, whole sub-components from BEGIN
    /// to END, and the original of each known property that has parameters the model does not carry. Such an original
    /// is written back as long as it still says what the model says.
    pub extra: Vec<String>,
    /// Definitions of the zones used above that only the input knows; they must be stored with the event.
    pub zones: Vec<ZoneText>,
}

impl Event {
    /// The recurrence set; floating and all-day values are anchored in `anchor` to get UTC.
    pub fn series(&self, anchor: Zone) -> Series {
        Series {
            start: self.start.clone(),
            duration: self.duration,
            rules: self.rules.clone(),
            rdates: self.rdates.clone(),
            exdates: self.exdates.clone(),
            anchor,
        }
    }
}

/// STATUS of a VEVENT (RFC 5545 §3.8.1.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Tentative,
    Confirmed,
    Cancelled,
}

/// CLASS (RFC 5545 §3.8.1.3); a value it does not know is private, as the RFC demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Public,
    Private,
    Confidential,
}

/// TRANSP (RFC 5545 §3.8.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transparency {
    #[default]
    Opaque,
    Transparent,
}

/// ORGANIZER (RFC 5545 §3.8.4.3) with a mail address; one without stays in [`Event::extra`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organizer {
    /// Without `mailto:`.
    pub email: String,
    /// CN.
    pub name: Option<String>,
}

/// ATTENDEE (RFC 5545 §3.8.4.1) with a mail address; one without stays in [`Event::extra`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendee {
    /// Without `mailto:`.
    pub email: String,
    /// CN.
    pub name: Option<String>,
    /// PARTSTAT.
    pub participation: Participation,
    /// ROLE.
    pub role: Role,
    /// CUTYPE.
    pub kind: Kind,
}

/// PARTSTAT (RFC 5545 §3.2.12); a value it does not know is an open question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Participation {
    #[default]
    NeedsAction,
    Accepted,
    Declined,
    Tentative,
    Delegated,
}

/// ROLE (RFC 5545 §3.2.16); a value it does not know is a required participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    Chair,
    #[default]
    Required,
    Optional,
    NonParticipant,
}

/// CUTYPE (RFC 5545 §3.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    #[default]
    Individual,
    Group,
    Resource,
    Room,
    Unknown,
}

/// A VTIMEZONE that only its calendar knows; [`crate::parse_vtimezone`] reads it. Where a TZID has a text, the text says
/// what it means, even if it looks like an IANA name in another case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneText {
    /// As in the TZID of its VTIMEZONE, unescaped, which is the name of its [`Zone`].
    pub tzid: String,
    /// From BEGIN:VTIMEZONE to END:VTIMEZONE, unfolded lines joined by LF.
    pub text: Arc<str>,
}

/// The properties of a VCALENDAR (RFC 5545 §3.7, RFC 7986 §5, and what the big producers add).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// PRODID.
    pub prodid: Option<String>,
    /// METHOD (RFC 5546).
    pub method: Option<String>,
    /// NAME or X-WR-CALNAME.
    pub name: Option<String>,
    /// DESCRIPTION or X-WR-CALDESC.
    pub description: Option<String>,
    /// X-WR-TIMEZONE, as an IANA name where it can be understood: the zone its readers live in, not that of any event.
    pub time_zone: Option<String>,
    /// COLOR or X-APPLE-CALENDAR-COLOR.
    pub color: Option<String>,
    /// Every other property, as unfolded content lines.
    pub extra: Vec<String>,
}
