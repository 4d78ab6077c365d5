//! Those who give and take away: what was taken is not shown any more, by any instance, in any mode.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;

use crate::http::{Answer, Ask, Token};
use crate::options::BOUND;
use crate::report::{Class, Tally};
use crate::servers::Instance;
use crate::storm::Storm;
use crate::weather::Fault;
use crate::world::{OWNERS, REVOKED, event, spot};
use crate::writers::Write;

/// What is given and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grant {
    /// Reader of a calendar, then nothing.
    Member,
    /// Reader of a calendar, then only free/busy.
    Role,
    /// An API token.
    Token,
    /// Guest of an event.
    Guest,
}

const GRANTS: [Grant; 4] = [Grant::Member, Grant::Role, Grant::Token, Grant::Guest];
pub(crate) const LOOPS: usize = GRANTS.len();

/// A calendar of the loop's own with an event in it, and somebody who is not always let in.
struct Scene {
    grant: Grant,
    owner: usize,
    guest: usize,
    /// A reader who stays: what he is shown may lie in the cache for those who may see as much.
    witness: usize,
    calendar: String,
    event: String,
    title: String,
    round: u64,
}

/// A route that shows what is given, and the text that shows it.
struct Window {
    path: String,
    shows: String,
    /// The tag of an answer that showed it.
    tag: Option<String>,
}

pub(crate) async fn revoke_on(storm: Arc<Storm>, number: usize) {
    let mut rng = storm.rng(3_000 + number as u64);
    let Some(mut scene) = Scene::set(&storm, &mut rng, number).await else { return };
    while !storm.is_over() {
        scene.round += 1;
        if scene.play(&storm, &mut rng).await.is_none() && !storm.is_over() {
            storm.sleep(Duration::from_secs(1)).await;
        }
        let pause = rng.random_range(storm.plan.pause.clone());
        storm.sleep(Duration::from_millis(pause)).await;
    }
}

impl Scene {
    async fn set(storm: &Storm, rng: &mut StdRng, number: usize) -> Option<Self> {
        let (owner, guest) = (OWNERS.start + number, REVOKED.start + number);
        let title = format!("For few eyes {number}");
        let body = json!({ "name": format!("Given and taken {number}"), "time_zone": "UTC" });
        let key = format!("scene-{number}");
        let write = Write::post("/api/calendars".to_owned(), owner, body, &key);
        let calendar = storm.write_until_known(rng, &write).await?.1["id"].as_str()?.to_owned();
        let body = event(&calendar, &spot(0, 1 + number, 8), &title);
        let key = format!("scene-event-{number}");
        let write = Write::post("/api/events".to_owned(), owner, body, &key);
        let event = storm.write_until_known(rng, &write).await?.1["id"].as_str()?.to_owned();
        let witness = OWNERS.start + (number + 1) % LOOPS;
        let (members, key) = (format!("/api/calendars/{calendar}/members"), format!("scene-witness-{number}"));
        let body = json!({ "user_id": storm.world.users[witness].id, "role": "reader" });
        storm.write_until_known(rng, &Write::post(members, owner, body, &key)).await?;
        Some(Self { grant: GRANTS[number], owner, guest, witness, calendar, event, title, round: 0 })
    }

    /// Given, seen, taken, not seen. None: a write did not come through.
    async fn play(&self, storm: &Storm, rng: &mut StdRng) -> Option<()> {
        let (key, mut bearer) = (format!("{:?}-{}", self.grant, self.round), self.bearer(storm));
        let (write, restore) = self.give(&key);
        let (token, made) = storm.write_until_known(rng, &write).await?;
        let taken = match self.grant {
            Grant::Member => Write::delete(self.membership(storm), self.owner),
            Grant::Role => Write::patch(self.membership(storm), self.owner, json!({ "role": "free_busy" })),
            Grant::Guest => {
                let path = format!("/api/events/{}/attendees/{}", self.event, made["id"].as_str()?);
                Write::delete(path, self.owner)
            }
            Grant::Token => {
                // A repeated answer is without it; then there is nothing to look through.
                bearer = made["secret"].as_str().map(str::to_owned).unwrap_or(bearer);
                Write::delete(format!("/api/tokens/{}", made["id"].as_str()?), self.guest)
            }
        };
        let mut windows = self.windows();
        for instance in &storm.instances {
            self.sees(storm, rng, instance, &bearer, token.as_ref(), &mut windows).await;
        }
        storm.write_until_known(rng, &taken).await?;
        let acknowledged = Instant::now();
        Tally::add(&storm.tally.revocations);
        if self.grant != Grant::Token || bearer != self.bearer(storm) {
            if rng.random_bool(0.5) {
                self.witness_sees(storm, rng, &windows).await;
            }
            for _ in 0..2 {
                let mut looks = Vec::new();
                for (instance, window) in storm.instances.iter().flat_map(|i| windows.iter().map(move |w| (i, w))) {
                    if rng.random_bool(0.7) {
                        let conditional = rng.random_bool(0.5);
                        looks.push(self.sees_nothing(storm, instance, &bearer, window, conditional, acknowledged));
                    }
                }
                join_all(looks).await;
                let pause = rng.random_range(0..150);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        }
        if restore {
            storm.write_until_known(rng, &Write::delete(self.membership(storm), self.owner)).await?;
        }
        Some(())
    }

    fn bearer(&self, storm: &Storm) -> String {
        storm.world.users[self.guest].bearer.clone()
    }

    fn membership(&self, storm: &Storm) -> String {
        format!("/api/calendars/{}/members/{}", self.calendar, storm.world.users[self.guest].id)
    }

    /// The write that gives, and whether something is left when it was taken.
    fn give<'a>(&self, key: &'a str) -> (Write<'a>, bool) {
        let email = format!("user{}@example.com", self.guest);
        let members = format!("/api/calendars/{}/members", self.calendar);
        match self.grant {
            Grant::Member | Grant::Role => {
                let body = json!({ "email": email, "role": "reader" });
                (Write::post(members, self.owner, body, key), self.grant == Grant::Role)
            }
            Grant::Guest => {
                let path = format!("/api/events/{}/attendees", self.event);
                (Write::post(path, self.owner, json!({ "email": email }), key), false)
            }
            Grant::Token => (Write::post("/api/tokens".to_owned(), self.guest, json!({ "name": key }), key), false),
        }
    }

    /// Where it shows.
    fn windows(&self) -> Vec<Window> {
        let (calendar, event) = (&self.calendar, &self.event);
        let month = "from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z";
        let list = format!("/api/calendars/{calendar}/events?{month}");
        let several = format!("/api/events?calendar_id={calendar}&{month}&expand=attendees");
        let (one, agenda) = (format!("/api/events/{event}"), format!("/api/me/events?{month}"));
        let occurrences = format!("/api/events/{event}/occurrences?{month}");
        let by_id = format!("/api/events?ids={event}");
        let title = |path| (path, self.title.clone());
        let pairs = match self.grant {
            Grant::Member => vec![
                title(list),
                title(several),
                title(one),
                title(occurrences),
                title(agenda),
                title(by_id),
                (format!("/api/calendars/{calendar}"), calendar.clone()),
                ("/api/calendars".to_owned(), calendar.clone()),
            ],
            Grant::Role => {
                vec![title(list), title(several), title(one), title(occurrences), title(agenda), title(by_id)]
            }
            Grant::Guest => vec![title(one), title(occurrences), title(agenda), title(by_id)],
            // All that a signed-in person can ask for shows something.
            Grant::Token => ["/api/me", "/api/calendars", "/api/resources", &agenda]
                .map(|path| (path.to_owned(), String::new()))
                .into(),
        };
        pairs.into_iter().map(|(path, shows)| Window { path, shows, tag: None }).collect()
    }

    /// What was given shows: at once where it was promised, else within the bound. Leaves the tags of what was shown.
    async fn sees(
        &self,
        storm: &Storm,
        rng: &mut StdRng,
        instance: &Instance,
        bearer: &str,
        token: Option<&Token>,
        windows: &mut [Window],
    ) {
        let began = Instant::now();
        let token = token.filter(|_| rng.random_bool(0.5));
        let waits = !instance.setup.is_strict() && token.is_none();
        let at = rng.random_range(0..windows.len());
        for window in &mut windows[at..] {
            loop {
                let (asked, mut ask) = (Instant::now(), Ask::get(&window.path, bearer));
                ask.consistency = token.map(AsRef::as_ref);
                let Some(answer) = storm.ask(instance, ask).await else { return };
                if answer.status == 200 && shows(&answer, &window.shows) {
                    window.tag = answer.etag();
                    break;
                }
                if answer.status == 410 && storm.weather.happened(Fault::NewEpoch) {
                    return;
                }
                if !waits || asked - began > BOUND {
                    let text = self.account(storm, instance, &answer, &window.path, "was given, and does not show");
                    storm.find(Class::Stale, text);
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Whatever the answer: it is asked for so that it lies in the cache.
    async fn witness_sees(&self, storm: &Storm, rng: &mut StdRng, windows: &[Window]) {
        let bearer = &storm.world.users[self.witness].bearer;
        let mut looks = Vec::new();
        for (instance, window) in storm.instances.iter().flat_map(|i| windows.iter().map(move |w| (i, w))) {
            if rng.random_bool(0.7) {
                looks.push(storm.ask(instance, Ask::get(&window.path, bearer)));
            }
        }
        join_all(looks).await;
    }

    async fn sees_nothing(
        &self,
        storm: &Storm,
        instance: &Instance,
        bearer: &str,
        window: &Window,
        conditional: bool,
        acknowledged: Instant,
    ) {
        let mut ask = Ask::get(&window.path, bearer);
        ask.have = window.tag.as_deref().filter(|_| conditional);
        let Some(answer) = storm.ask(instance, ask).await else { return };
        if answer.status == 304 || answer.is_ok() && shows(&answer, &window.shows) {
            let what = format!(
                "was taken {:.1} ms before the request began, and shows",
                (answer.began - acknowledged).as_secs_f64() * 1e3
            );
            storm.find(Class::Violation, self.account(storm, instance, &answer, &window.path, &what));
        } else if !answer.is_ok() && ![401, 403, 404].contains(&answer.status) {
            storm.find(Class::Violation, self.account(storm, instance, &answer, &window.path, "odd answer"));
        }
    }

    fn account(&self, storm: &Storm, instance: &Instance, answer: &Answer, path: &str, what: &str) -> String {
        format!(
            "{:?}, round {}: {what}\n  seed {}, GET {path} as user{} of instance {} ({}, {})\n  {} {:?}\n  {}\n  faults: {}",
            self.grant,
            self.round,
            storm.seed,
            self.guest,
            instance.number,
            instance.setup.reads,
            instance.setup.cache,
            answer.status,
            answer.headers,
            String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>(),
            storm.weather.names(answer.began, answer.ended),
        )
    }
}

fn shows(answer: &Answer, text: &str) -> bool {
    String::from_utf8_lossy(&answer.body).contains(text)
}
