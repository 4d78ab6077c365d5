//! What PostgreSQL's clients tell of themselves (names: docs/METRICS.md). Handles are made once.

use std::sync::OnceLock;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use sqlx::postgres::PgPool;
use tracing::debug_span;

/// Of all statements, whoever sends them.
#[derive(Debug)]
pub(crate) struct StatementMetrics {
    pub seconds: Histogram,
    pub failures: Counter,
}

static STATEMENTS: OnceLock<StatementMetrics> = OnceLock::new();

pub(crate) fn statements() -> &'static StatementMetrics {
    STATEMENTS.get_or_init(|| StatementMetrics {
        seconds: histogram!("koyomi_db_statement_seconds"),
        failures: counter!("koyomi_db_statement_failures_total"),
    })
}

/// Of a pool: how many connections there are, how many are in use, who waits for one, for how long and in vain.
#[derive(Debug)]
pub(crate) struct PoolMetrics {
    used: Gauge,
    idle: Gauge,
    most: Gauge,
    waiting: Gauge,
    failures: Counter,
    connection: Histogram,
    snapshot: Histogram,
    transaction: Histogram,
}

/// What a connection is taken out for. The time of the latter two includes BEGIN.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Connection,
    Snapshot,
    Transaction,
}

impl PoolMetrics {
    pub(crate) fn new(pool: &'static str) -> Self {
        let wait =
            |purpose: &'static str| histogram!("koyomi_db_pool_wait_seconds", "pool" => pool, "purpose" => purpose);
        Self {
            used: gauge!("koyomi_db_pool_connections", "pool" => pool, "state" => "used"),
            idle: gauge!("koyomi_db_pool_connections", "pool" => pool, "state" => "idle"),
            most: gauge!("koyomi_db_pool_connections_max", "pool" => pool),
            waiting: gauge!("koyomi_db_pool_waiting", "pool" => pool),
            failures: counter!("koyomi_db_pool_failures_total", "pool" => pool),
            connection: wait("connection"),
            snapshot: wait("snapshot"),
            transaction: wait("transaction"),
        }
    }

    /// Measures the taking out of a connection.
    pub(crate) async fn waited<T>(
        &self,
        purpose: Purpose,
        taking: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let _span = debug_span!("connection", otel.kind = "client", db.system.name = "postgresql", ?purpose);
        let began = Instant::now();
        let waiting = Waiting::begin(&self.waiting);
        let taken = taking.await;
        drop(waiting);
        match purpose {
            Purpose::Connection => &self.connection,
            Purpose::Snapshot => &self.snapshot,
            Purpose::Transaction => &self.transaction,
        }
        .record(began.elapsed().as_secs_f64());
        if taken.is_err() {
            self.failures.increment(1);
        }
        taken
    }

    pub(crate) fn measure(&self, pool: &PgPool) {
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let (all, idle) = (f64::from(pool.size()), count(pool.num_idle()));
        // Two looks at a moving pool.
        self.used.set((all - idle).max(0.0));
        self.idle.set(idle);
        self.most.set(f64::from(pool.options().get_max_connections()));
    }
}

/// Whoever goes away waits no longer.
struct Waiting<'a>(&'a Gauge);

impl<'a> Waiting<'a> {
    fn begin(gauge: &'a Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
