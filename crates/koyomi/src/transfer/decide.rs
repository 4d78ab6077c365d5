//! What an import does with a batch of components: all of the deciding, none of the input and output.

use std::collections::{BTreeMap, HashMap};

use attendees::NewAttendee;
use chrono::NaiveDateTime;
use events::{NewEvent, Plan, Record, Stamp, Status, When};
use kernel::{ChangeKind, EventId, Ids};
use resources::Booking;

use super::from_ical::{Draft, Scene};
use super::report::ImportOutcome;

/// Occurrences written in one transaction, unless a single series has more.
const MAX_OCCURRENCES: usize = 100_000;
/// Events whose rooms move with them in one transaction: each has statements of its own.
const MAX_MOVED: usize = 20;

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
    /// Rooms follow the events that move.
    pub(super) moved: Vec<(EventId, Vec<Booking>)>,
    /// Cancelled events, and cancelled occurrences, give their rooms back.
    pub(super) released: Vec<EventId>,
    pub(super) released_occurrences: Vec<(EventId, NaiveDateTime)>,
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
        super::group::settle(&group, events, known.remove(uid).unwrap_or_default(), scene, &mut work);
    }
    work
}

impl Work {
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty()
    }

    pub(super) fn fate(&mut self, n: usize, outcome: ImportOutcome, notes: Vec<String>) {
        self.fates.insert(n, Fate { outcome, notes });
    }

    /// Adds to what is said about a component.
    pub(super) fn note(&mut self, n: usize, note: String) {
        if let Some(fate) = self.fates.get_mut(&n) {
            fate.notes.push(note);
        }
    }

    pub(super) fn skip(&mut self, n: usize, reason: impl Into<String>) {
        self.fate(n, ImportOutcome::Skipped, vec![reason.into()]);
    }

    /// Takes in what belongs to a component that is written; its record and plan follow by [`Work::write`].
    pub(super) fn accept(&mut self, n: usize, draft: &mut Draft, record: Option<&Record>) {
        let (id, notes) = (draft.event.id, std::mem::take(&mut draft.notes));
        let guests = std::mem::take(&mut draft.guests).into_iter().map(|guest| (id, guest));
        if record.is_some() {
            self.guests_of.push(id);
            self.reinvited.extend(guests);
            self.fate(n, ImportOutcome::Updated, notes);
        } else {
            self.invited.extend(guests);
            self.fate(n, ImportOutcome::Created, notes);
        }
    }

    /// Books the rooms of a record for its new times.
    pub(super) fn book(&mut self, event: &NewEvent, plan: &Plan, record: &Record, ids: &Ids) {
        if record.rooms.is_empty() || event.status == Status::Cancelled || event.when == When::of(&record.event) {
            return;
        }
        let bookings = plan.occurrences.iter().flat_map(|occurrence| {
            record.rooms.iter().map(|resource_id| Booking {
                reservation_id: ids.mint(),
                resource_id: *resource_id,
                original_start: occurrence.original_start,
                start_time: occurrence.start,
                end_time: occurrence.end,
            })
        });
        self.moved.push((event.id, bookings.collect()));
        self.occurrences += MAX_OCCURRENCES / MAX_MOVED;
    }

    /// `record` is what is here of it.
    pub(super) fn write(&mut self, event: NewEvent, plan: Plan, record: Option<&Record>) {
        self.occurrences += plan.occurrences.len();
        let id = event.id;
        match record {
            Some(record) => {
                self.read.push(Stamp { id, seq: record.event.seq });
                self.touched.push((id, ChangeKind::EventUpdated));
                self.changed.push((event, plan));
            }
            None => {
                self.touched.push((id, ChangeKind::EventCreated));
                self.new.push((event, plan));
            }
        }
    }
}
