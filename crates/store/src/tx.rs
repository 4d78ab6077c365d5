use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::plant::{self, Bug};
use kernel::{CalendarId, Change, Failure, Kind, Moved, Result, Subject, UserId, Version};
use serde::Serialize;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use uuid::Uuid;

use crate::idempotency::{IdempotencyKey, store_result};
use crate::metrics::Purpose;
use crate::stats::saw;
use crate::{Conn, Epoch, Store};

/// The write transaction. Rows first; [`Tx::touch`] what changed; [`Tx::commit`] bumps the heads *last* (their row
/// locks are then held for two round trips only), writes the change log and commits.
///
/// Run it inside [`crate::detached`]. Dropped without commit, it rolls back.
#[derive(Debug)]
pub struct Tx {
    conn: Option<Conn>,
    now: DateTime<Utc>,
    changes: Vec<Change>,
    acl: BTreeSet<CalendarId>,
    authorised: HashMap<CalendarId, i64>,
    result_key: Option<(UserId, IdempotencyKey)>,
    store: Store,
    /// Somebody sees less afterwards.
    narrows: bool,
    /// What the commit says of the database as it was just before.
    committed: Committed,
}

/// What the acknowledgement of a write depends on.
#[derive(Debug, Default)]
struct Committed {
    epoch: Option<Epoch>,
    versions: Vec<Moved>,
    /// How long others may answer from memory.
    bound: Duration,
}

impl Tx {
    pub(crate) async fn begin(store: &Store) -> Result<Self> {
        Ok(Self {
            conn: Some(store.transaction(Purpose::Transaction).await?),
            now: store.clock().now(),
            changes: Vec::new(),
            acl: BTreeSet::new(),
            authorised: HashMap::new(),
            result_key: None,
            store: store.clone(),
            narrows: false,
            committed: Committed::default(),
        })
    }

    /// The transaction's one time: everything written in it carries the same.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub fn conn(&mut self) -> &mut Conn {
        // Only `finish` takes it, and that consumes the transaction.
        #[allow(clippy::expect_used)]
        self.conn.as_mut().expect("a live transaction")
    }

    /// Says that an object of a calendar changed: the commit bumps that calendar's head and logs it.
    pub fn touch(&mut self, change: Change) {
        let already = self
            .changes
            .iter()
            .any(|c| (c.calendar_id, c.object_id, c.kind) == (change.calendar_id, change.object_id, change.kind));
        if !already {
            self.changes.push(change);
        }
    }

    /// As [`Tx::touch`], for many objects known to be different.
    pub fn touch_all(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// Says that who may see what of a calendar changed.
    pub fn touch_access(&mut self, change: Change) {
        self.acl.insert(change.calendar_id);
        self.touch(change);
    }

    /// Says under which version of a calendar's access rules (and time zone) this write was allowed and planned. It
    /// commits only if they are still the same once the head is locked: nobody writes into a calendar that was deleted,
    /// taken from him or moved to another zone meanwhile.
    pub fn authorised(&mut self, calendar_id: CalendarId, acl: i64) {
        self.authorised.insert(calendar_id, acl);
    }

    /// Says that somebody may see less from now on. Where instances answer from memory, the acknowledgement waits until
    /// none of them can rest on what it knew before.
    pub fn narrows_access(&mut self) {
        self.narrows = true;
    }

    /// Says which version of something besides calendars this write has made: the caller's next read must not be older.
    pub fn made(&mut self, moved: Moved) {
        self.committed.versions.push(moved);
    }

    /// The commit will leave its value under this key.
    pub fn answer_under(&mut self, user: UserId, key: IdempotencyKey) {
        self.result_key = Some((user, key));
    }

    /// Commits; `answer` makes the value of the call from the new heads, before it is stored under the idempotency key.
    ///
    /// # Errors
    /// `outcome_unknown` when the answer to COMMIT was lost.
    pub async fn commit<T: Serialize>(mut self, answer: impl FnOnce(&[Version]) -> T) -> Result<T> {
        let versions = self.bump_heads().await?;
        let value = answer(&versions);
        if let Some((user, key)) = self.result_key.take() {
            store_result(self.conn(), user, &key, &value).await?;
        }
        if self.narrows && self.committed.epoch.is_none() {
            (self.committed.epoch, self.committed.bound) = bound(self.conn()).await?;
        }
        let (committed, store, narrows) = (std::mem::take(&mut self.committed), self.store.clone(), self.narrows);
        if plant::is(Bug::AcknowledgeFirst) {
            let (commit, late) = (self, Duration::from_millis(20));
            tokio::spawn(async move {
                tokio::time::sleep(late).await;
                commit.finish().await
            });
        } else {
            self.finish().await?;
        }
        store.has_committed();
        if narrows && !committed.bound.is_zero() && !plant::is(Bug::NoFence) {
            tokio::time::sleep(committed.bound).await;
        }
        let epoch = committed.epoch.unwrap_or_else(|| store.epoch());
        store.observe(epoch);
        saw(epoch, committed.versions);
        Ok(value)
    }

    async fn bump_heads(&mut self) -> Result<Vec<Version>> {
        if self.changes.is_empty() {
            return Ok(Vec::new());
        }
        let calendars: Vec<CalendarId> =
            self.changes.iter().map(|c| c.calendar_id).collect::<BTreeSet<_>>().into_iter().collect();
        let acl: Vec<CalendarId> = self.acl.iter().copied().collect();
        let mut counters: HashMap<CalendarId, i32> = HashMap::new();
        let mut columns: (Vec<CalendarId>, Vec<i32>, Vec<&str>, Vec<Uuid>) = Default::default();
        for change in &self.changes {
            let n = counters.entry(change.calendar_id).or_default();
            columns.0.push(change.calendar_id);
            columns.1.push(*n);
            columns.2.push(change.kind.as_str());
            columns.3.push(change.object_id);
            *n += 1;
        }
        let rows: Vec<(CalendarId, i64, i64, i64, i32)> = sqlx::query_as(BUMP)
            .bind(&calendars)
            .bind(&acl)
            .bind(&columns.0)
            .bind(&columns.1)
            .bind(&columns.2)
            .bind(&columns.3)
            .fetch_all(self.conn())
            .await?;
        for (calendar_id, _, acl, ..) in &rows {
            let before = acl - i64::from(self.acl.contains(calendar_id));
            if self.authorised.get(calendar_id).is_some_and(|seen| *seen != before) {
                return Err(Failure::new(
                    Kind::Unavailable,
                    "try_again",
                    "access to this calendar changed at the same moment, and nothing was written; send it again",
                ));
            }
        }
        if rows.len() != calendars.len() {
            return Err(Failure::internal("a calendar without a head was touched"));
        }
        if let Some((.., epoch, bound)) = rows.first() {
            self.committed.epoch = Some(Epoch(*epoch));
            self.committed.bound = milliseconds(*bound);
        }
        self.committed.versions.extend(rows.iter().map(|(calendar_id, seq, acl, ..)| Moved {
            subject: Subject::Calendar(*calendar_id),
            seq: *seq,
            acl: *acl,
        }));
        Ok(rows.into_iter().map(|(calendar_id, seq, acl, ..)| Version { calendar_id, seq, acl }).collect())
    }

    async fn finish(mut self) -> Result<()> {
        let Some(conn) = self.conn.take() else {
            return Err(Failure::internal("a transaction was finished twice"));
        };
        if conn.has_failed() {
            return Err(Failure::internal(
                "COMMIT after a failed statement: PostgreSQL would answer ROLLBACK without an error",
            ));
        }
        conn.commit().await.map_err(|error| {
            if is_refusal(&error) {
                return Failure::from(error);
            }
            Failure::new(
                Kind::OutcomeUnknown,
                "outcome_unknown",
                "the database went away during COMMIT: this may or may not have been written; \
                 read it back, or send it again with the same Idempotency-Key",
            )
            .because(error)
        })
    }
}

/// One statement: lock the heads in the order of their ids (so that two writers of the same two calendars cannot wait for
/// each other), bump them, log the changes, stamp the events, leave the news in the outbox.
pub const BUMP: &str = "with held as materialized (
         select calendar_id from heads where calendar_id = any($1)
         order by calendar_id for no key update
     ), bumped as (
         update heads h set seq = h.seq + 1, acl = h.acl + (h.calendar_id = any($2))::int
         from held where h.calendar_id = held.calendar_id
         returning h.calendar_id, h.seq, h.acl
     ), logged as (
         insert into changes (calendar_id, seq, n, kind, object_id)
         select c.calendar_id, b.seq, c.n, c.kind, c.object_id
         from unnest($3::uuid[], $4::int[], $5::text[], $6::uuid[]) as c (calendar_id, n, kind, object_id)
         join bumped b using (calendar_id)
     ), stamped as (
         update events e set seq = b.seq
         from unnest($3::uuid[], $5::text[], $6::uuid[]) as c (calendar_id, kind, object_id)
         join bumped b using (calendar_id)
         where e.id = c.object_id and c.kind like 'event\\_%'
     ), announced as (
         insert into outbox (kind, subject_id, seq, acl)
         select 'calendar', b.calendar_id, b.seq, b.acl from bumped b, deploy d where d.outbox
     )
     select b.calendar_id, b.seq, b.acl, d.epoch, d.bound_ms from bumped b, deploy d order by b.calendar_id";

/// As [`BUMP`] says it, for a write that changes no calendar.
async fn bound(conn: &mut Conn) -> Result<(Option<Epoch>, Duration)> {
    let (epoch, bound): (i64, i32) = sqlx::query_as("select epoch, bound_ms from deploy").fetch_one(conn).await?;
    Ok((Some(Epoch(epoch)), milliseconds(bound)))
}

fn milliseconds(bound: i32) -> Duration {
    Duration::from_millis(u64::try_from(bound).unwrap_or(0))
}

/// PostgreSQL says that the transaction did not happen. A FATAL error says no such thing: a session that is ended while it
/// commits may have committed already.
fn is_refusal(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|error| error.severity() == PgSeverity::Error)
}
