mod custom;
mod iana;
mod table;

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDateTime, Utc};

pub(crate) use table::Table;

use crate::{Error, Rule, civil};

/// A time zone: what turns a clock reading into an instant. Cloning is cheap; two zones are equal when they have the same
/// name and the same rules.
#[derive(Clone)]
pub struct Zone(Arc<Inner>);

#[derive(PartialEq)]
struct Inner {
    name: Box<str>,
    iana: bool,
    table: Table,
}

/// One STANDARD or DAYLIGHT of a VTIMEZONE (RFC 5545 §3.6.5).
#[derive(Debug, Clone, PartialEq)]
pub struct Observance {
    /// DTSTART: the local time of its first onset, on the clock that was right before it.
    pub onset: NaiveDateTime,
    /// TZOFFSETFROM in seconds east of UTC.
    pub offset_from: i32,
    /// TZOFFSETTO in seconds east of UTC.
    pub offset_to: i32,
    /// RRULE of further onsets.
    pub rule: Option<Rule>,
    /// RDATE: further onsets, as local times like `onset`.
    pub rdates: Vec<NaiveDateTime>,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Zone {
        static UTC: LazyLock<Zone> = LazyLock::new(|| Zone::new("UTC", true, Table::new(0, Vec::new())));
        UTC.clone()
    }

    /// A zone of the bundled IANA database, by its name in any case. Old names such as `US/Pacific` stay what they are.
    ///
    /// # Errors
    /// [`Error::UnknownZone`]
    pub fn iana(name: &str) -> Result<Zone, Error> {
        if name.eq_ignore_ascii_case("UTC") { Ok(Zone::utc()) } else { iana::zone(name) }
    }

    /// Every name [`Zone::iana`] knows.
    pub fn names() -> impl Iterator<Item = String> {
        iana::names()
    }

    /// A zone that a calendar file brought along. Its transitions are computed once, up to the year 2500; from then on the
    /// years 2100 to 2499 repeat.
    ///
    /// # Errors
    /// [`Error::InvalidZone`] without observances or with an offset of a day or more; [`Error::Limit`] and
    /// [`Error::BudgetExhausted`] when the rules are no yearly ones that make sense.
    pub fn custom(name: &str, observances: Vec<Observance>) -> Result<Zone, Error> {
        Ok(Zone::new(name, false, custom::table(name, &observances)?))
    }

    /// Its name, with the database's spelling when it is from there.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it is from the IANA database rather than from a calendar file.
    pub fn is_iana(&self) -> bool {
        self.0.iana
    }

    /// The instant of a clock reading. One that is skipped is later by the gap, one that exists twice is the first
    /// (RFC 5545 §3.3.5). Saturates at the ends of what can be written.
    pub fn to_utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let resolved = self.table().resolve(civil::seconds(local), &mut 0);
        civil::instant(resolved.utc)
    }

    /// What the clock reads at an instant. Saturates at the ends of what can be written.
    pub fn to_local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        civil::wall(self.table().local(instant.timestamp()))
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }

    fn new(name: &str, iana: bool, table: Table) -> Zone {
        Zone(Arc::new(Inner { name: name.into(), iana, table }))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || *self.0 == *other.0
    }
}

impl Eq for Zone {}

impl Debug for Zone {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name()).finish()
    }
}
