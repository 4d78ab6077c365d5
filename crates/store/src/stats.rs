use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::{Failure, Result};

tokio::task_local! {
    static CURRENT: Arc<Stats>;
}

/// What one request cost in PostgreSQL. BEGIN, COMMIT and ROLLBACK are not counted: they carry no question.
#[derive(Debug, Default)]
pub struct Stats {
    statements: AtomicU32,
    nanos: AtomicU64,
}

impl Stats {
    pub fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Time between sending statements and having read their answers.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

/// Counts the statements of `work` into `stats`.
pub async fn counted<F: Future>(stats: Arc<Stats>, work: F) -> F::Output {
    CURRENT.scope(stats, work).await
}

/// Runs a write in a task of its own: a client that hangs up cannot cancel it half way, because dropping the returned
/// future does not drop the task.
pub async fn detached<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let task = match CURRENT.try_with(Arc::clone) {
        Ok(stats) => tokio::spawn(CURRENT.scope(stats, work)),
        Err(_) => tokio::spawn(work),
    };
    match task.await {
        Ok(result) => result,
        Err(panic) => Err(Failure::internal(format!("a write panicked: {panic}"))),
    }
}

/// Measures one statement from its start to the end of its answer.
pub(crate) struct Timer {
    stats: Option<Arc<Stats>>,
    started: Instant,
}

impl Timer {
    pub(crate) fn start() -> Self {
        let stats = CURRENT.try_with(Arc::clone).ok();
        if let Some(stats) = &stats {
            stats.statements.fetch_add(1, Ordering::Relaxed);
        }
        Self { stats, started: Instant::now() }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(stats) = &self.stats {
            let nanos = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            stats.nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }
}
