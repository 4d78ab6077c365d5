//! Head checks of many requests in one statement.
//!
//! A request joins the batch that has not started yet, never one that is running: the statement that answers it starts
//! after the request has arrived, so it sees every write that was acknowledged before. Workers take turns; while one
//! waits for its answer, the next batch fills up. The more there is to do, the larger the batches, and the less each
//! check costs.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use kernel::plant::{self, Bug};
use kernel::{CalendarId, EventId, Failure, Kind, Result, SecretHash};
use sqlx::postgres::PgConnection;
use store::Store;
use tokio::sync::Notify;

use crate::answers::{Answers, Row};
use crate::metrics::HeadMetrics;
use crate::sql;

/// How long one statement may take before its connection is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// One statement to be: what is asked, and who waits.
#[derive(Debug, Default)]
struct Batch {
    asked: Mutex<Asked>,
    done: OnceLock<Result<Arc<Answers>>>,
    wake: Notify,
}

#[derive(Debug, Default, Clone)]
struct Asked {
    requests: usize,
    secrets: HashMap<SecretHash, usize>,
    order: Vec<SecretHash>,
    bookings: Vec<bool>,
    calendars: Vec<CalendarId>,
    known: HashSet<(usize, CalendarId)>,
    pairs: (Vec<i32>, Vec<CalendarId>),
    events: (Vec<i32>, Vec<EventId>),
}

/// What one request asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub secret: &'a SecretHash,
    pub calendars: &'a [CalendarId],
    /// In whose calendar the caller is interested.
    pub event: Option<EventId>,
    pub bookings: bool,
}

impl Asked {
    fn add(&mut self, wanted: Wanted<'_>) {
        self.requests += 1;
        let next = self.order.len();
        let n = *self.secrets.entry(*wanted.secret).or_insert(next);
        if n == next {
            self.order.push(*wanted.secret);
            self.bookings.push(false);
        }
        self.bookings[n] |= wanted.bookings;
        let place = i32::try_from(n + 1).unwrap_or(i32::MAX);
        for calendar in wanted.calendars {
            if self.known.insert((n, *calendar)) {
                self.pairs.0.push(place);
                self.pairs.1.push(*calendar);
                self.calendars.push(*calendar);
            }
        }
        if let Some(event) = wanted.event {
            self.events.0.push(place);
            self.events.1.push(event);
        }
    }

    fn covers(&self, wanted: Wanted<'_>) -> bool {
        let Some(n) = self.secrets.get(wanted.secret) else { return false };
        wanted.event.is_none()
            && (!wanted.bookings || self.bookings[*n])
            && wanted.calendars.iter().all(|calendar| self.known.contains(&(*n, *calendar)))
    }
}

/// The next batch, and the workers that run it.
#[derive(Debug)]
pub(crate) struct Batches {
    next: Mutex<Arc<Batch>>,
    /// Only looked at by a planted bug.
    running: Mutex<Option<Arc<Batch>>>,
    work: Notify,
    metrics: HeadMetrics,
}

impl Batches {
    /// Starts `workers` workers; they end when the returned value is gone.
    pub(crate) fn start(store: &Store, workers: usize) -> Arc<Self> {
        let batches = Arc::new(Self {
            next: Mutex::default(),
            running: Mutex::default(),
            work: Notify::new(),
            metrics: HeadMetrics::new(),
        });
        for _ in 0..workers.max(1) {
            let (weak, store) = (Arc::downgrade(&batches), store.clone());
            tokio::spawn(async move {
                let mut worker = Worker { store, conn: None };
                while let Some(batches) = weak.upgrade() {
                    match batches.take() {
                        Some(batch) => worker.run(&batches, &batch).await,
                        // Looks up now and then whether it is still wanted.
                        None => {
                            let _ = tokio::time::timeout(Duration::from_secs(1), batches.work.notified()).await;
                        }
                    }
                }
            });
        }
        batches
    }

    /// Asks the primary, by a statement that starts after this call.
    pub(crate) async fn ask(&self, wanted: Wanted<'_>) -> Result<Arc<Answers>> {
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

    fn join(&self, wanted: Wanted<'_>) -> Arc<Batch> {
        if plant::is(Bug::JoinRunningCheck)
            && let Some(running) = lock(&self.running).as_ref()
            && lock(&running.asked).covers(wanted)
        {
            return Arc::clone(running);
        }
        let next = lock(&self.next);
        lock(&next.asked).add(wanted);
        let batch = Arc::clone(&next);
        drop(next);
        self.work.notify_one();
        batch
    }

    /// The batch, closed: who comes from now on joins the one after.
    fn take(&self) -> Option<Arc<Batch>> {
        let mut next = lock(&self.next);
        if lock(&next.asked).requests == 0 {
            return None;
        }
        Some(std::mem::take(&mut *next))
    }
}

struct Worker {
    store: Store,
    conn: Option<PgConnection>,
}

impl Worker {
    async fn run(&mut self, batches: &Batches, batch: &Arc<Batch>) {
        let asked = lock(&batch.asked).clone();
        batches.metrics.batch(asked.requests);
        if plant::is(Bug::JoinRunningCheck) {
            *lock(&batches.running) = Some(Arc::clone(batch));
        }
        let mut result = self.check(&asked).await;
        if result.is_err() {
            // A connection that died while it rested; the second statement starts later, which is as good.
            self.conn = None;
            result = self.check(&asked).await;
        }
        if result.is_err() {
            self.conn = None;
        }
        if let Ok(answers) = &result {
            self.store.observe(answers.epoch());
        }
        if plant::is(Bug::JoinRunningCheck) {
            tokio::time::sleep(Duration::from_millis(3)).await;
            *lock(&batches.running) = None;
        }
        let _ = batch.done.set(result.map(Arc::new));
        batch.wake.notify_waiters();
    }

    async fn check(&mut self, asked: &Asked) -> Result<Answers> {
        tokio::time::timeout(PATIENCE, self.read(asked)).await.unwrap_or_else(|_| {
            Err(Failure::new(
                Kind::Unavailable,
                "unavailable",
                "the database does not answer right now; nothing was written, try again",
            ))
        })
    }

    async fn read(&mut self, asked: &Asked) -> Result<Answers> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            None => self.conn.insert(self.store.dedicated("koyomi heads").await?),
        };
        let hashes: Vec<&[u8]> = asked.order.iter().map(<[u8; 32]>::as_slice).collect();
        let events = !asked.events.0.is_empty();
        let mut query = sqlx::query_as(if events { sql::CHECK_EVENTS } else { sql::CHECK })
            .bind(hashes)
            .bind(&asked.bookings)
            .bind(self.store.clock().now())
            .bind(&asked.calendars)
            .bind(&asked.pairs.0)
            .bind(&asked.pairs.1);
        if events {
            query = query.bind(&asked.events.0).bind(&asked.events.1);
        }
        let rows: Vec<Row> = query.fetch_all(conn).await?;
        Answers::read(rows, &asked.order).ok_or_else(|| Failure::internal("the head check answered nonsense"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
