//! Pages of other sites.

use reqwest::Method;

use crate::harness::{self, Client, Harness, Mode};
use crate::make;

const PAGE: &str = "https://calendar.example";

async fn start() -> Harness {
    let mut mode = Mode::plain();
    mode.origins = server::Origins::of(&[PAGE.to_owned()]).unwrap();
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
