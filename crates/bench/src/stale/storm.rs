//! One storm from the first process to the last.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{self, Cli};
use crate::clocks::FakeClock;
use crate::database::Database;
use crate::http::Http;
use crate::links::{Links, Part};
use crate::nats::Nats;
use crate::options::{Mode, Options};
use crate::readers::Popular;
use crate::redis::Redis;
use crate::report::{Class, Finding, Tally};
use crate::servers::{Common, Instance, Setup, State, free_port};
use crate::weather::{Fault, Weather};
use crate::world::{self, World};
use crate::{faults, finale, readers, revoke, views, writers};

/// What a storm is to be like.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub mode: Mode,
    /// `KOYOMI_PLANT` of all instances, and of the last one besides.
    pub plant: String,
    pub plant_last: String,
    pub faults: Vec<Fault>,
    /// Milliseconds between two writes of one writer.
    pub pause: std::ops::Range<u64>,
    /// So many cells are written and read.
    pub hot: usize,
    /// Whether people and rooms are renamed.
    pub renames: bool,
    /// Reads at a time.
    pub readers: usize,
    /// Whether readers send consistency tokens.
    pub tokens: bool,
    /// `KOYOMI_DB_CONNECTIONS` of each instance.
    pub connections: u32,
    pub reads: u64,
    pub limit: Option<Duration>,
    /// Each fault so often, one after the other.
    pub times: Option<usize>,
    /// End with the first finding of this kind.
    pub wanted: Option<fn(&Finding) -> bool>,
}

pub(crate) struct Storm {
    pub seed: u64,
    pub plan: Plan,
    pub world: World,
    pub popular: Popular,
    pub weather: Arc<Weather>,
    pub tally: Tally,
    pub instances: Vec<Arc<Instance>>,
    pub redis: Redis,
    pub nats: Option<Nats>,
    pub links: Links,
    pub clock: Option<FakeClock>,
    pub postgres_control: Option<PathBuf>,
    pub database: Database,
    pub http: Http,
    pub cli: Cli,
    over: AtomicBool,
}

/// How it ended.
pub(crate) struct Outcome {
    pub first: Option<Finding>,
    pub found: u64,
    pub reads: u64,
    pub time: Duration,
}

impl Storm {
    /// Of a task with this number: the same choices for the same seed.
    pub(crate) fn rng(&self, task: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(1_000_003).wrapping_add(task))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// `kill`, `start`, `fill_tables`, `fill_log` or `free`.
    pub(crate) async fn postgres(&self, what: &str) -> anyhow::Result<()> {
        let program = self.postgres_control.clone().context("no --postgres-control")?;
        let mut command = std::process::Command::new(&program);
        command.arg(what);
        let done = tokio::task::spawn_blocking(move || command.status()).await??;
        anyhow::ensure!(done.success(), "{} {what}: {done}", program.display());
        Ok(())
    }

    pub(crate) fn find(&self, class: Class, text: String) {
        self.tally.find(class, text);
    }

    /// An instance to ask: any, but hardly ever one that is known to be down, and not many at a time one that stands
    /// still.
    pub(crate) async fn choose(&self, rng: &mut StdRng) -> Option<Arc<Instance>> {
        for _ in 0..8 {
            let instance = &self.instances[rng.random_range(0..self.instances.len())];
            let take = match instance.state() {
                State::Up => true,
                State::Stopped => instance.waiting.load(Ordering::Relaxed) < 8,
                State::Down => rng.random_bool(0.02),
            };
            if take {
                return Some(Arc::clone(instance));
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        None
    }

    /// Waits, but no longer than the storm.
    pub(crate) async fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_over() && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            tokio::time::sleep(left.min(Duration::from_millis(100))).await;
        }
    }
}

/// The storm that nothing may come out of. Answers whether nothing did.
pub(crate) async fn pass(options: &Options) -> anyhow::Result<bool> {
    let seed = options.seed.unwrap_or_else(rand::random);
    let plan = Plan {
        mode: options.mode,
        plant: String::new(),
        plant_last: "bus_drop=0.02,bus_duplicate=0.02,bus_delay_ms=20".to_owned(),
        faults: possible(options),
        pause: 150..1500,
        hot: usize::MAX,
        renames: true,
        readers: options.readers,
        tokens: true,
        connections: 16,
        reads: options.reads,
        limit: options.seconds.map(Duration::from_secs),
        times: options.times,
        wanted: None,
    };
    let outcome = run(options, seed, 0, plan).await?;
    Ok(outcome.found == 0)
}

/// Some take a part that the storm may kill.
fn possible(options: &Options) -> Vec<Fault> {
    let mut faults = options.faults.0.clone();
    faults.retain(|fault| match fault {
        Fault::FullDisk => options.postgres_control.is_some() && options.tablespace.is_some(),
        Fault::ClockJump => options.faketime.is_some(),
        Fault::KillPostgres | Fault::FullLog => options.postgres_control.is_some(),
        Fault::Link(Part::Nats, _) => options.nats_server.is_some() || options.nats_url.is_some(),
        Fault::KillNats => options.nats_server.is_some(),
        _ => true,
    });
    faults
}

fn setups(plan: &Plan) -> [Setup; 3] {
    let (strict, bounded) = ("strict", "bounded:500ms");
    let of = |reads, cache, last: bool| {
        let words = [plan.plant.as_str(), if last { &plan.plant_last } else { "" }];
        let plant = words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(",");
        Setup { reads, cache, plant }
    };
    match plan.mode {
        Mode::Strict => [of(strict, "l1+l2", false), of(strict, "l1+l2", false), of(strict, "l1", true)],
        Mode::Bounded => [of(bounded, "l1+l2", false), of(bounded, "l1+l2", false), of(bounded, "l1", true)],
        Mode::Mixed => [of(strict, "l1+l2", false), of(bounded, "l1+l2", false), of(bounded, "l1", true)],
    }
}

pub(crate) async fn run(options: &Options, seed: u64, number: usize, plan: Plan) -> anyhow::Result<Outcome> {
    eprintln!("seed {seed}: {:?}, planted {:?}, {} kinds of faults", plan.mode, plan.plant, plan.faults.len());
    let mut rng = StdRng::seed_from_u64(seed);
    let home = cli::home(seed)?;
    let http = Http::new();
    let database = Database::create(&options.database_url, number, options.tablespace.as_deref()).await?;
    let cli = Cli { program: options.koyomi.clone(), database_url: database.url.clone() };
    cli.run(&["migrate"]).await?;
    let redis = Redis::start(&options.redis_server, home.path(), &mut rng).await?;
    let mut links = Links::default();
    let redis_url = links.lead(Part::Redis, &redis.url(), &plan.faults).await?;
    let database_url = links.lead(Part::Postgres, &database.url, &plan.faults).await?;
    let nats = match &options.nats_server {
        Some(program) => Some(Nats::start(program, home.path(), &mut rng).await?),
        None => None,
    };
    let bus = nats.as_ref().map(Nats::url).or_else(|| options.nats_url.clone());
    let bus = match bus {
        Some(url) => Some(links.lead(Part::Nats, &url, &plan.faults).await?),
        None => None,
    };
    let clock = match &options.faketime {
        Some(library) => Some(FakeClock::new(library, rng.random_range(1..=3), home.path())?),
        None => None,
    };
    let common = Common {
        program: &options.koyomi,
        database_url: &database_url,
        redis_url: &redis_url,
        connections: plan.connections,
        bus: bus.as_deref().unwrap_or("postgres"),
        home: home.path(),
        clock: clock.as_ref(),
    };
    let instances: Vec<_> = setups(&plan)
        .into_iter()
        .enumerate()
        .map(|(n, setup)| Arc::new(Instance::new(n + 1, free_port(&mut rng), setup, &common)))
        .collect();
    for instance in &instances {
        instance.start(&http.plain).await?;
    }
    let world = world::build(&http, &instances[0], &cli, &mut rng).await;
    let world = world.with_context(|| format!("while making the world:\n{}", instances[0].last_words()))?;
    eprintln!("{} cells in {} calendars; the storm begins", world.cells.len(), world.calendars.len());
    let storm = Arc::new(Storm {
        seed,
        plan,
        world,
        popular: Popular::default(),
        weather: Arc::default(),
        tally: Tally::new(),
        instances,
        redis,
        nats,
        links,
        clock,
        postgres_control: options.postgres_control.clone(),
        database,
        http,
        cli,
        over: AtomicBool::new(false),
    });
    let tasks = blow(&storm, options);
    let calm = until_over(&storm).await;
    storm.over.store(true, Ordering::Relaxed);
    let time = storm.tally.began.elapsed();
    for task in tasks {
        task.await.context("a task of the storm broke")?;
    }
    if calm && storm.plan.wanted.is_none() {
        finale::look_at_everything(&storm).await;
    }
    let keys = storm.redis.keys().await.ok();
    if storm.plan.wanted.is_none() {
        storm.tally.print(&storm.weather, time, keys);
    }
    let outcome = Outcome {
        first: storm.tally.first(storm.plan.wanted.unwrap_or(|_| true)),
        found: storm.tally.found(),
        reads: storm.tally.reads(),
        time,
    };
    for instance in &storm.instances {
        if !instance.end().await {
            eprintln!("instance {} did not end by itself when told to", instance.number);
        }
    }
    let storm = Arc::into_inner(storm).context("the storm is still in use")?;
    storm.database.remove().await?;
    Ok(outcome)
}

fn blow(storm: &Arc<Storm>, options: &Options) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = Vec::new();
    for number in 0..options.writers {
        let own = storm.world.cells.iter().take(storm.plan.hot).skip(number).step_by(options.writers);
        tasks.push(tokio::spawn(writers::write_on(Arc::clone(storm), number, own.cloned().collect())));
    }
    for number in 0..storm.plan.readers {
        tasks.push(tokio::spawn(readers::read_on(Arc::clone(storm), number)));
    }
    for number in 0..revoke::LOOPS {
        tasks.push(tokio::spawn(revoke::revoke_on(Arc::clone(storm), number)));
    }
    tasks.push(tokio::spawn(views::change_on(Arc::clone(storm))));
    tasks.push(tokio::spawn(faults::conduct(Arc::clone(storm))));
    tasks
}

/// Answers whether it came to its own end; not when a signal ended it.
async fn until_over(storm: &Storm) -> bool {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).unwrap(), signal(SignalKind::terminate()).unwrap());
    let mut told = Instant::now();
    loop {
        tokio::select! {
            _ = interrupt.recv() => return false,
            _ = terminate.recv() => return false,
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        let (plan, tally) = (&storm.plan, &storm.tally);
        let late = plan.limit.is_some_and(|limit| tally.began.elapsed() > limit);
        if storm.is_over()
            || late
            || tally.reads() >= plan.reads
            || plan.wanted.is_some_and(|wanted| tally.first(wanted).is_some())
        {
            return true;
        }
        for instance in &storm.instances {
            if instance.state() == State::Up && !instance.is_alive() {
                let text = format!("instance {} ended by itself:\n{}", instance.number, instance.last_words());
                storm.find(Class::Violation, text);
                return false;
            }
        }
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            let (reads, time) = (tally.reads(), tally.began.elapsed().as_secs_f64());
            eprintln!("{reads} reads in {time:.0} s, {} findings", tally.found());
        }
    }
}
