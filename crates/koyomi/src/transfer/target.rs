//! One transaction of an import: what is here, what to do about it, the write.

use std::collections::BTreeSet;
use std::sync::Arc;

use attendees::Answers;
use events::{Record, Stamp, UserByEmail, horizon};
use kernel::{CalendarId, Caller, Change, Failure, Kind, Result};
use store::{Batch, Conn, Store, Tx, detached};
use tokio::task::spawn_blocking;

use super::decide::{Fate, Work, decide};
use super::from_ical::Scene;
use super::read::Component;
use super::report::{ImportOutcome, ImportReport};
use crate::access;

/// How often a batch is decided anew because somebody changed one of its events meanwhile.
const ATTEMPTS: usize = 5;

/// What became of a batch.
enum Attempt {
    /// Decided, and written unless this is a dry run.
    Done { fates: Vec<(usize, Fate)>, left: Vec<usize> },
    /// One of the components is what the database refuses.
    Refused(Failure),
}

/// Where components go.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) store: Store,
    pub(super) caller: Caller,
    pub(super) calendar_id: CalendarId,
    pub(super) dry_run: bool,
}

impl Target {
    /// Takes all of the components in, in as many transactions as it needs. A batch that is refused is halved until the
    /// culprit stands alone.
    pub(super) async fn take(&self, components: Vec<Arc<Component>>, report: &mut ImportReport) -> Result<()> {
        let mut waiting = vec![components];
        while let Some(batch) = waiting.pop() {
            if batch.is_empty() {
                continue;
            }
            match self.attempt(&batch).await? {
                Attempt::Done { fates, left } => {
                    for (n, fate) in fates {
                        settle(report, &batch[n], fate);
                    }
                    waiting.push(left.into_iter().map(|n| Arc::clone(&batch[n])).collect());
                }
                Attempt::Refused(failure) if batch.len() == 1 => {
                    let notes = vec![failure.message().to_owned()];
                    settle(report, &batch[0], Fate { outcome: ImportOutcome::Skipped, notes });
                }
                Attempt::Refused(_) => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    waiting.push(second.to_vec());
                    waiting.push(first.to_vec());
                }
            }
        }
        Ok(())
    }

    /// One transaction; more only when somebody else was faster.
    async fn attempt(&self, batch: &[Arc<Component>]) -> Result<Attempt> {
        for _ in 0..ATTEMPTS {
            let (target, batch) = (self.clone(), batch.to_vec());
            if let Some(attempt) = detached(async move { target.transact(batch).await }).await? {
                return Ok(attempt);
            }
        }
        Ok(Attempt::Refused(Failure::new(
            Kind::Conflict,
            "busy_event",
            "it was changed by others again and again while it was imported; import it again",
        )))
    }

    /// `None` when one of the events was changed between reading and writing it.
    async fn transact(self, batch: Vec<Arc<Component>>) -> Result<Option<Attempt>> {
        let mut tx = self.store.begin().await?;
        let found = match self.look_up(tx.conn(), &batch).await? {
            Ok(found) => found,
            Err(refused) => return Ok(Some(Attempt::Refused(refused))),
        };
        tx.authorised(self.calendar_id, found.acl);
        let scene = Scene {
            calendar_id: self.calendar_id,
            time_zone: found.time_zone,
            now: tx.now(),
            horizon: horizon(tx.now()),
            ids: self.store.ids().clone(),
            organizers: found.organizers.into_iter().map(|user| (user.email, user.id)).collect(),
        };
        // rules are expanded here, which is work
        let mut work = spawn_blocking(move || {
            let events: Vec<&ical::Event> = batch.iter().map(|component| &component.event).collect();
            decide(&events, found.records, &scene)
        })
        .await
        .map_err(Failure::internal)?;
        let (fates, left) = (std::mem::take(&mut work.fates).into_iter().collect(), std::mem::take(&mut work.left));
        let done = Some(Attempt::Done { fates, left });
        if self.dry_run || work.is_empty() {
            return Ok(done);
        }
        if !self.hold(tx.conn(), &work.read).await? {
            return Ok(None);
        }
        match self.write(&mut tx, work).await? {
            Ok(()) => match tx.commit(|_| ()).await {
                // the access rules are others now: what they say is read anew
                Err(failure) if failure.code() == "try_again" => Ok(None),
                committed => committed.map(|()| done),
            },
            Err(refused) => Ok(Some(Attempt::Refused(refused))),
        }
    }

    /// The right to write, what is here under these UIDs, and which organizers are users: one statement.
    async fn look_up(&self, conn: &mut Conn, batch: &[Arc<Component>]) -> Result<Result<FoundHere>> {
        let uids: BTreeSet<&String> = batch.iter().map(|c| &c.event.uid).collect();
        let organizers: BTreeSet<String> =
            batch.iter().filter_map(|c| Some(c.event.organizer.as_ref()?.email.to_lowercase())).collect();
        let mut parts = Batch::new();
        events::grants_part(&mut parts, &self.caller, &[self.calendar_id]);
        events::records_part(&mut parts, self.caller.user_id, self.calendar_id, uids.into_iter().cloned().collect());
        events::users_by_email_part(&mut parts, self.caller.tenant_id, organizers.into_iter().collect());
        let mut rows = match parts.run(conn).await {
            Ok(rows) => rows,
            Err(error) => return refused(error).map(Err),
        };
        let grant = access::writable(rows.take()?, self.calendar_id)?;
        let events::Grant { acl, time_zone, .. } = grant;
        Ok(Ok(FoundHere { acl, time_zone, records: rows.take()?, organizers: rows.take()? }))
    }

    /// Locks what will be rewritten; false when it is not any more what was read.
    async fn hold(&self, conn: &mut Conn, read: &[Stamp]) -> Result<bool> {
        if read.is_empty() {
            return Ok(true);
        }
        let mut read = read.to_vec();
        read.sort_unstable_by_key(|stamp| stamp.id);
        let mut parts = Batch::new();
        events::lock_part(&mut parts, read.iter().map(|stamp| stamp.id).collect());
        let mut held: Vec<Stamp> = parts.run(conn).await?.take()?;
        held.sort_unstable_by_key(|stamp| stamp.id);
        Ok(held == read)
    }

    async fn write(&self, tx: &mut Tx, work: Work) -> Result<Result<()>> {
        let (tenant, now) = (self.caller.tenant_id, tx.now());
        let mut batch = Batch::new();
        if !work.invited.is_empty() {
            attendees::insert_many_part(&mut batch, tenant, now, &work.invited);
        }
        if !work.guests_of.is_empty() {
            let answers = Answers::Overwrite;
            attendees::replace_many_parts(&mut batch, tenant, &work.guests_of, now, &work.reinvited, answers);
        }
        for (event, bookings) in &work.moved {
            resources::replace_parts(&mut batch, tenant, *event, now, bookings);
        }
        if !work.released.is_empty() {
            resources::release_part(&mut batch, &work.released);
        }
        for (event, start) in &work.released_occurrences {
            resources::release_occurrences_part(&mut batch, *event, &[*start]);
        }
        events::write_part(&mut batch, self.calendar_id, &work.new, &work.changed)?;
        if let Err(error) = batch.run(tx.conn()).await {
            return refused(error).map(Err);
        }
        let calendar_id = self.calendar_id;
        let changes = work.touched.iter().map(|(id, kind)| Change { calendar_id, kind: *kind, object_id: id.0 });
        tx.touch_all(changes);
        Ok(Ok(()))
    }
}

struct FoundHere {
    acl: i64,
    time_zone: String,
    records: Vec<Record>,
    organizers: Vec<UserByEmail>,
}

/// What the database says about the data themselves: a value it cannot hold (class 22), a constraint (23), a row that is
/// too large (54). The rest ends the import.
fn refused(error: sqlx::Error) -> Result<Failure> {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    if ["22", "23", "54"].iter().any(|class| code.starts_with(class)) {
        let known = attendees::refusal(&error).or_else(|| resources::refusal(&error));
        let known = known.unwrap_or_else(|| events::written(error));
        return Ok(match known.kind() {
            Kind::Internal => {
                let message = format!("the database cannot hold it (SQLSTATE {code})");
                Failure::new(Kind::Invalid, "validation_failed", message)
            }
            _ => known,
        });
    }
    Err(error.into())
}

/// Writes down what became of a component.
fn settle(report: &mut ImportReport, component: &Component, fate: Fate) {
    let Fate { outcome, notes } = fate;
    report.count(outcome);
    for (line, reason) in &component.notes {
        report.issue(component.issue(*line, reason.clone(), outcome));
    }
    for reason in notes {
        report.issue(component.issue(component.line, reason, outcome));
    }
}
