//! Those who look, and know what they must see at least.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rand::Rng;
use rand::rngs::StdRng;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;

use crate::cells::{Cell, Floor, Shown, Verdict};
use crate::http::{Answer, Ask, Lost, Token};
use crate::options::BOUND;
use crate::probes::{Probe, probe};
use crate::report::{Class, Tally};
use crate::servers::{Instance, State};
use crate::storm::Storm;
use crate::weather::{Asked, Fault};
use crate::world::View;

/// What one reader remembers.
#[derive(Default)]
pub(crate) struct Memory {
    /// By user and path: the tag, and what the answer with that tag showed of each cell that was looked for.
    pages: HashMap<(usize, String), (String, HashMap<usize, Shown>)>,
    /// By cell: what was seen last, and the token of that answer.
    seen: HashMap<usize, (u64, Token)>,
}

const PAGES: usize = 4_000;

/// What many ask for at the moment, as people do who have the same page open: without it hardly anything would be asked
/// for twice between two writes.
#[derive(Default)]
pub(crate) struct Popular(Mutex<Vec<(Arc<Cell>, Probe)>>);

const POPULAR: usize = 48;

impl Popular {
    /// One of them, or something new that takes the place of one.
    fn next(&self, storm: &Storm, rng: &mut StdRng) -> (Arc<Cell>, Probe) {
        let mut popular = self.0.lock().unwrap();
        let is_full = popular.len() == POPULAR;
        if is_full && rng.random_bool(0.9) {
            return popular[rng.random_range(0..POPULAR)].clone();
        }
        let cell = Arc::clone(storm.world.pick(storm.plan.hot, rng));
        let new = (Arc::clone(&cell), probe(&storm.world, &cell, rng));
        if is_full {
            popular[rng.random_range(0..POPULAR)] = new.clone();
        } else {
            popular.push(new.clone());
        }
        new
    }
}

pub(crate) async fn read_on(storm: Arc<Storm>, number: usize) {
    let mut rng = storm.rng(1_000 + number as u64);
    let mut memory = Memory::default();
    while !storm.is_over() {
        let Some(instance) = storm.choose(&mut rng).await else { continue };
        let (cell, probe) = storm.popular.next(&storm, &mut rng);
        read(&storm, &mut rng, &mut memory, &cell, &instance, probe).await;
    }
}

/// What this read must show at least, and the token that says so, if it carries one.
fn demand(
    storm: &Storm,
    memory: &Memory,
    cell: &Cell,
    instance: &Instance,
    rng: &mut StdRng,
) -> (Floor, Option<Token>) {
    let now = cell.floor();
    let by_now = || Floor { n: cell.floor_at(Instant::now() - BOUND), ..now.clone() };
    let dice = if storm.plan.tokens { rng.random_range(0..10) } else { 10 };
    if dice < 4 && now.token.is_some() {
        return (now.clone(), now.token);
    }
    let without = if instance.setup.is_strict() { now } else { by_now() };
    match memory.seen.get(&cell.number).filter(|_| dice < 6) {
        // What somebody has seen, he sees from then on, wherever he asks.
        Some((n, token)) => (Floor { n: without.n.max(*n), ..without }, Some(Arc::clone(token))),
        None => (without, None),
    }
}

async fn read(storm: &Storm, rng: &mut StdRng, memory: &mut Memory, cell: &Cell, instance: &Instance, probe: Probe) {
    let key = (probe.viewer, probe.path.clone());
    let known = memory.pages.get(&key).filter(|(_, shown)| shown.contains_key(&cell.number));
    let have = known.filter(|_| rng.random_bool(0.5)).map(|(tag, _)| tag.clone());
    let gzip = rng.random_bool(0.25);
    let (floor, token) = demand(storm, memory, cell, instance, rng);
    let ask = Ask {
        consistency: token.as_deref(),
        have: have.as_deref(),
        gzip,
        ..Ask::get(&probe.path, &storm.world.users[probe.viewer].bearer)
    };
    let began = Instant::now();
    let answer = match ask.send(&storm.http, instance).await {
        Ok(answer) => answer,
        Err(lost) => return storm.lost(Asked::Read, instance, began, &lost, || probe.path.clone()),
    };
    let told = |what: &str| account(storm, cell, instance, &probe, &floor, &token, &have, &answer, what);
    let shown = match answer.status {
        200 => {
            let body = answer.json();
            if probe.events
                && let Some(what) = shown_wrongly(storm, probe.viewer, &body)
            {
                storm.find(Class::Violation, told(&what));
            }
            let shown = probe.look.at(&body, cell.number);
            if memory.pages.len() > PAGES {
                memory.pages.clear();
            }
            if let Some(tag) = answer.etag() {
                let page = memory.pages.entry(key).or_default();
                if page.0 != tag {
                    *page = (tag, HashMap::new());
                }
                page.1.insert(cell.number, shown.clone());
            }
            shown
        }
        304 => match memory.pages.get(&key).filter(|_| have.is_some()) {
            Some((_, shown)) => shown[&cell.number].clone(),
            None => return storm.find(Class::Violation, told("a 304 that nobody asked for")),
        },
        410 if token.is_some() && storm.weather.happened(Fault::NewEpoch) => {
            Tally::add(&storm.tally.gone);
            memory.seen.clear();
            return cell.forget(token.as_deref().unwrap_or_default());
        }
        500.. => return storm.failed(Asked::Read, instance, &answer, || probe.path.clone()),
        _ => return storm.find(Class::Violation, told("an answer that is none")),
    };
    let tally = &storm.tally;
    tally.read(probe.route);
    tally.statements.fetch_add(statements(&answer), Ordering::Relaxed);
    if answer.status == 304 {
        Tally::add(&tally.not_modified);
    }
    if token.is_some() {
        Tally::add(&tally.with_token);
    }
    match shown.judge(floor.n, cell.sent()) {
        Verdict::Stale => storm.find(Class::Stale, told(&format!("shows {shown:?}"))),
        Verdict::Wrong => storm.find(Class::Violation, told(&format!("shows {shown:?}"))),
        Verdict::Fine => {
            if let (Shown::Exactly(n), Some(token)) = (shown, answer.token()) {
                memory.seen.insert(cell.number, (n, token));
            }
        }
    }
}

/// The first event that is shown to somebody who may see less of it, or more.
fn shown_wrongly(storm: &Storm, viewer: usize, body: &Value) -> Option<String> {
    let alone = std::slice::from_ref(body);
    let items = body["items"].as_array().map_or(alone, Vec::as_slice);
    items.iter().find_map(|item| {
        let view = storm.world.view(viewer, item)?;
        let is = |name: &str| item["view"].is_null() || item["view"] == name;
        let secrets = ["title", "description", "organizer_name", "room_name", "uid", "attendees", "resources"];
        let wrong = match view {
            View::Full if !is("full") => "a busy block instead of the event",
            View::Busy if !is("busy") || secrets.iter().any(|s| !item[*s].is_null()) => "more than a busy block",
            View::Nothing => "an event of a calendar that is not shared",
            _ => return None,
        };
        Some(format!("{wrong}: {item}"))
    })
}

/// `Server-Timing: …desc="queries=3"`
fn statements(answer: &Answer) -> u64 {
    let timing = answer.headers.get("server-timing").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let count = timing.split_once("queries=").map(|(_, rest)| rest.trim_end_matches('"'));
    count.and_then(|n| n.split('"').next()?.parse().ok()).unwrap_or(0)
}

#[allow(clippy::too_many_arguments, reason = "the whole story")]
fn account(
    storm: &Storm,
    cell: &Cell,
    instance: &Instance,
    probe: &Probe,
    floor: &Floor,
    token: &Option<Token>,
    have: &Option<String>,
    answer: &Answer,
    what: &str,
) -> String {
    let age = floor.age.map_or("never".to_owned(), |age| format!("{:.1} ms before", age.as_secs_f64() * 1e3));
    format!(
        "{what}\n  seed {}, cell c{} ({}): floor {}, last acknowledged {age}, sent {}\n  GET {}\n  as user{} of instance \
         {} ({}, {}), which took {:.1} ms\n  consistency token {token:?}, if-none-match {have:?}\n  {} {:?}\n  faults: {}",
        storm.seed,
        cell.number,
        cell.kind.name(),
        floor.n,
        cell.sent(),
        probe.path,
        probe.viewer,
        instance.number,
        instance.setup.reads,
        instance.setup.cache,
        (answer.ended - answer.began).as_secs_f64() * 1e3,
        answer.status,
        answer.headers,
        storm.weather.names(answer.began, answer.ended),
    )
}

/// One read of this cell: by whoever has just written it, and of what was acknowledged long ago.
pub(crate) async fn look(storm: &Storm, rng: &mut StdRng, memory: &mut Memory, cell: &Cell, instance: &Instance) {
    let probe = probe(&storm.world, cell, rng);
    read(storm, rng, memory, cell, instance, probe).await;
}

impl Storm {
    /// A read by somebody who has his own idea of what must come back. None: no answer, or one of 5xx; that has been
    /// counted. Not of an instance that is known to be down.
    pub(crate) async fn ask(&self, instance: &Instance, ask: Ask<'_>) -> Option<Answer> {
        if instance.state() == State::Down {
            return None;
        }
        let (path, began) = (ask.path.to_owned(), Instant::now());
        match ask.send(&self.http, instance).await {
            Ok(answer) if answer.status >= 500 => {
                self.failed(Asked::Read, instance, &answer, || path.clone());
                None
            }
            Ok(answer) => Some(answer),
            Err(lost) => {
                self.lost(Asked::Read, instance, began, &lost, || path.clone());
                None
            }
        }
    }

    /// A request that got no answer.
    pub(crate) fn lost(
        &self,
        asked: Asked,
        instance: &Instance,
        began: Instant,
        lost: &Lost,
        path: impl Fn() -> String,
    ) {
        let (now, class) = (
            Instant::now(),
            match lost {
                Lost::Timeout => "timeout",
                Lost::Broken(_) => "no answer",
            },
        );
        let names = self.weather.names(began, now);
        if self.weather.excuses(asked, instance.number, began, now) {
            return self.tally.tolerate(format!("{asked:?} {class} ({names})"));
        }
        let text = format!("{} of instance {}: {lost}; faults: {names}", path(), instance.number);
        self.find(Class::Error, text);
    }

    /// An answer of 5xx.
    pub(crate) fn failed(&self, asked: Asked, instance: &Instance, answer: &Answer, path: impl Fn() -> String) {
        let names = self.weather.names(answer.began, answer.ended);
        let code = answer.code();
        let honest = answer.status == 503
            && answer.headers.contains_key(RETRY_AFTER)
            && ["try_again", "unavailable", "outcome_unknown", "timeout"].contains(&code.as_str());
        if honest && self.weather.excuses(asked, instance.number, answer.began, answer.ended) {
            return self.tally.tolerate(format!("{asked:?} {} {code} ({names})", answer.status));
        }
        let body = String::from_utf8_lossy(&answer.body);
        let text = format!("{} of instance {}: {} {body}; faults: {names}", path(), instance.number, answer.status);
        self.find(Class::Error, text);
    }
}
