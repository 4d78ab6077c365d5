//! Counts what waits, and clears away what the relay has left of the rows it took out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kernel::Result;
use store::Store;

use crate::metrics::Metrics;
use crate::sql;
use crate::trouble::{Running, Trouble};

/// Dead rows that are worth a vacuum: a few hundred pages.
const WORTH_SWEEPING: u64 = 20_000;

#[derive(Debug)]
pub(crate) struct Keeper {
    pub store: Store,
    pub every: Duration,
    /// By this instance's relay.
    pub deleted: Arc<AtomicU64>,
    pub metrics: Arc<Metrics>,
}

impl Keeper {
    pub(crate) async fn run(self, mut running: Running) {
        let mut trouble = Trouble::new("keeping the outbox");
        let mut swept = 0;
        while running.rest(self.every).await {
            let kept = tokio::select! {
                () = running.ended() => return,
                kept = self.keep(&mut swept) => kept,
            };
            match kept {
                Ok(()) => trouble.works(),
                // The next round is soon enough.
                Err(failure) => {
                    trouble.failed(&failure);
                }
            }
        }
    }

    async fn keep(&self, swept: &mut u64) -> Result<()> {
        let mut conn = self.store.conn().await?;
        let waiting: i64 = sqlx::query_scalar(sql::WAITING).fetch_one(&mut conn).await?;
        self.metrics.outbox_rows.set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
        let deleted = self.deleted.load(Ordering::Relaxed);
        if deleted.saturating_sub(*swept) >= WORTH_SWEEPING {
            sqlx::raw_sql(sql::SWEEP_DEAD).execute(&mut conn).await?;
            *swept = deleted;
        }
        Ok(())
    }
}
