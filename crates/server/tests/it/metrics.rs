//! What an instance tells of itself is what docs/METRICS.md says it tells.

use std::collections::{BTreeMap, BTreeSet};

use bus::Transport;
use serde_json::json;

use crate::harness::{self, Client, Harness, Mode};
use crate::make;

const CATALOGUE: &str = include_str!("../../../../docs/METRICS.md");

/// A line of the tables.
struct Row {
    kind: String,
    /// It is there from when it first happens, or where the part is configured.
    at_need: bool,
    labels: BTreeSet<String>,
    words: String,
}

fn catalogue() -> BTreeMap<String, Row> {
    let rows = CATALOGUE.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let kind = cells[1].trim_end_matches('*').to_owned();
        let labels = cells[2].split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect();
        let row = Row { kind, at_need: cells[1].ends_with('*'), labels, words: cells[3].to_owned() };
        Some((cells[0].trim_end_matches('`').to_owned(), row))
    });
    let all: Vec<_> = rows.collect();
    let count = all.len();
    let catalogue: BTreeMap<_, _> = all.into_iter().collect();
    assert_eq!(catalogue.len(), count, "a name stands there twice");
    catalogue
}

/// What `/metrics` said.
#[derive(Default)]
struct Exposed {
    kinds: BTreeMap<String, String>,
    words: BTreeMap<String, String>,
    /// Name with labels, as they stand there, and the value.
    samples: BTreeMap<String, f64>,
}

impl Exposed {
    async fn of(client: &Client) -> Self {
        let answer = client.get("/metrics").await;
        answer.is(200);
        assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
        let mut exposed = Self::default();
        for line in answer.text().lines() {
            if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                exposed.kinds.insert(name.to_owned(), kind.to_owned());
            } else if let Some((name, words)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
                exposed.words.insert(name.to_owned(), words.to_owned());
            } else if let Some((sample, value)) = line.rsplit_once(' ') {
                exposed.samples.insert(sample.to_owned(), value.parse().unwrap());
            }
        }
        exposed
    }

    fn value(&self, sample: &str) -> f64 {
        self.samples.get(sample).copied().unwrap_or(0.0)
    }

    /// Of the samples of a name, `_bucket`, `_sum` and `_count` of a histogram included.
    fn labels(&self, name: &str) -> BTreeSet<String> {
        let of_name = |sample: &&String| {
            let stem = sample.split('{').next().unwrap_or_default();
            ["", "_bucket", "_sum", "_count"].iter().any(|suffix| stem.strip_suffix(suffix) == Some(name))
        };
        let samples = self.samples.keys().filter(of_name).filter_map(|sample| sample.split_once('{'));
        let labels = samples.flat_map(|(_, rest)| rest.trim_end_matches('}').split("\",").collect::<Vec<_>>());
        labels
            .filter_map(|label| label.split_once('='))
            .map(|(name, _)| name.to_owned())
            .filter(|l| l != "le")
            .collect()
    }
}

/// Some of everything: REST and GraphQL, cold and warm, refused and not found, a booking, a name nobody serves.
async fn traffic(koyomi: &Harness) {
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Fuji").await;
    make::event(&mio, &calendar, json!({ "resources": [room] })).await;
    for _ in 0..3 {
        mio.get(&format!("/api/events?calendar_id={calendar}")).await.ok();
        mio.post("/graphql", json!({ "query": "{ me { name } }" })).await.ok();
    }
    mio.post("/graphql", json!({ "query": "{ secretWord }" })).await;
    mio.post("/graphql", json!({ "query": "{" })).await;
    mio.patch("/api/me", json!({ "name": "" })).await.is(422);
    koyomi.anonymous().get("/secret-path").await.is(404);
}

#[tokio::test]
async fn metrics_are_what_their_catalogue_says() {
    let mode = Mode { bus: Transport::Postgres, ..Mode::plain() };
    let koyomi = harness::start_as(mode).await;
    traffic(&koyomi).await;
    let catalogue = catalogue();
    let mut exposed = Exposed::of(&koyomi.anonymous()).await;
    // What the relay and the jobs do, they do beside the requests.
    let late = |exposed: &Exposed| {
        let there = |name: &str| exposed.kinds.contains_key(name);
        !(there("koyomi_job_last_success_timestamp_seconds") && there("koyomi_bus_silence_seconds"))
    };
    for _ in 0..100 {
        if !late(&exposed) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        exposed = Exposed::of(&koyomi.anonymous()).await;
    }
    let known: BTreeSet<&String> = catalogue.keys().collect();
    let there: BTreeSet<&String> = exposed.kinds.keys().collect();
    let undocumented: Vec<_> = there.difference(&known).collect();
    assert!(undocumented.is_empty(), "not in docs/METRICS.md: {undocumented:?}");
    let missing: Vec<_> = known.difference(&there).filter(|name| !catalogue[**name].at_need).collect();
    assert!(missing.is_empty(), "in docs/METRICS.md, and not there: {missing:?}");
    for name in there {
        let row = &catalogue[name];
        assert_eq!(exposed.kinds[name], row.kind, "{name}");
        assert_eq!(exposed.words.get(name), Some(&row.words), "{name}");
        assert_eq!(exposed.labels(name), row.labels, "{name}");
    }
    let text = koyomi.anonymous().get("/metrics").await.text();
    for word in ["secretWord", "secret-path", "mio", "Fuji"] {
        assert!(!text.contains(word), "what somebody asked for became a label: {word}");
    }
}

#[tokio::test]
async fn each_request_counts_once_for_its_route() {
    // The recorder is the process's, and other tests count beside this one: on routes that only this test uses.
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let of = async || Exposed::of(&koyomi.anonymous()).await;
    let before = of().await;
    for _ in 0..3 {
        koyomi.anonymous().put("/problems/gone", json!({})).await.is(405);
    }
    let query = json!({ "query": "mutation { __typename }" });
    mio.post("/graphql", query).await.ok();
    let after = of().await;
    let more = |sample: &str| after.value(sample) - before.value(sample);
    assert!(
        (more(r#"koyomi_http_requests_total{route="/problems/{code}",method="PUT",status="4xx"}"#) - 3.0).abs() < 0.1
    );
    let of_route = r#"{route="/problems/{code}",method="PUT"}"#;
    assert!((more(&format!("koyomi_http_request_duration_seconds_count{of_route}")) - 3.0).abs() < 0.1);
    let none = r#"koyomi_http_request_statements_bucket{route="/problems/{code}",method="PUT",le="0"}"#;
    assert!((more(none) - 3.0).abs() < 0.1, "a refusal that asked the database nothing");
    let mutation = r#"koyomi_graphql_requests_total{operation="mutation",field="other",outcome="ok"}"#;
    assert!((more(mutation) - 1.0).abs() < 0.1);
}

#[tokio::test]
async fn who_goes_away_before_the_answer_is_counted_as_gone() {
    use tokio::io::AsyncWriteExt;

    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let gone = r#"koyomi_http_requests_total{route="/api/users",method="GET",status="gone"}"#;
    let before = Exposed::of(&koyomi.anonymous()).await.value(gone);
    // Every head check waits for this.
    let mut sql = koyomi.sql().await;
    sqlx::raw_sql("begin; lock table users in access exclusive mode").execute(&mut sql).await.unwrap();
    let address = koyomi.base.strip_prefix("http://").unwrap().to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!("GET /api/users?q=a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", mio.token);
    socket.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    drop(socket);
    let mut now = before;
    for _ in 0..200 {
        now = Exposed::of(&koyomi.anonymous()).await.value(gone);
        if now > before {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    sqlx::raw_sql("rollback").execute(&mut sql).await.unwrap();
    assert!(now > before, "nobody was counted as gone");
}

/// What watches an instance asks for nothing that it does not tell.
#[test]
fn rules_and_dashboards_know_their_names() {
    let ops = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops");
    let read = |path: &str| std::fs::read_to_string(ops.join(path)).unwrap();
    let (rules, alerts) = (read("prometheus/rules.yml"), read("prometheus/alerts.yml"));
    let mut known: BTreeSet<String> = catalogue().into_keys().collect();
    known.extend(rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).map(str::to_owned));
    let mut texts = vec![rules.clone(), alerts];
    for entry in std::fs::read_dir(ops.join("grafana/dashboards")).unwrap() {
        texts.push(std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert_eq!(texts.len(), 6, "rules, alerts, four dashboards");
    for text in texts {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        for word in words.filter(|word| ["koyomi_", "koyomi:", "process_"].iter().any(|start| word.starts_with(start)))
        {
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
            let is_known = known.contains(word) || stem.is_some_and(|stem| known.contains(stem));
            assert!(is_known || word == "koyomi:", "{word} is no metric of docs/METRICS.md");
        }
    }
}
