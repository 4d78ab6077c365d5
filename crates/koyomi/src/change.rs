//! Changing an event, and moving its rooms with it.

use events::{Event, Found, Happening, Plan, Status, Transparency, View, Visibility, When, horizon};
use kernel::{Caller, ChangeKind, Checks, EventId, Expected, Failure, Kind, Result, TenantId};
use resources::Booking;
use serde::de::DeserializeOwned;
use store::{Batch, Claim, IdempotencyKey, Rows, Store, Tx, claim_part, detached, read_claim};

use crate::schedule::{check_texts, conflict, find_for_change, touched};
use crate::{EventTime, Koyomi, input};

/// Absent: stays. `Some(None)`: is cleared.
#[derive(Debug, Clone, Default)]
pub struct EventPatch {
    pub title: Option<String>,
    pub description: Option<Option<String>>,
    pub location: Option<Option<String>>,
    pub status: Option<Status>,
    pub visibility: Option<Visibility>,
    pub transparency: Option<Transparency>,
    pub start: Option<EventTime>,
    pub end: Option<EventTime>,
    pub recurrence: Option<Vec<String>>,
}

impl Koyomi {
    /// Changes an event; when it moves, its rooms move with it or nothing happens.
    ///
    /// # Errors
    /// `validation_failed`, `resource_conflict`, `series_has_overrides`, `precondition_failed`, `not_found`, `forbidden`.
    pub async fn update_event(
        &self,
        caller: &Caller,
        id: EventId,
        patch: EventPatch,
        expected: Expected,
    ) -> Result<Happening> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let found = find_for_change(&mut tx, &caller, id).await?;
            let seq = found.happening.event.seq;
            expected.check(seq, || store.epoch().tag(seq))?;
            let old = When::of(&found.happening.event);
            let mut happening = found.happening;
            let when = input::patched(
                &old,
                &happening.calendar_time_zone,
                patch.start.as_ref(),
                patch.end.as_ref(),
                patch.recurrence.clone(),
            )?;
            let old_status = happening.event.status;
            let old_visibility = happening.event.visibility;
            apply(&mut happening, patch, &tx)?;
            let mut batch = Batch::new();
            let was_cancelled = old_status == Status::Cancelled;
            if happening.event.status == Status::Cancelled && !was_cancelled {
                resources::release_part(&mut batch, &[id]);
                happening.room_name = None;
            }
            let moved = if when == old {
                events::patch_part(&mut batch, &happening.event);
                Vec::new()
            } else {
                replan(&store, caller.tenant_id, &mut tx, &mut batch, &mut happening, when).await?
            };
            let mut rows = match batch.run(tx.conn()).await {
                Ok(rows) => rows,
                Err(error) => return Err(explain(&store, tx, &caller, &happening.event, error, &moved).await),
            };
            if !moved.is_empty() {
                resources::replaced(&mut rows, &moved).map_err(gone)?;
            }
            if happening.event.visibility != old_visibility {
                tx.narrows_access();
            }
            tx.touch(touched(&happening.event, ChangeKind::EventUpdated));
            happening.view = Some(View::Full);
            tx.commit(|versions| {
                happening.event.seq = versions.first().map_or(0, |v| v.seq);
                happening
            })
            .await
        })
        .await
    }
}

fn apply(happening: &mut Happening, patch: EventPatch, tx: &Tx) -> Result<()> {
    let event = &mut happening.event;
    if let Some(title) = patch.title {
        event.title = title;
    }
    if let Some(description) = patch.description {
        event.description = description;
    }
    if let Some(location) = patch.location {
        event.location = location;
    }
    event.status = patch.status.unwrap_or(event.status);
    event.visibility = patch.visibility.unwrap_or(event.visibility);
    event.transparency = patch.transparency.unwrap_or(event.transparency);
    let mut checks = Checks::new();
    check_texts(&event.title, event.description.as_deref(), event.location.as_deref(), &mut checks);
    checks.done()?;
    event.sequence = event.sequence.saturating_add(1);
    event.updated_at = tx.now();
    Ok(())
}

/// Plans the event at its new time: record, occurrences and reservations.
async fn replan(
    store: &Store,
    tenant: TenantId,
    tx: &mut Tx,
    batch: &mut Batch,
    happening: &mut Happening,
    when: When,
) -> Result<Vec<Booking>> {
    let id = happening.event.id;
    // Read now, behind the lock: what was found with it may be from before the wait.
    let mut context = Batch::new();
    events::overridden_part(&mut context, id);
    resources::booked_part(&mut context, id);
    let mut rows = context.run(tx.conn()).await?;
    let overridden = events::read_overridden(&mut rows)?;
    let booked = resources::read_booked(&mut rows)?;
    if !overridden.is_empty() {
        return Err(Failure::new(
            Kind::Conflict,
            "series_has_overrides",
            format!(
                "{} occurrences of this series were changed on their own; delete those changes before you move the series",
                overridden.len()
            ),
        ));
    }
    let mut plan = Plan::of(&when, &happening.calendar_time_zone, horizon(tx.now()))?;
    if happening.event.recurring_event_id.is_some() {
        // An override keeps standing for the same occurrence, wherever it moves.
        if when.recurrence.is_empty() {
            plan = plan.standing_for(happening.original_start);
        } else {
            return Err(Failure::invalid(
                "/recurrence",
                "an occurrence that was changed on its own cannot recur; change its series",
            ));
        }
    }
    // What is cancelled holds no rooms.
    let bookings = if happening.event.status == Status::Cancelled {
        Vec::new()
    } else {
        crate::schedule::bookings(store, &booked, &plan.occurrences)?
    };
    // Also when there are none any more: then what it had is free.
    if !booked.is_empty() && happening.event.status != Status::Cancelled {
        resources::replace_parts(batch, tenant, id, tx.now(), &bookings);
    }
    if bookings.is_empty() {
        happening.room_name = None;
    }
    happening.start_time = plan.start_time;
    happening.end_time = plan.end_time;
    if happening.event.recurring_event_id.is_none() {
        happening.original_start = when.start_local;
    }
    let event = &mut happening.event;
    event.all_day = when.all_day;
    event.start_local = when.start_local;
    event.time_zone.clone_from(&when.time_zone);
    event.end_time_zone.clone_from(&when.end_time_zone);
    event.zone_rules.clone_from(&when.zone_rules);
    event.duration_days = when.duration_days;
    event.duration_seconds = when.duration_seconds;
    event.recurrence.clone_from(&when.recurrence);
    events::change_part(batch, event, &plan)?;
    Ok(bookings)
}

/// A resource that was deleted since: it cannot be booked at the new time.
fn gone(failure: Failure) -> Failure {
    if failure.kind() != Kind::Invalid {
        return failure;
    }
    Failure::new(
        Kind::Conflict,
        "resource_gone",
        "a resource of this event can no longer be booked; give its reservation back before you move the event",
    )
}

async fn explain(
    store: &Store,
    tx: Tx,
    caller: &Caller,
    event: &Event,
    error: sqlx::Error,
    bookings: &[Booking],
) -> Failure {
    if !resources::is_overlap(&error) {
        return events::written(error);
    }
    drop(tx);
    conflict(store, caller, event.calendar_id, Some(event.id), bookings).await
}

/// What opening a change under an idempotency key finds.
pub(crate) enum Opening<T> {
    /// It was made before, with this result.
    Replay(T),
    /// The event, locked; `None` where it does not exist for the caller.
    Found(Option<Box<Found>>),
}

/// Claims the key and locks the event in one statement.
pub(crate) async fn open<T: DeserializeOwned>(
    tx: &mut Tx,
    caller: &Caller,
    id: EventId,
    key: Option<IdempotencyKey>,
) -> Result<Opening<T>> {
    let mut batch = Batch::new();
    opening_parts(&mut batch, tx, caller, id, key.as_ref());
    let mut rows = batch.run(tx.conn()).await?;
    read_opened(&mut rows, tx, caller, key).await
}

/// What [`open`] asks, for who has more to ask in the same statement.
pub(crate) fn opening_parts(batch: &mut Batch, tx: &Tx, caller: &Caller, id: EventId, key: Option<&IdempotencyKey>) {
    if let Some(key) = key {
        claim_part(batch, caller.user_id, key, tx.now());
    }
    events::find_for_update_part(batch, caller, id);
}

/// Reads what [`opening_parts`] found.
pub(crate) async fn read_opened<T: DeserializeOwned>(
    rows: &mut Rows,
    tx: &mut Tx,
    caller: &Caller,
    key: Option<IdempotencyKey>,
) -> Result<Opening<T>> {
    if let Some(key) = key {
        if let Claim::Replay(value) = read_claim(rows, tx.conn(), caller.user_id, &key).await? {
            return Ok(Opening::Replay(value));
        }
        tx.answer_under(caller.user_id, key);
    }
    let found = events::read_found(rows)?;
    if let Some(found) = &found {
        tx.authorised(found.happening.event.calendar_id, found.calendar_acl);
    }
    Ok(Opening::Found(found.map(Box::new)))
}
