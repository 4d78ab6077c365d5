//! Mistakes planted on purpose: a storm that does not find them proves nothing.

use std::time::Duration;

use kernel::plant::Bug;

use crate::options::{Mode, Options};
use crate::report::{Class, Finding};
use crate::storm::{Outcome, Plan, run};
use crate::weather::Fault;

const LIMIT: Duration = Duration::from_secs(90);

/// The weather in which a mistake shows.
fn plan(options: &Options, bug: Bug) -> Plan {
    let calm = Plan {
        mode: Mode::Mixed,
        plant: String::new(),
        plant_last: String::new(),
        faults: Vec::new(),
        pause: 5..200,
        hot: usize::MAX,
        renames: true,
        readers: options.readers,
        tokens: true,
        connections: 16,
        reads: u64::MAX,
        limit: Some(options.seconds.map_or(LIMIT, Duration::from_secs)),
        times: None,
        wanted: Some(shows_a_bug),
    };
    let (strict, bounded) = (Mode::Strict, Mode::Bounded);
    let (besides, plan) = match bug {
        // A wide gap between reading and storing, and many writes into it. Each fill takes two connections.
        Bug::TagAfterData => {
            let readers = options.readers.min(16);
            ("fill_ms=3", Plan { mode: strict, pause: 5..60, hot: 12, readers, connections: 40, ..calm })
        }
        // Somebody is let in, and an instance that has not heard of it stores what he is shown for those who are not.
        Bug::FillUnderChecked | Bug::KeepOtherAccess => {
            let readers = options.readers.min(4);
            ("bus_delay_ms=250", Plan { mode: bounded, pause: 20..200, hot: 12, readers, ..calm })
        }
        // A check that lasts, and somebody who asks the same just then. With a token it would be an error, not stale.
        Bug::JoinRunningCheck => {
            let faults = vec![Fault::StopBackend, Fault::SlowPostgres];
            ("", Plan { mode: strict, pause: 1..30, hot: 3, tokens: false, faults, ..calm })
        }
        // Names are in the key, too: while somebody is renamed, a number that comes again finds nothing.
        Bug::NoEpochInKey => {
            ("", Plan { mode: strict, pause: 100..400, faults: vec![Fault::NewEpoch], renames: false, ..calm })
        }
        Bug::NoViewInKey | Bug::AuthoriseFirst | Bug::KeepCaller => ("", calm),
        // Whoever has a token is told that the database is behind, which is an error and not stale.
        Bug::AcknowledgeFirst => ("", Plan { tokens: false, ..calm }),
        // News on the bus is late, so that memory is old.
        Bug::BoundedWithToken | Bug::NoFence => ("bus_delay_ms=100", Plan { mode: bounded, pause: 20..200, ..calm }),
        // What was missed is made good by the next message: long pauses.
        Bug::IgnoreGap => ("bus_drop=0.3", Plan { mode: bounded, pause: 2000..6000, ..calm }),
    };
    let planted = if options.without { "" } else { bug.name() };
    let words = [planted, besides].into_iter().filter(|word| !word.is_empty());
    Plan { plant: words.collect::<Vec<_>>().join(","), ..plan }
}

/// An error is no sign of any of them.
fn shows_a_bug(finding: &Finding) -> bool {
    finding.class != Class::Error
}

async fn hunt(options: &Options, number: usize, bug: Bug) -> anyhow::Result<Outcome> {
    let seed = options.seed.unwrap_or_else(rand::random);
    run(options, seed, number, plan(options, bug)).await
}

/// Answers whether it was caught.
pub(crate) async fn find_one(options: &Options, bug: Bug) -> anyhow::Result<bool> {
    let outcome = hunt(options, 0, bug).await?;
    println!("{}", row(bug, &outcome));
    Ok(outcome.first.is_some() != options.without)
}

/// Answers whether every one was caught.
pub(crate) async fn find_all(options: &Options) -> anyhow::Result<bool> {
    let mut rows = Vec::new();
    let mut caught = 0;
    for (number, bug) in Bug::ALL.into_iter().enumerate() {
        let outcome = hunt(options, number, bug).await?;
        caught += usize::from(outcome.first.is_some());
        rows.push(row(bug, &outcome));
        eprintln!("{}", rows[number]);
    }
    println!("\n{}", rows.join("\n"));
    let wanted = if options.without { 0 } else { Bug::ALL.len() };
    println!("{caught} of {} caught, {wanted} were to be", Bug::ALL.len());
    Ok(caught == wanted)
}

fn row(bug: Bug, outcome: &Outcome) -> String {
    match &outcome.first {
        Some(finding) => format!(
            "{:<22} caught after {:>8} reads, {:>5.1} s: {:?}, {}",
            bug.name(),
            finding.reads,
            finding.after.as_secs_f64(),
            finding.class,
            finding.text.lines().next().unwrap_or_default()
        ),
        None => {
            let seconds = outcome.time.as_secs_f64();
            format!("{:<22} NOT CAUGHT in {} reads, {seconds:.1} s", bug.name(), outcome.reads)
        }
    }
}
