//! The horizon moves with the time: series that go on are written on, step by step.
//!
//! A step is a transaction of its own. Where each series stands is in its record (`expanded_until`), so a step that comes
//! to nothing leaves nothing behind, and the next one begins where the last one ended, on whatever instance. Instances
//! pass over what another one holds.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use events::{Rolled, Rolling, horizon, roll_below};
use kernel::{Change, ChangeKind, EventId, ResourceId, Result, TenantId};
use resources::{Booking, Extension};
use store::{Batch, detached};

use crate::Koyomi;

/// Series of one step.
pub const ROLL_STEP: usize = 100;

/// What one or more steps have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RollReport {
    pub series: usize,
    pub occurrences: usize,
    /// Rooms of occurrences that somebody else has at that time.
    pub unbooked: usize,
    /// Series that could not be expanded; they are tried again by the next run.
    pub failed: usize,
}

impl Koyomi {
    /// Writes on all series that need it, in steps of at most `step` series.
    ///
    /// # Errors
    /// Those of the database; what was done before stays.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn roll_forward(&self, step: usize) -> Result<RollReport> {
        let mut report = RollReport::default();
        let mut failed: Vec<EventId> = Vec::new();
        while self.roll_step(step, &mut failed, &mut report).await? {}
        report.failed = failed.len();
        Ok(report)
    }

    /// One step; false where nothing was left to do. Series that cannot be expanded are put among `failed`.
    ///
    /// # Errors
    /// As [`Koyomi::roll_forward`].
    pub async fn roll_step(&self, step: usize, failed: &mut Vec<EventId>, report: &mut RollReport) -> Result<bool> {
        let (store, but) = (self.store.clone(), failed.clone());
        let limit = i64::try_from(step).unwrap_or(i64::MAX);
        let (done, broken, found) = detached(async move {
            let mut tx = store.begin().await?;
            let now = tx.now();
            let ids = events::lock_rolling(tx.conn(), roll_below(now), &but, limit).await?;
            if ids.is_empty() {
                return Ok((RollReport::default(), Vec::new(), false));
            }
            let all = events::rolling(tx.conn(), &ids).await?;
            let (rolled, broken) = pieces(&all, horizon(now));
            let of: HashMap<EventId, &Rolling> = all.iter().map(|r| (r.event.id, r)).collect();
            let bookings = extensions(&rolled, &of, &store);
            let rooms: BTreeSet<ResourceId> = bookings.values().flatten().map(|e| e.booking.resource_id).collect();
            if !rooms.is_empty() {
                resources::lock_in(tx.conn(), &rooms.into_iter().collect::<Vec<_>>()).await?;
            }
            let mut batch = Batch::new();
            events::roll_parts(&mut batch, &rolled);
            for (tenant, list) in &bookings {
                resources::extend_series_part(&mut batch, *tenant, now, list);
            }
            let mut rows = batch.run(tx.conn()).await?;
            let mut done = RollReport { series: rolled.len(), ..RollReport::default() };
            for _ in &bookings {
                for missing in resources::read_unbooked(&mut rows)? {
                    let (event, room, at) = (missing.event_id, missing.resource_id, missing.start_time);
                    tracing::warn!(%event, %room, %at, "a series goes on without its room: somebody else has it");
                    done.unbooked += 1;
                }
            }
            for piece in &rolled {
                done.occurrences += piece.occurrences.len();
                if let Some(of) = of.get(&piece.event_id) {
                    tx.authorised(piece.calendar_id, of.calendar_acl);
                }
            }
            tx.touch_all(rolled.iter().map(|piece| Change {
                calendar_id: piece.calendar_id,
                kind: ChangeKind::EventUpdated,
                object_id: piece.event_id.0,
            }));
            tx.commit(|_| ()).await?;
            Ok((done, broken, true))
        })
        .await?;
        failed.extend(broken);
        report.series += done.series;
        report.occurrences += done.occurrences;
        report.unbooked += done.unbooked;
        Ok(found)
    }
}

/// The next piece of each series. Of those that share a room only the first: what it books must be there before the others
/// are looked at.
fn pieces(all: &[Rolling], until: DateTime<Utc>) -> (Vec<Rolled>, Vec<EventId>) {
    let (mut rolled, mut broken) = (Vec::new(), Vec::new());
    let mut booked: HashSet<ResourceId> = HashSet::new();
    for series in all {
        if series.rooms.iter().any(|room| booked.contains(room)) {
            continue;
        }
        match series.roll(until) {
            Ok(piece) => {
                booked.extend(&series.rooms);
                rolled.push(piece);
            }
            Err(failure) => {
                tracing::warn!(event = %series.event.id, %failure, "a series cannot be written on");
                broken.push(series.event.id);
            }
        }
    }
    (rolled, broken)
}

/// A booking for each new occurrence of a series that has rooms, by tenant.
fn extensions(
    rolled: &[Rolled],
    of: &HashMap<EventId, &Rolling>,
    store: &store::Store,
) -> HashMap<TenantId, Vec<Extension>> {
    let mut lists: HashMap<TenantId, Vec<Extension>> = HashMap::new();
    for piece in rolled {
        let Some(series) = of.get(&piece.event_id).filter(|series| !series.rooms.is_empty()) else { continue };
        let mut until = DateTime::<Utc>::MIN_UTC;
        for occurrence in &piece.occurrences {
            let alone = occurrence.start >= until;
            until = until.max(occurrence.end);
            let list = lists.entry(series.tenant_id).or_default();
            list.extend(series.rooms.iter().map(|resource_id| Extension {
                event_id: piece.event_id,
                booking: Booking {
                    reservation_id: store.ids().mint(),
                    resource_id: *resource_id,
                    original_start: occurrence.original_start,
                    start_time: occurrence.start,
                    end_time: occurrence.end,
                },
                alone,
            }));
        }
    }
    lists
}
