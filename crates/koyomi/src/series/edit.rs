//! What a series becomes. Pure: decided from the series as it is, without looking at a database or a clock.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use events::{Locked, NewEvent, Plan, Status, When};
use kernel::{EventId, Failure, Ids, Kind, Result};
use recurrence::Occurrence;

use super::state::Series;
use super::{lines, whole};
use crate::{EventPatch, input};

/// Overrides of one series.
pub(crate) const MAX_OVERRIDES: usize = 5_000;

/// What an edit is decided in.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) now: DateTime<Utc>,
    pub(super) ids: Ids,
}

/// What is to become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    New,
    Changed,
    /// Nothing of the record itself is written, but what hangs on it is: it gets a new version.
    Touched,
}

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) event: NewEvent,
    /// Its UTC columns; the occurrences are in [`Edit::happens`].
    pub(super) plan: Plan,
    pub(super) fate: Fate,
}

/// An occurrence as it will be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happens {
    pub(super) event_id: EventId,
    pub(super) occurrence: Occurrence,
    /// Which occurrence of the series as it is it was: its reservations come along. None: it is new, and books what the
    /// series has.
    pub(super) from: Option<NaiveDateTime>,
    /// What is cancelled books nothing.
    pub(super) holds: bool,
    /// It takes place again: what the series has is booked for it where it is not.
    pub(super) restored: bool,
}

/// All of it. Occurrences that are written down and not among `happens` go, with their reservations.
#[derive(Debug, Default)]
pub(super) struct Edit {
    pub(super) drafts: Vec<Draft>,
    pub(super) deleted: Vec<EventId>,
    pub(super) happens: Vec<Happens>,
    /// The guests of the first, with their answers, are the guests of the second.
    pub(super) guests: Option<(EventId, EventId)>,
    /// The half behind the series gets another neighbour before it.
    pub(super) previous_of: Option<(EventId, Option<EventId>)>,
    /// Which record, at which occurrence, is the answer.
    pub(super) shown: Option<(EventId, Occurrence)>,
    /// Occurrences and reservations were read, and `happens` says what becomes of them.
    pub(super) moves: bool,
}

/// Sets the fields that a patch names, but for times.
pub(super) fn apply(event: &mut NewEvent, patch: &EventPatch) {
    if let Some(title) = &patch.title {
        event.title.clone_from(title);
    }
    if let Some(description) = &patch.description {
        event.description.clone_from(description);
    }
    if let Some(location) = &patch.location {
        event.location.clone_from(location);
    }
    event.status = patch.status.unwrap_or(event.status);
    event.visibility = patch.visibility.unwrap_or(event.visibility);
    event.transparency = patch.transparency.unwrap_or(event.transparency);
}

/// The next version of a record: SEQUENCE (RFC 5546 §2.1.4) and time of change.
pub(super) fn next_version(event: &mut NewEvent, now: DateTime<Utc>) {
    event.sequence = event.sequence.saturating_add(1);
    event.updated_at = now;
}

/// One occurrence as a single event: a PERIOD keeps its own length.
pub(super) fn single_at(when: &When, zone: &str, occurrence: &Occurrence) -> Result<When> {
    let alone = When { start_local: occurrence.original_start, recurrence: Vec::new(), ..when.clone() };
    let plan = single_plan(&alone, zone)?;
    if when.all_day || plan.end_time - plan.start_time == occurrence.end - occurrence.start {
        return Ok(alone);
    }
    let duration_seconds = (occurrence.end - occurrence.start).num_seconds();
    Ok(When { duration_days: 0, duration_seconds, ..alone })
}

pub(super) fn single_plan(when: &When, zone: &str) -> Result<Plan> {
    Plan::of(when, zone, kernel::Span::LATEST)
}

/// The occurrence of a record that stands for one of its series.
pub(super) fn standing(event: &NewEvent, zone: &str, at: NaiveDateTime) -> Result<(Plan, Occurrence)> {
    let plan = single_plan(&event.when, zone)?.standing_for(at);
    let occurrence = Occurrence { original_start: at, start: plan.start_time, end: plan.end_time };
    Ok((plan, occurrence))
}

/// The occurrence of a series itself; also one beyond what is written down.
pub(super) fn occurrence_at(set: &recurrence::Series, at: NaiveDateTime) -> Result<Option<Occurrence>> {
    let from = set.start.zone(&set.anchor).to_utc(at);
    // A length of nothing is found at its start only, and a reading may be an hour beside its instant.
    let window = recurrence::Window { from: from - TimeDelta::hours(3), to: from + TimeDelta::hours(3) };
    let found = set
        .expand(window, usize::MAX, recurrence::Budget::default())
        .map_err(|error| Failure::invalid("/recurrence", error.to_string()))?;
    Ok(found.occurrences.into_iter().find(|o| o.original_start == at))
}

/// One occurrence changes: it gets a record of its own, or that record changes.
pub(super) fn change_one(series: &Series, at: NaiveDateTime, patch: &EventPatch, scene: &Scene) -> Result<Edit> {
    if patch.recurrence.as_ref().is_some_and(|lines| !lines.is_empty()) {
        return Err(Failure::invalid(
            "/recurrence",
            "one occurrence cannot recur; change the rule with scope=following or scope=all",
        ));
    }
    if let Some(own) = series.override_at(at) {
        return change_own(series, own, at, patch, scene);
    }
    let set = series.set()?;
    let master = series.master.record();
    let mut edit = Edit { moves: true, ..Edit::default() };
    let here = occurrence_at(&set, at)?;
    let (when, occurrence) = match here {
        Some(occurrence) => (master.when.clone(), occurrence),
        None => {
            let back = matches!(patch.status, Some(Status::Confirmed | Status::Tentative));
            if !back || !lines::contains(&lines::with_all(&set), at) {
                return Err(series.no_such_occurrence(at)?);
            }
            let when = lines::include(&master.when, &series.zone, at)?;
            let occurrence = occurrence_at(&when.series(&series.zone)?, at)?
                .ok_or_else(|| Failure::internal("an occurrence that was put back is not there"))?;
            (when, occurrence)
        }
    };
    let restored = here.is_none();
    let mut changed = master.clone();
    changed.when = when;
    let plan = whole::plan(series, &changed.when, scene)?;
    let fate = if restored { Fate::Changed } else { Fate::Touched };
    if restored {
        next_version(&mut changed, scene.now);
    }
    let mut own = NewEvent {
        id: scene.ids.mint(),
        recurring_event_id: Some(master.id),
        original_start: Some(at),
        previous_series_id: None,
        next_series_id: None,
        source: None,
        created_at: scene.now,
        when: single_at(&changed.when, &series.zone, &occurrence)?,
        ..master.clone()
    };
    let before = own.clone();
    apply(&mut own, patch);
    own.when = input::patched(&own.when, &series.zone, patch.start.as_ref(), patch.end.as_ref(), None)?;
    if restored && own == before {
        // Back as it was: no record of its own is needed.
        if plan.expanded_until.is_none_or(|until| occurrence.start < until) {
            let holds = changed.status != Status::Cancelled;
            edit.happens.push(Happens { event_id: master.id, occurrence, from: None, holds, restored });
        }
        edit.shown = Some((master.id, occurrence));
        edit.drafts.push(Draft { event: changed, plan, fate });
        return Ok(edit);
    }
    if series.overrides_total >= MAX_OVERRIDES as i64 {
        return Err(Failure::new(
            Kind::LimitExceeded,
            "limit_exceeded",
            format!("at most {MAX_OVERRIDES} occurrences of one series may differ from it; split the series"),
        ));
    }
    next_version(&mut own, scene.now);
    let (own_plan, moved) = standing(&own, &series.zone, at)?;
    let holds = own.status != Status::Cancelled;
    let from = (!restored).then_some(at);
    edit.happens.push(Happens { event_id: own.id, occurrence: moved, from, holds, restored });
    edit.guests = Some((master.id, own.id));
    edit.shown = Some((own.id, moved));
    edit.drafts.push(Draft { event: own, plan: own_plan, fate: Fate::New });
    edit.drafts.push(Draft { event: changed, plan, fate });
    Ok(edit)
}

fn change_own(series: &Series, own: &Locked, at: NaiveDateTime, patch: &EventPatch, scene: &Scene) -> Result<Edit> {
    let mut event = own.record();
    let was_cancelled = event.status == Status::Cancelled;
    apply(&mut event, patch);
    event.when = input::patched(&event.when, &series.zone, patch.start.as_ref(), patch.end.as_ref(), None)?;
    next_version(&mut event, scene.now);
    let (plan, occurrence) = standing(&event, &series.zone, at)?;
    let holds = event.status != Status::Cancelled;
    let restored = was_cancelled && holds;
    Ok(Edit {
        happens: vec![Happens { event_id: event.id, occurrence, from: Some(at), holds, restored }],
        shown: Some((event.id, occurrence)),
        drafts: vec![Draft { event, plan, fate: Fate::Changed }],
        moves: true,
        ..Edit::default()
    })
}

/// One occurrence is taken out: an EXDATE, and its own record goes.
pub(super) fn delete_one(series: &Series, at: NaiveDateTime, scene: &Scene) -> Result<Edit> {
    let own = series.override_at(at);
    let set = series.set()?;
    let is_member = lines::contains(&set, at);
    if own.is_none() && !is_member {
        return Err(series.no_such_occurrence(at)?);
    }
    let mut master = series.master.record();
    let fate = if is_member { Fate::Changed } else { Fate::Touched };
    if is_member {
        master.when = lines::exclude(&master.when, at)?;
        next_version(&mut master, scene.now);
    }
    let plan = whole::plan(series, &master.when, scene)?;
    Ok(Edit {
        drafts: vec![Draft { event: master, plan, fate }],
        deleted: own.map(Locked::id).into_iter().collect(),
        moves: true,
        ..Edit::default()
    })
}

/// Which occurrence of the new series each of the old one is.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    by: TimeDelta,
    to: HashMap<NaiveDateTime, NaiveDateTime>,
    from: HashMap<NaiveDateTime, NaiveDateTime>,
}

impl Mapping {
    /// Most of them move by the same; those that do not (an RDATE stays where it is when the rule moves) are the same ones
    /// where they still exist.
    pub(super) fn new(
        old: &[NaiveDateTime],
        new: &HashSet<NaiveDateTime>,
        from: NaiveDateTime,
        to: NaiveDateTime,
    ) -> Self {
        let mut mapping = Self { by: shift(old, new, from, to), ..Self::default() };
        for by in [mapping.by, TimeDelta::zero()] {
            for at in old {
                let to = at.checked_add_signed(by).filter(|to| new.contains(to) && !mapping.from.contains_key(to));
                if let (Some(to), false) = (to, mapping.to.contains_key(at)) {
                    mapping.to.insert(*at, to);
                    mapping.from.insert(to, *at);
                }
            }
        }
        mapping
    }

    /// What an occurrence becomes; one that is not written down moves as most do.
    pub(super) fn to(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        self.to.get(&at).copied().or_else(|| at.checked_add_signed(self.by))
    }

    /// What an occurrence was.
    pub(super) fn from(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        self.from.get(&at).copied()
    }
}

/// By how much the identities of occurrences move when a series does. None where at least half of them are occurrences of
/// the new series too; else with the time of day, or as far as the start moved, whichever keeps more of them.
fn shift(old: &[NaiveDateTime], new: &HashSet<NaiveDateTime>, from: NaiveDateTime, to: NaiveDateTime) -> TimeDelta {
    let kept =
        |by: TimeDelta| old.iter().filter(|at| at.checked_add_signed(by).is_some_and(|at| new.contains(&at))).count();
    let (nothing, whole) = (TimeDelta::zero(), to - from);
    if whole == nothing || kept(nothing) * 2 >= old.len().max(1) {
        return nothing;
    }
    let time_of_day = to.time() - from.time();
    let mut best = (whole, kept(whole));
    for by in [time_of_day, nothing] {
        let kept = kept(by);
        if kept > 0 && kept >= best.1 {
            best = (by, kept);
        }
    }
    best.0
}
