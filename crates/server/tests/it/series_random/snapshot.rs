//! All that is kept of the events of a calendar.

#![allow(unreachable_pub, reason = "words for one test")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use events::When;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a record says, as far as it decides when something happens.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Record {
    pub id: Uuid,
    pub recurring_event_id: Option<Uuid>,
    pub original_start: Option<NaiveDateTime>,
    pub previous_series_id: Option<Uuid>,
    pub next_series_id: Option<Uuid>,
    pub uid: String,
    pub title: String,
    pub status: String,
    pub all_day: bool,
    pub start_local: NaiveDateTime,
    pub time_zone: Option<String>,
    pub end_time_zone: Option<String>,
    pub zone_rules: Vec<String>,
    pub duration_days: i32,
    pub duration_seconds: i64,
    pub recurrence: Vec<String>,
    pub expanded_until: Option<DateTime<Utc>>,
    pub recurrence_end: Option<DateTime<Utc>>,
    pub sequence: i32,
    pub seq: i64,
}

impl Record {
    pub fn when(&self) -> When {
        When {
            all_day: self.all_day,
            start_local: self.start_local,
            time_zone: self.time_zone.clone(),
            end_time_zone: self.end_time_zone.clone(),
            zone_rules: self.zone_rules.clone(),
            duration_days: self.duration_days,
            duration_seconds: self.duration_seconds,
            recurrence: self.recurrence.clone(),
        }
    }
}

/// A row of `occurrences` without its version.
pub type Occurrence = (Uuid, NaiveDateTime, DateTime<Utc>, DateTime<Utc>);
type Versioned = (Uuid, NaiveDateTime, DateTime<Utc>, DateTime<Utc>, String);

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Reservation {
    pub id: Uuid,
    pub event_id: Uuid,
    pub original_start: NaiveDateTime,
    pub start_time: DateTime<Utc>,
    pub end_time: DateTime<Utc>,
    pub status: String,
    pub version: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub zone: String,
    pub records: BTreeMap<Uuid, Record>,
    /// With their row versions.
    pub occurrences: BTreeMap<Occurrence, String>,
    pub reservations: Vec<Reservation>,
    /// Of live records: address and answer of every guest, with row ids.
    pub guests: BTreeMap<Uuid, Vec<(String, String, Uuid)>>,
    pub head: i64,
    pub changes: Vec<(i64, i32)>,
}

impl Snapshot {
    pub async fn take(sql: &mut PgConnection, calendar: &str) -> Self {
        let calendar = Uuid::parse_str(calendar).unwrap();
        let records: Vec<serde_json::Value> =
            sqlx::query_scalar("select to_jsonb(e) from events e where calendar_id = $1 and deleted_at is null")
                .bind(calendar)
                .fetch_all(&mut *sql)
                .await
                .unwrap();
        let records: Vec<Record> = records.into_iter().map(|r| serde_json::from_value(r).unwrap()).collect();
        let occurrences: Vec<Versioned> = sqlx::query_as(
            "select event_id, original_start, start_time, end_time, xmin::text from occurrences where calendar_id = $1",
        )
        .bind(calendar)
        .fetch_all(&mut *sql)
        .await
        .unwrap();
        let reservations = sqlx::query_as(
            "select v.id, v.event_id, v.original_start, v.start_time, v.end_time, v.status, v.xmin::text as version
             from reservations v join events e on e.id = v.event_id where e.calendar_id = $1 order by v.id",
        )
        .bind(calendar)
        .fetch_all(&mut *sql)
        .await
        .unwrap();
        let guests: Vec<(Uuid, String, String, Uuid)> = sqlx::query_as(
            "select a.event_id, a.email, a.response_status, a.id from attendees a join events e on e.id = a.event_id
             where e.calendar_id = $1 and e.deleted_at is null order by a.email",
        )
        .bind(calendar)
        .fetch_all(&mut *sql)
        .await
        .unwrap();
        let mut by_event: BTreeMap<Uuid, Vec<(String, String, Uuid)>> = BTreeMap::new();
        for (event, email, status, id) in guests {
            by_event.entry(event).or_default().push((email, status, id));
        }
        let (head, zone): (i64, String) = sqlx::query_as(
            "select h.seq, c.time_zone from heads h join calendars c on c.id = h.calendar_id where c.id = $1",
        )
        .bind(calendar)
        .fetch_one(&mut *sql)
        .await
        .unwrap();
        let changes = sqlx::query_as("select seq, n from changes where calendar_id = $1 order by seq, n")
            .bind(calendar)
            .fetch_all(&mut *sql)
            .await
            .unwrap();
        Self {
            zone,
            records: records.into_iter().map(|r| (r.id, r)).collect(),
            occurrences: occurrences.into_iter().map(|(e, o, s, t, v)| ((e, o, s, t), v)).collect(),
            reservations,
            guests: by_event,
            head,
            changes,
        }
    }

    /// Series and single events, in the order of their ids.
    pub fn masters(&self) -> Vec<&Record> {
        self.records.values().filter(|r| r.recurring_event_id.is_none()).collect()
    }

    pub fn overrides(&self, series: Uuid) -> Vec<&Record> {
        self.records.values().filter(|r| r.recurring_event_id == Some(series)).collect()
    }

    /// The occurrences of a series, those with a record of their own included: when each takes place.
    pub fn family(&self, series: Uuid) -> BTreeMap<NaiveDateTime, (DateTime<Utc>, DateTime<Utc>)> {
        let belongs =
            |id: &Uuid| *id == series || self.records.get(id).is_some_and(|r| r.recurring_event_id == Some(series));
        self.occurrences
            .keys()
            .filter(|(id, ..)| belongs(id))
            .map(|(_, at, start, end)| (*at, (*start, *end)))
            .collect()
    }
}
