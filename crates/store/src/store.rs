use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kernel::{Clock, Failure, Ids, Kind, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Notify;
use tracing::Instrument;

use crate::deploy::{Epoch, inspect, recognise};
use crate::metrics::{PoolMetrics, Purpose};
use crate::{Conn, Tx};

/// How to reach PostgreSQL.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postgres://user:password@host:port/database`
    pub url: String,
    pub max_connections: u32,
    /// How long a request waits for a connection before it is told to come back later.
    pub acquire_timeout: Duration,
}

impl Settings {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), max_connections: 20, acquire_timeout: Duration::from_secs(5) }
    }
}

/// The one way to PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    options: Arc<PgConnectOptions>,
    clock: Clock,
    ids: Ids,
    /// The newest that any statement of this process has seen.
    epoch: Arc<AtomicI64>,
    /// Which database this is, among all there may be: of which server, and which one there.
    identity: Arc<str>,
    committed: Arc<Notify>,
    metrics: Arc<PoolMetrics>,
}

impl Store {
    /// Connects, and refuses a database without our schema or with settings that break the promises.
    pub async fn open(settings: &Settings, clock: Clock, ids: Ids) -> Result<Self> {
        let epoch = Arc::new(AtomicI64::new(0));
        let options = options(settings)?;
        let mut first = PgConnection::connect_with(&options).await?;
        inspect(&mut first).await?;
        recognise(&mut first, &epoch).await?;
        let pool = pool(settings, options.clone(), Some(Arc::clone(&epoch))).await?;
        let identity: String = sqlx::query_scalar(
            "select c.system_identifier || '/' || d.oid from pg_control_system() c, pg_database d
             where d.datname = current_database()",
        )
        .fetch_one(&mut first)
        .await?;
        let (options, identity) = (Arc::new(options), identity.into());
        let metrics = Arc::new(PoolMetrics::new("main"));
        Ok(Self { pool, options, clock, ids, epoch, identity, committed: Arc::default(), metrics })
    }

    /// Brings the schema up to date; safe to run from several instances at once (an advisory lock lets one through).
    pub async fn migrate(settings: &Settings) -> Result<()> {
        let pool = pool(settings, options(settings)?, None).await?;
        sqlx::migrate!("../../migrations").run(&pool).await.map_err(Failure::internal)?;
        pool.close().await;
        Ok(())
    }

    pub async fn conn(&self) -> Result<Conn> {
        let taken = self.metrics.waited(Purpose::Connection, self.pool.acquire()).await;
        Ok(Conn::pooled(taken.map_err(unreachable)?))
    }

    /// A connection whose statements all see one moment of the database, and change nothing. It is given back by dropping
    /// it: nobody waits for the end of a transaction that has nothing to commit.
    ///
    /// It begins in a task of its own: dropped during BEGIN (a client that hangs up), sqlx would give the connection back
    /// inside a transaction that it knows nothing of, and whoever gets it next would read an old snapshot.
    pub async fn snapshot(&self) -> Result<Conn> {
        let (pool, metrics) = (self.pool.clone(), Arc::clone(&self.metrics));
        let begun = async move {
            let beginning = pool.begin_with("begin isolation level repeatable read read only");
            metrics.waited(Purpose::Snapshot, beginning).await
        };
        let begun = tokio::spawn(begun.in_current_span());
        let begun = begun.await.map_err(Failure::internal)?;
        Ok(Conn::in_transaction(begun.map_err(unreachable)?))
    }

    /// A connection of its own, outside of the pool, for work that never ends: a few statements, over and over, each
    /// planned once, each by index. Left to choose, PostgreSQL plans the head check anew for each length of its arrays,
    /// which takes ten times as long as running it, and reads small tables as a whole.
    pub async fn dedicated(&self, name: &str) -> Result<PgConnection> {
        let options = PgConnectOptions::clone(&self.options)
            .application_name(name)
            .options([("plan_cache_mode", "force_generic_plan"), ("jit", "off")])
            .options(
                ["seqscan", "bitmapscan", "hashjoin", "mergejoin", "memoize"]
                    .map(|name| (format!("enable_{name}"), "off")),
            );
        let mut conn = PgConnection::connect_with(&options).await.map_err(unreachable)?;
        recognise(&mut conn, &self.epoch).await?;
        Ok(conn)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("select 1").execute(&mut self.conn().await?).await?;
        Ok(())
    }

    /// The name of this database, of whichever server: what is kept outside of it and belongs to it is kept under this.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Waits for a commit of this process. One commit while nobody waits is told to who comes next.
    pub async fn committed(&self) {
        self.committed.notified().await;
    }

    pub(crate) fn has_committed(&self) {
        self.committed.notify_one();
    }

    /// The transaction that [`Tx`] writes in.
    pub(crate) async fn transaction(&self) -> Result<Conn> {
        let begun = self.metrics.waited(Purpose::Transaction, self.pool.begin()).await;
        Ok(Conn::in_transaction(begun.map_err(unreachable)?))
    }

    /// Tells the metrics how the pool stands right now.
    pub fn measure(&self) {
        self.metrics.measure(&self.pool);
    }

    /// Opens a write; run it inside [`crate::detached`].
    pub async fn begin(&self) -> Result<Tx> {
        Tx::begin(self).await
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// Takes note of an epoch that a statement has read.
    pub fn observe(&self, epoch: Epoch) {
        self.epoch.fetch_max(epoch.0, Ordering::AcqRel);
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// No connection, no statement, so nothing was written, whatever the reason: a server that is being killed or recovers
/// refuses in more ways than with an error of its own (half a TLS handshake, for one).
fn unreachable(error: sqlx::Error) -> Failure {
    if error.as_database_error().is_some() {
        return error.into();
    }
    Failure::new(
        Kind::Unavailable,
        "unavailable",
        "the database cannot be reached right now; nothing was written, try again",
    )
    .because(error)
}

pub(crate) fn options(settings: &Settings) -> Result<PgConnectOptions> {
    let options: PgConnectOptions = settings
        .url
        .parse()
        .map_err(|error| Failure::invalid("DATABASE_URL", format!("is not a postgres:// URL: {error}")))?;
    Ok(options
        .application_name("koyomi")
        // Every statement of the product has a fixed text; all of them fit.
        .statement_cache_capacity(256)
        .options([
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("timezone", "UTC"),
            // It pays for reports. An agenda of 70 ms took 740 with the time to compile it.
            ("jit", "off"),
        ])
        .disable_statement_logging())
}

/// With `epoch`, each new connection is asked which database it leads to.
async fn pool(settings: &Settings, options: PgConnectOptions, epoch: Option<Arc<AtomicI64>>) -> Result<PgPool> {
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false)
        .after_connect(move |conn, _| {
            let epoch = epoch.clone();
            Box::pin(async move {
                match epoch {
                    Some(epoch) => recognise(conn, &epoch).await,
                    None => Ok(()),
                }
            })
        })
        // A ping on each acquire would cost every request a round trip; a connection that rested may have died.
        .before_acquire(|conn, meta| {
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        // A transaction whose task panicked must not leave its connection inside it.
        .after_release(|conn, _| {
            Box::pin(async move {
                if conn.is_in_transaction() {
                    sqlx::raw_sql("rollback").execute(conn).await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}
