//! Documents by name, lists of what is allowed, and the switches of an operator.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{STRICT, ask, code, data};
use crate::harness::{self, Answer, Client, Mode};

const QUERY: &str = "{ me { email } }";

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn named(who: &Client, query: Option<&str>, hash: &str) -> Answer {
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    let body = match query {
        Some(query) => json!({ "query": query, "extensions": extensions }),
        None => json!({ "extensions": extensions }),
    };
    who.with("accept", STRICT).post("/graphql", body).await
}

#[tokio::test]
async fn a_document_that_was_sent_once_is_known_by_its_hash() {
    let koyomi = harness::start().await;
    let (mio, ken, eve) = (koyomi.user("mio").await, koyomi.user("ken").await, koyomi.stranger("other", "eve").await);
    let id = hash(QUERY);
    let unknown = named(&mio, None, &id).await;
    assert_eq!(
        (code(&unknown).as_str(), &unknown.json()["errors"][0]["message"]),
        ("PERSISTED_QUERY_NOT_FOUND", &json!("PersistedQueryNotFound"))
    );
    assert_eq!(data(&named(&mio, Some(QUERY), &id).await)["me"]["email"], mio.email);
    // By everybody of the tenant, each as himself; by nobody else.
    assert_eq!(data(&named(&ken, None, &id).await)["me"]["email"], ken.email);
    assert_eq!(code(&named(&eve, None, &id).await), "PERSISTED_QUERY_NOT_FOUND");
    let by_get = |id: &str| {
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": id } }).to_string();
        format!("/graphql?extensions={}", form_urlencoded::byte_serialize(extensions.as_bytes()).collect::<String>())
    };
    assert_eq!(data(&mio.with("accept", STRICT).get(&by_get(&id)).await)["me"]["email"], mio.email);
    // A hash of ours or none.
    for (query, id) in
        [(Some(QUERY), hash("{ me { id } }")), (Some(QUERY), "00".to_owned()), (None, "nothing".to_owned())]
    {
        assert_eq!(code(&named(&mio, query, &id).await), "malformed_request", "{id}");
    }
    // What is no document is not kept.
    named(&mio, Some("{ me"), &hash("{ me")).await.is(400);
    assert_eq!(code(&named(&mio, None, &hash("{ me")).await), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(code(&named(&koyomi.anonymous(), None, &id).await), "unauthenticated");
    // A hash that is known costs no statement more.
    assert_eq!(named(&mio, None, &id).await.statements(), ask(&mio, QUERY).await.statements());
}

#[tokio::test]
async fn a_server_with_a_list_runs_nothing_else() {
    let list = std::env::temp_dir().join(format!("koyomi-documents-{}.json", std::process::id()));
    std::fs::write(
        &list,
        json!({ "operations": [{ "id": "me", "name": "Me", "type": "query", "body": QUERY }] }).to_string(),
    )
    .unwrap();
    let graphql = server::graphql::Settings { persisted_only: Some(list.clone()), ..Default::default() };
    let koyomi = harness::start_as(Mode { graphql, ..Mode::plain() }).await;
    std::fs::remove_file(&list).unwrap();
    let mio = koyomi.user("mio").await;
    assert_eq!(data(&named(&mio, None, "me").await)["me"]["email"], mio.email);
    assert_eq!(data(&ask(&mio, QUERY).await)["me"]["email"], mio.email);
    for query in ["{ me { id } }", "{ __schema { queryType { name } } }", "mutation { updateMe(input: {}) { id } }"] {
        assert_eq!(code(&ask(&mio, query).await), "query_not_listed", "{query}");
        assert_eq!(code(&named(&mio, Some(query), &hash(query)).await), "query_not_listed", "{query}");
    }
}

#[tokio::test]
async fn the_schema_is_told_unless_it_is_switched_off() {
    let koyomi = harness::start().await;
    let graphql = server::graphql::Settings { introspection: false, ..Default::default() };
    let closed = koyomi.another_instance_as(Mode { graphql, ..Mode::plain() }).await;
    let question = "{ ...Q } fragment Q on Query { __schema { queryType { name } } }";
    assert_eq!(data(&ask(&koyomi.anonymous(), question).await)["__schema"]["queryType"]["name"], "Query");
    assert_eq!(code(&ask(&closed.anonymous(), question).await), "introspection_disabled");
    assert_eq!(data(&ask(&closed.anonymous(), "{ __typename }").await)["__typename"], "Query");
}

#[tokio::test]
async fn an_operation_has_its_time() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let graphql = server::graphql::Settings { deadline: Duration::from_nanos(1), ..Default::default() };
    let hurried = koyomi.another_instance_as(Mode { graphql, ..Mode::plain() }).await;
    let late = ask(&hurried.bearer(&mio.token), QUERY).await;
    assert_eq!((code(&late).as_str(), &late.json()["data"]), ("timeout", &Value::Null));
    let late = ask(&hurried.bearer(&mio.token), r#"mutation { createCalendar(input: { name: "Work" }) { id } }"#).await;
    assert_eq!(code(&late), "outcome_unknown");
}

#[tokio::test]
async fn the_explorer_is_all_there() {
    let koyomi = harness::start().await;
    let anybody = koyomi.anonymous();
    let page = anybody.get("/graphiql").await;
    assert!(page.is(200).header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    for name in
        page.text().split('"').filter(|text| text.starts_with("/graphiql/")).map(str::to_owned).collect::<Vec<_>>()
    {
        let plain = anybody.get(&name).await;
        assert!(plain.is(200).text().len() > 1000, "{name}");
        assert!(name.ends_with(".js") == plain.header("content-type").starts_with("text/javascript"), "{name}");
    }
    let packed = anybody.with("accept-encoding", "gzip").get("/graphiql/graphiql.min.js").await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    anybody.get("/graphiql/nothing.js").await.problem(404, "not_found");
}
