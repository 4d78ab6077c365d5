//! The database goes back in time, as after a restore, and a new epoch begins: the numbers that were given out are given
//! out again, for other contents.

use std::time::Duration;

use anyhow::Context;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;
use sqlx::Connection;

use crate::http::Ask;
use crate::report::{Class, Tally};
use crate::servers::State;
use crate::storm::Storm;
use crate::weather::Fault;
use crate::world::{RESTORED, event, spot};
use crate::writers::Write;

/// A calendar that nobody else touches.
struct Scene<'a> {
    storm: &'a Storm,
    calendar: String,
    event: String,
    windows: [String; 4],
}

pub(crate) async fn go_back(storm: &Storm, rng: &mut StdRng) -> anyhow::Result<()> {
    let key = format!("restore-{:x}", rng.random::<u64>());
    let Some(scene) = Scene::set(storm, rng, &key).await else { return Ok(()) };
    let Some(first) = scene.tell(rng, "before").await else { return Ok(()) };
    scene.look(&first, &[]).await;
    let mut conn = storm.database.connect().await?;
    let event: uuid::Uuid = scene.event.parse()?;
    let calendar: uuid::Uuid = scene.calendar.parse()?;
    let then: (String, i64, i32, i64, i64) = sqlx::query_as(
        "select e.title, e.seq, e.sequence, h.seq, h.acl from events e join heads h on h.calendar_id = e.calendar_id
         where e.id = $1",
    )
    .bind(event)
    .fetch_one(&mut conn)
    .await?;
    let Some(lost) = scene.tell(rng, "lost").await else { return Ok(()) };
    let tags = scene.look(&lost, &[]).await;

    let mut tx = conn.begin().await?;
    sqlx::query("update events set title = $2, seq = $3, sequence = $4 where id = $1")
        .bind(event)
        .bind(&then.0)
        .bind(then.1)
        .bind(then.2)
        .execute(&mut *tx)
        .await?;
    sqlx::query("update heads set seq = $2, acl = $3 where calendar_id = $1")
        .bind(calendar)
        .bind(then.3)
        .bind(then.4)
        .execute(&mut *tx)
        .await?;
    sqlx::query("delete from changes where calendar_id = $1 and seq > $2")
        .bind(calendar)
        .bind(then.3)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    conn.close().await?;
    storm.cli.run(&["epoch", "--new"]).await.context("no new epoch")?;
    // What runs hears of it within the bound.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let Some(after) = scene.tell(rng, "after").await else { return Ok(()) };
    scene.look(&after, &tags).await;
    Tally::add(&storm.tally.rollbacks);
    Ok(())
}

impl<'a> Scene<'a> {
    /// None: a write did not come through.
    async fn set(storm: &'a Storm, rng: &mut StdRng, key: &str) -> Option<Self> {
        let body = json!({ "name": key, "time_zone": "UTC" });
        let write = Write::post("/api/calendars".to_owned(), RESTORED, body, key);
        let calendar = storm.write_until_known(rng, &write).await?.1["id"].as_str()?.to_owned();
        let (body, key) = (event(&calendar, &spot(0, 1, 8), key), format!("{key}-event"));
        let write = Write::post("/api/events".to_owned(), RESTORED, body, &key);
        let event = storm.write_until_known(rng, &write).await?.1["id"].as_str()?.to_owned();
        let month = "from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z";
        let windows = [
            format!("/api/calendars/{calendar}/events?{month}"),
            format!("/api/events?calendar_id={calendar}&{month}"),
            format!("/api/events/{event}"),
            format!("/api/events/{event}/occurrences?{month}"),
        ];
        Some(Self { storm, calendar, event, windows })
    }

    /// Writes a title and returns it, with the token of the answer.
    async fn tell(&self, rng: &mut StdRng, word: &str) -> Option<(String, Option<String>)> {
        let title = format!("{word} {:x}", rng.random::<u32>());
        let write = Write::patch(format!("/api/events/{}", self.event), RESTORED, json!({ "title": title }));
        let (token, _) = self.storm.write_until_known(rng, &write).await?;
        Some((title, token.map(|t| t.to_string())))
    }

    /// Through every instance: the title must show. Answers the tags that came with it.
    async fn look(&self, (title, token): &(String, Option<String>), tags: &[String]) -> Vec<String> {
        let (storm, mut found) = (self.storm, Vec::new());
        for instance in storm.instances.iter().filter(|i| i.state() == State::Up) {
            if !instance.setup.is_strict() && token.is_none() {
                tokio::time::sleep(crate::options::BOUND).await;
            }
            for window in &self.windows {
                let have = tags.join(", ");
                let mut ask = Ask::get(window, &storm.world.users[RESTORED].bearer);
                ask.consistency = token.as_deref().filter(|_| !instance.setup.is_strict());
                ask.have = Some(have.as_str()).filter(|have| !have.is_empty());
                let Some(answer) = storm.ask(instance, ask).await else { continue };
                let body = String::from_utf8_lossy(&answer.body);
                match answer.status {
                    200 if body.contains(title.as_str()) => found.extend(answer.etag()),
                    // Another epoch has begun meanwhile.
                    410 if storm.weather.happened(Fault::NewEpoch) => {}
                    status => {
                        let text = format!(
                            "after a rollback and a new epoch: {title:?} was written and does not show\n  GET {window} of \
                             instance {} ({}, {}), token {token:?}, if-none-match {have}\n  {status} {:?}\n  {body}",
                            instance.number, instance.setup.reads, instance.setup.cache, answer.headers
                        );
                        storm.find(Class::Stale, text);
                    }
                }
            }
        }
        found
    }
}
