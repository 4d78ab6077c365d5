//! Time on the wire.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use recurrence::Moment;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::ToSchema;

/// A day (`date`), or a clock reading (`date_time`) in a zone; in floating time the zone is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventTime {
    /// For all-day events. The end is exclusive: one day long is the next day.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "date")]
    #[schema(nullable = false, value_type = Option<String>, format = "date", example = "2026-11-22")]
    date: Option<NaiveDate>,
    /// Local time, without an offset.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "date_time")]
    #[schema(nullable = false, value_type = Option<String>, example = "2026-11-22T10:00:00", pattern = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")]
    date_time: Option<NaiveDateTime>,
    /// IANA. Null or absent beside `date_time`: floating time, the same clock reading everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Asia/Tokyo")]
    time_zone: Option<String>,
}

impl From<Moment> for EventTime {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Date(date) => Self { date: Some(date), date_time: None, time_zone: None },
            Moment::Floating(local) => Self { date: None, date_time: Some(local), time_zone: None },
            Moment::Zoned(local, zone) => {
                Self { date: None, date_time: Some(local), time_zone: Some(zone.name().to_owned()) }
            }
        }
    }
}

impl From<EventTime> for koyomi::EventTime {
    fn from(time: EventTime) -> Self {
        Self { date: time.date, date_time: time.date_time, time_zone: time.time_zone }
    }
}

fn date<'de, D: Deserializer<'de>>(json: D) -> Result<Option<NaiveDate>, D::Error> {
    let Some(text) = Option::<String>::deserialize(json)? else { return Ok(None) };
    let read = (text.len() == 10).then(|| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()).flatten();
    read.map(Some).ok_or_else(|| D::Error::custom("must be a day that exists, like 2026-11-22"))
}

fn date_time<'de, D: Deserializer<'de>>(json: D) -> Result<Option<NaiveDateTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(json)? else { return Ok(None) };
    let read = (text.len() == 19).then(|| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S").ok()).flatten();
    // chrono takes second 60 for a leap second; calendars have none.
    let read = read.filter(|_| !text.ends_with(":60"));
    read.map(Some).ok_or_else(|| {
        D::Error::custom(
            "must be a local time like 2026-11-22T10:00:00, without an offset; the zone goes into time_zone",
        )
    })
}

/// An instant in a query string (RFC 3339).
pub(crate) fn instant<'de, D: Deserializer<'de>>(text: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(text)? else { return Ok(None) };
    // A plus sign that nobody escaped arrives as a space.
    let read = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|at| at.to_utc());
    read.map(Some)
        .map_err(|_| D::Error::custom("must be an instant like 2026-11-22T10:00:00Z or 2026-11-22T19:00:00+09:00"))
}
