//! Connections that are opened, ask once, and then rest; what a few that go on asking notice of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::join_all;
use futures::stream::{self, StreamExt};

use crate::Target;
use crate::wire::{Connection, ask, request};

#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Options {
    /// The server's process
    #[arg(long)]
    pid: u32,
    /// Connections that rest
    #[arg(long, default_value_t = 10_000)]
    count: usize,
    /// Those that go on asking
    #[arg(long, default_value_t = 16)]
    active: usize,
    /// How long they ask each time
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Opened at a time.
const AT_ONCE: usize = 200;

struct Heard {
    latencies: Vec<Duration>,
    errors: usize,
}

pub(crate) async fn run(target: &Target, options: &Options) -> anyhow::Result<()> {
    let list = format!("/api/calendars/{}/events?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z", target.calendar);
    let question = Arc::new(request(target, "GET", &list, "", ""));
    listen(target, options, &question).await?;
    let alone = listen(target, options, &question).await?;
    let before = resident(options.pid)?;

    let errors = AtomicUsize::new(0);
    let open = async || {
        let mut connection = Connection::open(target.address).await?;
        let answer = ask(&mut connection, &question).await?;
        if answer.status == 200 { Ok(connection) } else { Err(io::Error::other(answer.status.to_string())) }
    };
    let opened = stream::iter(0..options.count).map(|_| open()).buffer_unordered(AT_ONCE);
    let opened = opened.filter_map(async |opened| {
        errors.fetch_add(usize::from(opened.is_err()), Ordering::Relaxed);
        opened.ok()
    });
    let mut resting: Vec<Connection> = opened.collect().await;
    let held = resting.len();
    let beside = listen(target, options, &question).await?;
    let after = resident(options.pid)?;
    // All of them still live.
    let again = stream::iter(resting.iter_mut()).map(async |connection| ask(connection, &question).await.is_ok());
    let answered = again.buffer_unordered(AT_ONCE).filter(|answered| futures::future::ready(*answered)).count().await;

    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (alone_p99, beside_p99) = (percentile(&alone.latencies, 99), percentile(&beside.latencies, 99));
    println!("connections that rest       {held} of {} ({} errors)", options.count, errors.load(Ordering::Relaxed));
    println!("answered when asked again   {answered}");
    println!("memory of the server        {before} MB before, {after} MB with them");
    for (heard, when) in [(&alone, "alone"), (&beside, "beside them")] {
        let (p50, p99) = (ms(percentile(&heard.latencies, 50)), ms(percentile(&heard.latencies, 99)));
        let (answers, errors) = (heard.latencies.len(), heard.errors);
        println!(
            "{} that ask, {when:<14} p50 {p50:.2} ms, p99 {p99:.2} ms, {answers} answers, {errors} errors",
            options.active
        );
    }
    println!("ratio of p99                {:.2}", beside_p99.as_secs_f64() / alone_p99.as_secs_f64());
    let lost = options.count - answered + alone.errors + beside.errors;
    anyhow::ensure!(lost == 0, "{lost} connections or answers were lost");
    Ok(())
}

async fn listen(target: &Target, options: &Options, question: &Arc<Vec<u8>>) -> anyhow::Result<Heard> {
    let over = Arc::new(AtomicBool::new(false));
    let asking = (0..options.active).map(|_| {
        let (address, question, over) = (target.address, Arc::clone(question), Arc::clone(&over));
        tokio::spawn(async move {
            let (mut connection, mut latencies, mut errors) = (Connection::open(address).await?, Vec::new(), 0);
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                match ask(&mut connection, &question).await {
                    Ok(answer) if answer.status == 200 => latencies.push(began.elapsed()),
                    Ok(_) => errors += 1,
                    Err(_) => {
                        errors += 1;
                        connection = Connection::open(address).await?;
                    }
                }
                // As people do: not as fast as it goes.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            io::Result::Ok((latencies, errors))
        })
    });
    let asking: Vec<_> = asking.collect();
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    over.store(true, Ordering::Relaxed);
    let mut heard = Heard { latencies: Vec::new(), errors: 0 };
    for one in join_all(asking).await {
        let (latencies, errors) = one??;
        heard.latencies.extend(latencies);
        heard.errors += errors;
    }
    heard.latencies.sort_unstable();
    anyhow::ensure!(!heard.latencies.is_empty(), "nobody was answered");
    Ok(heard)
}

fn percentile(sorted: &[Duration], of: usize) -> Duration {
    sorted[(sorted.len() - 1) * of / 100]
}

/// Megabytes (proc(5), VmRSS).
fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("--pid is no process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}
