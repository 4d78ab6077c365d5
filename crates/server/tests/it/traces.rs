//! A trace, as a collector of OpenTelemetry gets it: the real binary, real protobuf over real HTTP.

mod collector;
pub(crate) mod server;

use std::collections::HashSet;

use serde_json::json;

use self::collector::{Collector, Span};
use self::server::Server;
use crate::harness::{self, Harness};
use crate::make;
use crate::redis::Redis;

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn world() -> (Harness, String, String) {
    let koyomi = harness::start_on_fresh_database().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    make::event(&mio, &calendar, json!({ "attendees": [{ "email": "someone@example.org" }] })).await;
    let token = mio.token.clone();
    (koyomi, calendar, token)
}

/// What is told of a span: its name, and what it was about.
fn told(span: &Span) -> String {
    let about = ["http.route", "db.query.text", "db.operation.name", "family"].map(|name| span.text(name));
    format!("{} {}", span.name, about.concat())
}

#[tokio::test]
async fn a_cold_nested_question_shows_every_hop() {
    let (koyomi, calendar, token) = world().await;
    let (collector, redis) = (Collector::start().await, Redis::start().await);
    let server = Server::start(&koyomi.database_url(), &collector.base, "0", &[("KOYOMI_REDIS", &redis.url())]).await;
    let query = format!(
        r#"{{ calendar(id: "{calendar}") {{ name events(first: 10) {{ nodes {{ title attendees {{ nodes {{ email }} }} }} }} }} }}"#
    );
    let answer = server.post("/graphql", &token, Some(SENDER), json!({ "query": query })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("someone@example.org"), "{}", answer.text);
    let own = answer.traceparent.strip_prefix(&format!("00-{TRACE}-")).unwrap().strip_suffix("-01").unwrap();
    server.stop().await;

    let spans = collector.of_trace(TRACE);
    let all: Vec<String> = spans.iter().map(told).collect();
    let root = spans.iter().find(|span| span.id == own).unwrap_or_else(|| panic!("no {own} in {all:#?}"));
    assert_eq!((root.name.as_str(), root.parent.as_str()), ("POST /graphql", "00f067aa0ba902b7"));
    for hop in ["graphql", "head check", "list_events", "cache miss", "redis GET", "redis SET", "connection", "sql "] {
        assert!(all.iter().any(|told| told.starts_with(hop)), "no {hop} in {all:#?}");
    }
    let statements = spans.iter().filter(|span| span.name == "sql").count();
    let checks = spans.iter().filter(|span| span.name == "head check").count();
    assert_eq!(root.number("koyomi.statements"), i64::try_from(statements + checks).unwrap(), "{all:#?}");
    // All of them hang together.
    for span in &spans {
        let known = span.id == root.id || spans.iter().any(|above| above.id == span.parent);
        assert!(known, "{} hangs in the air", told(span));
    }
    // Text of ours, and nothing that somebody has written or shown.
    let everything = format!("{spans:?}");
    for secret in [token.as_str(), "someone@example.org", "Work"] {
        assert!(!everything.contains(secret), "{secret} is in a span");
    }
}

#[tokio::test]
async fn what_is_not_taken_leaves_no_span_and_its_lines_name_its_trace_all_the_same() {
    let (koyomi, _, token) = world().await;
    let collector = Collector::start().await;
    let server = Server::start(&koyomi.database_url(), &collector.base, "0", &[("KOYOMI_LOG_FORMAT", "json")]).await;
    let unsampled = SENDER.replace("-01", "-00");
    let me = json!({ "query": "{ me { name } }" });
    assert_eq!(server.post("/graphql", &token, Some(&unsampled), me.clone()).await.status, 200);
    assert_eq!(server.post("/graphql", &token, None, me).await.status, 200);
    let refused = server.post("/api/calendars", &token, Some(&unsampled), json!({ "name": "" })).await;
    let problem: serde_json::Value = serde_json::from_str(&refused.text).unwrap();
    assert_eq!(problem["trace_id"], TRACE);
    // Without its tables a request fails, and a line says so.
    sqlx::raw_sql("alter table heads rename to lost").execute(&mut koyomi.sql().await).await.unwrap();
    let failed = server.post("/api/calendars", &token, Some(&unsampled), json!({ "name": "x" })).await;
    assert!(failed.status >= 500, "{}", failed.text);
    let log = server.stop().await;
    let line = log.lines().find(|line| line.contains("\"failed: ")).unwrap_or_else(|| panic!("no failure in {log}"));
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(collector.requests(), Vec::<Span>::new());
}

#[tokio::test]
async fn a_write_and_its_news_are_told() {
    let (koyomi, calendar, token) = world().await;
    let collector = Collector::start().await;
    let more = [("KOYOMI_BUS", "postgres"), ("KOYOMI_RATE_LIMITS", "off")];
    let server = Server::start(&koyomi.database_url(), &collector.base, "1", &more).await;
    let event = json!({ "calendar_id": calendar, "title": "x", "start": { "date": "2026-05-01" } });
    let of_trace =
        |name: &str| -> Vec<Span> { collector.of_trace(TRACE).into_iter().filter(|span| span.name == name).collect() };
    // The other instance on this database may be quicker and send the news, of which no span is collected there. Until this
    // one has sent some, and has heard some of both.
    let news = async || loop {
        let answer = server.post("/api/events", &token, Some(SENDER), event.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let sent: HashSet<String> = of_trace("bus publish").into_iter().map(|span| span.id).collect();
        let heard = of_trace("bus consume");
        if heard.iter().any(|span| sent.contains(&span.parent)) {
            return;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), news()).await.expect("no news in the traces");
    server.stop().await;
    let spans = collector.of_trace(TRACE);
    let all: Vec<String> = spans.iter().map(told).collect();
    for hop in ["POST /api/events", "create_event", "connection", "sql ", "commit"] {
        assert!(all.iter().any(|told| told.starts_with(hop)), "no {hop} in {all:#?}");
    }
    // What was heard hangs below what was sent, by the message's own number, and what was sent below a write.
    let above = |span: &Span| spans.iter().find(|above| above.id == span.parent);
    for sent in of_trace("bus publish") {
        assert_eq!(above(&sent).map(|above| above.name.as_str()), Some("create_event"), "{all:#?}");
    }
    for heard in of_trace("bus consume") {
        let above = above(&heard).unwrap_or_else(|| panic!("{heard:?} hangs in the air"));
        if above.name == "bus publish" {
            assert_eq!(above.text("messaging.message.id"), heard.text("messaging.message.id"));
        } else {
            assert_eq!(above.name, "create_event");
        }
    }
    for job in ["housekeeping", "roll_forward"] {
        assert!(collector.all().iter().any(|span| span.name == job && span.parent.is_empty()), "no {job}");
    }
}

/// News of three writes, two of which are traced, one twice, leave in one message.
#[tokio::test]
async fn a_message_hangs_below_its_first_write_and_is_linked_with_the_others() {
    let (koyomi, _, _) = world().await;
    let collector = Collector::start().await;
    let more = [("KOYOMI_BUS", "postgres")];
    let server = Server::start(&koyomi.database_url(), &collector.base, "0", &more).await;
    let (first, second) = ("00f067aa0ba902b7", "00f067aa0ba902b8");
    let other = SENDER.replace(first, second);
    let writes = [Some(SENDER), None, Some(other.as_str()), Some("not one"), Some(SENDER)];
    let mut sql = koyomi.sql().await;
    // Until it is this instance that sends them, and not the other one on this database.
    let mut sent = async || loop {
        sqlx::query(
            "insert into outbox (kind, subject_id, seq, traceparent) select 'user', gen_random_uuid(), 1, traceparent
             from unnest($1::text[]) as traceparent",
        )
        .bind(writes)
        .execute(&mut sql)
        .await
        .unwrap();
        let left = "select exists (select from outbox)";
        while sqlx::query_scalar(left).fetch_one(&mut sql).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        if let Some(span) = collector.of_trace(TRACE).into_iter().find(|span| span.name == "bus publish") {
            return span;
        }
    };
    let span =
        tokio::time::timeout(std::time::Duration::from_secs(30), sent()).await.expect("no message in the traces");
    assert_eq!((span.parent.as_str(), &span.links[..]), (first, &[second.to_owned()][..]));
    assert_eq!(span.number("messaging.batch.message_count"), 5);
    server.stop().await;
    // Nothing begins a trace of its own there.
    let heard: Vec<Span> = collector.all().into_iter().filter(|span| span.name.starts_with("bus ")).collect();
    assert!(heard.iter().all(|span| span.trace == TRACE), "{heard:#?}");
}

/// Prometheus' own words.
const SCRAPER: &str = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                       text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

#[tokio::test]
async fn a_bucket_names_the_last_traced_request_in_it_to_who_can_read_that() {
    let (koyomi, _, token) = world().await;
    let collector = Collector::start().await;
    let server = Server::start(&koyomi.database_url(), &collector.base, "0", &[]).await;
    let unsampled = SENDER.replace("-01", "-00").replace("4bf9", "5bf9");
    let me = json!({ "query": "{ me { name } }" });
    server.post("/graphql", &token, Some(&unsampled), me.clone()).await;
    server.post("/graphql", &token, None, me.clone()).await;
    let (media_type, untraced) = server.metrics(SCRAPER).await;
    assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(!untraced.contains("trace_id"), "of what is traced, and nothing else");

    server.post("/graphql", &token, Some(SENDER), me).await;
    let (_, text) = server.metrics(SCRAPER).await;
    let marked: Vec<&str> = text.lines().filter(|line| line.contains(" # {")).collect();
    let [line] = marked[..] else { panic!("one request, one bucket: {marked:#?}") };
    let (sample, exemplar) = line.split_once(" # ").unwrap();
    let of_route = r#"koyomi_http_request_duration_seconds_bucket{route="/graphql",method="POST",le=""#;
    let le: f64 = sample.strip_prefix(of_route).unwrap().split('"').next().unwrap().parse().unwrap();
    let rest = exemplar.strip_prefix(&format!("{{trace_id=\"{TRACE}\"}} ")).unwrap();
    let (seconds, at) = rest.split_once(' ').unwrap();
    let (seconds, at): (f64, f64) = (seconds.parse().unwrap(), at.parse().unwrap());
    assert!(seconds > 0.0 && seconds <= le, "{line}");
    assert!(at > 1.7e9, "{line}");
    // Below its bucket it was not yet.
    let fewer = text.lines().take_while(|other| *other != line).filter(|other| other.starts_with(of_route));
    assert!(fewer.filter_map(|other| other.split('"').nth(5)?.parse::<f64>().ok()).all(|bound| bound < seconds));

    assert!(text.ends_with("\n# EOF\n") && !text.contains("\n\n"));
    assert!(text.contains("# TYPE koyomi_http_requests counter\n"));
    assert!(
        text.lines().all(|line| !line.starts_with("# ") || !line.contains("_total ")),
        "counters have no suffix there"
    );
    for plain in ["*/*", "text/plain;version=0.0.4"] {
        let (media_type, text) = server.metrics(plain).await;
        assert!(media_type.starts_with("text/plain; version=0.0.4"));
        assert!(!text.contains("trace_id") && !text.contains("# EOF"));
        assert!(text.contains("# TYPE koyomi_http_requests_total counter\n"));
    }
    server.stop().await;
}
