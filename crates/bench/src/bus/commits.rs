use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;

use crate::ears::Ears;
use crate::ground::Ground;
use crate::lag;

/// Long enough for a few checkpoints' worth of noise to even out over the rounds, short enough to alternate.
const ROUND: Duration = Duration::from_secs(2);

/// Commits with the bus at work must be at least so many per cent of those without.
const BAR: f64 = 60.0;

/// Commits per second with the bus and without it, in alternating rounds.
pub(crate) async fn measure(ground: &Ground, writers: usize, time: Duration) -> anyhow::Result<()> {
    let rounds = (time.as_secs() / ROUND.as_secs()).max(1);
    let (mut with, mut without, mut lags) = (Vec::new(), Vec::new(), Vec::new());
    commit(ground, writers, None).await?;
    for round in 0..rounds * 2 {
        // on, off, off, on, …: what drifts weighs on both alike.
        let on = matches!(round % 4, 0 | 3);
        ground.switch_outbox(on).await?;
        if on {
            let ears = Ears::default();
            let bus = ground.start_bus(&ears).await?;
            with.push(commit(ground, writers, Some(&ears)).await?);
            ears.complete().await;
            bus.stop().await;
            lags.extend(ears.take_lags());
        } else {
            without.push(commit(ground, writers, None).await?);
        }
    }
    ground.switch_outbox(true).await?;
    println!("commits/s with the bus:    {}", list(&with));
    println!("commits/s without outbox:  {}", list(&without));
    let ratio = median(&with) / median(&without) * 100.0;
    let verdict = if ratio >= BAR { "holds" } else { "is MISSED" };
    println!("medians: {:.0} to {:.0}, {ratio:.1} % (the bar of {BAR} % {verdict})", median(&with), median(&without));
    lag::print("under that load", lags);
    Ok(())
}

/// For one round, each writer on a calendar of its own; commits per second.
async fn commit(ground: &Ground, writers: usize, ears: Option<&Ears>) -> anyhow::Result<f64> {
    let (go_on, commits) = (Arc::new(AtomicBool::new(true)), AtomicU64::new(0));
    let writing = ground.calendars.iter().take(writers).map(async |calendar| {
        while go_on.load(Ordering::Relaxed) {
            let seq = ground.write(*calendar).await?;
            commits.fetch_add(1, Ordering::Relaxed);
            if let Some(ears) = ears {
                ears.committed(*calendar, seq, Instant::now());
            }
        }
        anyhow::Ok(())
    });
    let clock = async {
        tokio::time::sleep(ROUND).await;
        go_on.store(false, Ordering::Relaxed);
        Ok(())
    };
    let began = Instant::now();
    futures::future::try_join(try_join_all(writing), clock).await?;
    Ok(f64::from(u32::try_from(commits.into_inner())?) / began.elapsed().as_secs_f64())
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn list(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.0}")).collect::<Vec<_>>().join(" ")
}
