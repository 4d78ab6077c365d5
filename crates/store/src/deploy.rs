use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use kernel::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};

use crate::Settings;
use crate::lifeline::Known;
use crate::store::MIGRATIONS;

/// The deployment's epoch: one more each time the database may have gone back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub i64);

impl Epoch {
    /// The strong validator of one version of one object, quotes included: `"1.42"`. An answer that shows more than the
    /// object itself appends what else it depends on, `"1.42.7"`.
    pub fn tag(self, version: i64) -> String {
        format!("\"{}.{version}\"", self.0)
    }

    /// The version in such a tag (without its quotes); none for tags of another epoch or another origin.
    pub fn version(self, tag: &str) -> Option<i64> {
        let mut parts = tag.split('.');
        (parts.next()?.parse() == Ok(self.0)).then(|| parts.next()?.parse().ok())?
    }
}

/// Refuses a database that would break what a COMMIT promises, or of which nobody knows whether it has gone back in time.
pub(crate) async fn inspect(conn: &mut PgConnection) -> Result<()> {
    let (synchronous_commit, fsync, full_page_writes): (String, String, String) = sqlx::query_as(
        "select current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes')",
    )
    .fetch_one(&mut *conn)
    .await?;
    // `local` and `remote_write` acknowledge before a standby is durable, but never before this server is.
    for (name, value) in
        [("synchronous_commit", synchronous_commit), ("fsync", fsync), ("full_page_writes", full_page_writes)]
    {
        if value == "off" {
            return Err(Failure::new(
                Kind::Internal,
                "unsafe_database",
                format!(
                    "PostgreSQL runs with {name} = off: an acknowledged write could be lost in a crash. Set it to on."
                ),
            ));
        }
    }
    let same: bool = sqlx::query_scalar(
        "select d.system_identifier = c.system_identifier::text from deploy d, pg_control_system() c",
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(|error| {
        Failure::new(Kind::Internal, "not_migrated", "the database has no koyomi schema; run `koyomi migrate` first")
            .because(error)
    })?
    .ok_or_else(|| Failure::internal("the deploy row is missing"))?;
    let applied: i64 = sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success")
        .fetch_one(conn)
        .await?;
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    if applied < newest {
        return Err(Failure::new(
            Kind::Internal,
            "not_migrated",
            format!(
                "the database's schema is number {applied}, and this koyomi needs {newest}; run `koyomi migrate` first"
            ),
        ));
    }
    if same {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Internal,
        "another_database",
        "this database was brought here from another PostgreSQL server, so it may be older than what caches and clients \
         have seen of it. If it is the one to go on with, run `koyomi epoch --new`, then start again",
    ))
}

/// The timeline that the server writes to *now*: the control file shows that of the last checkpoint, which after a
/// promotion is the old one for a while.
macro_rules! timeline {
    () => {
        "('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int"
    };
}
pub(crate) use timeline;

const WHERE_FROM: &str = concat!(
    "select d.epoch, d.timeline, ",
    timeline!(),
    ", d.system_identifier = c.system_identifier::text, s.pid, s.backend_start, clock_timestamp()
     from deploy d, pg_control_system() c, pg_stat_get_activity(pg_backend_pid()) s"
);

/// Asked of each new connection. A new timeline means that a standby was promoted, or that a backup was brought forward to
/// some moment: what the old primary acknowledged last may be missing. Then a new epoch begins, once, by whoever sees it
/// first.
pub(crate) async fn recognise(conn: &mut PgConnection, known: &Known) -> Result<(), sqlx::Error> {
    loop {
        let asked = Instant::now();
        let (epoch, noted, timeline, same, pid, began, time): (i64, i32, i32, bool, i32, DateTime<Utc>, DateTime<Utc>) =
            sqlx::query_as(WHERE_FROM).fetch_one(&mut *conn).await?;
        if !same {
            return Err(sqlx::Error::Configuration(
                "the connection leads to another PostgreSQL server; `koyomi epoch --new` says that it is the one to go on with".into(),
            ));
        }
        if timeline == noted {
            known.epoch.fetch_max(epoch, Ordering::AcqRel);
            known.session(pid, began);
            known.time(time, asked);
            return Ok(());
        }
        tracing::warn!(noted, timeline, "the database is on another timeline: a new epoch begins");
        begin_epoch(conn, Some(noted)).await?;
    }
}

/// The number is a time, not one more than the last: an older copy of the database may know only an older last one, and
/// two epochs must never share a number.
async fn begin_epoch(conn: &mut PgConnection, only_from: Option<i32>) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(concat!(
        "update deploy d set
             epoch = greatest(d.epoch + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint),
             system_identifier = c.system_identifier::text,
             timeline = ",
        timeline!(),
        "
         from pg_control_system() c
         where $1::int is null or d.timeline = $1
         returning d.epoch",
    ))
    .bind(only_from)
    .fetch_optional(conn)
    .await
}

/// Says that the database may have gone back in time: nothing that was seen of it before counts any more. For the operator
/// who has restored a backup; a promoted standby is recognised without him.
pub async fn new_epoch(settings: &Settings) -> Result<Epoch> {
    let mut conn = PgConnection::connect_with(&crate::store::options(settings)?).await?;
    let epoch = begin_epoch(&mut conn, None).await?.ok_or_else(|| Failure::internal("the deploy row is missing"))?;
    conn.close().await?;
    Ok(Epoch(epoch))
}

/// The epoch as it stands.
pub async fn epoch(settings: &Settings) -> Result<Epoch> {
    let mut conn = PgConnection::connect_with(&crate::store::options(settings)?).await?;
    let epoch = sqlx::query_scalar("select epoch from deploy").fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(Epoch(epoch))
}

/// Makes sure that writes which take access away wait for `bound` before they are acknowledged, and that none is under way
/// that does not know of it yet: only then may anybody answer from memory.
pub async fn announce_bound(conn: &mut PgConnection, bound: Duration) -> Result<()> {
    let millis = i32::try_from(bound.as_millis()).unwrap_or(i32::MAX);
    let mut tx = conn.begin().await?;
    let raised: Option<i64> = sqlx::query_scalar(
        "update deploy set bound_ms = $1 where bound_ms < $1 returning pg_current_xact_id()::text::int8",
    )
    .bind(millis)
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    let Some(raised) = raised else { return Ok(()) };
    // Transactions that began before may have read the old bound; when the oldest one that runs is younger, none is left.
    loop {
        let oldest: i64 = sqlx::query_scalar("select pg_snapshot_xmin(pg_current_snapshot())::text::int8")
            .fetch_one(&mut *conn)
            .await?;
        if oldest > raised {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How long instances may answer from memory, after it was set to `set`.
pub async fn bound(settings: &Settings, set: Option<Duration>) -> Result<Duration> {
    let mut conn = PgConnection::connect_with(&crate::store::options(settings)?).await?;
    let set = set.map(|bound| i32::try_from(bound.as_millis()).unwrap_or(i32::MAX));
    let millis: i32 = sqlx::query_scalar("update deploy set bound_ms = coalesce($1, bound_ms) returning bound_ms")
        .bind(set)
        .fetch_one(&mut conn)
        .await?;
    conn.close().await?;
    Ok(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}
