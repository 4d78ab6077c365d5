use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use kernel::plant::Bug;

use crate::links;
use crate::weather::Fault;

/// Looks for stale reads under load and faults.
#[derive(Parser, Debug, Clone)]
#[command(name = "stale", args_override_self = true)]
pub(crate) struct Options {
    /// The koyomi to test; `--bug` needs one built with `--features planted`
    #[arg(long)]
    pub koyomi: PathBuf,
    /// A superuser's URL of a PostgreSQL server to make databases in
    #[arg(long, env = "STALE_DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    #[arg(long, default_value = "redis-server")]
    pub redis_server: PathBuf,
    /// A NATS server that carries the bus instead of PostgreSQL
    #[arg(long, env = "STALE_NATS_URL")]
    pub nats_url: Option<String>,
    /// Of every random choice; printed
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many reads are to be checked
    #[arg(long, default_value_t = 1_000_000)]
    pub reads: u64,
    #[arg(long, default_value_t = 64)]
    pub writers: usize,
    /// Reads at a time
    #[arg(long, default_value_t = 48)]
    pub readers: usize,
    /// How the three instances read
    #[arg(long, value_enum, default_value_t = Mode::Mixed)]
    pub mode: Mode,
    /// A program that knows `kill` and `start` of the PostgreSQL server, for kill_postgres; and `fill_tables`, `fill_log`,
    /// `free` for full_disk and full_log
    #[arg(long)]
    pub postgres_control: Option<PathBuf>,
    /// A NATS server of the storm's own carries the bus, for kill_nats
    #[arg(long, conflicts_with = "nats_url")]
    pub nats_server: Option<PathBuf>,
    /// The tablespace of the storm's database, for full_disk
    #[arg(long)]
    pub tablespace: Option<String>,
    /// libfaketime's library, for clock_jump: one instance has a clock of its own
    #[arg(long)]
    pub faketime: Option<PathBuf>,
    /// One fault after the other, each so often; then it is over
    #[arg(long)]
    pub times: Option<usize>,
    /// `all`, `none`, or a list: stop_instance, kill_instance, kill_postgres, kill_nats, kill_redis, flush_redis, old_redis, garbage_redis,
    /// pause_redis, cut_bus, slow_postgres, stop_backend, new_epoch (these are all); or `network`: latency, narrow, half_open,
    /// one_way, forgotten, each of _postgres, _redis, _nats; or full_disk, full_log, clock_jump
    #[arg(long, default_value = "all", value_parser = parse_faults)]
    pub faults: Faults,
    /// Plant this mistake; success is to find it
    #[arg(long, value_parser = parse_bug, conflicts_with = "all_bugs")]
    pub bug: Option<Bug>,
    /// With `--bug` or `--all-bugs`: the same weather without the mistake; success is to find nothing
    #[arg(long)]
    pub without: bool,
    /// Plant one mistake after the other
    #[arg(long)]
    pub all_bugs: bool,
    /// End after so many seconds; a bug that is not found by then (default: 90) is not caught
    #[arg(long)]
    pub seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Every instance asks the database before it answers.
    Strict,
    /// Every instance may answer from memory for 500 ms.
    Bounded,
    /// One strict, two bounded, the last of them without Redis.
    Mixed,
}

/// How old an answer of a bounded instance may be.
pub(crate) const BOUND: Duration = Duration::from_millis(500);

#[derive(Debug, Clone)]
pub(crate) struct Faults(pub Vec<Fault>);

fn parse_faults(text: &str) -> Result<Faults, String> {
    match text {
        "all" => Ok(Faults(Fault::PARTS.to_vec())),
        "network" => Ok(Faults(links::faults().collect())),
        "none" => Ok(Faults(Vec::new())),
        list => list
            .split(',')
            .map(|word| Fault::all().find(|f| f.name() == word.trim()).ok_or(format!("no fault {word:?}")))
            .collect::<Result<_, _>>()
            .map(Faults),
    }
}

fn parse_bug(text: &str) -> Result<Bug, String> {
    Bug::ALL.into_iter().find(|bug| bug.name() == text).ok_or_else(|| {
        let names: Vec<_> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        format!("one of {}", names.join(", "))
    })
}
