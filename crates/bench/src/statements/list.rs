use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

#[derive(Serialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    pub(crate) next_cursor: Option<&'static str>,
}

/// As `fields=` of the benchmark's list wants it.
#[derive(Serialize)]
pub(crate) struct Item {
    pub(crate) id: Uuid,
    calendar_id: Uuid,
    title: String,
    location: Option<String>,
    status: String,
    start: Moment,
    end: Moment,
    pub(crate) start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    organizer_name: Option<String>,
    attendee_count: i64,
    room_name: Option<String>,
}

/// In its own terms.
#[derive(Serialize)]
#[serde(untagged)]
enum Moment {
    Day { date: NaiveDate },
    Time { date_time: NaiveDateTime, time_zone: Option<String> },
}

impl Moment {
    fn of(all_day: bool, local: NaiveDateTime, time_zone: Option<String>) -> Self {
        if all_day { Self::Day { date: local.date() } } else { Self::Time { date_time: local, time_zone } }
    }
}

/// Wall time is the original one and the length: a little less than koyomi computes.
pub(crate) fn item(row: &Row) -> anyhow::Result<Item> {
    let (start_time, end_time): (DateTime<Utc>, DateTime<Utc>) = (row.try_get("start_time")?, row.try_get("end_time")?);
    let (all_day, zone): (bool, Option<String>) = (row.try_get("all_day")?, row.try_get("time_zone")?);
    let local: NaiveDateTime = row.try_get("original_start")?;
    let ends = local + (end_time - start_time);
    Ok(Item {
        id: row.try_get("id")?,
        calendar_id: row.try_get("calendar_id")?,
        title: row.try_get("title")?,
        location: row.try_get("location")?,
        status: row.try_get("status")?,
        start: Moment::of(all_day, local, zone.clone()),
        end: Moment::of(all_day, ends, zone),
        start_time,
        end_time,
        organizer_name: row.try_get("organizer_name")?,
        attendee_count: row.try_get("attendee_count")?,
        room_name: row.try_get("room_name")?,
    })
}
