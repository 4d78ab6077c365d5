//! Times as JSON, and what a RECURRENCE-ID means on the clock of its series.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use events::{When, zone_of};
use recurrence::{Budget, Moment, Series, Zone};
use serde::{Deserialize, Serialize};

/// `{"date": "2026-11-22"}`, or `{"date_time": "2026-11-22T10:00:00", "time_zone": "Asia/Tokyo"}` with the zone absent for
/// floating time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonTime {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) date_time: Option<NaiveDateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time_zone: Option<String>,
}

impl From<&Moment> for JsonTime {
    fn from(moment: &Moment) -> Self {
        let (date, date_time, time_zone) = match moment {
            Moment::Date(date) => (Some(*date), None, None),
            Moment::Floating(local) => (None, Some(*local), None),
            Moment::Zoned(local, zone) => (None, Some(*local), Some(zone.name().to_owned())),
        };
        Self { date, date_time, time_zone }
    }
}

impl JsonTime {
    /// `rules` are the VTIMEZONEs of the zones that IANA does not know.
    pub(super) fn moment(&self, rules: &[String]) -> Result<Moment, String> {
        match (self.date, self.date_time, &self.time_zone) {
            (Some(date), None, None) if in_years(date) => Ok(Moment::Date(date)),
            (None, Some(local), _) if local.nanosecond() != 0 => {
                Err("date_time must be in whole seconds: iCalendar knows no parts of them".into())
            }
            (None, Some(local), None) if in_years(local.date()) => Ok(Moment::Floating(local)),
            (None, Some(local), Some(name)) if in_years(local.date()) => {
                let zone = zone_of(name, rules).map_err(|failure| failure.message().to_owned())?;
                Ok(Moment::Zoned(local, zone))
            }
            (Some(_), None, None) | (None, Some(_), _) => Err("must lie in the years 1 to 9998".into()),
            _ => Err("needs either date (all-day, without a zone) or date_time".into()),
        }
    }
}

fn in_years(date: NaiveDate) -> bool {
    (1..=9998).contains(&date.year())
}

/// The start of a record.
pub(super) fn start_of(when: &When) -> kernel::Result<Moment> {
    at(when, when.start_local)
}

/// A reading of a record's clock in the form of its start.
pub(super) fn at(when: &When, local: NaiveDateTime) -> kernel::Result<Moment> {
    Ok(match &when.time_zone {
        _ if when.all_day => Moment::Date(local.date()),
        Some(name) => Moment::Zoned(local, zone_of(name, &when.zone_rules)?),
        None => Moment::Floating(local),
    })
}

/// What makes two RECURRENCE-IDs of one UID the same where no series says on which clock to read them: the instant, the
/// day, or the reading.
pub(super) fn key(id: &Moment) -> (u8, i64) {
    match id {
        Moment::Date(_) => (0, id.local().and_utc().timestamp()),
        Moment::Floating(local) => (1, local.and_utc().timestamp()),
        Moment::Zoned(local, zone) => (2, zone.to_utc(*local).timestamp()),
    }
}

/// The occurrence of a series that starts at `start` which a RECURRENCE-ID means, in the series' wall time. `anchor` is
/// the calendar's zone. Read as `recurrence` reads an EXDATE, so that both name the same occurrence.
pub(crate) fn identity(id: &Moment, start: &Moment, anchor: &Zone) -> NaiveDateTime {
    match (start, id) {
        (Moment::Date(_), Moment::Date(day)) => day.and_time(NaiveTime::MIN),
        // a midnight in any zone is a date that lost its VALUE=DATE
        (Moment::Date(_), _) if id.local().time() == NaiveTime::MIN => id.local(),
        (Moment::Date(_), _) => reading(id, anchor).date().and_time(NaiveTime::MIN),
        (_, Moment::Date(day)) => day.and_time(start.local().time()),
        _ => reading(id, start.zone(anchor)),
    }
}

/// What the clock of `zone` shows at a moment; floating times hang on it already.
fn reading(moment: &Moment, zone: &Zone) -> NaiveDateTime {
    match moment {
        Moment::Zoned(local, own) if own != zone => zone.to_local(own.to_utc(*local)),
        _ => moment.local(),
    }
}

/// As [`identity`], but for an occurrence that the clock skipped: 02:30 on the day summer time begins takes place at
/// what is then 03:30, and a RECURRENCE-ID in UTC says only that.
pub(super) fn identity_in(id: &Moment, series: &Series) -> NaiveDateTime {
    let plain = identity(id, &series.start, &series.anchor);
    let zone = series.start.zone(&series.anchor);
    if !matches!(id, Moment::Zoned(_, own) if own != zone) || series.start.is_date() {
        return plain;
    }
    let is_member = |local| series.matches(local, Budget::default()).unwrap_or(false);
    let instant = zone.to_utc(plain);
    let skipped = [30, 60, 120]
        .into_iter()
        .map(|minutes| plain - TimeDelta::minutes(minutes))
        .find(|local| zone.to_utc(*local) == instant && is_member(*local));
    match skipped {
        Some(local) if !is_member(plain) => local,
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn zoned(text: &str, zone: &str) -> Moment {
        Moment::Zoned(local(text), Zone::iana(zone).unwrap())
    }

    #[test]
    fn a_recurrence_id_is_read_on_the_clock_of_its_series() {
        let utc = Zone::utc();
        let berlin = zoned("2026-07-01T10:00:00", "Europe/Berlin");
        let day = Moment::Date("2026-07-02".parse().unwrap());
        let cases = [
            (zoned("2026-07-02T08:00:00", "UTC"), &berlin, "2026-07-02T10:00:00"),
            (zoned("2026-07-02T10:00:00", "Europe/Berlin"), &berlin, "2026-07-02T10:00:00"),
            (Moment::Floating(local("2026-07-02T10:00:00")), &berlin, "2026-07-02T10:00:00"),
            (day.clone(), &berlin, "2026-07-02T10:00:00"),
            (day.clone(), &Moment::Date("2026-07-01".parse().unwrap()), "2026-07-02T00:00:00"),
            (zoned("2026-07-02T00:00:00", "Asia/Tokyo"), &day, "2026-07-02T00:00:00"),
            (zoned("2026-07-01T23:30:00", "America/New_York"), &day, "2026-07-02T00:00:00"),
        ];
        for (id, start, expected) in cases {
            assert_eq!(identity(&id, start, &utc), local(expected), "{id:?} of {start:?}");
        }
    }

    #[test]
    fn an_occurrence_in_the_hour_that_is_skipped_is_found_by_its_instant() {
        let series = Series {
            start: zoned("2026-03-27T02:30:00", "Europe/Berlin"),
            duration: recurrence::Duration::ZERO,
            rules: vec![recurrence::Rule::parse("FREQ=DAILY").unwrap()],
            rdates: Vec::new(),
            exdates: Vec::new(),
            anchor: Zone::utc(),
        };
        let of = |text| identity_in(&zoned(text, "UTC"), &series);
        assert_eq!(of("2026-03-29T01:30:00"), local("2026-03-29T02:30:00"));
        assert_eq!(of("2026-03-30T00:30:00"), local("2026-03-30T02:30:00"));
    }

    #[test]
    fn json_times_refuse_what_icalendar_cannot_say() {
        let time = |text: &str| serde_json::from_str::<JsonTime>(text).unwrap().moment(&[]);
        assert_eq!(time(r#"{"date":"2026-11-22"}"#), Ok(Moment::Date("2026-11-22".parse().unwrap())));
        assert!(time(r#"{"date_time":"2026-11-22T10:00:00.5"}"#).is_err());
        assert!(time(r#"{"date":"9999-01-01"}"#).is_err());
        assert!(time(r#"{"date":"2026-11-22","time_zone":"UTC"}"#).is_err());
        assert!(time(r#"{"date_time":"2026-11-22T10:00:00","time_zone":"Mars/Olympus"}"#).is_err());
        assert!(time("{}").is_err());
    }
}
