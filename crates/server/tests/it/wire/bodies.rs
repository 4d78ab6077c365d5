use reqwest::Method;
use serde_json::json;

use crate::harness;

#[tokio::test]
async fn what_is_wrong_in_a_body_is_pointed_at() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for (body, status, pointer) in [
        (r#"{"name":1}"#, 422, "/name"),
        (r#"{"name":"a","colour":"red"}"#, 422, "/colour"),
        (r#"{}"#, 422, "/name"),
        (r#"{"name":"a","expires_at":"tomorrow"}"#, 422, "/expires_at"),
        (r#"{"name":"a\u0000b"}"#, 422, "/name"),
        (r#"{"name":"a","x\u0000/~":1}"#, 422, "/x\0~1~0"),
        (r#"{"name":"a","name":"b"}"#, 400, "/name"),
        (r#"[]"#, 422, ""),
    ] {
        let answer = mio.send(Method::POST, "/api/tokens", Some(body.to_owned())).await;
        assert_eq!(answer.is(status).pointers(), [pointer], "{body}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for body in ["", " ", "{", r#"{"name":"a"} x"#, r#"{"name":"a"}{}"#, "\u{feff}{}", r#"{"name":"\ud800"}"#] {
        let answer = mio.send(Method::POST, "/api/tokens", Some(body.to_owned())).await;
        answer.problem(400, "malformed_request");
    }
    mio.post_nothing("/api/auth/login").await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn only_json_is_taken_for_json() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for bad in ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonx"] {
        let answer = mio.with("content-type", bad).patch("/api/me", json!({})).await;
        answer.problem(415, "unsupported_media_type");
    }
    for good in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        mio.with("content-type", good).patch("/api/me", json!({})).await.is(200);
    }
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_too_large() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let body = json!({ "name": "x".repeat(3 << 20) });
    mio.patch("/api/me", body).await.problem(413, "too_large");
}
