//! What journeys need before they begin, made over HTTP as callers would make it.

#![allow(dead_code, unreachable_pub, reason = "words for tests, not all in use yet")]

use serde_json::{Value, json};

use crate::harness::{Client, Harness, Person};

/// A calendar in Tokyo.
pub async fn calendar(owner: &Client, name: &str) -> String {
    calendar_in(owner, name, "Asia/Tokyo").await
}

pub async fn calendar_in(owner: &Client, name: &str, zone: &str) -> String {
    let made = owner.post("/api/calendars", json!({ "name": name, "time_zone": zone })).await;
    id(&made.is(201).ok()).to_owned()
}

pub async fn share(owner: &Client, calendar: &str, with: &Person, role: &str) {
    let input = json!({ "user_id": with.id, "role": role });
    owner.post(&format!("/api/calendars/{calendar}/members"), input).await.is(201);
}

/// A room that one event at a time can have.
pub async fn room(admin: &Client, name: &str) -> String {
    let made = admin.post("/api/resources", json!({ "name": name, "kind": "room" })).await;
    id(&made.is(201).ok()).to_owned()
}

/// An event on Tuesday, 10 March 2026, 10:00 to 11:00 in Tokyo (01:00 to 02:00 UTC), unless `more` says otherwise.
pub async fn event(owner: &Client, calendar: &str, more: Value) -> Value {
    owner.post("/api/events", input(calendar, more)).await.is(201).ok()
}

/// What [`event`] sends.
pub fn input(calendar: &str, more: Value) -> Value {
    let mut input = json!({
        "calendar_id": calendar,
        "title": "Review",
        "start": at("2026-03-10T10:00:00", "Asia/Tokyo"),
    });
    if more["start"].is_null() {
        input["end"] = at("2026-03-10T11:00:00", "Asia/Tokyo");
    }
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

/// A clock reading in a zone.
pub fn at(local: &str, zone: &str) -> Value {
    json!({ "date_time": local, "time_zone": zone })
}

pub fn floating(local: &str) -> Value {
    json!({ "date_time": local })
}

pub fn day(date: &str) -> Value {
    json!({ "date": date })
}

#[track_caller]
pub fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}"))
}

#[track_caller]
pub fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap_or_else(|| panic!("no items in {page}"))
}

/// One field of every item, as text.
#[track_caller]
pub fn texts(page: &Value, field: &str) -> Vec<String> {
    items(page).iter().map(|item| item[field].as_str().unwrap_or("null").to_owned()).collect()
}

/// All items of a list, read page by page; each page but the last must be full.
pub async fn pages(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let first = format!("{path}{joint}limit={limit}");
    let (mut all, mut next) = (Vec::new(), first.clone());
    loop {
        let page = client.get(&next).await.ok();
        let items = items(&page);
        assert!(items.len() <= limit, "{} items on a page of {limit}", items.len());
        all.extend(items.iter().cloned());
        assert!(all.len() < 10_000, "{path} goes round in circles");
        let Some(cursor) = page["next_cursor"].as_str() else { return all };
        assert_eq!(items.len(), limit, "a page of {path} that is not the last one is short");
        next = format!("{first}&cursor={cursor}");
    }
}

/// When a resource is taken between two instants, as `from/to` pairs.
pub async fn busy(client: &Client, room: &str, from: &str, to: &str) -> Vec<String> {
    let path = format!("/api/resources/availability?from={from}&to={to}&ids={room}");
    let page = client.get(&path).await.ok();
    let found = &items(&page)[0];
    let busy: Vec<String> = found["busy"].as_array().unwrap().iter().map(span).collect();
    assert_eq!(found["free"], busy.is_empty());
    busy
}

/// `2026-03-10T01:00:00Z/2026-03-10T02:00:00Z`
pub fn span(of: &Value) -> String {
    format!("{}/{}", of["start_time"].as_str().unwrap(), of["end_time"].as_str().unwrap())
}

/// How many rows each table of events has, and how far the heads have come: the same before and after what was refused.
pub async fn traces(koyomi: &Harness) -> Vec<i64> {
    let counts: (i64, i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from events), (select count(*) from occurrences), (select count(*) from attendees),
                (select count(*) from reservations), (select count(*) from changes),
                (select count(*) from calendar_members), (select coalesce(sum(seq), 0)::bigint from heads)",
    )
    .fetch_one(&mut koyomi.sql().await)
    .await
    .unwrap();
    vec![counts.0, counts.1, counts.2, counts.3, counts.4, counts.5, counts.6]
}

/// The members of an object.
#[track_caller]
pub fn items_of_map(object: &Value) -> &serde_json::Map<String, Value> {
    object.as_object().unwrap_or_else(|| panic!("no object: {object}"))
}
