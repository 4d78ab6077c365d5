//! What nobody asks for and somebody has to do. Every instance does it: what one has done, the others find
//! done.

use std::time::Duration;

use kernel::Result;
use koyomi::{Koyomi, ROLL_STEP, RollReport};

const EVERY: Duration = Duration::from_secs(3600);

/// Forgets old idempotency keys and expired sessions and writes series on, now and every hour, until it is dropped.
pub(crate) async fn keep(koyomi: Koyomi) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        match tidy(&koyomi).await {
            Ok((keys, sessions)) => tracing::debug!(keys, sessions, "housekeeping"),
            Err(failure) => tracing::warn!(%failure, "housekeeping failed; it is tried again in an hour"),
        }
        match koyomi.roll_forward(ROLL_STEP).await {
            Ok(report) if report == RollReport::default() => {}
            Ok(report) => {
                let RollReport { series, occurrences, unbooked, failed } = report;
                tracing::info!(series, occurrences, unbooked, failed, "series were written on");
            }
            Err(failure) => tracing::warn!(%failure, "writing series on failed; it goes on in an hour"),
        }
    }
}

async fn tidy(koyomi: &Koyomi) -> Result<(u64, u64)> {
    let now = koyomi.store.clock().now();
    let mut conn = koyomi.store.conn().await?;
    let keys = store::forget_old_keys(&mut conn, now).await?;
    let sessions = koyomi.users.forget_expired_sessions(&mut conn, now).await?;
    Ok((keys, sessions))
}
