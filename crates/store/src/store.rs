use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kernel::{Clock, Failure, Ids, Kind, Result};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Postgres, Transaction};
use tokio::sync::Notify;
use tracing::Instrument;

use crate::deadline::{self, STATEMENT, remaining};
use crate::deploy::{Epoch, inspect, recognise};
use crate::lifeline::{self, Known, Lifeline, Plan, Pools, Which};
use crate::metrics::{PoolMetrics, Purpose};
use crate::retry::{Budget, is_lost, pause};
use crate::{Conn, Tx, traceparent};

/// How to reach PostgreSQL.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `postgres://user:password@host:port/database`
    pub url: String,
    pub max_connections: u32,
    /// Of [`Store::background`], beside those.
    pub background_connections: u32,
    /// How long a request waits for a connection before it is told to come back later.
    pub acquire_timeout: Duration,
}

impl Settings {
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 20,
            background_connections: 3,
            acquire_timeout: Duration::from_secs(5),
        }
    }
}

/// How often one transaction is begun again.
const MOST_RETRIES: u32 = 8;

/// The schema, as this build knows it.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// The one way to PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pools: Arc<Pools>,
    which: Which,
    /// Of transactions that could not begin.
    retries: Arc<Budget>,
    options: Arc<PgConnectOptions>,
    clock: Clock,
    ids: Ids,
    /// Which database this is, among all there may be: of which server, and which one there.
    identity: Arc<str>,
    committed: Arc<Notify>,
    metrics: Arc<PoolMetrics>,
    background_metrics: Arc<PoolMetrics>,
}

impl Store {
    /// Connects, and refuses a database without our schema or with settings that break the promises. From then on the
    /// machine's clock, where `clock` is that, is not asked any more, but the database's.
    pub async fn open(settings: &Settings, clock: Clock, ids: Ids) -> Result<Self> {
        let known = Arc::new(Known::default());
        let options = options(settings)?;
        let mut first = PgConnection::connect_with(&options).await?;
        inspect(&mut first).await?;
        recognise(&mut first, &known).await?;
        let (clock, ids) = match (clock, known.time.get()) {
            (Clock::System, Some(time)) => (Clock::Shared(time.clone()), ids.by(Clock::Shared(time.clone()))),
            (clock, _) => (clock, ids),
        };
        let few = Settings { max_connections: settings.background_connections, ..settings.clone() };
        let plan = |settings, options| Plan { pool: pool_of(settings, Some(Arc::clone(&known))), options };
        let background = plan(&few, options.clone().application_name("koyomi background"));
        let pools = Pools::new(plan(settings, options.clone()), background, Arc::clone(&known));
        let identity: String = sqlx::query_scalar(
            "select c.system_identifier || '/' || d.oid from pg_control_system() c, pg_database d
             where d.datname = current_database()",
        )
        .fetch_one(&mut first)
        .await?;
        let (options, identity) = (Arc::new(options), identity.into());
        Ok(Self {
            pools: Arc::new(pools),
            which: Which::Main,
            retries: Arc::default(),
            options,
            clock,
            ids,
            identity,
            committed: Arc::default(),
            metrics: Arc::new(PoolMetrics::new("main")),
            background_metrics: Arc::new(PoolMetrics::new("background")),
        })
    }

    /// The same store, over the connections for work that nobody waits for: it never takes one from those who are waited
    /// for, nor they from it.
    pub fn background(&self) -> Self {
        let metrics = Arc::clone(&self.background_metrics);
        Self { which: Which::Background, metrics, ..self.clone() }
    }

    /// Brings the schema up to date; safe to run from several instances at once (an advisory lock lets one through).
    pub async fn migrate(settings: &Settings) -> Result<()> {
        let pool = pool_of(settings, None).connect_with(options(settings)?).await?;
        MIGRATIONS.run(&pool).await.map_err(Failure::internal)?;
        pool.close().await;
        Ok(())
    }

    pub async fn conn(&self) -> Result<Conn> {
        let (pool, lifeline) = self.pools.pool(self.which);
        let taken = self.metrics.waited(Purpose::Connection, lifeline.hold(pool.acquire()));
        Ok(Conn::pooled(in_time(taken).await?, lifeline))
    }

    /// `begin` is tried again where the connection it was sent on had died unseen (all of them have, when the database was
    /// restarted): nothing has run there. What is left of the request's time goes along with it, and in a write the span
    /// that its news belong to.
    pub(crate) async fn transaction(&self, purpose: Purpose) -> Result<Conn> {
        let (begin, write) = match purpose {
            Purpose::Snapshot => ("begin isolation level repeatable read read only", None),
            Purpose::Connection | Purpose::Transaction => ("begin", traceparent::current()),
        };
        let traced = write.map(|span| format!("; select set_config('koyomi.traceparent', '{span}', true)"));
        let traced = traced.unwrap_or_default();
        self.retries.earn();
        let mut left = MOST_RETRIES;
        loop {
            let (pool, lifeline) = self.pools.pool(self.which);
            let text = format!("{begin}{}{traced}", deadline::statement_timeout().unwrap_or_default());
            match in_time(self.metrics.waited(purpose, begin_with(pool, &lifeline, text))).await {
                Err(Unbegun::Failed(error)) if is_lost(&error) && left > 0 && self.retries.spend() => {
                    tracing::debug!(%error, "a connection had died; beginning again");
                    left -= 1;
                    pause().await;
                }
                result => return Ok(Conn::in_transaction(result?, lifeline)),
            }
        }
    }

    /// A connection whose statements all see one moment of the database, and change nothing. It is given back by dropping
    /// it: nobody waits for the end of a transaction that has nothing to commit.
    pub async fn snapshot(&self) -> Result<Conn> {
        self.transaction(Purpose::Snapshot).await
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
        recognise(&mut conn, &self.pools.known).await?;
        Ok(conn)
    }

    /// How to find out that connections which are made from now on are lost.
    pub fn lifeline(&self) -> Lifeline {
        self.pools.lifeline()
    }

    /// Looks, as long as there is a store, whether connections die without a word, and makes them anew.
    pub fn watch_over(&self) -> impl Future<Output = ()> + Send + 'static {
        lifeline::watch_over(Arc::downgrade(&self.pools))
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

    /// Tells the metrics how the pools stand right now.
    pub fn measure(&self) {
        self.metrics.measure(&self.pools.pool(Which::Main).0);
        self.background_metrics.measure(&self.pools.pool(Which::Background).0);
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
        Epoch(self.pools.known.epoch.load(Ordering::Acquire))
    }

    /// Takes note of an epoch that a statement has read.
    pub fn observe(&self, epoch: Epoch) {
        self.pools.known.epoch.fetch_max(epoch.0, Ordering::AcqRel);
    }

    /// Waits for what is under way; from now on nobody is given a connection.
    pub async fn close(&self) {
        self.pools.close().await;
    }
}

/// In a task of its own: dropped during BEGIN (a client that hangs up, a deadline), sqlx would give the connection back
/// inside a transaction that it knows nothing of, and whoever gets it next would read an old snapshot. (Of a connection that
/// is lost nobody gets anything next.)
async fn begin_with(
    pool: PgPool,
    lifeline: &Lifeline,
    begin: String,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    // Put together from our own words and numbers.
    let (lifeline, begin) = (lifeline.clone(), AssertSqlSafe(begin));
    let begun = tokio::spawn(async move { lifeline.hold(pool.begin_with(begin)).await }.in_current_span());
    begun.await.map_err(|panic| sqlx::Error::Io(std::io::Error::other(panic)))?
}

/// Why a connection was not to be had.
enum Unbegun {
    Failed(sqlx::Error),
    /// The time of the request was over first.
    Late,
}

impl From<Unbegun> for Failure {
    fn from(unbegun: Unbegun) -> Self {
        match unbegun {
            Unbegun::Failed(error) => unreachable(error),
            Unbegun::Late => Self::new(
                Kind::Unavailable,
                "timeout",
                "no connection to the database was free in time; nothing was written, try again",
            ),
        }
    }
}

/// A connection, while there is time.
async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Unbegun> {
    match remaining() {
        Some(left) => match tokio::time::timeout(left, work).await {
            Ok(result) => result.map_err(Unbegun::Failed),
            Err(_) => Err(Unbegun::Late),
        },
        None => work.await.map_err(Unbegun::Failed),
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
            ("statement_timeout", STATEMENT.as_millis().to_string().as_str()),
            ("idle_in_transaction_session_timeout", "60s"),
            ("timezone", "UTC"),
            // It pays for reports. An agenda of 70 ms took 740 with the time to compile it.
            ("jit", "off"),
        ])
        .options(lifeline::KEEPALIVE)
        .disable_statement_logging())
}

/// With `known`, each new connection is asked which database it leads to.
fn pool_of(settings: &Settings, known: Option<Arc<Known>>) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false)
        .after_connect(move |conn, _| {
            let known = known.clone();
            Box::pin(async move {
                match known {
                    Some(known) => recognise(conn, &known).await,
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
}
