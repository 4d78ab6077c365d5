//! Editing events: single ones, series, and parts of a series. One transaction for each edit:
//!
//! 1. `state`: one statement locks the series and reads it (another only where somebody was faster);
//! 2. `edit`, `whole`, `lines`: what becomes of it, decided without I/O;
//! 3. `difference`: which rows differ; one statement writes them, and no others;
//! 4. `store::Tx::commit`: the head.
//!
//! `docs/SERIES.md` says what each edit means.

mod aim;
mod difference;
mod edit;
mod lines;
mod preview;
mod rezone;
mod state;
mod whole;

use events::{Happening, Status, View};
use kernel::{Caller, Checks, Conflict, Expected, Failure, Result};
use resources::{Booking, Reservation, ReservationStatus};
use store::{Batch, IdempotencyKey, Store, Tx, detached};

pub use aim::{Aim, SeriesScope};
pub use preview::{MAX_PREVIEWED, Preview, Previewed, PreviewedBooking, PreviewedMove, PreviewedOccurrence};
pub use rezone::{RezoneReport, ZoneData};

use self::aim::Target;
use self::difference::{Difference, as_booking, difference};
use self::edit::{Edit, Scene};
use self::state::{Opened, Series, open};
use crate::schedule::{check_texts, conflict};
use crate::{EventPatch, Koyomi};

/// What an edit does.
#[derive(Debug, Clone)]
enum Deed {
    Change(Box<EventPatch>),
    Delete,
}

impl Koyomi {
    /// Changes an event or a part of a series; what moves takes its rooms along, or nothing happens. Answers the record that
    /// was changed or made: of `following`, the second half.
    ///
    /// # Errors
    /// `validation_failed`, `resource_conflict`, `no_such_occurrence`, `cannot_split_here`, `precondition_failed`,
    /// `not_found`, `forbidden`.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn update_event(
        &self,
        caller: &Caller,
        aim: impl Into<Aim>,
        patch: EventPatch,
        expected: Expected,
        key: Option<IdempotencyKey>,
    ) -> Result<Happening> {
        check(&patch)?;
        let (store, caller, aim) = (self.store.clone(), caller.clone(), aim.into());
        detached(async move {
            let deed = Deed::Change(Box::new(patch));
            let mut tx = store.begin().await?;
            let series = match open(&mut tx, &caller, &aim, key, deed.moves(&aim)).await? {
                Opened::Replay(happening) => return Ok(happening),
                Opened::Series(series) => series,
            };
            let edit = decide(&series, &aim, &deed, &expected, &store, &tx)?;
            let (mut happening, tx) = write(&store, tx, &caller, &series, &edit).await?;
            tx.commit(|versions| {
                happening.event.seq = versions.first().map_or(0, |v| v.seq);
                happening
            })
            .await
        })
        .await
    }

    /// Deletes an event or a part of a series; rooms become free.
    ///
    /// # Errors
    /// As [`Koyomi::update_event`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn delete_event(
        &self,
        caller: &Caller,
        aim: impl Into<Aim>,
        expected: Expected,
        key: Option<IdempotencyKey>,
    ) -> Result<()> {
        let (store, caller, aim) = (self.store.clone(), caller.clone(), aim.into());
        detached(async move {
            let mut tx = store.begin().await?;
            let series = match open(&mut tx, &caller, &aim, key, Deed::Delete.moves(&aim)).await? {
                Opened::Replay(()) => return Ok(()),
                Opened::Series(series) => series,
            };
            let edit = decide(&series, &aim, &Deed::Delete, &expected, &store, &tx)?;
            let (_, tx) = write(&store, tx, &caller, &series, &edit).await?;
            tx.commit(|_| ()).await
        })
        .await
    }

    /// What [`Koyomi::update_event`] would do. It is done, and taken back: nothing is written, and nobody hears of it.
    ///
    /// # Errors
    /// As [`Koyomi::update_event`], but for `resource_conflict`, which is part of the answer.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn preview_update(
        &self,
        caller: &Caller,
        aim: impl Into<Aim>,
        patch: EventPatch,
        expected: Expected,
    ) -> Result<Preview> {
        check(&patch)?;
        self.preview(caller, aim.into(), Deed::Change(Box::new(patch)), expected).await
    }

    /// What [`Koyomi::delete_event`] would do.
    ///
    /// # Errors
    /// As [`Koyomi::delete_event`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn preview_delete(&self, caller: &Caller, aim: impl Into<Aim>, expected: Expected) -> Result<Preview> {
        self.preview(caller, aim.into(), Deed::Delete, expected).await
    }

    async fn preview(&self, caller: &Caller, aim: Aim, deed: Deed, expected: Expected) -> Result<Preview> {
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let series = match open::<()>(&mut tx, &caller, &aim, None, true).await? {
                Opened::Replay(()) => return Err(Failure::internal("a replay without a key")),
                Opened::Series(series) => series,
            };
            let mut edit = decide(&series, &aim, &deed, &expected, &store, &tx)?;
            if edit.drafts.is_empty() {
                edit.moves = true;
            }
            let bookings = difference(&series, &edit, store.ids())?.bookings;
            let conflicts: Vec<Conflict> = match write(&store, tx, &caller, &series, &edit).await {
                // Dropped without commit: all of it is taken back.
                Ok((_, tx)) => {
                    drop(tx);
                    Vec::new()
                }
                Err(failure) if failure.code() == "resource_conflict" => failure.conflicts().to_vec(),
                Err(failure) => return Err(failure),
            };
            Ok(preview::preview(&series, &edit, &bookings, conflicts))
        })
        .await
    }
}

impl From<kernel::EventId> for Aim {
    fn from(id: kernel::EventId) -> Self {
        Self::record(id)
    }
}

impl Deed {
    /// Occurrences and reservations may change: they have to be known.
    fn moves(&self, aim: &Aim) -> bool {
        match self {
            Self::Change(patch) => {
                let timed = patch.start.is_some() || patch.end.is_some() || patch.recurrence.is_some();
                timed || patch.status.is_some() || aim.is_part()
            }
            Self::Delete => aim.is_part(),
        }
    }
}

fn check(patch: &EventPatch) -> Result<()> {
    let mut checks = Checks::new();
    let text = |text: &Option<Option<String>>| text.clone().flatten();
    let (description, location) = (text(&patch.description), text(&patch.location));
    check_texts(patch.title.as_deref().unwrap_or_default(), description.as_deref(), location.as_deref(), &mut checks);
    checks.done()
}

/// Compares the version that the caller has read, and decides.
fn decide(series: &Series, aim: &Aim, deed: &Deed, expected: &Expected, store: &Store, tx: &Tx) -> Result<Edit> {
    let target = series.target(aim)?;
    let record = match target {
        Target::One(at) => series.override_at(at).unwrap_or(&series.master),
        Target::Following(_) | Target::Whole => &series.master,
    };
    let seq = record.found.happening.event.seq;
    expected.check(seq, || store.epoch().tag(seq))?;
    let scene = Scene { now: tx.now(), ids: store.ids().clone() };
    match (deed, target) {
        (Deed::Change(patch), Target::One(at)) => edit::change_one(series, at, patch, &scene),
        (Deed::Change(patch), Target::Following(at)) => whole::change_following(series, at, patch, &scene),
        (Deed::Change(patch), Target::Whole) => whole::change_all(series, patch, &scene),
        (Deed::Delete, Target::One(at)) => edit::delete_one(series, at, &scene),
        (Deed::Delete, Target::Following(at)) => Ok(whole::delete_following(series, at, &scene)?.unwrap_or_default()),
        (Deed::Delete, Target::Whole) => Ok(Edit::default()),
    }
}

/// Writes the edit, all but the heads; answers what is to be shown. An edit that leaves nothing deletes the series.
async fn write(store: &Store, mut tx: Tx, caller: &Caller, series: &Series, edit: &Edit) -> Result<(Happening, Tx)> {
    let difference = difference(series, edit, store.ids())?;
    let event = &series.master.found.happening.event;
    let mut batch = Batch::new();
    let now = tx.now();
    if edit.drafts.is_empty() {
        events::delete_part(&mut batch, event, now);
        resources::release_series_part(&mut batch, event.id);
    } else {
        events::change_series_part(&mut batch, event.calendar_id, now, &difference.events)?;
    }
    if let Some((from, to)) = edit.guests {
        attendees::copy_part(&mut batch, store.ids(), from, to, attendees::Answers::Keep);
    }
    let books = !edit.drafts.is_empty() && !difference.bookings.is_empty();
    if books {
        resources::rebook_parts(&mut batch, caller.tenant_id, now, &difference.bookings);
    }
    let mut rows = match batch.run(tx.conn()).await {
        Ok(rows) => rows,
        Err(error) if resources::is_overlap(&error) => {
            drop(tx);
            return Err(taken(store, caller, series, &difference).await);
        }
        Err(error) => return Err(attendees::refusal(&error).unwrap_or_else(|| events::written(error))),
    };
    if edit.guests.is_some() {
        rows.skip();
    }
    let booked = if books { resources::rebooked(&mut rows, &difference.bookings)? } else { Vec::new() };
    announce(&mut tx, series, edit, difference);
    Ok((shown(series, edit, &booked), tx))
}

/// Tells the heads what has changed, the answered record first.
fn announce(tx: &mut Tx, series: &Series, edit: &Edit, difference: Difference) {
    let event = &series.master.found.happening.event;
    if edit.drafts.is_empty() {
        let change =
            |kind, id: kernel::EventId| kernel::Change { calendar_id: event.calendar_id, kind, object_id: id.0 };
        tx.touch(change(kernel::ChangeKind::EventDeleted, event.id));
        for neighbour in [event.previous_series_id, event.next_series_id].into_iter().flatten() {
            tx.touch(change(kernel::ChangeKind::EventUpdated, neighbour));
        }
        return;
    }
    let before = |id| {
        let records = std::iter::once(&series.master).chain(&series.overrides);
        records.map(|r| &r.found.happening.event).find(|event| event.id == id).map(|event| event.visibility)
    };
    if edit.drafts.iter().any(|d| d.event.visibility != before(d.event.id).unwrap_or(event.visibility)) {
        tx.narrows_access();
    }
    tx.touch_all(difference.changes);
}

/// Who holds the rooms that the edit would have needed.
async fn taken(store: &Store, caller: &Caller, series: &Series, difference: &Difference) -> Failure {
    let change = &difference.bookings;
    let confirmed = |id| series.reservations.iter().any(|r| r.id == id && r.status == ReservationStatus::Confirmed);
    let moved = change.moved.iter().filter(|m| confirmed(m.reservation_id)).map(as_booking);
    let wanted: Vec<Booking> = moved.chain(change.new.iter().map(|(_, booking)| *booking)).collect();
    let away: Vec<_> = change.moved.iter().map(|m| m.reservation_id).chain(change.gone.iter().map(|r| r.id)).collect();
    conflict(store, caller, series.master.found.happening.event.calendar_id, None, &away, &wanted).await
}

/// The answered record as it will be read back, without reading it back.
fn shown(series: &Series, edit: &Edit, booked: &[Reservation]) -> Happening {
    let mut happening = series.master.found.happening.clone();
    happening.view = Some(View::Full);
    let Some((id, occurrence)) = edit.shown else { return happening };
    let own = series.overrides.iter().find(|own| own.id() == id);
    if let Some(own) = own {
        happening = Happening { view: Some(View::Full), ..own.found.happening.clone() };
    }
    if let Some(draft) = edit.drafts.iter().find(|draft| draft.event.id == id) {
        happening.event = draft.event.event(0);
    }
    happening.start_time = occurrence.start;
    happening.end_time = occurrence.end;
    happening.original_start = occurrence.original_start;
    if edit.moves {
        happening.room_name = room_name(series, edit, booked, (id, occurrence.original_start));
    }
    if happening.event.status == Status::Cancelled {
        happening.room_name = None;
    }
    happening
}

/// The first of the resources that an occurrence has, as lists show it.
fn room_name(
    series: &Series,
    edit: &Edit,
    booked: &[Reservation],
    (id, original_start): (kernel::EventId, chrono::NaiveDateTime),
) -> Option<String> {
    let happens = edit.happens.iter().find(|h| (h.event_id, h.occurrence.original_start) == (id, original_start))?;
    let along = series.reservations.iter().filter(|r| happens.holds && Some(r.original_start) == happens.from);
    let fresh = booked.iter().filter(|r| (r.event_id, r.original_start) == (id, original_start));
    along
        .chain(fresh)
        .filter(|r| r.status == ReservationStatus::Confirmed)
        .min_by_key(|r| r.resource_id)
        .map(|r| r.resource_name.clone())
}
