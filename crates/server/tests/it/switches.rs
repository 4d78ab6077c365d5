//! Kill switches: what is turned off is gone, and nothing else is.

use serde_json::json;

use crate::harness::{self, Mode, Socket};
use crate::make;

const ME: &str = "{ me { id } }";

#[tokio::test]
async fn without_graphql_there_is_rest() {
    let mut mode = Mode::plain();
    mode.graphql.enabled = false;
    let koyomi = harness::start_as(mode).await;
    let mio = koyomi.user("mio").await;
    mio.post("/graphql", json!({ "query": ME })).await.problem(404, "not_found");
    for path in ["/graphql", "/graphql/ws", "/graphiql"] {
        mio.get(path).await.problem(404, "not_found");
    }
    make::calendar(&mio, "Work").await;
    mio.get("/api/calendars").await.is(200);
}

#[tokio::test]
async fn without_subscriptions_there_are_questions() {
    let koyomi = harness::start_as(Mode { subscriptions: 0, ..Mode::plain() }).await;
    let mio = koyomi.user("mio").await;
    let refused = Socket::open(&koyomi.base, "graphql-transport-ws", &[]).await.err();
    assert_eq!(refused, Some(503));
    let events = mio.with("accept", "text/event-stream");
    let refused = events.post("/graphql", json!({ "query": "subscription { agendaChanged { token } }" })).await;
    refused.problem(503, "unavailable");
    assert!(refused.text().contains("0 subscriptions are open"), "{}", refused.text());
    let me = mio.post("/graphql", json!({ "query": ME })).await;
    assert_eq!(me.is(200).json()["data"]["me"]["id"], mio.id.to_string());
}
