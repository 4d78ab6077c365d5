//! What an import does with a batch of components: all of the deciding, none of the input and output.

use std::collections::{BTreeMap, HashMap};

use attendees::NewAttendee;
use chrono::NaiveDateTime;
use events::{NewEvent, Plan, Record, Stamp, Status, When};
use kernel::{ChangeKind, EventId};
use recurrence::{Moment, Series};

use super::content::{Verdict, age, digest, keep_answers, verdict};
use super::from_ical::{Draft, Place, Scene, draft, plan};
use super::report::ImportOutcome;
use super::source::Source;
use super::time::{at, identity_in, key};
use super::to_ical::recurrence_id;

/// Overrides of one series: each batch that brings one reads all of them.
const MAX_OVERRIDES: usize = 5_000;
/// Occurrences written in one transaction, unless a single series has more.
const MAX_OCCURRENCES: usize = 100_000;

/// What became of one component, and why where that needs saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) outcome: ImportOutcome,
    pub(super) notes: Vec<String>,
}

/// What a transaction has to write.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Of the components, by their position in the batch.
    pub(super) fates: BTreeMap<usize, Fate>,
    /// Components for the next transaction.
    pub(super) left: Vec<usize>,
    pub(super) new: Vec<(NewEvent, Plan)>,
    pub(super) changed: Vec<(NewEvent, Plan)>,
    /// What was known of `changed` when this was decided.
    pub(super) read: Vec<Stamp>,
    pub(super) invited: Vec<(EventId, NewAttendee)>,
    /// Records whose list of guests is replaced by `reinvited`.
    pub(super) guests_of: Vec<EventId>,
    pub(super) reinvited: Vec<(EventId, NewAttendee)>,
    /// Cancelled events give their rooms back.
    pub(super) released: Vec<EventId>,
    pub(super) touched: Vec<(EventId, ChangeKind)>,
    occurrences: usize,
}

/// Decides what becomes of `events`. `records` are all that the calendar has under their UIDs.
pub(super) fn decide(events: &[&ical::Event], records: Vec<Record>, scene: &Scene) -> Work {
    let mut known: HashMap<String, Vec<Record>> = HashMap::new();
    for record in records {
        known.entry(record.event.uid.clone()).or_default().push(record);
    }
    let mut order: Vec<&str> = Vec::new();
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (n, event) in events.iter().enumerate() {
        let group = groups.entry(&event.uid).or_default();
        if group.is_empty() {
            order.push(&event.uid);
        }
        group.push(n);
    }
    let mut work = Work::default();
    for uid in order {
        let group = groups.remove(uid).unwrap_or_default();
        if work.occurrences >= MAX_OCCURRENCES {
            work.left.extend(group);
            continue;
        }
        Group::new(uid, events, known.remove(uid).unwrap_or_default(), scene, &mut work).settle(&group);
    }
    work
}

/// All of one UID: its series or single event, and the overrides.
struct Group<'a> {
    events: &'a [&'a ical::Event],
    scene: &'a Scene,
    work: &'a mut Work,
    master: Option<Record>,
    overrides: Vec<Known>,
}

/// An override that is here.
struct Known {
    record: Record,
    id: Option<Moment>,
    /// Which occurrence it stands for, once the series is settled.
    original_start: NaiveDateTime,
    rewritten: bool,
}

/// The series as it will be after this batch.
struct Settled {
    id: EventId,
    set: Series,
    booked: bool,
    state: State,
}

enum State {
    New(Box<Draft>),
    Changed(Box<Draft>),
    Kept(Box<Record>),
}

impl<'a> Group<'a> {
    fn new(uid: &str, events: &'a [&'a ical::Event], records: Vec<Record>, scene: &'a Scene, work: &'a mut Work) -> Self {
        debug_assert!(records.iter().all(|record| record.event.uid == uid));
        let (overrides, masters): (Vec<_>, Vec<_>) = records.into_iter().partition(|r| r.original_start.is_some());
        let overrides = overrides.into_iter().filter_map(|record| {
            let original_start = record.original_start?;
            Some(Known { record, id: None, original_start, rewritten: false })
        });
        Self { events, scene, work, master: masters.into_iter().next(), overrides: overrides.collect() }
    }

    fn settle(mut self, group: &[usize]) {
        self.place_overrides();
        let events = self.events;
        let (overrides, masters): (Vec<usize>, Vec<usize>) =
            group.iter().copied().partition(|n| events[*n].recurrence_id.is_some());
        let series = self.settle_master(&masters);
        if let Some(series) = &series {
            for known in &mut self.overrides {
                if let Some(id) = &known.id {
                    known.original_start = identity_in(id, &series.set);
                }
            }
        }
        let mut starts: Vec<NaiveDateTime> = Vec::new();
        for n in self.newest_of_each(&overrides, series.as_ref()) {
            starts.extend(self.settle_override(n, series.as_ref()));
        }
        if let Some(series) = series {
            self.link(series, &starts);
        }
    }

    /// RECURRENCE-IDs of the overrides that are here, on the clock of the series as it is now.
    fn place_overrides(&mut self) {
        let series = self.master.as_ref().map(|master| When::of(&master.event));
        for known in &mut self.overrides {
            let record = &known.record;
            known.id = match (&series, record.event.recurring_event_id) {
                (Some(series), Some(_)) => at(series, known.original_start).ok(),
                _ => {
                    let source = Source::of(record.source.as_ref());
                    recurrence_id(record, &When::of(&record.event), source.as_ref(), None).ok().flatten()
                }
            };
        }
    }

    fn settle_master(&mut self, masters: &[usize]) -> Option<Settled> {
        let newest = masters.iter().copied().max_by_key(|n| age(self.events[*n]))?;
        for n in masters.iter().filter(|n| **n != newest) {
            self.skip(*n, "a newer copy of it stands in the input");
        }
        let record = self.master.take();
        let settled = self.settle_one(newest, record.as_ref(), None, None);
        self.master = record;
        let state = match settled {
            Some((draft, true)) => State::New(draft),
            Some((draft, false)) => State::Changed(draft),
            None => return self.kept_master(),
        };
        let (State::New(draft) | State::Changed(draft)) = &state else { return None };
        let set = draft.event.when.series(&self.scene.time_zone).ok()?;
        let booked = self.master.as_ref().is_some_and(|master| master.booked);
        Some(Settled { id: draft.event.id, set, booked, state })
    }

    fn kept_master(&mut self) -> Option<Settled> {
        let master = self.master.take()?;
        let set = When::of(&master.event).series(&self.scene.time_zone).ok()?;
        Some(Settled { id: master.event.id, set, booked: master.booked, state: State::Kept(Box::new(master)) })
    }
}
