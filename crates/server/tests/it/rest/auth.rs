use chrono::TimeDelta;
use serde_json::json;

use crate::harness::{self, PASSWORD};

#[tokio::test]
async fn signing_in_opens_a_session_by_token_and_by_cookie() {
    let koyomi = harness::start().await;
    let mio = koyomi.user_with_password("mio").await;
    let answer =
        koyomi.anonymous().post("/api/auth/login", json!({ "email": "MIO@example.com", "password": PASSWORD })).await;
    let session = answer.ok();
    assert_eq!(session["user"]["id"], mio.id.to_string());
    assert_eq!(session["expires_at"], "2026-04-01T09:00:00Z");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.statements() <= 5);

    let secret = session["token"].as_str().unwrap();
    assert!(secret.starts_with("kys_"));
    let cookie = answer.header("set-cookie");
    assert_eq!(cookie, format!("koyomi_session={secret}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"));
    for client in [koyomi.bearer(secret), koyomi.cookie(secret)] {
        assert_eq!(client.get("/api/me").await.ok()["email"], "mio@example.com");
    }
}

#[tokio::test]
async fn the_cookie_is_secure_everywhere_but_on_the_developers_machine() {
    let koyomi = harness::start().await;
    koyomi.user_with_password("mio").await;
    let input = json!({ "email": "mio@example.com", "password": PASSWORD });
    let public = koyomi.anonymous().with("host", "koyomi.example.com");
    let answer = public.post("/api/auth/login", input).await;
    assert!(answer.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_look_alike() {
    let koyomi = harness::start().await;
    koyomi.user_with_password("mio").await;
    koyomi.user("passwordless").await;
    let anyone = koyomi.anonymous();
    let mut details = Vec::new();
    for input in [
        json!({ "email": "mio@example.com", "password": "wrong password" }),
        json!({ "email": "nobody@example.com", "password": PASSWORD }),
        json!({ "email": "passwordless@example.com", "password": PASSWORD }),
        json!({ "email": "mio@example.com", "password": PASSWORD, "tenant": "other" }),
    ] {
        let answer = anyone.post("/api/auth/login", input).await;
        let problem = answer.problem(401, "invalid_credentials");
        assert_eq!(answer.header("set-cookie"), "");
        assert_eq!(answer.statements(), 1);
        details.push(problem["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1);
}

#[tokio::test]
async fn a_session_ends_by_signing_out_and_by_time() {
    let koyomi = harness::start().await;
    koyomi.user_with_password("mio").await;
    let input = json!({ "email": "mio@example.com", "password": PASSWORD });
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let session = koyomi.anonymous().post("/api/auth/login", input.clone()).await.ok();
        sessions.push(session["token"].as_str().unwrap().to_owned());
    }
    let browser = koyomi.cookie(&sessions[0]);
    let out = browser.post_nothing("/api/auth/logout").await;
    assert!(out.is(204).header("set-cookie").starts_with("koyomi_session=; Path=/; Max-Age=0;"));
    browser.get("/api/me").await.problem(401, "unauthenticated");
    browser.post_nothing("/api/auth/logout").await.is(204);
    koyomi.anonymous().post_nothing("/api/auth/logout").await.is(204);

    let other = koyomi.bearer(&sessions[1]);
    other.get("/api/me").await.ok();
    koyomi.clock.advance(TimeDelta::days(30));
    other.get("/api/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_api_token_cannot_sign_out() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    mio.post_nothing("/api/auth/logout").await.problem(403, "forbidden");
    mio.get("/api/me").await.ok();
}

#[tokio::test]
async fn without_a_valid_credential_nothing_opens() {
    let koyomi = harness::start().await;
    koyomi.user("mio").await;
    let shaped = format!("kyt_{}", "a".repeat(43));
    for (client, statements) in [
        (koyomi.anonymous(), 0),
        (koyomi.bearer("junk"), 0),
        (koyomi.bearer(&shaped), 1),
        (koyomi.cookie("junk"), 0),
        (koyomi.anonymous().with("authorization", "Basic bWlvOnB3"), 0),
    ] {
        let answer = client.get("/api/me").await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.statements(), statements);
    }
}

#[tokio::test]
async fn who_left_is_not_let_in() {
    let koyomi = harness::start().await;
    let mio = koyomi.user_with_password("mio").await;
    sqlx::query("update users set deactivated_at = now()").execute(&mut koyomi.sql().await).await.unwrap();
    mio.get("/api/me").await.problem(401, "unauthenticated");
    let input = json!({ "email": "mio@example.com", "password": PASSWORD });
    koyomi.anonymous().post("/api/auth/login", input).await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_foreign_page_cannot_use_the_cookie_to_change_things() {
    let koyomi = harness::start().await;
    koyomi.user_with_password("mio").await;
    let input = json!({ "email": "mio@example.com", "password": PASSWORD });
    let session = koyomi.anonymous().post("/api/auth/login", input).await.ok();
    let browser = koyomi.cookie(session["token"].as_str().unwrap());
    let change = json!({ "name": "M" });
    for site in ["cross-site", "same-site"] {
        let foreign = browser.with("sec-fetch-site", site);
        foreign.patch("/api/me", change.clone()).await.problem(403, "cross_site");
        foreign.post_nothing("/api/auth/logout").await.problem(403, "cross_site");
        foreign.get("/api/me").await.ok();
    }
    browser.patch("/api/me", change).await.ok();
}
