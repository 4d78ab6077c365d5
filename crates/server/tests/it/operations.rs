//! The operations of the server's own description, and requests made from templates: what a table needs to cover all of
//! them.

#![allow(unreachable_pub, reason = "words for tests")]

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;

use crate::harness::{Answer, Client, Harness};
use crate::make::items_of_map;

/// `GET /api/events/{event_id}`, …: every operation of `/api/openapi.json`.
pub async fn of_document(koyomi: &Harness) -> BTreeSet<String> {
    let document = koyomi.anonymous().get("/api/openapi.json").await.ok();
    let mut operations = BTreeSet::new();
    for (path, item) in items_of_map(&document["paths"]) {
        for (method, _) in items_of_map(item).iter().filter(|(method, _)| METHODS.contains(&method.as_str())) {
            operations.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    operations
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Every operation of the document must be in the table, and every row must be an operation.
pub async fn assert_covered<'t>(koyomi: &Harness, table: impl Iterator<Item = &'t str>) {
    let known = of_document(koyomi).await;
    let rows: BTreeSet<String> = table.map(str::to_owned).collect();
    let missing: Vec<_> = known.difference(&rows).collect();
    let unknown: Vec<_> = rows.difference(&known).collect();
    assert!(missing.is_empty(), "operations without a row in the table, add them: {missing:?}");
    assert!(unknown.is_empty(), "rows that are no operation of the document: {unknown:?}");
}

/// One event as iCalendar: goes as `text/calendar`.
pub const FILE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u@x\r\n\
    DTSTAMP:20260301T000000Z\r\nDTSTART:20260501T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// What stands for `{name}` in paths, queries and bodies.
pub type Names = BTreeMap<&'static str, String>;

/// Sends an operation, `GET /api/events/{event_id}`, with a query and a body (none when empty), all of them templates.
pub async fn send(client: &Client, names: &Names, operation: &str, query: &str, body: &str) -> Answer {
    let (method, path) = operation.split_once(' ').unwrap();
    let target = format!("{}{}", filled(path, names), filled(query, names));
    let body = (!body.is_empty()).then(|| filled(body, names));
    let calendar = body.as_ref().is_some_and(|body| body.starts_with("BEGIN:VCALENDAR"));
    let client = if calendar { &client.with("content-type", "text/calendar") } else { client };
    client.send(Method::from_bytes(method.as_bytes()).unwrap(), &target, body).await
}

fn filled(template: &str, names: &Names) -> String {
    let mut text = template.to_owned();
    for (name, value) in names {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    assert!(!text.contains("_id}"), "a name without a value: {text}");
    text
}
