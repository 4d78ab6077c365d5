use reqwest::Method;

use crate::harness;

#[tokio::test]
async fn unknown_paths_and_ids_are_problems() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for path in ["/", "/api", "/api/nothing", "/api/me/", "/problems/nothing"] {
        mio.get(path).await.problem(404, "not_found");
    }
    for id in ["junk", "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"] {
        mio.delete(&format!("/api/tokens/{id}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn another_method_says_which_are_allowed() {
    let koyomi = harness::start().await;
    let answer = koyomi.anonymous().delete("/api/me").await;
    answer.problem(405, "method_not_allowed");
    let mut allowed: Vec<_> = answer.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PATCH"]);
    let odd = koyomi.anonymous().send(Method::from_bytes(b"BREW").unwrap(), "/api/me", None).await;
    odd.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn every_problem_leads_to_an_explanation() {
    let koyomi = harness::start().await;
    let problem = koyomi.anonymous().get("/api/me").await.problem(401, "unauthenticated");
    let explained = koyomi.anonymous().get(problem["type"].as_str().unwrap()).await.ok();
    assert_eq!(explained["code"], "unauthenticated");
    assert_eq!(explained["title"], problem["title"]);
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable_and_tells_nothing() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    koyomi.koyomi.store.close().await;
    let answer = mio.get("/api/me").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text().to_lowercase().contains("pool"));
    let why = mio.get("/readyz").await;
    why.problem(503, "not_ready");
    assert_eq!(why.pointers(), ["database"]);
    mio.get("/healthz").await.is(204);
}
