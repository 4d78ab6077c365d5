use chrono::TimeDelta;
use serde_json::json;

use crate::harness;

#[tokio::test]
async fn the_caller_is_shown_with_a_tag_that_spares_the_second_reading() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let first = mio.get("/api/me").await;
    assert_eq!(
        first.ok(),
        json!({
            "id": mio.id, "email": "mio@example.com", "name": "mio", "avatar_url": null, "time_zone": "Asia/Tokyo",
            "is_admin": false, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z",
        })
    );
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(first.header("vary"), "Accept-Encoding, Authorization, Cookie");
    assert_eq!(first.statements(), 2);

    let tag = first.etag();
    for have in [tag.clone(), "*".to_owned(), format!("\"x\", W/{tag}")] {
        let again = mio.with("if-none-match", &have).get("/api/me").await;
        assert_eq!(again.is(304).etag(), tag);
        assert!(again.body.is_empty());
    }
    mio.with("if-none-match", "\"x\"").get("/api/me").await.is(200);
}

#[tokio::test]
async fn what_is_left_out_of_a_change_stays() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    koyomi.clock.advance(TimeDelta::hours(1));
    let avatar = "https://example.com/mio.png";
    let changed = mio.patch("/api/me", json!({ "name": "Mio", "avatar_url": avatar })).await;
    assert!(changed.statements() <= 5);
    let me = changed.ok();
    assert_eq!((&me["name"], &me["avatar_url"]), (&json!("Mio"), &json!(avatar)));
    assert_eq!(me["time_zone"], "Asia/Tokyo");
    assert_eq!(me["updated_at"], "2026-03-02T10:00:00Z");
    assert_eq!(mio.get("/api/me").await.etag(), changed.etag());
    let me = mio.patch("/api/me", json!({ "avatar_url": null, "time_zone": "Europe/Berlin" })).await.ok();
    assert_eq!((&me["name"], &me["avatar_url"]), (&json!("Mio"), &json!(null)));
}

#[tokio::test]
async fn a_change_based_on_an_old_version_is_refused_with_the_current_tag() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let old = mio.get("/api/me").await.etag();
    let new = mio.with("if-match", &old).patch("/api/me", json!({ "name": "Mio" })).await.etag();
    assert_ne!(old, new);

    let late = mio.with("if-match", &old);
    let problem = late.patch("/api/me", json!({ "name": "Late" })).await.problem(412, "precondition_failed");
    assert_eq!(problem["current_etag"], new);
    mio.with("if-match", &format!("W/{new}")).patch("/api/me", json!({})).await.is(412);
    mio.with("if-match", "\"unknown\"").patch("/api/me", json!({})).await.is(412);
    mio.with("if-match", "unquoted").patch("/api/me", json!({})).await.problem(400, "malformed_request");
    for good in ["*".to_owned(), format!("{old}, {new}"), new.replace("\"", "").replace("1.2", "\"1.2-br\"")] {
        mio.with("if-match", &good).patch("/api/me", json!({})).await.is(200);
    }
    assert_eq!(mio.get("/api/me").await.ok()["name"], "Mio");
}

#[tokio::test]
async fn changing_nothing_keeps_the_version() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let tag = mio.get("/api/me").await.etag();
    assert_eq!(mio.patch("/api/me", json!({ "name": "mio" })).await.etag(), tag);
}

#[tokio::test]
async fn every_change_moves_the_tenants_directory_and_changing_nothing_does_not() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let directory = async || {
        let seq: i64 =
            sqlx::query_scalar("select directory_seq from tenants").fetch_one(&mut koyomi.sql().await).await.unwrap();
        seq
    };
    let before = directory().await;
    mio.patch("/api/me", json!({ "name": "mio" })).await.ok();
    assert_eq!(directory().await, before);
    mio.patch("/api/me", json!({ "time_zone": "UTC" })).await.ok();
    assert_eq!(directory().await, before + 1);
    mio.patch("/api/me", json!({ "name": "Mio" })).await.ok();
    assert_eq!(directory().await, before + 2);
}

#[tokio::test]
async fn every_value_that_is_not_allowed_is_named_at_once() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let answer = mio
        .patch("/api/me", json!({ "name": " ", "avatar_url": "javascript:alert(1)", "time_zone": "Mars/Olympus" }))
        .await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/name", "/avatar_url", "/time_zone"]);
    let answer = mio.patch("/api/me", json!({ "name": null, "time_zone": null })).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/name", "/time_zone"]);
    let long = mio.patch("/api/me", json!({ "name": "é".repeat(201) })).await;
    assert_eq!(long.pointers(), ["/name"]);
    mio.patch("/api/me", json!({ "name": "é".repeat(200) })).await.ok();
}
