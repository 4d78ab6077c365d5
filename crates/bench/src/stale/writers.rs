//! Those who raise counters.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cells::{Cell, Kind, Spot};
use crate::http::{Ask, Token};
use crate::readers::{Memory, look};
use crate::report::{Class, Tally};
use crate::storm::Storm;
use crate::weather::Asked;
use crate::world::{ADMIN, event};

/// A write, to be sent to any instance.
pub(crate) struct Write<'a> {
    pub method: Method,
    pub path: String,
    pub user: usize,
    pub body: Option<Value>,
    pub key: Option<&'a str>,
}

impl Write<'_> {
    pub(crate) fn patch(path: String, user: usize, body: Value) -> Self {
        Self { method: Method::PATCH, path, user, body: Some(body), key: None }
    }

    pub(crate) fn delete(path: String, user: usize) -> Self {
        Self { method: Method::DELETE, path, user, body: None, key: None }
    }
}

impl<'a> Write<'a> {
    pub(crate) fn post(path: String, user: usize, body: Value, key: &'a str) -> Self {
        Self { method: Method::POST, path, user, body: Some(body), key: Some(key) }
    }
}

/// What came of a write.
pub(crate) enum Told {
    /// With the token and the body of the answer.
    Done(Option<Token>, Value),
    /// 404.
    Gone,
    /// Nothing was written.
    Refused,
    /// Written or not.
    Unknown,
    /// Refused for good, which is a finding.
    Never,
}

pub(crate) async fn write_on(storm: Arc<Storm>, number: usize, cells: Vec<Arc<Cell>>) {
    let (mut rng, mut memory) = (storm.rng(2_000 + number as u64), Memory::default());
    while !storm.is_over() && !cells.is_empty() {
        let cell = &cells[rng.random_range(0..cells.len())];
        let rests = cell.retired.load(Ordering::Relaxed)
            || cell.kind.is_slow() && (!storm.plan.renames || rng.random_bool(0.95));
        if !rests {
            write(&storm, &mut rng, cell).await;
            // Whoever has written looks, through any instance, at once.
            if rng.random_bool(0.6)
                && let Some(instance) = storm.choose(&mut rng).await
            {
                look(&storm, &mut rng, &mut memory, cell, &instance).await;
            }
        }
        let pause = rng.random_range(storm.plan.pause.clone());
        storm.sleep(Duration::from_millis(pause)).await;
    }
}

async fn write(storm: &Storm, rng: &mut StdRng, cell: &Cell) {
    let n = cell.begin();
    let text = cell.text(n);
    let calendars = &storm.world.calendars;
    let either = |calendar: usize, dice: bool| {
        let c = &calendars[calendar];
        if dice { c.owner } else { c.writer }
    };
    let dice = rng.random_bool(0.5);
    let write = match &cell.kind {
        Kind::Presence { at, room } => return come_and_go(storm, rng, cell, n, at, room.as_deref()).await,
        Kind::Booking { at, room } => return book(storm, rng, cell, n, at, room).await,
        Kind::Title { at, .. } => {
            let path = format!("/api/events/{}", at.event);
            Write::patch(path, either(at.calendar, dice), json!({ "title": text }))
        }
        Kind::CalendarName { calendar } => {
            let c = &calendars[*calendar];
            Write::patch(format!("/api/calendars/{}", c.id), c.owner, json!({ "name": text }))
        }
        Kind::GuestName { at, attendee } => {
            let path = format!("/api/events/{}/attendees/{attendee}", at.event);
            Write::patch(path, either(at.calendar, dice), json!({ "name": text }))
        }
        Kind::Reply { at, guest, .. } => {
            let answer = if n % 2 == 1 { "accepted" } else { "declined" };
            let body = json!({ "response_status": answer, "comment": text });
            let path = format!("/api/events/{}/respond", at.event);
            Write { method: Method::POST, path, user: *guest, body: Some(body), key: None }
        }
        Kind::UserName { user, .. } => Write::patch("/api/me".to_owned(), *user, json!({ "name": text })),
        Kind::ResourceName { room, .. } => {
            Write::patch(format!("/api/resources/{room}"), ADMIN, json!({ "name": text }))
        }
    };
    // Lost or refused: the next one takes its place.
    match storm.write(rng, &write).await {
        Told::Done(token, _) => cell.acknowledge(n, token),
        Told::Gone => storm.find(Class::Violation, format!("{} {}: 404 for what exists", write.method, write.path)),
        Told::Never => {}
        Told::Refused | Told::Unknown => storm.sleep(Duration::from_millis(200)).await,
    }
}

async fn come_and_go(storm: &Storm, rng: &mut StdRng, cell: &Cell, n: u64, at: &Spot, room: Option<&str>) {
    let c = &storm.world.calendars[at.calendar];
    let user = if rng.random_bool(0.5) { c.owner } else { c.writer };
    let key = format!("{}-{n}", cell.number);
    let write = if n % 2 == 1 {
        let mut body = event(&c.id, at, &cell.text(n));
        if let Some(room) = room {
            body["resources"] = json!([room]);
        }
        Write::post("/api/events".to_owned(), user, body, &key)
    } else {
        let event = cell.object.lock().unwrap().clone().unwrap_or_default();
        Write::delete(format!("/api/events/{event}"), user)
    };
    if let Some((token, made)) = storm.write_until_known(rng, &write).await {
        *cell.object.lock().unwrap() = made["id"].as_str().map(str::to_owned);
        cell.acknowledge(n, token);
    } else {
        cell.retired.store(true, Ordering::Relaxed);
    }
}

/// Every booking leaves a row behind: no more than fit on a page.
const BOOKINGS: u64 = 400;

async fn book(storm: &Storm, rng: &mut StdRng, cell: &Cell, n: u64, at: &Spot, room: &str) {
    let c = &storm.world.calendars[at.calendar];
    let user = if rng.random_bool(0.5) { c.owner } else { c.writer };
    let key = format!("{}-{n}", cell.number);
    let path = format!("/api/events/{}/reservations", at.event);
    let write = if n % 2 == 1 {
        Write::post(path, user, json!({ "resources": [room] }), &key)
    } else {
        let reservation = cell.object.lock().unwrap().clone().unwrap_or_default();
        Write::delete(format!("{path}/{reservation}"), user)
    };
    if let Some((token, made)) = storm.write_until_known(rng, &write).await {
        *cell.object.lock().unwrap() = made["items"][0]["id"].as_str().map(str::to_owned);
        cell.acknowledge(n, token);
    } else {
        cell.retired.store(true, Ordering::Relaxed);
    }
    if n >= BOOKINGS {
        cell.retired.store(true, Ordering::Relaxed);
    }
}

impl Storm {
    /// Sends it once, and waits for the answer: whoever gives up on a write may be overtaken by it later.
    pub(crate) async fn write(&self, rng: &mut StdRng, write: &Write<'_>) -> Told {
        let Some(instance) = self.choose(rng).await else { return Told::Refused };
        let bearer = &self.world.users[write.user].bearer;
        let ask = Ask {
            idempotency_key: write.key,
            ..Ask::write(write.method.clone(), &write.path, bearer, write.body.clone())
        };
        let began = Instant::now();
        let what = || format!("{} {}", write.method, write.path);
        let answer = match ask.send(&self.http, &instance).await {
            Ok(answer) => answer,
            Err(lost) => {
                self.lost(Asked::Write, &instance, began, &lost, what);
                return Told::Unknown;
            }
        };
        match answer.status {
            200..300 => {
                Tally::add(&self.tally.writes);
                Told::Done(answer.token(), answer.json())
            }
            404 => Told::Gone,
            500.. => {
                self.failed(Asked::Write, &instance, &answer, what);
                if answer.status == 503 && answer.code() != "outcome_unknown" { Told::Refused } else { Told::Unknown }
            }
            status => {
                let body = String::from_utf8_lossy(&answer.body);
                self.find(Class::Violation, format!("{} by user{}: {status} {body}", what(), write.user));
                Told::Never
            }
        }
    }

    /// Sends it until it is known to have happened: a POST under its key, a DELETE until it is gone. None: the storm was
    /// over before, or it was refused for good.
    pub(crate) async fn write_until_known(
        &self,
        rng: &mut StdRng,
        write: &Write<'_>,
    ) -> Option<(Option<Token>, Value)> {
        let mut perhaps = false;
        // A while longer than the storm: what is taken away has to be gone in the end.
        let mut grace = 10;
        loop {
            match self.write(rng, write).await {
                Told::Done(token, body) => return Some((token, body)),
                Told::Gone if perhaps && write.method == Method::DELETE => return Some((None, Value::Null)),
                Told::Gone => {
                    self.find(Class::Violation, format!("{} {}: 404 for what exists", write.method, write.path));
                    return None;
                }
                Told::Never => return None,
                Told::Unknown => perhaps = true,
                Told::Refused => {}
            }
            if self.is_over() {
                grace -= 1;
                if grace == 0 {
                    return None;
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
