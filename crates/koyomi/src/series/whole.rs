//! A series changes as a whole, or from an occurrence on.

use std::collections::HashSet;

use chrono::NaiveDateTime;
use events::{Locked, NewEvent, Plan, Status, When, horizon};
use kernel::{EventId, Failure, Result};
use recurrence::Occurrence;

use super::edit::{Draft, Edit, Fate, Happens, Mapping, Scene, apply, next_version, single_at, standing};
use super::lines;
use super::state::Series;
use crate::{EventPatch, input};

/// The occurrences of a series as it will be, as far as they are written down now.
pub(super) fn plan(series: &Series, when: &When, scene: &Scene) -> Result<Plan> {
    let until = series.master.expanded_until.unwrap_or_else(|| horizon(scene.now));
    let plan = Plan::of(when, &series.zone, until)?;
    Ok(match series.master.stands_for {
        // An override whose series is not here.
        Some(at) => plan.standing_for(at),
        None => plan,
    })
}

/// Changes all of a series, or a single event.
pub(super) fn change_all(series: &Series, patch: &EventPatch, scene: &Scene) -> Result<Edit> {
    let old = series.master.record();
    let base = old.when.clone();
    Change { series, patch, scene, old, base, at: None, split: false }.edit()
}

/// Changes an occurrence and all behind it: what comes before it stays, as a series of its own.
pub(super) fn change_following(series: &Series, at: NaiveDateTime, patch: &EventPatch, scene: &Scene) -> Result<Edit> {
    if !series.has(at)? {
        return Err(series.no_such_occurrence(at)?);
    }
    let old = series.master.record();
    let is_first = first(series, scene)?.is_none_or(|first| at <= first);
    if is_first && at == old.when.start_local {
        return change_all(series, patch, scene);
    }
    let (_, base) = lines::cut(&old.when, &series.zone, at)?;
    Change { series, patch, scene, old, base, at: Some(at), split: !is_first }.edit()
}

/// Takes out an occurrence and all behind it; `None` where nothing is left.
pub(super) fn delete_following(series: &Series, at: NaiveDateTime, scene: &Scene) -> Result<Option<Edit>> {
    if !series.has(at)? {
        return Err(series.no_such_occurrence(at)?);
    }
    if first(series, scene)?.is_none_or(|first| at <= first) {
        return Ok(None);
    }
    let old = series.master.record();
    let mut edit = Edit { moves: true, ..Edit::default() };
    let (head, _) = lines::cut(&old.when, &series.zone, at)?;
    keep_head(series, old, head, at, &mut edit, scene)?;
    edit.deleted = series.overrides.iter().filter(|own| own.stands_for >= Some(at)).map(Locked::id).collect();
    Ok(Some(edit))
}

/// The first occurrence, changed ones included.
fn first(series: &Series, scene: &Scene) -> Result<Option<NaiveDateTime>> {
    let set = series.set()?;
    let in_set = plan(series, &series.when(), scene)?.occurrences.first().map(|o| o.original_start);
    let in_set = match in_set {
        Some(first) => Some(first),
        None => lines::members(&set, set.start.local(), 1)?.first().copied(),
    };
    let own = series.overrides.iter().filter_map(|own| own.stands_for).min();
    Ok([in_set, own].into_iter().flatten().min())
}

/// What stands before the cut: the series with an earlier end, and its overrides.
fn keep_head(
    series: &Series,
    old: NewEvent,
    head: When,
    at: NaiveDateTime,
    edit: &mut Edit,
    scene: &Scene,
) -> Result<()> {
    let plan = plan(series, &head, scene)?;
    let kept: Vec<&Locked> = series.overrides.iter().filter(|own| own.stands_for < Some(at)).collect();
    let overridden: HashSet<NaiveDateTime> = kept.iter().filter_map(|own| own.stands_for).collect();
    for own in kept {
        stay(own, &series.zone, edit)?;
    }
    let holds = old.status != Status::Cancelled;
    for occurrence in plan.occurrences.iter().filter(|o| !overridden.contains(&o.original_start)) {
        let from = Some(occurrence.original_start);
        edit.happens.push(Happens { event_id: old.id, occurrence: *occurrence, from, holds, restored: false });
    }
    let mut event = NewEvent { when: head, ..old };
    next_version(&mut event, scene.now);
    edit.drafts.push(Draft { event, plan, fate: Fate::Changed });
    Ok(())
}

/// An override that nothing changes.
fn stay(own: &Locked, zone: &str, edit: &mut Edit) -> Result<()> {
    let (event, Some(at)) = (own.record(), own.stands_for) else { return Ok(()) };
    let (_, occurrence) = standing(&event, zone, at)?;
    let holds = event.status != Status::Cancelled;
    edit.happens.push(Happens { event_id: event.id, occurrence, from: Some(at), holds, restored: false });
    Ok(())
}

struct Change<'a> {
    series: &'a Series,
    patch: &'a EventPatch,
    scene: &'a Scene,
    old: NewEvent,
    /// When the changed part happens, before the change.
    base: When,
    /// Where it begins; none: at the beginning.
    at: Option<NaiveDateTime>,
    /// What comes before stays behind, in a record of its own.
    split: bool,
}

impl Change<'_> {
    fn edit(self) -> Result<Edit> {
        let Self { series, patch, scene, .. } = &self;
        let zone = &series.zone;
        let when =
            input::patched(&self.base, zone, patch.start.as_ref(), patch.end.as_ref(), patch.recurrence.clone())?;
        if series.master.stands_for.is_some() && !when.recurrence.is_empty() {
            return Err(Failure::invalid(
                "/recurrence",
                "an occurrence that was changed on its own cannot recur; change its series",
            ));
        }
        let mut edit = Edit { moves: when != self.old.when || self.split || patch.status.is_some(), ..Edit::default() };
        let new_plan = plan(series, &when, scene)?;
        let mut event = self.target(&when);
        let old = self.old_occurrences()?;
        let new: HashSet<NaiveDateTime> = new_plan.occurrences.iter().map(|o| o.original_start).collect();
        let mapping = Mapping::new(&old, &new, self.base.start_local, when.start_local);
        let overridden = self.overrides(&event, &mapping, &new, &mut edit)?;
        if self.split {
            self.leave_head(&mut event, &mut edit)?;
        }
        let holds = event.status != Status::Cancelled;
        let of_series = new_plan.occurrences.iter().filter(|o| !overridden.contains(&o.original_start));
        for occurrence in of_series {
            let from = series.master.stands_for.or_else(|| mapping.from(occurrence.original_start));
            edit.happens.push(Happens { event_id: event.id, occurrence: *occurrence, from, holds, restored: false });
        }
        let shown = Occurrence {
            original_start: series.master.stands_for.unwrap_or(when.start_local),
            start: new_plan.start_time,
            end: new_plan.end_time,
        };
        edit.shown = Some((event.id, shown));
        let fate = if self.split { Fate::New } else { Fate::Changed };
        if !self.split {
            next_version(&mut event, scene.now);
        }
        edit.drafts.push(Draft { event, plan: new_plan, fate });
        Ok(edit)
    }

    /// The record that takes the change: the series itself, or the second half of it.
    fn target(&self, when: &When) -> NewEvent {
        let mut event = NewEvent { when: when.clone(), ..self.old.clone() };
        apply(&mut event, self.patch);
        if self.split {
            let id: EventId = self.scene.ids.mint();
            event = NewEvent {
                id,
                uid: format!("{id}@koyomi"),
                previous_series_id: Some(self.old.id),
                sequence: 0,
                source: None,
                stamped_at: None,
                created_at: self.scene.now,
                updated_at: self.scene.now,
                ..event
            };
        }
        event
    }

    /// The first half, linked with the second.
    fn leave_head(&self, event: &mut NewEvent, edit: &mut Edit) -> Result<()> {
        let Some(at) = self.at else { return Ok(()) };
        let (head, _) = lines::cut(&self.old.when, &self.series.zone, at)?;
        let first_half = NewEvent { next_series_id: Some(event.id), ..self.old.clone() };
        keep_head(self.series, first_half, head, at, edit, self.scene)?;
        edit.guests = Some((self.old.id, event.id));
        edit.previous_of = self.old.next_series_id.map(|next| (next, Some(event.id)));
        Ok(())
    }

    /// Identities of the part that changes, those with a record of their own included.
    fn old_occurrences(&self) -> Result<Vec<NaiveDateTime>> {
        let all = plan(self.series, &self.old.when, self.scene)?.occurrences.into_iter().map(|o| o.original_start);
        Ok(all.filter(|start| self.at.is_none_or(|at| *start >= at)).collect())
    }

    /// The overrides of the part that changes: they stay wherever their occurrence still exists. Answers which occurrences
    /// of the new series have a record of their own.
    fn overrides(
        &self,
        event: &NewEvent,
        mapping: &Mapping,
        new: &HashSet<NaiveDateTime>,
        edit: &mut Edit,
    ) -> Result<HashSet<NaiveDateTime>> {
        let zone = &self.series.zone;
        let (was, is) = (self.base.series(zone)?, event.when.series(zone)?);
        let mut taken = HashSet::new();
        for own in self.series.overrides.iter().filter(|own| self.at.is_none_or(|at| own.stands_for >= Some(at))) {
            let Some(at) = own.stands_for else { continue };
            let stray = !lines::contains(&was, at);
            let to = if stray { Some(at) } else { mapping.to(at) };
            let to = to.filter(|to| stray || new.contains(to) || lines::contains(&is, *to));
            match to.filter(|to| taken.insert(*to)) {
                Some(to) => self.keep(own, at, to, (event, &was, &is), edit)?,
                None => edit.deleted.push(own.id()),
            }
        }
        Ok(taken)
    }

    fn keep(
        &self,
        own: &Locked,
        at: NaiveDateTime,
        to: NaiveDateTime,
        (series, was, is): (&NewEvent, &recurrence::Series, &recurrence::Series),
        edit: &mut Edit,
    ) -> Result<()> {
        let zone = &self.series.zone;
        let before = own.record();
        let mut event = NewEvent {
            uid: series.uid.clone(),
            recurring_event_id: Some(series.id),
            original_start: Some(to),
            ..before.clone()
        };
        follow(&mut event, &self.old, series);
        let (then, now) = (super::edit::occurrence_at(was, at)?, super::edit::occurrence_at(is, to)?);
        if let (Some(then), Some(now)) = (then, now) {
            // It takes place where the series put it: it goes along. One that was moved stays where it was moved to.
            let untouched = before.when == single_at(&self.base, zone, &then)?;
            let retimed = self.patch.start.is_some() || self.patch.end.is_some();
            if untouched || (Some(at) == self.at && retimed) {
                event.when = single_at(&series.when, zone, &now)?;
            }
        }
        if Some(at) == self.at {
            apply(&mut event, self.patch);
        }
        let (plan, occurrence) = standing(&event, zone, to)?;
        let holds = event.status != Status::Cancelled;
        edit.happens.push(Happens { event_id: event.id, occurrence, from: Some(at), holds, restored: false });
        if event != before {
            next_version(&mut event, self.scene.now);
            edit.drafts.push(Draft { event, plan, fate: Fate::Changed });
        }
        Ok(())
    }
}

/// An override follows its series in what it had in common with it.
fn follow(own: &mut NewEvent, old: &NewEvent, new: &NewEvent) {
    fn field<T: PartialEq + Clone>(own: &mut T, old: &T, new: &T) {
        if own == old {
            own.clone_from(new);
        }
    }
    field(&mut own.title, &old.title, &new.title);
    field(&mut own.description, &old.description, &new.description);
    field(&mut own.location, &old.location, &new.location);
    field(&mut own.status, &old.status, &new.status);
    field(&mut own.visibility, &old.visibility, &new.visibility);
    field(&mut own.transparency, &old.transparency, &new.transparency);
}
