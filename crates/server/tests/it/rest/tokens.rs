use chrono::TimeDelta;
use serde_json::json;

use crate::harness;

const TOKENS: &str = "/api/tokens";

#[tokio::test]
async fn a_new_token_opens_until_it_expires_or_is_revoked() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let made = mio.post(TOKENS, json!({ "name": "export", "expires_at": "2026-03-03T18:00:00+09:00" })).await;
    assert_eq!(made.is(201).header("cache-control"), "no-store");
    let token = made.ok();
    assert_eq!(token["expires_at"], "2026-03-03T09:00:00Z");
    let exporter = koyomi.bearer(token["secret"].as_str().unwrap());
    assert_eq!(exporter.get("/api/me").await.ok()["email"], "mio@example.com");

    let lasting = mio.post(TOKENS, json!({ "name": "lasting" })).await.ok();
    let other = koyomi.bearer(lasting["secret"].as_str().unwrap());
    koyomi.clock.advance(TimeDelta::days(1));
    exporter.get("/api/me").await.problem(401, "unauthenticated");
    other.get("/api/me").await.ok();

    let path = format!("{TOKENS}/{}", lasting["id"].as_str().unwrap());
    mio.delete(&path).await.is(204);
    other.get("/api/me").await.problem(401, "unauthenticated");
    mio.delete(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn tokens_are_listed_in_pages_without_secrets() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for name in ["a", "b", "c"] {
        koyomi.clock.advance(TimeDelta::seconds(1));
        mio.post(TOKENS, json!({ "name": name })).await.is(201);
    }
    let mut names = Vec::new();
    let mut next = format!("{TOKENS}?limit=2");
    loop {
        let answer = mio.get(&next).await;
        let page = answer.ok();
        assert!(!answer.text().contains("secret") && !answer.text().contains("kyt_"));
        assert_eq!(answer.statements(), 2);
        names.extend(page["items"].as_array().unwrap().iter().map(|t| t["name"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{TOKENS}?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["test", "a", "b", "c"]);
}

#[tokio::test]
async fn another_users_token_does_not_exist() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let id = mio.post(TOKENS, json!({ "name": "mine" })).await.ok()["id"].clone();
    ren.delete(&format!("{TOKENS}/{}", id.as_str().unwrap())).await.problem(404, "not_found");
    assert_eq!(ren.get(TOKENS).await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_makes_one_token_and_shows_no_secret() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let keyed = mio.with("idempotency-key", "k-1");
    let first = keyed.post(TOKENS, json!({ "name": "once" })).await;
    assert!(first.is(201).statements() <= 5);
    let again = keyed.post(TOKENS, json!({ "name": "once" })).await;
    let (first, again) = (first.ok(), again.is(201).ok());
    assert_eq!(first["id"], again["id"]);
    assert!(first["secret"].is_string());
    assert_eq!(again.get("secret"), None);
    assert_eq!(mio.get(TOKENS).await.ok()["items"].as_array().unwrap().len(), 2);

    keyed.post(TOKENS, json!({ "name": "other" })).await.problem(422, "idempotency_key_reused");
    // Keys belong to their user.
    let ren = koyomi.user("ren").await.with("idempotency-key", "k-1");
    ren.post(TOKENS, json!({ "name": "other" })).await.is(201);
}

#[tokio::test]
async fn keys_must_be_visible_ascii() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for bad in ["", "two words", &"x".repeat(256)] {
        let answer = mio.with("idempotency-key", bad).post(TOKENS, json!({ "name": "x" })).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), ["Idempotency-Key"]);
    }
}

#[tokio::test]
async fn a_token_needs_a_name_and_a_future() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let answer = mio.post(TOKENS, json!({ "name": "", "expires_at": "2026-03-02T09:00:00Z" })).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/name", "/expires_at"]);
}

#[tokio::test]
async fn secrets_are_stored_as_hashes_only() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let hash = blake3::hash(mio.token.as_bytes()).as_bytes().to_vec();
    let known: bool = sqlx::query_scalar("select exists (select from api_tokens where token_hash = $1)")
        .bind(hash)
        .fetch_one(&mut koyomi.sql().await)
        .await
        .unwrap();
    assert!(known);
}
