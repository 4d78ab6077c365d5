use serde_json::json;

use crate::harness;

#[tokio::test]
async fn a_request_keeps_its_sane_id_and_gets_one_otherwise() {
    let koyomi = harness::start().await;
    let anyone = koyomi.anonymous();
    let kept = anyone.with("x-request-id", "job-7:a.b").get("/healthz").await;
    assert_eq!(kept.header("x-request-id"), "job-7:a.b");
    for odd in ["two words", "<script>", &"x".repeat(129)] {
        let minted = anyone.with("x-request-id", odd).get("/healthz").await;
        assert_eq!(minted.header("x-request-id").len(), 36);
    }
}

#[tokio::test]
async fn a_trace_is_continued() {
    let koyomi = harness::start().await;
    let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = koyomi.anonymous().with("traceparent", sent).get("/healthz").await;
    let parent = answer.header("traceparent");
    assert!(parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && parent.ends_with("-01"));
    assert_ne!(parent, sent);
    assert_eq!(koyomi.anonymous().get("/api/me").await.header("traceparent").len(), 55);
}

#[tokio::test]
async fn every_answer_says_what_it_cost() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for path in ["/api/me", "/healthz", "/nothing", "/api/users"] {
        let answer = mio.get(path).await;
        let timing = answer.header("server-timing");
        assert!(timing.contains("db;dur=") && timing.contains("total;dur="), "{path}: {timing}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    // Statements of a write are counted though they run in a task of their own.
    assert_eq!(mio.patch("/api/me", json!({ "name": "Mio" })).await.statements(), 4);
}

#[tokio::test]
async fn large_answers_are_compressed_under_a_tag_of_their_own_and_small_ones_are_not() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for n in 0..20 {
        koyomi.user(&format!("colleague{n}")).await;
    }
    let plain = mio.get("/api/users?q=").await;
    assert!(plain.body.len() > 1024);
    assert_eq!(plain.header("content-encoding"), "");
    for coding in ["gzip", "br", "zstd"] {
        let client = mio.with("accept-encoding", coding);
        let packed = client.get("/api/users?q=").await;
        assert_eq!(packed.header("content-encoding"), coding);
        assert!(packed.body.len() < plain.body.len() / 2);
        let open = plain.etag();
        let open = open.strip_suffix('"').unwrap();
        assert_eq!(packed.etag(), format!("{open}-{coding}\""));
        // Either tag is recognised, and given back as it came.
        for tag in [packed.etag(), plain.etag()] {
            let again = client.with("if-none-match", &tag).get("/api/users?q=").await;
            assert_eq!(again.is(304).etag(), tag);
        }
        assert_eq!(client.get("/api/me").await.header("content-encoding"), "");
    }
}

#[tokio::test]
async fn who_accepts_no_encoding_at_all_is_answered_plainly() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for odd in ["identity;q=0", "*;q=0", "identity;q=0, br;q=0", "gzip;q=junk"] {
        let client = mio.with("accept-encoding", odd);
        client.patch("/api/me", json!({})).await.is(200);
    }
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let (get, head) = (mio.get("/api/me").await, mio.head("/api/me").await);
    assert_eq!(head.is(200).etag(), get.etag());
    assert!(head.body.is_empty());
}
