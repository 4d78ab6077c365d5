//! Rows on their way into the tables, and a calendar that keeps its own history while it is filled.

use std::collections::{BTreeMap, HashMap};

use attendees::ResponseStatus;
use chrono::{DateTime, TimeDelta, Utc};
use events::{NewEvent, Plan, Role, Status};
use kernel::{AttendeeId, CalendarId, ChangeKind, EventId, ReservationId, ResourceId, Result, UserId};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use recurrence::Occurrence;
use resources::Resource;
use users::User;
use uuid::{Builder, Uuid};

use super::draft::Draft;

/// What does not belong to any calendar.
#[derive(Debug, Clone, Default)]
pub(super) struct Ground {
    pub(super) users: Vec<User>,
    pub(super) resources: Vec<Resource>,
}

/// Some calendars with all that is in them.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) calendars: Vec<CalendarRow>,
    pub(super) members: Vec<MemberRow>,
    pub(super) events: Vec<EventRow>,
    pub(super) attendees: Vec<AttendeeRow>,
    pub(super) reservations: Vec<ReservationRow>,
    pub(super) changes: Vec<ChangeRow>,
}

#[derive(Debug)]
pub(super) struct CalendarRow {
    pub(super) id: CalendarId,
    pub(super) owner_id: UserId,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) color: &'static str,
    pub(super) time_zone: &'static str,
    pub(super) longest_seconds: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) seq: i64,
    pub(super) acl: i64,
}

#[derive(Debug)]
pub(super) struct MemberRow {
    pub(super) calendar_id: CalendarId,
    pub(super) user_id: UserId,
    pub(super) role: Role,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct EventRow {
    pub(super) event: NewEvent,
    pub(super) plan: Plan,
    pub(super) seq: i64,
}

#[derive(Debug)]
pub(super) struct AttendeeRow {
    pub(super) id: AttendeeId,
    pub(super) event_id: EventId,
    pub(super) user_id: Option<UserId>,
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) is_optional: bool,
    pub(super) response_status: ResponseStatus,
    pub(super) comment: Option<&'static str>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) responded_at: Option<DateTime<Utc>>,
}

#[derive(Debug)]
pub(super) struct ReservationRow {
    pub(super) id: ReservationId,
    pub(super) resource_id: ResourceId,
    pub(super) event_id: EventId,
    pub(super) occurrence: Occurrence,
    pub(super) exclusive: bool,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Debug)]
pub(super) struct ChangeRow {
    pub(super) calendar_id: CalendarId,
    pub(super) seq: i64,
    pub(super) kind: ChangeKind,
    pub(super) object_id: Uuid,
    pub(super) at: DateTime<Utc>,
}

impl Rows {
    /// In the order in which people would have written them, calendars mixed: tables that are sorted by calendar would
    /// be kinder to every query than a real one ever is.
    pub(super) fn interleave(&mut self) {
        self.events.sort_by_key(|row| (row.event.created_at, row.event.id));
        self.attendees.sort_by_key(|row| row.created_at);
        self.reservations.sort_by_key(|row| row.created_at);
        self.changes.sort_by_key(|row| row.at);
    }
}

/// Chance that repeats.
#[derive(Debug)]
pub(super) struct Dice(StdRng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A UUIDv7 of that moment.
    pub(super) fn id<Id: From<Uuid>>(&mut self, at: DateTime<Utc>) -> Id {
        let mut tail = [0u8; 10];
        self.0.fill_bytes(&mut tail);
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().into()
    }

    /// Below `n`; 0 where there is nothing below.
    pub(super) fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.random_range(0..n) }
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// In `[0, 1)`.
    pub(super) fn part(&mut self) -> f64 {
        self.0.random()
    }

    /// One of them; the list is never empty.
    pub(super) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

/// Rooms and who has them when, so that no two bookings meet.
#[derive(Debug)]
pub(super) struct Rooms {
    list: Vec<Resource>,
    taken: Vec<BTreeMap<DateTime<Utc>, DateTime<Utc>>>,
}

impl Rooms {
    pub(super) fn new(list: Vec<Resource>) -> Self {
        Self { taken: vec![BTreeMap::new(); list.len()], list }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Takes room `n` for all of the occurrences; `None` when it is not free for one of them.
    fn book(&mut self, n: usize, occurrences: &[Occurrence]) -> Option<(ResourceId, bool)> {
        let room = self.list.get(n)?;
        let taken = &mut self.taken[n];
        if room.exclusive {
            let free = |o: &Occurrence| taken.range(..o.end).next_back().is_none_or(|(_, until)| *until <= o.start);
            let apart = occurrences.windows(2).all(|pair| pair[0].end <= pair[1].start);
            if !apart || !occurrences.iter().all(free) {
                return None;
            }
            taken.extend(occurrences.iter().filter(|o| o.start < o.end).map(|o| (o.start, o.end)));
        }
        Some((room.id, room.exclusive))
    }
}

/// A calendar being filled.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) calendar: CalendarRow,
    now: DateTime<Utc>,
    rows: Rows,
    history: Vec<(DateTime<Utc>, ChangeKind, Uuid)>,
}

impl Book {
    pub(super) fn open(calendar: CalendarRow, now: DateTime<Utc>) -> Self {
        let mut rows = Rows::default();
        rows.members.push(MemberRow {
            calendar_id: calendar.id,
            user_id: calendar.owner_id,
            role: Role::Owner,
            created_at: calendar.created_at,
        });
        let history = vec![(calendar.created_at, ChangeKind::CalendarCreated, calendar.id.0)];
        Self { calendar, now, rows, history }
    }

    /// Shares the calendar, a second later for each who came before.
    pub(super) fn share(&mut self, user_id: UserId, role: Role) {
        if self.rows.members.iter().any(|m| m.user_id == user_id) {
            return;
        }
        let after = TimeDelta::seconds(i64::try_from(self.rows.members.len()).unwrap_or(0));
        let created_at = (self.calendar.created_at + after).min(self.now);
        self.rows.members.push(MemberRow { calendar_id: self.calendar.id, user_id, role, created_at });
        self.history.push((created_at, ChangeKind::MemberChanged, user_id.0));
    }

    /// Writes an event down with its guests and the first of its rooms that is free.
    pub(super) fn add(&mut self, draft: Draft, dice: &mut Dice, rooms: &mut Rooms) -> Result<EventId> {
        let Draft { mut event, guests, rooms: wanted, overridden } = draft;
        let earliest = self.calendar.created_at + TimeDelta::hours(1);
        let created_at = event.created_at.max(earliest).min(self.now);
        let id: EventId = dice.id(created_at);
        event.id = id;
        event.calendar_id = self.calendar.id;
        event.created_at = created_at;
        event.updated_at = created_at;
        if event.uid.is_empty() {
            event.uid = format!("{id}@koyomi");
        }
        let horizon = events::horizon(self.now);
        let mut plan = Plan::of(&event.when, self.calendar.time_zone, horizon)?.without(&overridden);
        if let Some(original_start) = event.original_start {
            plan.occurrences.iter_mut().for_each(|o| o.original_start = original_start);
        }
        self.history.push((created_at, ChangeKind::EventCreated, id.0));
        for (n, guest) in guests.into_iter().enumerate() {
            let created_at = created_at + TimeDelta::microseconds(i64::try_from(n).unwrap_or(0));
            let responded_at = guest.answered_after.map(|after| (created_at + after).min(self.now).max(created_at));
            if let Some(at) = responded_at {
                self.history.push((at, ChangeKind::EventUpdated, id.0));
            }
            self.rows.attendees.push(AttendeeRow {
                id: dice.id(created_at),
                event_id: id,
                user_id: guest.user_id,
                email: guest.email,
                name: guest.name,
                is_optional: guest.is_optional,
                response_status: guest.answer,
                comment: guest.comment,
                created_at,
                responded_at,
            });
        }
        if event.status != Status::Cancelled {
            let room = wanted.iter().find_map(|n| rooms.book(*n, &plan.occurrences));
            if let Some(room) = room {
                self.reserve(room, id, created_at, &plan.occurrences, dice);
            }
        }
        self.calendar.longest_seconds = self.calendar.longest_seconds.max(plan.longest_seconds());
        self.rows.events.push(EventRow { event, plan, seq: 0 });
        Ok(id)
    }

    fn reserve(
        &mut self,
        (resource_id, exclusive): (ResourceId, bool),
        event_id: EventId,
        created_at: DateTime<Utc>,
        occurrences: &[Occurrence],
        dice: &mut Dice,
    ) {
        self.rows.reservations.extend(occurrences.iter().map(|occurrence| ReservationRow {
            id: dice.id(created_at),
            resource_id,
            event_id,
            occurrence: *occurrence,
            exclusive,
            created_at,
        }));
    }

    /// Numbers the history: one commit, one seq.
    pub(super) fn close(mut self, into: &mut Rows) {
        self.history.sort_by_key(|(at, ..)| *at);
        let mut last: HashMap<Uuid, i64> = HashMap::new();
        for ((at, kind, object_id), seq) in self.history.into_iter().zip(1..) {
            last.insert(object_id, seq);
            self.calendar.seq = seq;
            self.calendar.acl += i64::from(matches!(kind, ChangeKind::CalendarCreated | ChangeKind::MemberChanged));
            into.changes.push(ChangeRow { calendar_id: self.calendar.id, seq, kind, object_id, at });
        }
        for row in &mut self.rows.events {
            row.seq = last.get(&row.event.id.0).copied().unwrap_or(0);
        }
        into.calendars.push(self.calendar);
        into.members.append(&mut self.rows.members);
        into.events.append(&mut self.rows.events);
        into.attendees.append(&mut self.rows.attendees);
        into.reservations.append(&mut self.rows.reservations);
    }
}
