//! Hostile questions to a running koyomi: what each costs it, and what somebody else notices.

mod queries;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::Client;
use serde_json::{Value, json};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A refusal that takes longer is measured again: it may have been the machine.
const QUICK: Duration = Duration::from_millis(5);
const AGAIN: usize = 5;

#[derive(Parser, Debug)]
struct Options {
    #[arg(long)]
    url: String,
    #[arg(long)]
    token: String,
    /// A calendar that the token may read.
    #[arg(long)]
    calendar: String,
    #[arg(long, default_value_t = 1000)]
    queries: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long somebody else asks, alone and beside the attack.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

struct Target {
    http: Client,
    options: Options,
}

impl Target {
    async fn ask(&self, body: &Value) -> Result<(u16, Value, Duration)> {
        let request = self.http.post(format!("{}/graphql", self.options.url)).bearer_auth(&self.options.token);
        let began = Instant::now();
        let answer = request.header("accept", "application/graphql-response+json").json(body).send().await?;
        let (status, bytes) = (answer.status().as_u16(), answer.bytes().await?);
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default(), began.elapsed()))
    }

    /// Median and 99th percentile of an ordinary question, asked one after the other.
    async fn ordinary(&self, seconds: u64) -> Result<(Duration, Duration, usize)> {
        let query = format!(
            r#"{{ calendar(id: "{}") {{ id events(from: "2026-11-01T00:00:00Z", to: "2026-12-01T00:00:00Z", first: 50) {{ nodes {{ id title startTime }} }} }} }}"#,
            self.options.calendar
        );
        let (until, mut took) = (Instant::now() + Duration::from_secs(seconds), Vec::new());
        while Instant::now() < until {
            let (status, answer, time) = self.ask(&json!({ "query": query })).await?;
            ensure!(status == 200 && answer["errors"].is_null(), "an ordinary question is answered {status}: {answer}");
            took.push(time);
        }
        took.sort_unstable();
        Ok((took[took.len() / 2], took[took.len() * 99 / 100], took.len()))
    }
}

#[derive(Default)]
struct Kind {
    refused: usize,
    answered: usize,
    slowest_refusal: Duration,
    slowest_answer: Duration,
}

fn is_refused(status: u16, answer: &Value) -> bool {
    status != 200 || answer["data"].is_null()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let (queries, seed, seconds) = (options.queries, options.seed, options.seconds);
    let target = Arc::new(Target { http: Client::builder().no_proxy().build()?, options });
    let mut random = StdRng::seed_from_u64(seed);
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    target.ordinary(1).await.context("is koyomi there?")?;
    for _ in 0..queries {
        let hostile = queries::draw(&mut random, &target.options.calendar);
        let (status, answer, mut took) = target.ask(&hostile.body).await?;
        ensure!(status < 500, "{} is answered {status}: {answer}", hostile.kind);
        let kind = kinds.entry(hostile.kind).or_default();
        if is_refused(status, &answer) {
            for _ in 0..AGAIN {
                if took > QUICK {
                    took = took.min(target.ask(&hostile.body).await?.2);
                }
            }
            kind.refused += 1;
            kind.slowest_refusal = kind.slowest_refusal.max(took);
        } else {
            kind.answered += 1;
            kind.slowest_answer = kind.slowest_answer.max(took);
        }
    }
    println!("{queries} hostile questions, seed {seed}; the slowest of each kind, as the client saw it");
    println!("{:<20}{:>9}{:>12}{:>10}{:>12}", "", "refused", "ms", "answered", "ms");
    for (name, kind) in &kinds {
        println!(
            "{name:<20}{:>9}{:>12.2}{:>10}{:>12.1}",
            kind.refused,
            kind.slowest_refusal.as_secs_f64() * 1e3,
            kind.answered,
            kind.slowest_answer.as_secs_f64() * 1e3
        );
    }

    let alone = target.ordinary(seconds).await?;
    let attacking = Arc::new(AtomicBool::new(true));
    let attack = {
        let (target, attacking) = (Arc::clone(&target), Arc::clone(&attacking));
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut asked = 0_usize;
            while attacking.load(Ordering::Relaxed) {
                let hostile = queries::draw(&mut random, &target.options.calendar);
                target.ask(&hostile.body).await?;
                asked += 1;
            }
            anyhow::Ok(asked)
        })
    };
    let beside = target.ordinary(seconds).await?;
    attacking.store(false, Ordering::Relaxed);
    let asked = attack.await??;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("somebody else, alone:      median {:.2} ms, p99 {:.2} ms of {}", ms(alone.0), ms(alone.1), alone.2);
    println!("beside {asked} hostile ones: median {:.2} ms, p99 {:.2} ms of {}", ms(beside.0), ms(beside.1), beside.2);
    println!("ratio of the medians: {:.2}", beside.0.as_secs_f64() / alone.0.as_secs_f64());
    Ok(())
}
