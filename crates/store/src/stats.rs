use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kernel::{Failure, Moved, Result, Subject, TenantId};
use tokio::task::futures::TaskLocalFuture;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

use crate::metrics::statements;
use crate::{Epoch, deadline};

tokio::task_local! {
    static CURRENT: Arc<Stats>;
}

/// What one request cost in PostgreSQL. BEGIN, COMMIT and ROLLBACK are not counted: they carry no question.
#[derive(Debug, Default)]
pub struct Stats {
    statements: AtomicU32,
    nanos: AtomicU64,
    head_nanos: AtomicU64,
    seen: Mutex<Seen>,
    trace: Option<Trace>,
}

/// The number of a trace (W3C Trace Context §3.2.2.3): 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace(pub [u8; 32]);

impl Trace {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The versions that an answer rests on: what its consistency token says.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub epoch: Option<Epoch>,
    pub versions: Vec<Moved>,
}

impl Stats {
    /// Of a request that belongs to a trace.
    pub fn of(trace: Trace) -> Self {
        Self { trace: Some(trace), ..Self::default() }
    }

    pub fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Time between sending statements and having read their answers.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }

    /// Of that, the time that the head check took.
    pub fn head_check(&self) -> Duration {
        Duration::from_nanos(self.head_nanos.load(Ordering::Relaxed))
    }

    /// Whose the answer is: of whom a head check has seen something. Before it is taken out.
    pub fn tenant(&self) -> Option<TenantId> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.versions.iter().find_map(|moved| match moved.subject {
            Subject::Tenant(id) => Some(id),
            _ => None,
        })
    }

    /// Takes out what was seen.
    pub fn seen(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes in the current request that its answer rests on these versions.
pub fn saw(epoch: Epoch, versions: impl IntoIterator<Item = Moved>) {
    let _ = CURRENT.try_with(|stats| {
        let mut seen = stats.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.epoch = seen.epoch.max(Some(epoch));
        seen.versions.extend(versions);
    });
}

/// Counts a head check for the current request: one statement, however many requests shared it.
pub fn count_head_check(took: Duration) {
    let _ = CURRENT.try_with(|stats| {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        stats.statements.fetch_add(1, Ordering::Relaxed);
        stats.nanos.fetch_add(nanos, Ordering::Relaxed);
        stats.head_nanos.fetch_add(nanos, Ordering::Relaxed);
    });
}

/// The trace that the current request belongs to.
pub fn current_trace() -> Option<Trace> {
    CURRENT.try_with(|stats| stats.trace).ok().flatten()
}

/// Counts the statements of `work` into `stats`.
pub fn counted<F: Future>(stats: Arc<Stats>, work: F) -> TaskLocalFuture<Arc<Stats>, F> {
    CURRENT.scope(stats, work)
}

/// Runs work in a task of its own, counted for the current request, below its span and until its deadline.
pub fn spawned<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    match deadline::current() {
        Some(at) => spawned_for_all(deadline::until(at, work)),
        None => spawned_for_all(work),
    }
}

/// As [`spawned`], for what others wait for too: they may have more time than whoever came first.
pub fn spawned_for_all<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let work = work.in_current_span();
    match CURRENT.try_with(Arc::clone) {
        Ok(stats) => tokio::spawn(CURRENT.scope(stats, work)),
        Err(_) => tokio::spawn(work),
    }
}

/// Runs a write in a task of its own: a client that hangs up cannot cancel it half way, because dropping the returned
/// future does not drop the task.
pub async fn detached<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    match spawned(work).await {
        Ok(result) => result,
        Err(panic) => Err(Failure::internal(format!("a write panicked: {panic}"))),
    }
}

/// Measures one statement from its start to the end of its answer.
pub(crate) struct Timer {
    stats: Option<Arc<Stats>>,
    started: Instant,
    span: Span,
}

impl Timer {
    /// `sql` has no values in it.
    pub(crate) fn start(sql: &str) -> Self {
        let span = debug_span!(
            "sql",
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "postgresql",
            db.query.text = sql
        );
        let stats = CURRENT.try_with(Arc::clone).ok();
        if let Some(stats) = &stats {
            stats.statements.fetch_add(1, Ordering::Relaxed);
        }
        Self { stats, started: Instant::now(), span }
    }

    pub(crate) fn failed(&self) {
        statements().failures.increment(1);
        self.span.record("otel.status_code", "ERROR");
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        statements().seconds.record(took.as_secs_f64());
        if let Some(stats) = &self.stats {
            let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            stats.nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }
}
