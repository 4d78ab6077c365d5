use std::sync::Arc;

use cache::{Answer, Family, Reading};
use chrono::NaiveDateTime;
use events::calendars::NewCalendar;
use events::{Calendar, Plan, Role, When, calendars};
use futures::future::BoxFuture;
use kernel::{CalendarId, Caller, Change, ChangeKind, EventId, Expected, Failure, Kind, Limit, Page, Result, Span};
use store::{Batch, Claim, IdempotencyKey, Tx, claim_part, detached, read_claim};

use crate::opened::moved_on;
use crate::{Koyomi, Opened, access};

/// What a calendar is created from; absent parts get the caller's zone and a default color.
#[derive(Debug, Clone)]
pub struct CalendarInput {
    pub name: String,
    pub description: Option<String>,
    pub color: Option<String>,
    pub time_zone: Option<String>,
}

/// Absent: stays. `Some(None)`: is cleared.
#[derive(Debug, Clone, Default)]
pub struct CalendarPatch {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub color: Option<String>,
    pub time_zone: Option<String>,
}

const DEFAULT_COLOR: &str = "#1e90ff";

impl Koyomi {
    /// The caller's calendars, own and shared, oldest first.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_calendars(&self, caller: &Caller, limit: Limit, cursor: Option<&str>) -> Result<Page<Calendar>> {
        calendars::list(&mut self.store.conn().await?, caller, limit, cursor).await
    }

    /// One calendar, with the role that was checked.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn find_calendar(&self, opened: &Opened, id: CalendarId) -> Result<Answer<Calendar>> {
        self.find_calendar_by(opened, id, move |koyomi, caller| {
            Box::pin(async move { koyomi.fill_calendars(&caller, &[id]).await?.remove(&id).ok_or_else(moved_on) })
        })
        .await
    }

    /// As [`Koyomi::find_calendar`], with another way to read it when it is not cached.
    pub(crate) async fn find_calendar_by<F>(&self, opened: &Opened, id: CalendarId, fill: F) -> Result<Answer<Calendar>>
    where
        F: Fn(Self, Arc<Caller>) -> BoxFuture<'static, Result<Reading<Calendar>>>,
    {
        let found = self.read(Family::Calendar, &opened.for_everybody(), &id, fill).await?;
        let value = Arc::new(Calendar { role: opened.role()?, ..found.value.as_ref().clone() });
        Ok(Answer { value, ..found })
    }

    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn create_calendar(
        &self,
        caller: &Caller,
        input: CalendarInput,
        key: Option<IdempotencyKey>,
    ) -> Result<Calendar> {
        let new = NewCalendar {
            id: self.store.ids().mint(),
            name: input.name,
            description: input.description,
            color: input.color.unwrap_or_else(|| DEFAULT_COLOR.into()),
            time_zone: input.time_zone.unwrap_or_else(|| caller.time_zone.clone()),
        };
        new.check()?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            if let Claim::Replay(calendar) = claim(&mut tx, &caller, key).await? {
                return Ok(calendar);
            }
            let now = tx.now();
            let mut batch = Batch::new();
            calendars::create_part(&mut batch, &caller, &new, now);
            batch.run(tx.conn()).await?;
            tx.touch_access(change(new.id, ChangeKind::CalendarCreated));
            tx.commit(|versions| Calendar {
                id: new.id,
                tenant_id: caller.tenant_id,
                owner_id: caller.user_id,
                name: new.name,
                description: new.description,
                color: new.color,
                time_zone: new.time_zone,
                created_at: now,
                updated_at: now,
                role: Role::Owner,
                version: 1,
                seq: versions.first().map_or(0, |v| v.seq),
                acl: versions.first().map_or(0, |v| v.acl),
            })
            .await
        })
        .await
    }

    /// Renames, recolors, moves to another zone. Its floating and all-day events move with it.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn update_calendar(
        &self,
        caller: &Caller,
        id: CalendarId,
        patch: CalendarPatch,
        expected: Expected,
    ) -> Result<Calendar> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let old = owned(&mut tx, &caller, id).await?;
            expected.check(old.version, || store.epoch().tag(old.version))?;
            let mut new = old.clone();
            new.name = patch.name.unwrap_or(new.name);
            new.description = patch.description.unwrap_or(new.description);
            new.color = patch.color.unwrap_or(new.color);
            new.time_zone = patch.time_zone.unwrap_or(new.time_zone);
            NewCalendar {
                id,
                name: new.name.clone(),
                description: new.description.clone(),
                color: new.color.clone(),
                time_zone: new.time_zone.clone(),
            }
            .check()?;
            new.updated_at = tx.now();
            new.version += 1;
            let mut batch = Batch::new();
            let mut longest = 0;
            if new.time_zone != old.time_zone {
                let horizon = events::horizon(tx.now());
                let moved = calendars::plan_move_in(tx.conn(), id, &new.time_zone, horizon).await?;
                tx.touch_all(moved.iter().map(|(event, _, _)| Change {
                    calendar_id: id,
                    kind: ChangeKind::EventUpdated,
                    object_id: event.0,
                }));
                longest = moved.iter().map(|(_, _, plan)| plan.longest_seconds()).max().unwrap_or(0);
                resources::shift_part(&mut batch, &booked(&moved));
                events::replan_part(&mut batch, id, &moved)?;
            }
            calendars::update_part(&mut batch, &new, longest);
            batch.run(tx.conn()).await.map_err(room_taken)?;
            let changed = change(id, ChangeKind::CalendarUpdated);
            if new.time_zone == old.time_zone {
                tx.touch(changed);
            } else {
                // What others are writing was planned in the old zone: it must not commit after this.
                tx.touch_access(changed);
            }
            tx.commit(|versions| match versions.first() {
                Some(head) => Calendar { seq: head.seq, acl: head.acl, ..new },
                None => new,
            })
            .await
        })
        .await
    }

    /// Deletes the calendar with all that is in it; its rooms become free.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn delete_calendar(&self, caller: &Caller, id: CalendarId, expected: Expected) -> Result<()> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let old = owned(&mut tx, &caller, id).await?;
            expected.check(old.version, || store.epoch().tag(old.version))?;
            let now = tx.now();
            let mut batch = Batch::new();
            resources::release_calendar_part(&mut batch, id);
            calendars::delete_part(&mut batch, id, now);
            batch.run(tx.conn()).await?;
            tx.narrows_access();
            tx.touch_access(change(id, ChangeKind::CalendarDeleted));
            tx.commit(|_| ()).await
        })
        .await
    }
}

/// Where the rooms of these events move: each occurrence stays the same by its wall time.
fn booked(moved: &[(EventId, When, Plan)]) -> Vec<(EventId, NaiveDateTime, Span)> {
    let of = |(id, _, plan): &(EventId, When, Plan)| -> Vec<_> {
        let id = *id;
        plan.occurrences.iter().map(|o| (id, o.original_start, Span { from: o.start, to: o.end })).collect()
    };
    moved.iter().flat_map(of).collect()
}

fn room_taken(error: sqlx::Error) -> Failure {
    if !resources::is_overlap(&error) {
        return error.into();
    }
    Failure::new(
        Kind::Conflict,
        "resource_conflict",
        "an event of this calendar has a resource that is taken at its time in the new zone; move or release it first",
    )
}

pub(crate) fn change(id: CalendarId, kind: ChangeKind) -> Change {
    Change { calendar_id: id, kind, object_id: id.0 }
}

/// The calendar, where the caller is its owner.
async fn owned(tx: &mut Tx, caller: &Caller, id: CalendarId) -> Result<Calendar> {
    let calendar =
        calendars::find_for_update_in(tx.conn(), caller, id).await?.ok_or_else(|| Failure::not_found("calendar"))?;
    access::may_own(calendar.role)?;
    Ok(calendar)
}

/// Claims an idempotency key on its own, where a write has nothing else to ask first.
pub(crate) async fn claim<T: serde::de::DeserializeOwned>(
    tx: &mut Tx,
    caller: &Caller,
    key: Option<IdempotencyKey>,
) -> Result<Claim<T>> {
    let Some(key) = key else {
        return Ok(Claim::Fresh);
    };
    let now = tx.now();
    let mut batch = Batch::new();
    claim_part(&mut batch, caller.user_id, &key, now);
    let mut rows = batch.run(tx.conn()).await?;
    let claim = read_claim(&mut rows, tx.conn(), caller.user_id, &key).await?;
    tx.answer_under(caller.user_id, key);
    Ok(claim)
}
