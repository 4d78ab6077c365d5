//! What one caller may send.

use serde_json::json;

use crate::harness::{self, Harness, Mode, PASSWORD};
use crate::redis::Redis;

fn limited(limits: &str) -> Mode {
    let mut mode = Mode::plain();
    mode.guard.rates.limits = limits.parse().unwrap();
    mode
}

#[tokio::test]
async fn who_asks_too_often_is_told_so_and_what_is_left_before() {
    let koyomi = harness::start_as(limited("read=3,write=2")).await;
    let mio = koyomi.user("mio").await;
    for left in ["2", "1", "0"] {
        let answer = mio.get("/api/me").await;
        answer.is(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"read\";q=3;w=60");
        assert!(
            answer.header("ratelimit").starts_with(&format!("\"read\";r={left};t=")),
            "{}",
            answer.header("ratelimit")
        );
    }
    let refused = mio.get("/api/me").await;
    let problem = refused.problem(429, "rate_limited");
    assert_eq!(problem["limit"], json!({ "name": "read", "quota": 3, "window": 60 }));
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").starts_with("\"read\";r=0;"));
    assert_eq!(refused.statements(), 0);

    // Another class, another caller, and what is never limited.
    assert_eq!(mio.patch("/api/me", json!({})).await.is(200).header("ratelimit-policy"), "\"write\";q=2;w=60");
    koyomi.user("ren").await.get("/api/me").await.is(200);
    for _ in 0..10 {
        assert_eq!(mio.get("/healthz").await.is(204).header("ratelimit"), "");
        mio.get("/readyz").await.is(200);
        mio.get("/metrics").await.is(200);
    }
}

#[tokio::test]
async fn a_cached_answer_counts_too() {
    let koyomi = harness::start_as(limited("read=5")).await;
    let mio = koyomi.user("mio").await;
    let path = "/api/users?q=";
    for _ in 0..5 {
        mio.get(path).await.is(200);
    }
    mio.get(path).await.problem(429, "rate_limited");
}

#[tokio::test]
async fn passwords_are_not_tried_for_long_wherever_from() {
    let koyomi = harness::start_as(limited("login=3")).await;
    koyomi.user_with_password("mio").await;
    let anyone = koyomi.anonymous();
    let login = |password: &str| json!({ "email": "mio@example.com", "password": password });
    for _ in 0..2 {
        anyone.post("/api/auth/login", login("wrong")).await.problem(401, "invalid_credentials");
    }
    anyone.post("/api/auth/login", login(PASSWORD)).await.is(200);
    anyone.post("/api/auth/login", login(PASSWORD)).await.problem(429, "rate_limited");
}

#[tokio::test]
async fn graphql_has_a_quota_of_its_own() {
    let koyomi = harness::start_as(limited("graphql=2")).await;
    let mio = koyomi.user("mio").await;
    let query = json!({ "query": "{ me { id } }" });
    for _ in 0..2 {
        assert!(mio.post("/graphql", query.clone()).await.ok()["data"]["me"]["id"].is_string());
    }
    mio.post("/graphql", query).await.problem(429, "rate_limited");
}

async fn sharing(koyomi: &Harness, redis: &Redis) -> Harness {
    let mut mode = limited("read=4");
    mode.guard.rates.shared = Some(redis.url());
    koyomi.another_instance_as(mode).await
}

#[tokio::test]
async fn instances_share_quotas_and_go_on_by_themselves_without_redis() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mut redis = Redis::start().await;
    let (first, second) = (sharing(&koyomi, &redis).await, sharing(&koyomi, &redis).await);
    let mio = koyomi.user("mio").await;
    let (at_first, at_second) = (first.bearer(&mio.token), second.bearer(&mio.token));
    for client in [&at_first, &at_second, &at_first, &at_second] {
        client.get("/api/me").await.is(200);
    }
    at_first.get("/api/me").await.problem(429, "rate_limited");
    at_second.get("/api/me").await.problem(429, "rate_limited");
    redis.kill();
    at_first.get("/api/me").await.is(200);
    at_second.get("/api/me").await.is(200);
}
