//! Editing one occurrence, it and all behind it, or all of a series.

mod bookings;
mod following;
mod nonsense;
mod preview;
mod this;
mod whole;

use serde_json::Value;
use uuid::Uuid;

use crate::harness::{Client, Harness};
use crate::make::{at, id, items, texts};

/// A daily meeting on five days from Tuesday, 10 March 2026, 10:00 to 11:00 in Tokyo.
const DAILY: &str = "RRULE:FREQ=DAILY;COUNT=5";

fn tokyo(local: &str) -> Value {
    at(local, "Asia/Tokyo")
}

/// `…/events/{id}?scope=this&original_start=2026-03-11T10:00:00`
fn part(event: &Value, scope: &str, original_start: &str) -> String {
    format!("/api/events/{}?scope={scope}&original_start={original_start}", id(event))
}

fn path(event: &Value) -> String {
    format!("/api/events/{}", id(event))
}

/// When the occurrences of a series start: `11T10:00=11T12:00` where one is not at its original time, else `11T10:00`.
async fn occurrences(client: &Client, event: &Value) -> Vec<String> {
    let page = client.get(&format!("{}/occurrences?limit=500&from=2000-01-01T00:00:00Z", path(event))).await.ok();
    let mut shown: Vec<(String, String)> = Vec::new();
    for item in items(&page) {
        let start = item["start"]["date_time"].as_str().or(item["start"]["date"].as_str()).unwrap().to_owned();
        let original = item["original_start"].as_str().unwrap_or(&start).to_owned();
        let short = |text: &str| if text.len() > 10 { text[8..16].to_owned() } else { text[8..].to_owned() };
        let cancelled = if item["status"] == "cancelled" { " cancelled" } else { "" };
        let text = if original == start { short(&start) } else { format!("{}={}", short(&original), short(&start)) };
        shown.push((original, text + cancelled));
    }
    shown.sort();
    shown.into_iter().map(|(_, text)| text).collect()
}

/// Event, key and row version.
type Row = (Uuid, String, String);

/// The row versions of what is written down: what was not touched has the same ones.
async fn rows(koyomi: &Harness, table: &str) -> Vec<Row> {
    let key = if table == "reservations" { "id::text" } else { "start_time::text" };
    let sql = format!("select event_id, original_start::text || ' ' || {key}, xmin::text from {table} order by 1, 2");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(&mut koyomi.sql().await).await.unwrap()
}

/// Who comes to an event and what he answered.
async fn answers(client: &Client, event: &Value) -> Vec<(String, String)> {
    let page = client.get(&format!("{}/attendees", path(event))).await.ok();
    texts(&page, "email").into_iter().zip(texts(&page, "response_status")).collect()
}
