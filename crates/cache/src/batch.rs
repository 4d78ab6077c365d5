//! Questions of many requests in one statement.
//!
//! A request joins the batch that has not started yet, never one that is running: the statement that answers it starts
//! after the request has arrived, so it sees every write that was acknowledged before. One worker runs batch after
//! batch; while it waits for an answer, the next batch fills up. The more there is to do, the larger the batches, and
//! the less each question costs. Other workers, each with a connection of its own, stand by for the case that the first
//! one's connection has come to a stop.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use kernel::plant::{self, Bug};
use kernel::{Failure, Kind, Result};
use sqlx::postgres::PgConnection;
use store::{Lifeline, Store};
use tokio::sync::Notify;
use tracing::debug_span;

use crate::metrics::HeadMetrics;

/// How long one statement may take before its connection is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// A batch that has waited so long is run by whoever stands by.
const STANDSTILL: Duration = Duration::from_millis(4);

/// A statement that asks for many.
pub(crate) trait Statement: Default + Clone + Send + Sync + 'static {
    type Wanted<'a>: Copy;
    type Answers: Send + Sync + 'static;

    const NAME: &'static str;

    fn add(&mut self, wanted: Self::Wanted<'_>);

    /// Whether the answer to this holds what is wanted, too.
    fn covers(&self, wanted: Self::Wanted<'_>) -> bool;

    /// `now` is what credentials expire by.
    fn run(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> impl Future<Output = Result<Self::Answers>> + Send;
}

/// One statement to be: what is asked, and who waits.
struct Batch<S: Statement> {
    asked: Mutex<Asked<S>>,
    done: OnceLock<Result<Arc<S::Answers>>>,
    wake: Notify,
}

#[derive(Default, Clone)]
struct Asked<S> {
    requests: usize,
    /// When the first one came.
    since: Option<Instant>,
    statement: S,
}

impl<S: Statement> Default for Batch<S> {
    fn default() -> Self {
        Self { asked: Mutex::default(), done: OnceLock::new(), wake: Notify::new() }
    }
}

/// The next batch, and the workers that run it.
pub(crate) struct Batches<S: Statement> {
    next: Mutex<Arc<Batch<S>>>,
    /// Only looked at by a planted bug.
    running: Mutex<Option<Arc<Batch<S>>>>,
    busy: AtomicUsize,
    work: Notify,
    /// Told when a batch begins to run.
    begun: Notify,
    metrics: HeadMetrics,
}

impl<S: Statement> fmt::Debug for Batches<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("statement", &S::NAME).finish_non_exhaustive()
    }
}

impl<S: Statement> Batches<S> {
    /// Starts `workers` workers; they end when the returned value is gone.
    pub(crate) fn start(store: &Store, workers: usize) -> Arc<Self> {
        let batches = Arc::new(Self {
            next: Mutex::default(),
            running: Mutex::default(),
            busy: AtomicUsize::new(0),
            work: Notify::new(),
            begun: Notify::new(),
            metrics: HeadMetrics::new(S::NAME),
        });
        for n in 0..workers.max(1) {
            let (weak, mut worker) = (Arc::downgrade(&batches), Worker::new(store));
            tokio::spawn(async move {
                while let Some(batches) = weak.upgrade() {
                    if n == 0 { batches.work(&mut worker).await } else { batches.stand_by(&mut worker).await }
                }
            });
        }
        batches
    }

    /// Asks the primary, by a statement that starts after this call.
    pub(crate) async fn ask(&self, wanted: S::Wanted<'_>) -> Result<Arc<S::Answers>> {
        // One's own waiting; the statement is everybody's.
        let _span =
            debug_span!("head check", otel.kind = "client", db.system.name = "postgresql", db.operation.name = S::NAME);
        let batch = self.join(wanted);
        loop {
            // Created before the look at `done`: a wake-up between the two is not lost.
            let woken = batch.wake.notified();
            if let Some(result) = batch.done.get() {
                return result.clone();
            }
            woken.await;
        }
    }

    fn join(&self, wanted: S::Wanted<'_>) -> Arc<Batch<S>> {
        if plant::is(Bug::JoinRunningCheck)
            && let Some(running) = lock(&self.running).as_ref()
            && lock(&running.asked).statement.covers(wanted)
        {
            return Arc::clone(running);
        }
        let next = lock(&self.next);
        let first = {
            let mut asked = lock(&next.asked);
            asked.requests += 1;
            asked.statement.add(wanted);
            let first = asked.since.is_none();
            asked.since.get_or_insert_with(Instant::now);
            first
        };
        let batch = Arc::clone(&next);
        drop(next);
        if first {
            self.work.notify_one();
        }
        batch
    }

    /// The batch, closed: who comes from now on joins the one after.
    fn take(&self, older_than: Duration) -> Option<Arc<Batch<S>>> {
        let mut next = lock(&self.next);
        let since = lock(&next.asked).since?;
        if since.elapsed() < older_than {
            return None;
        }
        Some(std::mem::take(&mut *next))
    }

    async fn work(&self, worker: &mut Worker) {
        // Looks up now and then whether it is still wanted.
        if tokio::time::timeout(Duration::from_secs(1), self.work.notified()).await.is_err() {
            return;
        }
        // Whoever is ready to ask gets his turn before the batch is closed.
        tokio::task::yield_now().await;
        if let Some(batch) = self.take(Duration::ZERO) {
            self.run(worker, &batch).await;
        }
    }

    async fn stand_by(&self, worker: &mut Worker) {
        if tokio::time::timeout(Duration::from_secs(1), self.begun.notified()).await.is_err() {
            return;
        }
        while self.busy.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(STANDSTILL).await;
            while let Some(batch) = self.take(STANDSTILL) {
                self.run(worker, &batch).await;
            }
        }
    }

    async fn run(&self, worker: &mut Worker, batch: &Arc<Batch<S>>) {
        let asked = lock(&batch.asked).clone();
        self.metrics.batch(asked.requests);
        if plant::is(Bug::JoinRunningCheck) {
            *lock(&self.running) = Some(Arc::clone(batch));
        }
        self.busy.fetch_add(1, Ordering::AcqRel);
        self.begun.notify_one();
        let began = Instant::now();
        let mut result = worker.ask(&asked.statement).await;
        if result.is_err() {
            self.metrics.failures.increment(1);
            // A connection that died while it rested; the second statement starts later, which is as good.
            result = worker.ask(&asked.statement).await;
        }
        self.metrics.seconds.record(began.elapsed().as_secs_f64());
        self.busy.fetch_sub(1, Ordering::AcqRel);
        if plant::is(Bug::JoinRunningCheck) {
            tokio::time::sleep(Duration::from_millis(3)).await;
            *lock(&self.running) = None;
        }
        let _ = batch.done.set(result.map(Arc::new));
        batch.wake.notify_waiters();
    }
}

struct Worker {
    store: Store,
    conn: Option<PgConnection>,
    lifeline: Lifeline,
}

impl Worker {
    fn new(store: &Store) -> Self {
        Self { conn: None, lifeline: store.lifeline(), store: store.clone() }
    }

    async fn ask<S: Statement>(&mut self, statement: &S) -> Result<S::Answers> {
        if self.conn.is_none() || self.lifeline.is_lost() {
            *self = Self::new(&self.store);
        }
        let answering = async {
            let conn = match &mut self.conn {
                Some(conn) => conn,
                None => self.conn.insert(self.store.dedicated("koyomi heads").await?),
            };
            statement.run(conn, self.store.clock().now()).await
        };
        let answer = tokio::time::timeout(PATIENCE, self.lifeline.hold(answering));
        let result = answer.await.unwrap_or_else(|_| {
            Err(Failure::new(
                Kind::Unavailable,
                "unavailable",
                "the database does not answer right now; nothing was written, try again",
            ))
        });
        if result.is_err() {
            self.conn = None;
        }
        result
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
