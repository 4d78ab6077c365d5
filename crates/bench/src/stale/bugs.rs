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
    let (mode, besides, faults, pause) = match bug {
        // A wide gap between reading and storing, and many writes into it.
        Bug::TagAfterData | Bug::FillUnderChecked => (Mode::Strict, "fill_ms=3", vec![], 5..60),
        Bug::JoinRunningCheck => (Mode::Strict, "", vec![], 5..60),
        Bug::NoEpochInKey => (Mode::Strict, "", vec![Fault::NewEpoch], 100..400),
        Bug::NoViewInKey | Bug::AuthoriseFirst | Bug::AcknowledgeFirst => (Mode::Mixed, "", vec![], 5..200),
        // News on the bus is late, so that memory is old.
        Bug::BoundedWithToken | Bug::NoFence => (Mode::Bounded, "bus_delay_ms=100", vec![], 20..200),
        // What was missed is made good by the next message: long pauses.
        Bug::IgnoreGap => (Mode::Bounded, "bus_drop=0.3", vec![], 2000..6000),
    };
    let plant = [bug.name(), besides].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(",");
    Plan {
        mode,
        plant,
        plant_last: String::new(),
        faults,
        pause,
        reads: u64::MAX,
        limit: Some(options.seconds.map_or(LIMIT, Duration::from_secs)),
        wanted: Some(shows_a_bug),
    }
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
    Ok(outcome.first.is_some())
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
    println!("{caught} of {} caught", Bug::ALL.len());
    Ok(caught == Bug::ALL.len())
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
