//! Pages of other sites.

use kernel::{Clock, Ids};
use reqwest::Method;
use serde_json::json;

use crate::harness::{self, Answer, Client, Harness, Mode};
use crate::make;

const PAGE: &str = "https://calendar.example";

async fn start() -> Harness {
    let mut mode = Mode::plain();
    mode.origins = server::Origins::of(&[PAGE.to_owned()], &[]).unwrap();
    harness::start_as(mode).await
}

fn on(client: &Client, origin: &str) -> Client {
    client.with("origin", origin)
}

#[tokio::test]
async fn a_page_on_the_list_may_ask_and_read_what_it_needs() {
    let koyomi = start().await;
    let anyone = on(&koyomi.anonymous(), PAGE).with("access-control-request-method", "PATCH");
    let allowed = anyone.send(Method::OPTIONS, "/api/events/x", None).await;
    allowed.is(204);
    assert_eq!(allowed.header("access-control-allow-origin"), PAGE);
    assert!(allowed.header("access-control-allow-methods").contains("PATCH"));
    assert!(allowed.header("access-control-allow-headers").contains("Idempotency-Key"));
    assert_eq!(allowed.header("access-control-allow-credentials"), "");

    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let page = on(&mio, PAGE);
    // Made, and then from memory.
    for _ in 0..2 {
        let answer = page.get(&format!("/api/calendars/{calendar}")).await;
        assert_eq!(answer.is(200).header("access-control-allow-origin"), PAGE);
        assert!(answer.header("access-control-expose-headers").contains("ETag"));
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"));
    }
    assert_eq!(page.get("/api/events/x").await.header("access-control-allow-origin"), PAGE, "refusals too");
}

#[tokio::test]
async fn nobody_else_may() {
    let koyomi = start().await;
    let mio = koyomi.user("mio").await;
    for origin in ["https://evil.example", "http://calendar.example", "https://calendar.example:444", "null"] {
        let answer = on(&mio, origin).get("/api/me").await;
        assert_eq!(answer.is(200).header("access-control-allow-origin"), "", "{origin}");
        let asked = on(&koyomi.anonymous(), origin).with("access-control-request-method", "GET");
        asked.send(Method::OPTIONS, "/api/me", None).await.problem(405, "method_not_allowed");
    }
}

const ACME: &str = "https://acme.example";
const OTHER: &str = "https://other.example";

/// A deployment with a page of its own, and two tenants with one each.
async fn start_with_tenants() -> (Harness, Harness) {
    let koyomi = start().await;
    for slug in ["acme", "other"] {
        koyomi.koyomi.users.create_tenant(slug, slug).await.unwrap();
    }
    let mut mode = Mode::plain();
    let of_tenants = [format!("acme={ACME}"), format!("other={OTHER}")];
    mode.origins = server::Origins::of(&[PAGE.to_owned()], &of_tenants).unwrap();
    let instance = koyomi.another_instance_as(mode).await;
    (instance, koyomi)
}

fn allowed(answer: &Answer) -> &str {
    let told = answer.header("access-control-allow-origin");
    let varies = answer.headers.get_all("vary").iter().any(|value| value == "Origin");
    assert!(varies, "what depends on the page says so");
    told
}

#[tokio::test]
async fn a_preflight_is_answered_for_every_list() {
    let (koyomi, _first) = start_with_tenants().await;
    for origin in [PAGE, ACME, OTHER] {
        let asked = on(&koyomi.anonymous(), origin).with("access-control-request-method", "PATCH");
        for path in ["/api/me", "/graphql"] {
            assert_eq!(allowed(asked.send(Method::OPTIONS, path, None).await.is(204)), origin);
        }
    }
    let asked = on(&koyomi.anonymous(), "https://evil.example").with("access-control-request-method", "PATCH");
    assert_eq!(asked.send(Method::OPTIONS, "/api/me", None).await.is(405).header("access-control-allow-origin"), "");
    let asked = on(&koyomi.anonymous(), ACME).with("access-control-request-method", "GET");
    let inside = asked.send(Method::OPTIONS, "/metrics", None).await;
    assert_eq!(inside.is(405).header("access-control-allow-origin"), "", "no tenant's");
}

#[tokio::test]
async fn an_answer_is_read_by_pages_of_its_tenant_and_of_the_deployment() {
    let (koyomi, _first) = start_with_tenants().await;
    let mio = koyomi.stranger("acme", "mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let query = json!({ "query": "{ me { name } }" });
    let cases = [(PAGE, PAGE), (ACME, ACME), (OTHER, "")];
    for (origin, told) in cases {
        let page = on(&mio, origin);
        // Made, from memory, and without a body.
        for _ in 0..2 {
            let answer = page.get(&format!("/api/calendars/{calendar}")).await;
            assert_eq!(allowed(answer.is(200)), told, "{origin}");
            let have = page.with("if-none-match", answer.header("etag"));
            assert_eq!(allowed(have.get(&format!("/api/calendars/{calendar}")).await.is(304)), told, "{origin}");
        }
        for _ in 0..2 {
            assert_eq!(allowed(page.post("/graphql", query.clone()).await.is(200)), told, "{origin}");
        }
        let stream = page.with("accept", "text/event-stream");
        assert_eq!(
            allowed(stream.post("/graphql", query.clone()).await.is(200)),
            told,
            "{origin}: its headers go first"
        );
        assert_eq!(allowed(page.get("/api/me").await.is(200)), told, "{origin}");
        assert_eq!(allowed(page.patch("/api/me", json!({ "name": "" })).await.is(422)), told, "{origin}: refusals too");
        assert_eq!(
            allowed(page.patch("/api/me", json!({ "name": "Mio" })).await.is(200)),
            told,
            "{origin}: changes too"
        );
        assert_eq!(allowed(page.get("/api/events/x").await.is(404)), origin, "{origin}: nobody was looked up");
    }
}

#[tokio::test]
async fn what_is_nobodys_is_read_from_every_list() {
    let (koyomi, _first) = start_with_tenants().await;
    let nobody = on(&koyomi.bearer("kyt_0000"), ACME);
    assert_eq!(allowed(nobody.get("/api/me").await.is(401)), ACME, "or a page could not tell that it must sign in");
    let metrics = nobody.get("/metrics").await;
    assert_eq!(metrics.is(200).header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn who_signs_in_is_answered_as_his_tenant() {
    let (koyomi, _first) = start_with_tenants().await;
    koyomi.stranger_with_password("acme", "mio").await;
    let login = json!({ "tenant": "acme", "email": "mio@example.com", "password": harness::PASSWORD });
    for (origin, told) in [(PAGE, PAGE), (ACME, ACME), (OTHER, "")] {
        let page = on(&koyomi.anonymous(), origin);
        assert_eq!(allowed(page.post("/api/auth/login", login.clone()).await.is(200)), told, "{origin}");
        let wrong = json!({ "tenant": "acme", "email": "mio@example.com", "password": "another one" });
        assert_eq!(allowed(page.post("/api/auth/login", wrong).await.is(401)), origin, "{origin}");
    }
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_is_refused_at_the_start() {
    let koyomi = start().await;
    let mut settings = server::Settings::new(store::Settings::new(koyomi.database_url()));
    settings.origins = server::Origins::of(&[], &[format!("acne={ACME}")]).unwrap();
    let ids = Ids::random(Clock::System);
    let refused = server::App::open(settings, Clock::System, ids).await.unwrap_err();
    assert!(refused.to_string().contains("acne"), "{refused}");
}
