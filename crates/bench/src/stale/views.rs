//! Three who ask for the same: one sees all of it, one sees only that time is taken, and the third is now like the one and
//! now like the other. What was made for one must never reach another whose view differs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::json;

use crate::http::Ask;
use crate::report::{Class, Tally};
use crate::servers::Instance;
use crate::storm::Storm;
use crate::world::{NEIGHBOURS, event, spot};
use crate::writers::Write;

const OWNER: usize = NEIGHBOURS;
const CHANGING: usize = NEIGHBOURS + 1;
const BLIND: usize = NEIGHBOURS + 2;
const SEEING: usize = NEIGHBOURS + 3;
const TITLE: &str = "Seen by some";
/// So many of the questions that were asked during a change are asked again.
const REPEATED: usize = 6;

struct Scene {
    storm: Arc<Storm>,
    calendar: String,
    /// Every question is a new one, so that nobody has been answered before.
    asked: AtomicU32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Full,
    Busy,
}

pub(crate) async fn change_on(storm: Arc<Storm>) {
    let mut rng = storm.rng(3_100);
    let Some(scene) = Scene::set(storm, &mut rng).await else { return };
    while !scene.storm.is_over() {
        if scene.play(&mut rng).await.is_none() {
            scene.storm.sleep(Duration::from_secs(1)).await;
        }
        let pause = rng.random_range(scene.storm.plan.pause.clone());
        scene.storm.sleep(Duration::from_millis(pause)).await;
    }
}

impl Scene {
    async fn set(storm: Arc<Storm>, rng: &mut StdRng) -> Option<Self> {
        let body = json!({ "name": "Seen differently", "time_zone": "UTC" });
        let write = Write::post("/api/calendars".to_owned(), OWNER, body, "views");
        let calendar = storm.write_until_known(rng, &write).await?.1["id"].as_str()?.to_owned();
        let write =
            Write::post("/api/events".to_owned(), OWNER, event(&calendar, &spot(0, 1, 8), TITLE), "views-event");
        storm.write_until_known(rng, &write).await?;
        for (user, role) in [(CHANGING, "free_busy"), (BLIND, "free_busy"), (SEEING, "reader")] {
            let (path, key) = (format!("/api/calendars/{calendar}/members"), format!("views-{user}"));
            let body = json!({ "user_id": storm.world.users[user].id, "role": role });
            storm.write_until_known(rng, &Write::post(path, OWNER, body, &key)).await?;
        }
        // Those who answer from memory may not have heard of it.
        storm.sleep(Duration::from_secs(1)).await;
        Some(Self { storm, calendar, asked: AtomicU32::new(0) })
    }

    fn question(&self) -> String {
        let (n, calendar) = (self.asked.fetch_add(1, Ordering::Relaxed) + 1, &self.calendar);
        let window = format!(
            "from=2027-03-01T00:00:00Z&to=2027-04-{:02}T{:02}:{:02}:{:02}Z",
            1 + n / 86_400,
            n / 3600 % 24,
            n / 60 % 60,
            n % 60
        );
        if n.is_multiple_of(3) {
            format!("/api/events?calendar_id={calendar}&{window}&expand=attendees")
        } else {
            format!("/api/calendars/{calendar}/events?{window}")
        }
    }

    /// None: a write did not come through.
    async fn play(&self, rng: &mut StdRng) -> Option<()> {
        self.change(rng, "reader").await?;
        let instances = self.change(rng, "free_busy").await?;
        Tally::add(&self.storm.tally.revocations);
        for instance in instances {
            for path in [self.question(), self.question()] {
                self.asks(&instance, SEEING, &path, Some(Seen::Full)).await;
                self.asks(&instance, CHANGING, &path, Some(Seen::Busy)).await;
            }
        }
        Some(())
    }

    /// Another role for the one, while all three ask, and whoever asks later for what was asked then. Answers the
    /// instances in some order.
    async fn change(&self, rng: &mut StdRng, role: &str) -> Option<Vec<Arc<Instance>>> {
        let storm = Arc::clone(&self.storm);
        let mut instances = storm.instances.clone();
        instances.shuffle(rng);
        // So that their rights are remembered, where they are.
        self.all_ask(&instances, &self.question()).await;
        let member = format!("/api/calendars/{}/members/{}", self.calendar, storm.world.users[CHANGING].id);
        let (write, done) = (Write::patch(member, OWNER, json!({ "role": role })), AtomicBool::new(false));
        let changes = async {
            let told = storm.write_until_known(rng, &write).await;
            done.store(true, Ordering::Relaxed);
            told
        };
        let meanwhile = async {
            let mut asked = VecDeque::new();
            while !done.load(Ordering::Relaxed) && !storm.is_over() {
                let path = self.question();
                self.all_ask(&instances, &path).await;
                asked.push_back(path);
                if asked.len() > REPEATED {
                    asked.pop_front();
                }
            }
            asked
        };
        let (told, mut asked) = tokio::join!(changes, meanwhile);
        told?;
        for _ in 0..3 {
            let path = self.question();
            self.all_ask(&instances, &path).await;
            asked.push_back(path);
        }
        storm.sleep(Duration::from_millis(rng.random_range(0..400))).await;
        for path in &asked {
            for instance in &instances {
                self.asks(instance, SEEING, path, Some(Seen::Full)).await;
                self.asks(instance, BLIND, path, Some(Seen::Busy)).await;
            }
        }
        Some(instances)
    }

    async fn all_ask(&self, instances: &[Arc<Instance>], path: &str) {
        for instance in instances {
            self.asks(instance, CHANGING, path, None).await;
            self.asks(instance, BLIND, path, Some(Seen::Busy)).await;
            self.asks(instance, SEEING, path, Some(Seen::Full)).await;
        }
    }

    async fn asks(&self, instance: &Instance, viewer: usize, path: &str, must: Option<Seen>) {
        let storm = &self.storm;
        let Some(answer) = storm.ask(instance, Ask::get(path, &storm.world.users[viewer].bearer)).await else { return };
        let body = String::from_utf8_lossy(&answer.body);
        let seen = match answer.status {
            200 if body.contains(TITLE) => Some(Seen::Full),
            200 => Some(Seen::Busy),
            _ => None,
        };
        if seen.is_some() && must.is_none_or(|must| seen == Some(must)) {
            return;
        }
        let who = ["the owner", "who changes", "who sees when it is busy", "who sees all"][viewer - OWNER];
        let text = format!(
            "{who} is shown {seen:?}, and may see {must:?}\n  seed {}, GET {path} as user{viewer} of instance {} ({}, {})\n  \
             {} {:?}\n  {body}\n  faults: {}",
            storm.seed,
            instance.number,
            instance.setup.reads,
            instance.setup.cache,
            answer.status,
            answer.headers,
            storm.weather.names(answer.began, answer.ended),
        );
        storm.find(Class::Violation, text);
    }
}
