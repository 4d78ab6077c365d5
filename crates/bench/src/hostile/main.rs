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
static GLOBAL: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A refusal that takes more of the processor is measured again: something else of the server's may have run meanwhile.
const QUICK: Duration = Duration::from_millis(5);
const AGAIN: usize = 5;

#[derive(Parser, Debug, Clone)]
struct Options {
    #[arg(long)]
    url: String,
    #[arg(long)]
    token: String,
    /// The server's process, for what a question costs it.
    #[arg(long)]
    pid: u32,
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

/// What came of a question: how long it took for the client, and how much of the processor for the server.
struct Told {
    status: u16,
    answer: Value,
    took: Duration,
    cpu: Duration,
}

/// What all threads of a process have had of the processor so far (proc(5), schedstat).
fn cpu(pid: u32) -> Result<Duration> {
    let mut nanos = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).context("--pid is no process")? {
        // One that has just ended has nothing to say.
        let text = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        nanos += text.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

impl Target {
    /// Status and body of the answer.
    async fn send(&self, body: Vec<u8>) -> Result<(u16, Vec<u8>)> {
        let request = self.http.post(format!("{}/graphql", self.options.url)).bearer_auth(&self.options.token);
        let request = request.header("accept", "application/graphql-response+json");
        let answer = request.header("content-type", "application/json").body(body).send().await?;
        Ok((answer.status().as_u16(), answer.bytes().await?.into()))
    }

    async fn ask(&self, body: &Value) -> Result<Told> {
        let (body, before) = (serde_json::to_vec(body)?, cpu(self.options.pid)?);
        let began = Instant::now();
        let (status, bytes) = self.send(body).await?;
        let took = began.elapsed();
        let cpu = cpu(self.options.pid)?.saturating_sub(before);
        Ok(Told { status, answer: serde_json::from_slice(&bytes).unwrap_or_default(), took, cpu })
    }

    /// Median and 99th percentile of an ordinary question, asked one after the other.
    async fn ordinary(&self, seconds: u64) -> Result<(Duration, Duration, usize)> {
        let query = format!(
            r#"{{ calendar(id: "{}") {{ id events(from: "2026-11-01T00:00:00Z", to: "2026-12-01T00:00:00Z", first: 50) {{ nodes {{ id title startTime }} }} }} }}"#,
            self.options.calendar
        );
        let question = serde_json::to_vec(&json!({ "query": query }))?;
        let (until, mut took) = (Instant::now() + Duration::from_secs(seconds), Vec::new());
        while Instant::now() < until {
            let began = Instant::now();
            let (status, answer) = self.send(question.clone()).await?;
            took.push(began.elapsed());
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            let is_whole = status == 200 && answer["data"].is_object() && answer["errors"].is_null();
            ensure!(is_whole, "an ordinary question is answered {status}: {answer}");
        }
        took.sort_unstable();
        Ok((took[took.len() / 2], took[took.len() * 99 / 100], took.len()))
    }
}

#[derive(Default)]
struct Kind {
    refused: usize,
    answered: usize,
    /// Of the server's processor.
    dearest_refusal: Duration,
    dearest_answer: Duration,
    /// As the client saw it.
    slowest: Duration,
}

impl Told {
    fn is_refusal(&self) -> bool {
        self.status != 200 || self.answer["data"].is_null()
    }
}

/// These questions, one after the other, again and again as long as `on`; how many.
async fn attack(target: &Options, questions: &[Vec<u8>], on: &AtomicBool) -> Result<usize> {
    let target = Target { http: Client::builder().no_proxy().build()?, options: target.clone() };
    let mut asked = 0;
    while on.load(Ordering::Relaxed) {
        target.send(questions[asked % questions.len()].clone()).await?;
        asked += 1;
    }
    Ok(asked)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let (queries, seed, seconds) = (options.queries, options.seed, options.seconds);
    let target = Target { http: Client::builder().no_proxy().build()?, options };
    let mut random = StdRng::seed_from_u64(seed);
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    target.ordinary(1).await.context("is koyomi there?")?;
    for _ in 0..queries {
        let hostile = queries::draw(&mut random, &target.options.calendar);
        let told = target.ask(&hostile.body).await?;
        ensure!(told.status < 500, "{} is answered {}: {}", hostile.kind, told.status, told.answer);
        let mut cost = told.cpu;
        for _ in 0..AGAIN {
            if told.is_refusal() && cost > QUICK {
                cost = cost.min(target.ask(&hostile.body).await?.cpu);
            }
        }
        let kind = kinds.entry(hostile.kind).or_default();
        kind.slowest = kind.slowest.max(told.took);
        if told.is_refusal() {
            kind.refused += 1;
            kind.dearest_refusal = kind.dearest_refusal.max(cost);
        } else {
            kind.answered += 1;
            kind.dearest_answer = kind.dearest_answer.max(cost);
        }
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{queries} hostile questions, seed {seed}; of each kind the dearest, in ms of the server's processor, and the slowest, as"
    );
    println!("the client saw it");
    println!("{:<20}{:>9}{:>12}{:>10}{:>12}{:>12}", "", "refused", "CPU ms", "answered", "CPU ms", "slowest ms");
    for (name, kind) in &kinds {
        let Kind { refused, answered, dearest_refusal, dearest_answer, slowest } = kind;
        let (refusal, answer, slowest) = (ms(*dearest_refusal), ms(*dearest_answer), ms(*slowest));
        println!("{name:<20}{refused:>9}{refusal:>12.2}{answered:>10}{answer:>12.2}{slowest:>12.1}");
    }

    let alone = target.ordinary(seconds).await?;
    let attacking = Arc::new(AtomicBool::new(true));
    let mut random = StdRng::seed_from_u64(seed);
    let draw = |_| serde_json::to_vec(&queries::draw(&mut random, &target.options.calendar).body);
    let questions: Vec<Vec<u8>> = (0..queries).map(draw).collect::<Result<_, _>>()?;
    // Drawn before, and in a thread of its own: what the enemy does for himself is not to delay whom he is compared with.
    let attack = {
        let (options, attacking) = (target.options.clone(), Arc::clone(&attacking));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(attack(&options, &questions, &attacking))
        })
    };
    let beside = target.ordinary(seconds).await?;
    attacking.store(false, Ordering::Relaxed);
    let asked = attack.join().map_err(|_| anyhow::anyhow!("the attack panicked"))??;
    println!("somebody else, alone:      median {:.2} ms, p99 {:.2} ms of {}", ms(alone.0), ms(alone.1), alone.2);
    println!("beside {asked} hostile ones: median {:.2} ms, p99 {:.2} ms of {}", ms(beside.0), ms(beside.1), beside.2);
    println!("ratio of the medians: {:.2}", beside.0.as_secs_f64() / alone.0.as_secs_f64());
    Ok(())
}
