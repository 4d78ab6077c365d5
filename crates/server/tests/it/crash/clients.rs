//! People who create, edit and delete events, and remember what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

/// What all clients share.
pub(super) struct Shared {
    pub(super) http: reqwest::Client,
    pub(super) base: String,
    pub(super) token: String,
    pub(super) calendar: String,
    pub(super) stop: AtomicBool,
    /// Writes that were acknowledged; refused and unknown ones.
    pub(super) acknowledged: AtomicUsize,
    pub(super) refused: AtomicUsize,
    pub(super) unknown: AtomicUsize,
}

/// What came back of a write.
pub(super) enum Told {
    Done(Value),
    /// 503 `unavailable`: nothing was written.
    NotWritten,
    /// 503 `outcome_unknown`.
    Perhaps,
    /// 404, for what may have been deleted.
    Gone,
}

/// One event as its client knows it. `key` is in its description and never changes.
pub(super) struct Known {
    pub(super) key: String,
    pub(super) id: Option<String>,
    /// What its title may be.
    pub(super) titles: Vec<String>,
    pub(super) life: Life,
    /// Created under an Idempotency-Key, which was repeated until there was an answer.
    pub(super) keyed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Acknowledged.
    Lives,
    /// Nobody knows whether it was created, or deleted.
    Perhaps,
    /// Acknowledged.
    Deleted,
    /// The server said that nothing was written.
    Never,
}

impl Shared {
    /// A request and its answer. Whatever is neither success nor an honest 503 is a finding.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>, key: Option<&str>) -> Told {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path} got no answer: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        match (status, body["code"].as_str()) {
            (200..300, _) => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                Told::Done(body)
            }
            (404, Some("not_found")) => Told::Gone,
            (503, Some(code)) => {
                assert!(headers.contains_key("retry-after"), "503 without Retry-After: {text}");
                assert_eq!(headers["content-type"], "application/problem+json");
                match code {
                    "unavailable" | "try_again" => {
                        self.refused.fetch_add(1, Ordering::Relaxed);
                        Told::NotWritten
                    }
                    "outcome_unknown" => {
                        self.unknown.fetch_add(1, Ordering::Relaxed);
                        Told::Perhaps
                    }
                    other => panic!("{method} {path}: 503 {other}: {text}"),
                }
            }
            _ => panic!("{method} {path}: {status} {text}"),
        }
    }
}

/// Writes until it is told to stop; answers what must be found afterwards.
pub(super) async fn live(shared: Arc<Shared>, number: usize, seed: u64) -> Vec<Known> {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
    let mut known: Vec<Known> = Vec::new();
    let mut step = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        step += 1;
        let living: Vec<usize> = (0..known.len()).filter(|n| known[*n].life == Life::Lives).collect();
        let told_nothing = match rng.random_range(0..10) {
            0..5 if !living.is_empty() => {
                let event = &mut known[living[rng.random_range(0..living.len())]];
                edit(&shared, event, step).await
            }
            5 if living.len() > 2 => {
                let event = &mut known[living[rng.random_range(0..living.len())]];
                delete(&shared, event).await
            }
            _ => {
                let event = create(&shared, &mut rng, number, step).await;
                let refused = event.life == Life::Never;
                known.push(event);
                refused
            }
        };
        if told_nothing {
            // Retry-After, in the time of a test.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    known
}

/// Whether the server refused.
async fn edit(shared: &Shared, event: &mut Known, step: usize) -> bool {
    let title = format!("{} edited in step {step}", event.key);
    let path = format!("/api/events/{}", event.id.as_deref().unwrap());
    match shared.send(Method::PATCH, &path, Some(&json!({ "title": title })), None).await {
        Told::Done(answer) => {
            assert_eq!(answer["title"], title.as_str());
            event.titles = vec![title];
            false
        }
        Told::NotWritten => true,
        Told::Perhaps => {
            event.titles.push(title);
            true
        }
        Told::Gone => panic!("{} was acknowledged and is gone", event.key),
    }
}

async fn delete(shared: &Shared, event: &mut Known) -> bool {
    let path = format!("/api/events/{}", event.id.as_deref().unwrap());
    match shared.send(Method::DELETE, &path, None, None).await {
        Told::Done(_) => {
            event.life = Life::Deleted;
            false
        }
        Told::NotWritten => true,
        Told::Perhaps => {
            event.life = Life::Perhaps;
            true
        }
        Told::Gone => panic!("{} was acknowledged and is gone", event.key),
    }
}

/// Half of the creations carry an Idempotency-Key and are repeated under it until the server says what became of them.
async fn create(shared: &Shared, rng: &mut StdRng, number: usize, step: usize) -> Known {
    let key = format!("client {number} step {step}");
    let title = format!("{key} created");
    let recurrence = if rng.random_range(0..5) == 0 { vec!["RRULE:FREQ=WEEKLY;COUNT=4"] } else { vec![] };
    let hour = rng.random_range(0..23);
    let body = json!({
        "calendar_id": shared.calendar, "title": title, "description": key, "recurrence": recurrence,
        "start": { "date_time": format!("2026-05-04T{hour:02}:00:00"), "time_zone": "Europe/Berlin" },
        "end": { "date_time": format!("2026-05-04T{hour:02}:45:00"), "time_zone": "Europe/Berlin" },
    });
    let keyed = rng.random_bool(0.5);
    let idempotency_key = keyed.then(|| key.replace(' ', "-"));
    let mut event = Known { key, id: None, titles: vec![title], life: Life::Never, keyed };
    loop {
        match shared.send(Method::POST, "/api/events", Some(&body), idempotency_key.as_deref()).await {
            Told::Done(answer) => {
                event.id = Some(answer["id"].as_str().unwrap().to_owned());
                event.life = Life::Lives;
            }
            Told::NotWritten | Told::Perhaps if keyed => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            Told::NotWritten => {}
            Told::Perhaps => event.life = Life::Perhaps,
            Told::Gone => panic!("the calendar is gone"),
        }
        return event;
    }
}
