//! Wall time survives a change of zone data: what happens in a zone with other rules is computed anew, and what comes out
//! as it was is not touched.

use std::collections::HashSet;

use events::{Plan, zones};
use kernel::{EventId, Result, TenantId};
use resources::{Extension, ReservationStatus};
use store::{Batch, Store, detached};
use uuid::Uuid;

use super::difference::{as_booking, difference};
use super::edit::{Draft, Edit, Fate, Happens, Scene, standing};
use super::state::{Series, open_unasked};
use super::whole;
use crate::Koyomi;

/// The version of zone data that is compiled in, and the one that the database was written with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneData {
    pub built: String,
    /// None: not known.
    pub recorded: Option<String>,
}

impl ZoneData {
    pub fn is_current(&self) -> bool {
        self.recorded.as_ref() == Some(&self.built)
    }

    /// What to do about it; `None`: nothing.
    pub fn advice(&self) -> Option<String> {
        let built = &self.built;
        match &self.recorded {
            Some(recorded) if recorded == built => None,
            Some(recorded) => Some(format!(
                "this build has time zone data {built}, the database was written with {recorded}: once all instances are \
                 of this build, run `koyomi rezone`; until then events in zones whose rules have changed are listed at the \
                 time that the old rules gave them"
            )),
            None => Some(format!(
                "this build has time zone data {built}, and nobody knows which one the database was written with: run \
                 `koyomi rezone` once"
            )),
        }
    }
}

/// What a rezone has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RezoneReport {
    /// Zones in use with other rules than before, or seen for the first time.
    pub zones: Vec<String>,
    /// Series and single events that happen in them.
    pub checked: usize,
    /// Those of them that take place at another instant now.
    pub changed: usize,
    /// Rooms that somebody else has at the new instant.
    pub unbooked: usize,
}

/// Events that are looked up at once.
const PAGE: i64 = 500;

/// What became of one series.
enum Outcome {
    Same,
    Changed {
        unbooked: usize,
    },
    /// Its room is taken; by something that will move away, perhaps.
    Taken,
}

impl Koyomi {
    /// What the start of a server looks at. A database without events is written with this build's data from now on.
    pub async fn zone_data(&self) -> Result<ZoneData> {
        let mut conn = self.store.conn().await?;
        let recorded = zones::record_first_version(&mut conn).await?;
        Ok(ZoneData { built: zones::built_version().to_owned(), recorded })
    }

    /// Computes anew what happens in zones whose rules have changed; the heads of other calendars stay. Each series is a
    /// transaction of its own, and the new rules are recorded last: cut off, it is run again.
    ///
    /// # Errors
    /// Those of the database; what was done before stays.
    pub async fn rezone(&self) -> Result<RezoneReport> {
        let mut conn = self.store.conn().await?;
        let changed = zones::changed_zones(&mut conn).await?;
        let names: Vec<String> = changed.keys().cloned().collect();
        let mut report = RezoneReport { zones: names.clone(), ..RezoneReport::default() };
        let mut taken: Vec<(EventId, TenantId)> = Vec::new();
        let mut after = EventId(Uuid::nil());
        loop {
            let page = zones::in_zones(&mut conn, &names, after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            report.checked += page.len();
            taken.extend(self.rezone_all(&page, false, &mut report).await?);
        }
        // What stood in the way may have moved by now: as long as any of them does, the others are tried again.
        loop {
            let left = self.rezone_all(&taken, false, &mut report).await?;
            if left.is_empty() || left.len() == taken.len() {
                taken = left;
                break;
            }
            taken = left;
        }
        self.rezone_all(&taken, true, &mut report).await?;
        zones::record_zones(&mut conn, &changed).await?;
        Ok(report)
    }

    /// Answers those whose room is taken; with `anyway` they go without it.
    async fn rezone_all(
        &self,
        list: &[(EventId, TenantId)],
        anyway: bool,
        report: &mut RezoneReport,
    ) -> Result<Vec<(EventId, TenantId)>> {
        let mut taken = Vec::new();
        for (id, tenant) in list {
            let (store, id, tenant) = (self.store.clone(), *id, *tenant);
            match detached(async move { rezone_one(&store, id, tenant, anyway).await }).await? {
                Outcome::Same => {}
                Outcome::Changed { unbooked } => {
                    report.changed += 1;
                    report.unbooked += unbooked;
                }
                Outcome::Taken => taken.push((id, tenant)),
            }
        }
        Ok(taken)
    }
}

async fn rezone_one(store: &Store, id: EventId, tenant: TenantId, anyway: bool) -> Result<Outcome> {
    let mut tx = store.begin().await?;
    let Some(series) = open_unasked(&mut tx, tenant, id).await? else { return Ok(Outcome::Same) };
    let scene = Scene { now: tx.now(), ids: store.ids().clone() };
    let edit = replanned(&series, &scene)?;
    let mut difference = difference(&series, &edit, store.ids())?;
    if difference.changes.is_empty() {
        return Ok(Outcome::Same);
    }
    let calendar = series.master.found.happening.event.calendar_id;
    let now = tx.now();
    let mut extensions = Vec::new();
    if anyway {
        // Given back here, asked for again below, where it is only had if it is free.
        let confirmed =
            |id| series.reservations.iter().find(|r| r.id == id && r.status == ReservationStatus::Confirmed);
        for moved in std::mem::take(&mut difference.bookings.moved) {
            match confirmed(moved.reservation_id) {
                Some(reservation) => {
                    difference.bookings.gone.push(reservation.clone());
                    let mut booking = as_booking(&moved);
                    booking.reservation_id = store.ids().mint();
                    extensions.push(Extension { event_id: moved.event_id, booking, alone: true });
                }
                None => difference.bookings.moved.push(moved),
            }
        }
    }
    let mut batch = Batch::new();
    events::change_series_part(&mut batch, calendar, now, &difference.events)?;
    if !difference.bookings.is_empty() {
        resources::rebook_parts(&mut batch, tenant, now, &difference.bookings);
    }
    match batch.run(tx.conn()).await {
        // Of a resource that is gone the reservation stays where it was, with nobody to mind.
        Ok(_) => {}
        Err(error) if resources::is_overlap(&error) => return Ok(Outcome::Taken),
        Err(error) => return Err(events::written(error)),
    }
    let mut unbooked = 0;
    if !extensions.is_empty() {
        let mut rooms: Vec<_> = extensions.iter().map(|e| e.booking.resource_id).collect();
        rooms.sort_unstable();
        rooms.dedup();
        resources::lock_in(tx.conn(), &rooms).await?;
        let mut batch = Batch::new();
        resources::extend_series_part(&mut batch, tenant, now, &extensions);
        for missing in resources::read_unbooked(&mut batch.run(tx.conn()).await?)? {
            let (event, room, at) = (missing.event_id, missing.resource_id, missing.start_time);
            tracing::warn!(%event, %room, %at, "with the new rules of its zone somebody else has its room");
            unbooked += 1;
        }
    }
    tx.touch_all(difference.changes);
    tx.commit(|_| ()).await?;
    Ok(Outcome::Changed { unbooked })
}

/// The same series by the rules of this build: its records that take place at another instant, and all of its occurrences.
fn replanned(series: &Series, scene: &Scene) -> Result<Edit> {
    let mut edit = Edit { moves: true, ..Edit::default() };
    let overridden: HashSet<_> = series.overrides.iter().filter_map(|own| own.stands_for).collect();
    let master = series.master.record();
    let plan = whole::plan(series, &master.when, scene)?;
    let happens = |event_id, occurrence, holds, from| Happens { event_id, occurrence, from, holds, restored: false };
    let holds = master.status != events::Status::Cancelled;
    for occurrence in plan.occurrences.iter().filter(|o| !overridden.contains(&o.original_start)) {
        edit.happens.push(happens(master.id, *occurrence, holds, Some(occurrence.original_start)));
    }
    let mut drafts: Vec<(events::NewEvent, Plan)> = vec![(master, plan)];
    for own in &series.overrides {
        let Some(at) = own.stands_for else { continue };
        let event = own.record();
        let (plan, occurrence) = standing(&event, &series.zone, at)?;
        let holds = event.status != events::Status::Cancelled;
        edit.happens.push(happens(event.id, occurrence, holds, Some(at)));
        drafts.push((event, plan));
    }
    let stored: HashSet<_> =
        series.occurrences.iter().map(|o| (o.event_id, o.original_start, o.start_time, o.end_time)).collect();
    let moved: HashSet<EventId> = edit
        .happens
        .iter()
        .filter(|h| {
            let at = &h.occurrence;
            !stored.contains(&(h.event_id, at.original_start, at.start, at.end))
        })
        .map(|h| h.event_id)
        .collect();
    let records = std::iter::once(&series.master).chain(&series.overrides);
    let differs = |event: &events::NewEvent, plan: &Plan| {
        records.clone().any(|r| {
            let is = &r.found.happening;
            r.id() == event.id && (is.start_time, is.end_time) != (plan.start_time, plan.end_time)
        })
    };
    edit.drafts = drafts
        .into_iter()
        .filter(|(event, plan)| moved.contains(&event.id) || differs(event, plan))
        .map(|(event, plan)| Draft { event, plan, fate: Fate::Changed })
        .collect();
    Ok(edit)
}
