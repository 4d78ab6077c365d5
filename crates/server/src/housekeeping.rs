//! What nobody asks for and somebody has to do. Every instance does it: what one has done, the others find
//! done.

use std::time::Duration;

use kernel::Result;
use koyomi::{Koyomi, ROLL_STEP, RollReport};

use crate::metrics::Job;

const EVERY: Duration = Duration::from_secs(3600);

/// Forgets old idempotency keys and expired sessions and writes series on, now and every hour, until it is dropped.
pub(crate) async fn keep(koyomi: Koyomi) {
    let (tidying, rolling) = (Job::new("housekeeping"), Job::new("roll_forward"));
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        match tidying.run(tidy(&koyomi)).await {
            Ok((keys, sessions)) => tracing::debug!(keys, sessions, "housekeeping"),
            Err(failure) => tracing::warn!(%failure, "housekeeping failed; it is tried again in an hour"),
        }
        match rolling.run(koyomi.roll_forward(ROLL_STEP)).await {
            Ok(report) if report == RollReport::default() => {}
            Ok(report) => {
                let RollReport { series, occurrences, unbooked, failed } = report;
                metrics::counter!("koyomi_roll_series_total", "outcome" => "ok").increment(count(series));
                metrics::counter!("koyomi_roll_series_total", "outcome" => "failed").increment(count(failed));
                metrics::counter!("koyomi_roll_unbooked_total").increment(count(unbooked));
                tracing::info!(series, occurrences, unbooked, failed, "series were written on");
            }
            Err(failure) => tracing::warn!(%failure, "writing series on failed; it goes on in an hour"),
        }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

async fn tidy(koyomi: &Koyomi) -> Result<(u64, u64)> {
    let now = koyomi.store.clock().now();
    let mut conn = koyomi.store.conn().await?;
    let keys = store::forget_old_keys(&mut conn, now).await?;
    let sessions = koyomi.users.forget_expired_sessions(&mut conn, now).await?;
    Ok((keys, sessions))
}
