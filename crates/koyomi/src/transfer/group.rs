//! All of one UID in an import: its series or single event, and the overrides of single occurrences.

use std::collections::HashMap;
use std::hash::Hash;

use chrono::NaiveDateTime;
use events::{Record, Status, When};
use kernel::EventId;
use recurrence::{Budget, Series};
use resources::MAX_BOOKINGS;

use super::content::{Verdict, age, digest, keep_answers, verdict};
use super::decide::Work;
use super::from_ical::{Draft, Place, Scene, draft, plan};
use super::report::ImportOutcome;
use super::series::{Clock, Known, Master, known_overrides, moves};
use super::time::{identity_in, key};

/// Overrides of one series: each batch that brings one reads all of them.
const MAX_OVERRIDES: usize = 5_000;

/// Settles the components `group` of `events`, which share a UID; `records` are all that the calendar has under it.
pub(super) fn settle(group: &[usize], events: &[&ical::Event], records: Vec<Record>, scene: &Scene, work: &mut Work) {
    let (overrides, mut masters): (Vec<Record>, Vec<Record>) =
        records.into_iter().partition(|record| record.original_start.is_some());
    let master = masters.pop();
    let known = known_overrides(overrides, master.as_ref());
    let has_overrides = !known.is_empty() || group.iter().any(|n| events[*n].recurrence_id.is_some());
    Group { events, scene, work, known, has_overrides, created: 0 }.settle(group, master);
}

struct Group<'a> {
    events: &'a [&'a ical::Event],
    scene: &'a Scene,
    work: &'a mut Work,
    known: Vec<Known>,
    /// Here or to come.
    has_overrides: bool,
    /// Overrides that this batch adds.
    created: usize,
}

impl Group<'_> {
    fn settle(mut self, group: &[usize], record: Option<Record>) {
        let events = self.events;
        let (overrides, masters): (Vec<usize>, Vec<usize>) =
            group.iter().copied().partition(|n| events[*n].recurrence_id.is_some());
        let mut master = Master { record, draft: None };
        let newest = self.newest_of_each(&masters, |_| ()).pop();
        if let Some(n) = newest {
            master.draft = self.judge(n, master.record.as_ref(), None, None);
            if let Some(draft) = &mut master.draft {
                self.work.accept(n, draft, master.record.as_ref());
            }
        }
        if !self.has_overrides {
            if master.draft.is_some() {
                self.write_master(master, &[]);
            }
            return;
        }
        let clock = match (master.id(), master.set(&self.scene.time_zone)) {
            (Some(id), Some(Ok(set))) => {
                Some(Clock { id, set, booked: master.record.as_ref().is_some_and(|r| !r.rooms.is_empty()) })
            }
            (_, Some(Err(failure))) => {
                // only where a stored zone is unknown to this build: a series that comes in was planned already
                for n in overrides {
                    self.work.skip(n, format!("its series cannot be read: {}", failure.message()));
                }
                return;
            }
            _ => None,
        };
        let Some(clock) = clock else {
            for n in self.newest_of_each(&overrides, |event| event.recurrence_id.as_ref().map(key)) {
                self.settle_override(n, None);
            }
            return;
        };
        for known in &mut self.known {
            if let Some(id) = &known.id {
                known.original_start = identity_in(id, &clock.set);
            }
        }
        if let (Some(n), Some(_), Some(_)) = (newest, &master.draft, &master.record) {
            self.tell_of_strays(n, &clock.set);
        }
        let place = |event: &ical::Event| event.recurrence_id.as_ref().map(|id| identity_in(id, &clock.set));
        let created: Vec<NaiveDateTime> = self
            .newest_of_each(&overrides, place)
            .into_iter()
            .filter_map(|n| self.settle_override(n, Some(&clock)))
            .collect();
        let linked = self.link(&clock);
        if linked || !created.is_empty() || master.draft.is_some() {
            let mut starts: Vec<NaiveDateTime> = self.known.iter().map(|known| known.original_start).collect();
            starts.extend(created);
            self.write_master(master, &starts);
        }
    }

    /// One component of each `of`, the newest; the others are skipped.
    fn newest_of_each<K: Hash + Eq>(&mut self, list: &[usize], of: impl Fn(&ical::Event) -> K) -> Vec<usize> {
        let mut newest: HashMap<K, usize> = HashMap::new();
        for n in list {
            let entry = newest.entry(of(self.events[*n])).or_insert(*n);
            if age(self.events[*n]) >= age(self.events[*entry]) {
                *entry = *n;
            }
        }
        let mut chosen: Vec<usize> = newest.into_values().collect();
        chosen.sort_unstable();
        for n in list.iter().filter(|n| chosen.binary_search(n).is_err()) {
            self.work.skip(*n, "a newer copy of it stands in the input");
        }
        chosen
    }

    /// Decides about a component: what it becomes, or why it is not written.
    fn judge(
        &mut self,
        n: usize,
        record: Option<&Record>,
        series: Option<EventId>,
        original_start: Option<NaiveDateTime>,
    ) -> Option<Box<Draft>> {
        let said = self.events[n];
        let mut event = said.clone();
        if let Some(record) = record {
            keep_answers(&mut event, &record.guests);
            match verdict(said, &event, record) {
                Verdict::Update => {}
                Verdict::Unchanged => {
                    self.work.fate(n, ImportOutcome::Unchanged, Vec::new());
                    return None;
                }
                Verdict::Skip(reason) => {
                    self.work.skip(n, reason);
                    return None;
                }
            }
        }
        let place = Place {
            id: record.map_or_else(|| self.scene.ids.mint(), |record| record.event.id),
            series,
            original_start,
            created_at: record.map_or(self.scene.now, |record| record.event.created_at),
        };
        let draft = match draft(&event, digest(said), place, self.scene) {
            Ok(draft) => Box::new(draft),
            Err(reason) => {
                self.work.skip(n, reason);
                return None;
            }
        };
        if let Some(record) = record.filter(|record| !record.rooms.is_empty()) {
            if draft.event.status == Status::Cancelled {
                self.work.released.push(record.event.id);
            } else if draft.event.when != When::of(&record.event)
                && let Some(reason) = self.stuck(&draft, record)
            {
                self.work.skip(n, reason);
                return None;
            }
        }
        Some(draft)
    }

    /// Why the rooms of a record cannot follow it.
    fn stuck(&self, draft: &Draft, record: &Record) -> Option<String> {
        let is_series = record.original_start.is_none();
        if is_series && self.has_overrides {
            return Some(
                "it has rooms booked and occurrences that differ from it; move it here, or release the rooms".into(),
            );
        }
        let bookings = draft.plan.occurrences.len() * record.rooms.len();
        (bookings > MAX_BOOKINGS)
            .then(|| format!("limit reservations: {bookings} of them would move, at most {MAX_BOOKINGS} are allowed"))
    }

    /// Answers which occurrence a new override takes the place of.
    fn settle_override(&mut self, n: usize, clock: Option<&Clock>) -> Option<NaiveDateTime> {
        let id = self.events[n].recurrence_id.as_ref()?;
        let original_start = clock.map_or_else(|| id.local(), |clock| identity_in(id, &clock.set));
        let here = self.known.iter().position(|known| match clock {
            Some(_) => known.original_start == original_start,
            None => known.id.as_ref().is_some_and(|known| key(known) == key(id)),
        });
        let series = clock.map(|clock| clock.id);
        if let Some(at) = here {
            let record = self.known[at].record.clone();
            let mut draft = self.judge(n, Some(&record), series, Some(original_start))?;
            self.known[at].rewritten = true;
            self.work.accept(n, &mut draft, Some(&record));
            self.work.book(&draft.event, &draft.plan, &record, &self.scene.ids);
            self.work.write(draft.event, draft.plan, Some(&record));
            return None;
        }
        if self.known.len() + self.created >= MAX_OVERRIDES {
            self.work.skip(n, format!("limit overrides: at most {MAX_OVERRIDES} occurrences of one series may differ"));
            return None;
        }
        let mut draft = self.judge(n, None, series, Some(original_start))?;
        if let Some(clock) = clock.filter(|clock| clock.booked) {
            if draft.event.status == Status::Cancelled {
                self.work.released_occurrences.push((clock.id, original_start));
            } else if moves(&draft, original_start, clock) {
                self.work
                    .skip(n, "its series has rooms booked and this occurrence would move away from them; move it here");
                return None;
            }
        }
        self.created += 1;
        self.work.accept(n, &mut draft, None);
        self.work.write(draft.event, draft.plan, None);
        Some(original_start)
    }

    /// A series that moved may leave overrides behind that are no occurrences of it any more. They stay: an import takes
    /// nothing away.
    fn tell_of_strays(&mut self, n: usize, set: &Series) {
        let is_stray = |known: &&Known| matches!(set.matches(known.original_start, Budget::default()), Ok(false));
        let strays = self.known.iter().filter(is_stray).count();
        if strays > 0 {
            self.work.note(n, format!("{strays} changed occurrences are no occurrences of it any more; they stay"));
        }
    }

    /// Overrides that came before their series find it now, and those of a series whose clock has changed their
    /// occurrence. True when any record had to be written for it.
    fn link(&mut self, clock: &Clock) -> bool {
        let mut linked = false;
        for known in self.known.iter_mut().filter(|known| !known.rewritten) {
            let record = &known.record;
            let here = (record.event.recurring_event_id, record.original_start);
            if here == (Some(clock.id), Some(known.original_start)) {
                continue;
            }
            let mut event = record.rewritten();
            event.recurring_event_id = Some(clock.id);
            event.original_start = Some(known.original_start);
            // what stands here was planned before, so that this does not fail; it would stay as it is
            if let Ok(plan) = plan(&event.when, event.original_start, self.scene) {
                self.work.write(event, plan, Some(record));
                linked = true;
            } else {
                known.original_start = record.original_start.unwrap_or(known.original_start);
            }
        }
        linked
    }

    /// Writes the series without the occurrences that have a record of their own.
    fn write_master(&mut self, master: Master, overridden: &[NaiveDateTime]) {
        let (event, plan) = match (master.draft, &master.record) {
            (Some(draft), _) => (draft.event, draft.plan),
            (None, Some(record)) => {
                let event = record.rewritten();
                // as above
                let Ok(plan) = plan(&event.when, None, self.scene) else { return };
                (event, plan)
            }
            (None, None) => return,
        };
        let plan = plan.without(overridden);
        if let Some(record) = &master.record {
            self.work.book(&event, &plan, record, &self.scene.ids);
        }
        self.work.write(event, plan, master.record.as_ref());
    }
}
