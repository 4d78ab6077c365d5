//! The clock of one instance, which is moved under it (libfaketime); the machine's own is never touched.

use std::io::Result;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta};
use kernel::Clock;
use rand::Rng;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::json;

use crate::http::Ask;
use crate::report::Class;
use crate::servers::{Instance, State};
use crate::storm::Storm;
use crate::world::ADMIN;

pub(crate) struct FakeClock {
    /// Of the instance whose clock it is.
    pub number: usize,
    library: PathBuf,
    says: PathBuf,
}

impl FakeClock {
    pub(crate) fn new(library: &Path, number: usize, home: &Path) -> Result<Self> {
        let clock = Self { number, library: library.into(), says: home.join("clock") };
        clock.set(0)?;
        Ok(clock)
    }

    /// What the instance is started with. Timers run by the monotonic clock, which is left alone.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD", path(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", path(&self.says)),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DONT_RESET", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// So many seconds ahead of everybody else. Never half a file: it is read at any moment.
    fn set(&self, ahead: i64) -> Result<()> {
        let new = self.says.with_extension("new");
        std::fs::write(&new, format!("{ahead:+}\n"))?;
        std::fs::rename(new, &self.says)
    }
}

/// An hour ahead, an hour behind, and back; each time what has a time limit must be as it is for everybody else.
pub(crate) async fn jump(storm: &Storm, time: Duration, rng: &mut StdRng) -> anyhow::Result<()> {
    let Some(clock) = &storm.clock else { anyhow::bail!("no --faketime") };
    let mut jumps = [3600, -3600];
    if rng.random_bool(0.5) {
        jumps.reverse();
    }
    for ahead in jumps {
        clock.set(ahead)?;
        look(storm, &storm.instances[clock.number - 1], ahead, rng).await;
        storm.sleep(time).await;
    }
    clock.set(0)?;
    storm.sleep(time).await;
    Ok(())
}

/// A token that has some minutes left, and one that has just run out; made through the instance, and through another.
async fn look(storm: &Storm, jumped: &Instance, ahead: i64, rng: &mut StdRng) {
    let other = &storm.instances[jumped.number % storm.instances.len()];
    if jumped.state() != State::Up || other.state() != State::Up {
        return;
    }
    let lasts = TimeDelta::seconds(2);
    let mut made = Vec::new();
    for maker in [jumped, other] {
        for left in [TimeDelta::minutes(30), lasts] {
            if let Some(secret) = token(storm, maker, ahead, left, rng).await {
                made.push((secret, left, maker));
            }
        }
    }
    // Kept by those who have seen them.
    for (secret, ..) in &made {
        for asked in [jumped, other] {
            let _ = Ask::get("/api/me", secret).send(&storm.http, asked).await;
        }
    }
    tokio::time::sleep(lasts.to_std().unwrap_or_default() + Duration::from_millis(500)).await;
    for (secret, left, maker) in &made {
        let wanted = if *left == lasts { 401 } else { 200 };
        for asked in [jumped, other] {
            let Ok(answer) = Ask::get("/api/me", secret).send(&storm.http, asked).await else { continue };
            if answer.status != wanted && answer.status < 500 {
                let text = format!(
                    "the clock of instance {} is {ahead:+} s off: a token made through instance {} for {} s is answered \
                     {} instead of {wanted} by instance {}",
                    jumped.number,
                    maker.number,
                    left.num_seconds(),
                    answer.status,
                    asked.number
                );
                storm.find(Class::Violation, text);
            }
        }
    }
}

async fn token(storm: &Storm, maker: &Instance, ahead: i64, left: TimeDelta, rng: &mut StdRng) -> Option<String> {
    let until = (Clock::System.now() + left).to_rfc3339_opts(SecondsFormat::Millis, true);
    let body = json!({ "name": "clock", "expires_at": until });
    let (bearer, key) = (&storm.world.users[ADMIN].bearer, format!("clock-{:x}", rng.random::<u64>()));
    let ask = Ask::write(Method::POST, "/api/tokens", bearer, Some(body));
    let answer = Ask { idempotency_key: Some(&key), ..ask }.send(&storm.http, maker).await.ok()?;
    if !answer.is_ok() && answer.status < 500 {
        let text = format!(
            "the clock of instance {} is off ({ahead:+} s): it makes no token until {until}: {} {}",
            maker.number,
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        storm.find(Class::Violation, text);
    }
    answer.json()["secret"].as_str().map(str::to_owned)
}
