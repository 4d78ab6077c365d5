//! Takes the news out of the outbox and sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::{CalendarId, Failure, Moved, Result, Subject, TenantId, UserId};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use sqlx::{Connection, FromRow, PgConnection, Postgres, Transaction};
use store::{Store, traceparent};
use tracing::field::Empty;
use tracing::{Span, debug_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::frame::{MAX_ENTRIES, Message, Origin};
use crate::metrics::Metrics;
use crate::nats::Nats;
use crate::trouble::{Running, Trouble};
use crate::{Settings, sql};

/// Of one message at most; those of one subject become one entry.
const MAX_ROWS: i64 = 1000;

/// With nothing to send for so long, it looks less often.
const BUSY: Duration = Duration::from_secs(1);
/// What others write, and nobody relays, is then so late at most. (What this process writes is sent at once.)
const IDLE_INTERVAL: Duration = Duration::from_millis(50);

/// A turn that takes longer hangs.
const TURN_WITHIN: Duration = Duration::from_secs(5);

/// The span of a message names so many writes at most.
const MAX_WRITES: usize = 128;

#[derive(Debug)]
pub(crate) struct Relay {
    store: Store,
    nats: Option<Nats>,
    interval: Duration,
    heartbeat: Duration,
    metrics: Arc<Metrics>,
    deleted: Arc<AtomicU64>,
    /// The number last seen, by whichever relay it was sent, and since when it stands still.
    seen: (i64, Instant),
}

/// The news of one subject.
#[derive(Debug, FromRow)]
struct Taken {
    kind: String,
    subject_id: Uuid,
    seq: i64,
    acl: i64,
    /// Of its rows.
    ids: Vec<i64>,
    /// Microseconds since the oldest of them was written.
    age: i64,
    /// The spans that wrote them, as far as they are traced.
    traceparents: Option<Vec<String>>,
}

impl Relay {
    pub(crate) fn new(store: Store, settings: &Settings, nats: Option<Nats>, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            nats,
            interval: settings.relay_interval,
            heartbeat: settings.heartbeat,
            metrics,
            deleted: Arc::default(),
            seen: (0, Instant::now()),
        }
    }

    /// Counts the rows that this relay has taken out.
    pub(crate) fn deleted(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.deleted)
    }

    pub(crate) async fn run(mut self, mut running: Running) {
        let mut trouble = Trouble::new("the relay of the bus");
        loop {
            let failure = tokio::select! {
                () = running.ended() => return,
                failure = self.relay(&mut trouble) => failure,
            };
            if !running.rest(trouble.failed(&failure)).await {
                return;
            }
        }
    }

    /// Turn after turn on one connection, until something fails.
    async fn relay(&mut self, trouble: &mut Trouble) -> Failure {
        let lifeline = self.store.lifeline();
        let mut conn = match within(lifeline.hold(self.prepare())).await {
            Ok(conn) => conn,
            Err(failure) => return failure,
        };
        let mut sent = Instant::now();
        loop {
            let (began, deleted) = (Instant::now(), self.deleted.load(Ordering::Relaxed));
            match within(lifeline.hold(self.turn(&mut conn))).await {
                Ok(more) => {
                    trouble.works();
                    if self.deleted.load(Ordering::Relaxed) != deleted {
                        sent = Instant::now();
                    }
                    if !more {
                        self.rest(began, sent).await;
                    }
                }
                Err(failure) => return failure,
            }
        }
    }

    /// Until the next turn: an interval after the last one began; when there has been nothing for a while, longer, unless
    /// something is committed here.
    async fn rest(&self, began: Instant, sent: Instant) {
        if sent.elapsed() >= BUSY.max(self.interval * 20) {
            let idle = IDLE_INTERVAL.max(self.interval).min(self.heartbeat);
            let _ = tokio::time::timeout(idle, self.store.committed()).await;
        } else {
            tokio::time::sleep_until((began + self.interval).into()).await;
        }
    }

    async fn prepare(&self) -> Result<PgConnection> {
        if let Some(nats) = &self.nats {
            nats.prepare().await?;
        }
        let mut conn = self.store.dedicated("koyomi bus relay").await?;
        sqlx::query(sql::LIMIT_TURNS).execute(&mut conn).await?;
        sqlx::query(sql::BY_INDEX).execute(&mut conn).await?;
        sqlx::query(sql::SKIP_FORGOTTEN).execute(&mut conn).await?;
        Ok(conn)
    }

    /// Sends one message if there is one to send and nobody else is sending; true when more waits already.
    async fn turn(&mut self, conn: &mut PgConnection) -> Result<bool> {
        let (waiting, n): (bool, i64) = sqlx::query_as(sql::LOOK).fetch_one(&mut *conn).await?;
        if n != self.seen.0 {
            self.seen = (n, Instant::now());
        }
        if !waiting && self.seen.1.elapsed() < self.heartbeat {
            return Ok(false);
        }
        // Each statement must see what was committed before it, whatever the database's default is.
        let mut tx = conn.begin_with("begin isolation level read committed").await?;
        let turn: Option<(i64, i64, i64)> = sqlx::query_as(sql::TURN).fetch_optional(&mut *tx).await?;
        let Some((previous, n, epoch)) = turn else {
            tx.rollback().await?;
            return Ok(false);
        };
        if !waiting && previous != self.seen.0 {
            // Another relay has just sent something: the bus is heard to live.
            tx.rollback().await?;
            return Ok(false);
        }
        let taken: Vec<Taken> = sqlx::query_as(sql::TAKE).bind(MAX_ROWS).bind(MAX_ENTRIES).fetch_all(&mut *tx).await?;
        let entries = taken.iter().map(moved).collect::<Result<Vec<_>>>()?;
        let oldest = taken.iter().map(|taken| taken.age).max();
        let writes = traced(&taken);
        let ids: Vec<i64> = taken.into_iter().flat_map(|taken| taken.ids).collect();
        let rows = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let swept = entries.len() < usize::try_from(MAX_ENTRIES).unwrap_or(0) && rows < MAX_ROWS.unsigned_abs();
        let publish =
            if entries.is_empty() { Span::none() } else { self.publishing((epoch, n), entries.len(), &writes) };
        let origin = Origin::of(publish.context().span().span_context()).or_else(|| Origin::of(writes.first()?));
        let text = Message { epoch, n, previous, swept, entries }.encode(origin)?;
        if let Err(failure) = self.send(tx, (epoch, n), text, ids).await {
            publish.record("otel.status_code", "ERROR");
            return Err(failure);
        }
        drop(publish);
        self.seen = (n, Instant::now());
        self.deleted.fetch_add(rows, Ordering::Relaxed);
        self.metrics.sent.increment(1);
        if let Some(age) = oldest.and_then(|micros| u64::try_from(micros).ok()) {
            self.metrics.relay_lag.record(Duration::from_micros(age));
        }
        Ok(!swept)
    }

    /// The message, and the commit that takes its rows out.
    async fn send(
        &self,
        mut tx: Transaction<'_, Postgres>,
        (epoch, n): (i64, i64),
        text: String,
        ids: Vec<i64>,
    ) -> Result<()> {
        match &self.nats {
            Some(nats) => {
                nats.publish(epoch, n, text).await?;
                sqlx::query(sql::SENT).bind(n).bind(ids).execute(&mut *tx).await?;
            }
            None => {
                sqlx::query(sql::SENT_NOTIFYING).bind(n).bind(ids).bind(text).execute(&mut *tx).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// Below the first of the traced writes that the message tells of, linked with the others; the first span of a trace of
    /// its own where there are none.
    fn publishing(&self, (epoch, n): (i64, i64), entries: usize, writes: &[SpanContext]) -> Span {
        let span = debug_span!(
            target: "koyomi::trace",
            parent: None,
            "bus publish",
            otel.kind = "producer",
            otel.status_code = Empty,
            messaging.system = self.nats.as_ref().map_or("postgresql", |_| "nats"),
            messaging.message.id = format!("{epoch}.{n}"),
            messaging.batch.message_count = i64::try_from(entries).unwrap_or(i64::MAX)
        );
        if let [first, others @ ..] = writes {
            traceparent::below(&span, first.clone());
            others.iter().for_each(|other| span.add_link(other.clone()));
        }
        span
    }
}

/// The traced writes that these rows are news of, each once.
fn traced(taken: &[Taken]) -> Vec<SpanContext> {
    let mut writes: Vec<SpanContext> = Vec::new();
    for text in taken.iter().flat_map(|taken| taken.traceparents.as_deref().unwrap_or_default()) {
        if let Some(context) = traceparent::parts(text).and_then(traceparent::context)
            && context.is_sampled()
            && writes.len() < MAX_WRITES
            && !writes.contains(&context)
        {
            writes.push(context);
        }
    }
    writes
}

async fn within<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(TURN_WITHIN, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::internal("no answer in time")),
    }
}

fn moved(taken: &Taken) -> Result<Moved> {
    let subject = match taken.kind.as_str() {
        "calendar" => Subject::Calendar(CalendarId(taken.subject_id)),
        "user" => Subject::User(UserId(taken.subject_id)),
        "tenant" => Subject::Tenant(TenantId(taken.subject_id)),
        other => return Err(Failure::internal(format!("the outbox holds news of a {other}"))),
    };
    Ok(Moved { subject, seq: taken.seq, acl: taken.acl })
}
