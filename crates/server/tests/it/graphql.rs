//! GraphQL: what REST shows, by the same doors, and at what price.

mod again;
mod dialects;
mod documents;
mod edges;
mod hostile;
mod questions;
mod sockets;
mod straight;
mod subscriptions;

use serde_json::{Value, json};

use crate::harness::{Answer, Client};

pub(crate) const STRICT: &str = "application/graphql-response+json";
pub(crate) const WINDOW: &str = r#"from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z""#;

pub(crate) async fn ask(client: &Client, query: &str) -> Answer {
    client.with("accept", STRICT).post("/graphql", json!({ "query": query })).await
}

/// The data of an answer without any error.
#[track_caller]
pub(crate) fn data(answer: &Answer) -> Value {
    let answer = answer.ok();
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    answer["data"].clone()
}

pub(crate) fn code(answer: &Answer) -> String {
    answer.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
}
