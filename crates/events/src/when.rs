use chrono::NaiveDateTime;
use kernel::{Failure, Result};
use recurrence::{Duration, Moment, Series, Zone};
use serde::Serialize;

use crate::Event;

/// When an event happens, as its record keeps it: wall time, zone, length, recurrence lines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct When {
    pub all_day: bool,
    pub start_local: NaiveDateTime,
    pub time_zone: Option<String>,
    pub end_time_zone: Option<String>,
    pub zone_rules: Vec<String>,
    pub duration_days: i32,
    pub duration_seconds: i64,
    pub recurrence: Vec<String>,
}

impl When {
    pub fn of(event: &Event) -> Self {
        Self {
            all_day: event.all_day,
            start_local: event.start_local,
            time_zone: event.time_zone.clone(),
            end_time_zone: event.end_time_zone.clone(),
            zone_rules: event.zone_rules.clone(),
            duration_days: event.duration_days,
            duration_seconds: event.duration_seconds,
            recurrence: event.recurrence.clone(),
        }
    }

    pub fn duration(&self) -> Duration {
        Duration { days: self.duration_days, seconds: self.duration_seconds }
    }

    /// The recurrence set, with floating and all-day times anchored in the calendar's zone.
    pub fn series(&self, calendar_zone: &str) -> Result<Series> {
        let start = match (&self.time_zone, self.all_day) {
            (_, true) => Moment::Date(self.start_local.date()),
            (None, false) => Moment::Floating(self.start_local),
            (Some(name), false) => Moment::Zoned(self.start_local, zone_of(name, &self.zone_rules)?),
        };
        let lines = ical::parse_recurrence(&self.recurrence, &zone_texts(&self.zone_rules))
            .map_err(|error| Failure::invalid("/recurrence", error.to_string()))?;
        Ok(Series {
            start,
            duration: self.duration(),
            rules: lines.rules,
            rdates: lines.rdates,
            exdates: lines.exdates,
            anchor: zone_of(calendar_zone, &[])?,
        })
    }
}

/// A zone by its name: IANA's, or one defined by the VTIMEZONE texts that came with the event.
pub fn zone_of(name: &str, rules: &[String]) -> Result<Zone> {
    if let Some(zone) =
        rules.iter().filter_map(|text| ical::parse_vtimezone(text).ok()).find(|zone| zone.name() == name)
    {
        return Ok(zone);
    }
    Zone::iana(name).map_err(|error| Failure::invalid("/start/time_zone", error.to_string()))
}

/// The zones stored with an event, as the iCalendar reader takes them.
pub fn zone_texts(rules: &[String]) -> Vec<ical::ZoneText> {
    rules
        .iter()
        .filter_map(|text| {
            let zone = ical::parse_vtimezone(text).ok()?;
            Some(ical::ZoneText { tzid: zone.name().to_owned(), text: text.as_str().into() })
        })
        .collect()
}
