//! What the bus costs the writers, how fast it is, and whether anything gets lost on it.
//!
//! `bus-bench --database-url URL [--writers 64] [--seconds 10] [--messages 1000000] [--nats URL]`, on a database of its
//! own that is migrated if it is empty. Exits with 1 when something was skipped.

mod commits;
mod ears;
mod ground;
mod lag;
mod totals;

use std::process::ExitCode;
use std::time::Duration;

use bus::{Settings, Transport};
use clap::Parser;

use crate::ground::Ground;

/// Measures the bus
#[derive(Parser, Debug)]
#[command(name = "bus-bench")]
struct Options {
    /// A database of its own, as a role that owns it
    #[arg(long, env = "BUS_BENCH_DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Transactions at a time
    #[arg(long, default_value_t = 64)]
    writers: usize,
    /// How long to write with the bus, and how long without, in all
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How many rows to send through the outbox in the last part
    #[arg(long, default_value_t = 1_000_000)]
    messages: u64,
    /// A NATS server that carries the messages instead of PostgreSQL
    #[arg(long)]
    nats: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let transport = match &options.nats {
        Some(url) => Transport::Nats { url: url.clone() },
        None => Transport::Postgres,
    };
    println!("transport: {transport:?}, {} writers", options.writers);
    let mut settings = Settings::new(transport, &options.database_url);
    settings.marks = Some(Duration::from_millis(20));
    let ground = Ground::prepare(settings, options.writers).await?;
    commits::measure(&ground, options.writers, Duration::from_secs(options.seconds)).await?;
    lag::measure_at_rest(&ground).await?;
    let skipped = totals::measure(&ground, options.messages).await?;
    ground.store.close().await;
    Ok(if skipped == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
