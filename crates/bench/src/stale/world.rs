//! The people, calendars, events and rooms that the storm is about, and who may see what of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use reqwest::Method;
use serde_json::{Value, json};

use crate::cells::{Cell, Kind, Spot, text};
use crate::cli::Cli;
use crate::http::{Ask, Http};
use crate::servers::Instance;

pub(crate) struct User {
    pub id: String,
    pub email: String,
    /// An API token.
    pub bearer: String,
}

pub(crate) struct Calendar {
    pub id: String,
    pub owner: usize,
    pub writer: usize,
    pub reader: usize,
    pub free_busy: usize,
    /// Everything of it is on this day of March 2027, but for the ends of a series.
    pub day: usize,
}

impl Calendar {
    pub(crate) fn is_shared_with(&self, user: usize) -> bool {
        [self.owner, self.writer, self.reader, self.free_busy].contains(&user)
    }
}

/// How much somebody sees of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Full,
    Busy,
    Nothing,
}

pub(crate) struct World {
    pub users: Vec<User>,
    pub calendars: Vec<Calendar>,
    pub cells: Vec<Arc<Cell>>,
    private: HashSet<String>,
    /// Event and guest.
    invited: HashMap<String, usize>,
    /// Sums of the weights of `cells`.
    weights: Vec<f64>,
}

/// Each owns calendars, writes in those of the next, reads those of the one after, and sees when the fourth is busy.
pub(crate) const MEMBERS: usize = 6;
/// Invited here and there, members of nothing.
pub(crate) const GUESTS: std::ops::Range<usize> = 6..9;
pub(crate) const ADMIN: usize = 9;
/// What is taken away belongs to the one and is taken from the other.
pub(crate) const OWNERS: std::ops::Range<usize> = 10..14;
pub(crate) const REVOKED: std::ops::Range<usize> = 14..18;
/// Whose calendar goes back in time.
pub(crate) const RESTORED: usize = 18;
/// An owner, and those of the same calendar whose views differ.
pub(crate) const NEIGHBOURS: usize = 19;
pub(crate) const USERS: usize = 23;
const CALENDARS: usize = 24;

impl World {
    /// One of the first `hot` cells; few of them are asked for often (Zipf).
    pub(crate) fn pick(&self, hot: usize, rng: &mut StdRng) -> &Arc<Cell> {
        let at = rng.random_range(0.0..self.weights[hot.min(self.weights.len()) - 1]);
        &self.cells[self.weights.partition_point(|sum| *sum <= at)]
    }

    pub(crate) fn guest_of(&self, event: &str) -> Option<usize> {
        self.invited.get(event).copied()
    }

    /// What somebody may see of an item of a list of events; `None` for events that are no part of the world.
    pub(crate) fn view(&self, user: usize, item: &Value) -> Option<View> {
        let (event, calendar) = (item["id"].as_str()?, item["calendar_id"].as_str()?);
        let calendar = self.calendars.iter().find(|c| c.id == calendar)?;
        if user == calendar.owner || user == calendar.writer || self.invited.get(event) == Some(&user) {
            return Some(View::Full);
        }
        Some(match user {
            _ if user == calendar.reader && !self.private.contains(event) => View::Full,
            _ if user == calendar.reader || user == calendar.free_busy => View::Busy,
            _ => View::Nothing,
        })
    }
}

pub(crate) struct Maker<'a> {
    pub http: &'a Http,
    pub instance: &'a Instance,
    pub users: Vec<User>,
}

impl Maker<'_> {
    /// Until it is done: the server under test may need a moment, and may have been told to make mistakes.
    pub(crate) async fn send(&self, method: Method, user: usize, path: &str, body: Value) -> anyhow::Result<Value> {
        let mut tries = 0;
        loop {
            let ask = Ask::write(method.clone(), path, &self.users[user].bearer, Some(body.clone()));
            let answer = ask.send(self.http, self.instance).await.map_err(|lost| anyhow::anyhow!("{path}: {lost}"))?;
            if answer.is_ok() {
                return Ok(answer.json());
            }
            tries += 1;
            let text = String::from_utf8_lossy(&answer.body);
            ensure!(
                [404, 422, 503].contains(&answer.status) && tries < 50,
                "{method} {path}: {} {text}",
                answer.status
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its id.
    pub(crate) async fn make(&self, user: usize, path: &str, body: Value) -> anyhow::Result<String> {
        let made = self.send(Method::POST, user, path, body).await?;
        Ok(made["id"].as_str().context("no id")?.to_owned())
    }

    /// The invitations of an event, by address.
    async fn attendees(&self, user: usize, event: &str) -> anyhow::Result<HashMap<String, String>> {
        let path = format!("/api/events/{event}/attendees");
        let page = self.send(Method::GET, user, &path, Value::Null).await?;
        let pair = |a: &Value| Some((a["email"].as_str()?.to_owned(), a["id"].as_str()?.to_owned()));
        page["items"].as_array().context("no items")?.iter().map(|a| pair(a).context("no id")).collect()
    }
}

pub(crate) fn event(calendar: &str, at: &Spot, title: &str) -> Value {
    let time = |utc: &str| json!({ "date_time": utc.trim_end_matches('Z'), "time_zone": "UTC" });
    json!({ "calendar_id": calendar, "title": title, "start": time(&at.start), "end": time(&at.end) })
}

/// An hour of a day.
pub(crate) fn spot(calendar: usize, day: usize, hour: usize) -> Spot {
    let at = |hour: usize| format!("2027-03-{day:02}T{hour:02}:00:00Z");
    Spot { calendar, event: String::new(), start: at(hour), end: at(hour + 1) }
}

/// What is being built.
struct Building<'a> {
    maker: Maker<'a>,
    calendars: Vec<Calendar>,
    cells: Vec<Kind>,
    private: HashSet<String>,
    invited: HashMap<String, usize>,
}

pub(crate) async fn build(http: &Http, instance: &Instance, cli: &Cli, rng: &mut StdRng) -> anyhow::Result<World> {
    let users = cli.users().await?;
    let mut b = Building {
        maker: Maker { http, instance, users },
        calendars: Vec::new(),
        cells: Vec::new(),
        private: HashSet::new(),
        invited: HashMap::new(),
    };
    for n in 0..CALENDARS {
        b.calendar(n).await?;
    }
    for user in 0..MEMBERS {
        // The first calendar that is his; its first event is of his making.
        let kind = b.cells.iter().find_map(|kind| match kind {
            Kind::Title { at, .. } if b.calendars[at.calendar].owner == user => Some(at.clone()),
            _ => None,
        });
        b.user_name(user, kind, None).await?;
    }
    for guest in GUESTS {
        let invitation = b.cells.iter().find_map(|kind| match kind {
            Kind::Reply { at, attendee, guest: g } if *g == guest => Some((at.clone(), attendee.clone())),
            _ => None,
        });
        b.user_name(guest, None, invitation).await?;
    }
    let mut cells: Vec<_> = b.cells.into_iter().enumerate().map(|(n, kind)| Arc::new(Cell::new(n, kind))).collect();
    cells.shuffle(rng);
    let weights = cells.iter().enumerate().scan(0.0, |sum, (rank, _)| {
        *sum += 1.0 / (rank as f64 + 1.0).powf(0.8);
        Some(*sum)
    });
    Ok(World {
        weights: weights.collect(),
        cells,
        users: b.maker.users,
        calendars: b.calendars,
        private: b.private,
        invited: b.invited,
    })
}

impl Building<'_> {
    async fn calendar(&mut self, n: usize) -> anyhow::Result<()> {
        let owner = n % MEMBERS;
        let [writer, reader, free_busy] = [1, 2, 3].map(|further| (owner + further) % MEMBERS);
        let name = text(self.cells.len(), 0);
        let id = self.maker.make(owner, "/api/calendars", json!({ "name": name, "time_zone": "Asia/Tokyo" })).await?;
        self.cells.push(Kind::CalendarName { calendar: n });
        for (user, role) in [(writer, "writer"), (reader, "reader"), (free_busy, "free_busy")] {
            let member = json!({ "user_id": self.maker.users[user].id, "role": role });
            self.maker.send(Method::POST, owner, &format!("/api/calendars/{id}/members"), member).await?;
        }
        let day = n + 1;
        self.calendars.push(Calendar { id, owner, writer, reader, free_busy, day });

        let at = self.event(n, 8, json!({})).await?;
        self.cells.push(Kind::Title { at, private: false });
        let at = self.event(n, 9, json!({ "visibility": "private" })).await?;
        self.private.insert(at.event.clone());
        self.cells.push(Kind::Title { at, private: true });
        let at = self.event(n, 20, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await?;
        self.cells.push(Kind::Title { at, private: false });
        self.cells.push(Kind::Presence { at: spot(n, day, 10), room: None });
        let room = self.room(&format!("Taken now and then {n}")).await?;
        self.cells.push(Kind::Presence { at: spot(n, day, 11), room: Some(room) });
        self.guests(n).await?;
        if n.is_multiple_of(2) {
            let at = self.event(n, 14, json!({ "title": "Books and gives back" })).await?;
            let room = self.room(&format!("Booked and given back {n}")).await?;
            self.cells.push(Kind::Booking { at, room });
        }
        if n % 4 == 1 {
            let room = self.room(&text(self.cells.len(), 0)).await?;
            let at = self.event(n, 16, json!({ "title": "In a room", "resources": [room] })).await?;
            self.cells.push(Kind::ResourceName { room, at });
        }
        Ok(())
    }

    /// An event whose title is of the next cell, unless `more` says otherwise.
    async fn event(&self, calendar: usize, hour: usize, more: Value) -> anyhow::Result<Spot> {
        let c = &self.calendars[calendar];
        let mut at = spot(calendar, c.day, hour);
        let mut body = event(&c.id, &at, &text(self.cells.len(), 0));
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        at.event = self.maker.make(c.owner, "/api/events", body).await?;
        Ok(at)
    }

    /// An event with a guest from outside, whose name is changed, and one from inside, who answers.
    async fn guests(&mut self, calendar: usize) -> anyhow::Result<()> {
        let guest = GUESTS.start + calendar % GUESTS.len();
        let (inside, outside) = (self.maker.users[guest].email.clone(), format!("guest{calendar}@outside.example"));
        let invited = json!([{ "email": outside, "name": text(self.cells.len(), 0) }, { "email": inside }]);
        let at = self.event(calendar, 12, json!({ "title": "With guests", "attendees": invited })).await?;
        let mut invitations = self.maker.attendees(self.calendars[calendar].owner, &at.event).await?;
        let mut take = |email: &String| invitations.remove(email).context("who was invited is no guest");
        self.cells.push(Kind::GuestName { at: at.clone(), attendee: take(&outside)? });
        self.cells.push(Kind::Reply { at: at.clone(), attendee: take(&inside)?, guest });
        self.invited.insert(at.event, guest);
        Ok(())
    }

    async fn room(&self, name: &str) -> anyhow::Result<String> {
        self.maker.make(ADMIN, "/api/resources", json!({ "name": name, "kind": "room" })).await
    }

    async fn user_name(
        &mut self,
        user: usize,
        organizes: Option<Spot>,
        invited: Option<(Spot, String)>,
    ) -> anyhow::Result<()> {
        let name = json!({ "name": text(self.cells.len(), 0) });
        self.maker.send(Method::PATCH, user, "/api/me", name).await?;
        self.cells.push(Kind::UserName { user, organizes, invited });
        Ok(())
    }
}
