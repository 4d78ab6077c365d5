//! Event, guests and rooms in one transaction.

use attendees::NewAttendee;
use events::{Event, Found, Happening, NewEvent, Plan, Status, Transparency, View, Visibility, horizon};
use kernel::{CalendarId, Caller, Change, ChangeKind, Checks, EventId, Failure, ReservationId, ResourceId, Result};
use recurrence::Occurrence;
use resources::Booking;
use store::{Batch, Claim, IdempotencyKey, Store, Tx, claim_part, detached, read_claim};

use crate::{EventTime, Koyomi, access, input};

/// What an event is created from.
#[derive(Debug, Clone)]
pub struct EventInput {
    pub calendar_id: CalendarId,
    /// RFC 5545 UID; minted when absent.
    pub uid: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub location: Option<String>,
    pub status: Status,
    pub visibility: Visibility,
    pub transparency: Transparency,
    pub start: EventTime,
    pub end: Option<EventTime>,
    pub recurrence: Vec<String>,
    pub attendees: Vec<GuestInput>,
    pub resources: Vec<ResourceId>,
}

/// An invitation.
#[derive(Debug, Clone)]
pub struct GuestInput {
    pub email: String,
    pub name: Option<String>,
    pub is_optional: bool,
}

pub(crate) const MAX_TITLE: usize = 1_000;
pub(crate) const MAX_TEXT: usize = 64 * 1024;
pub(crate) const MAX_LOCATION: usize = 2_000;
pub(crate) fn check_texts(title: &str, description: Option<&str>, location: Option<&str>, checks: &mut Checks) {
    checks.text("/title", title, MAX_TITLE);
    checks.text("/description", description.unwrap_or_default(), MAX_TEXT);
    checks.text("/location", location.unwrap_or_default(), MAX_LOCATION);
}

impl Koyomi {
    /// Creates an event with its guests and rooms: all of it or nothing.
    ///
    /// # Errors
    /// `validation_failed`, `resource_conflict` (somebody has the room), `uid_taken`, `not_found` and `forbidden` for
    /// the calendar.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn create_event(
        &self,
        caller: &Caller,
        input: EventInput,
        key: Option<IdempotencyKey>,
    ) -> Result<Happening> {
        let (draft, guests) = self.draft(caller, input)?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let calendar = draft.event.calendar_id;
            let mut batch = Batch::new();
            if let Some(key) = &key {
                claim_part(&mut batch, caller.user_id, key, tx.now());
            }
            events::grants_part(&mut batch, &caller, &[calendar]);
            let mut rows = batch.run(tx.conn()).await?;
            if let Some(key) = key {
                let claim = read_claim(&mut rows, tx.conn(), caller.user_id, &key).await?;
                if let Claim::Replay(happening) = claim {
                    return Ok(happening);
                }
                tx.answer_under(caller.user_id, key);
            }
            let grant = access::writable(rows.take()?, calendar)?;
            tx.authorised(calendar, grant.acl);
            write(&store, tx, &caller, draft, &guests, &grant.time_zone).await
        })
        .await
    }

    /// Checks what came in and mints what it needs.
    fn draft(&self, caller: &Caller, input: EventInput) -> Result<(Draft, Vec<NewAttendee>)> {
        let mut checks = Checks::new();
        check_texts(&input.title, input.description.as_deref(), input.location.as_deref(), &mut checks);
        if let Some(uid) = &input.uid {
            checks.name("/uid", uid, 512);
        }
        let when = input::when(&input.start, input.end.as_ref(), input.recurrence, &mut checks);
        resources::check_booked(&input.resources, &mut checks, "/resources");
        let books = input.status != Status::Cancelled || input.resources.is_empty();
        checks.require(books, "/resources", "must be empty: a cancelled event books nothing");
        let ids = self.store.ids();
        let mut guests: Vec<NewAttendee> = input.attendees.into_iter().map(|guest| self.invitation(guest)).collect();
        NewAttendee::check_all(&mut guests, &mut checks, "/attendees");
        checks.done()?;
        let Some(when) = when else {
            return Err(Failure::internal("a rejected time without a violation"));
        };
        let id: EventId = ids.mint();
        let now = self.store.clock().now();
        let event = NewEvent {
            id,
            calendar_id: input.calendar_id,
            uid: input.uid.unwrap_or_else(|| format!("{id}@koyomi")),
            recurring_event_id: None,
            original_start: None,
            previous_series_id: None,
            next_series_id: None,
            title: input.title,
            description: input.description,
            location: input.location,
            status: input.status,
            visibility: input.visibility,
            transparency: input.transparency,
            when,
            organizer_id: Some(caller.user_id),
            organizer_email: None,
            organizer_name: None,
            sequence: 0,
            extra: Vec::new(),
            source: None,
            stamped_at: None,
            created_at: now,
            updated_at: now,
        };
        Ok((Draft { event, resources: input.resources }, guests))
    }
}

/// A checked event on its way into the database.
#[derive(Debug)]
struct Draft {
    event: NewEvent,
    resources: Vec<ResourceId>,
}

async fn write(
    store: &Store,
    mut tx: Tx,
    caller: &Caller,
    draft: Draft,
    guests: &[NewAttendee],
    calendar_zone: &str,
) -> Result<Happening> {
    let Draft { event, resources } = draft;
    let plan = Plan::of(&event.when, calendar_zone, horizon(tx.now()))?;
    let bookings = bookings(store, &resources, &plan.occurrences)?;
    let (id, calendar_id, now) = (event.id, event.calendar_id, tx.now());
    let mut happening = fresh(&event, &plan, calendar_zone, guests.len(), caller);
    let mut batch = Batch::new();
    attendees::insert_part(&mut batch, caller.tenant_id, id, now, guests);
    resources::reserve_part(&mut batch, caller.tenant_id, id, now, &bookings);
    events::write_part(&mut batch, event.calendar_id, &[(event, plan)], &[])?;
    let mut rows = match batch.run(tx.conn()).await {
        Ok(rows) => rows,
        Err(error) if resources::is_overlap(&error) => {
            drop(tx);
            return Err(conflict(store, caller, calendar_id, None, &[], &bookings).await);
        }
        Err(error) => return Err(written(error)),
    };
    rows.skip();
    happening.room_name =
        resources::reserved(&mut rows, &bookings)?.into_iter().min_by_key(|r| r.resource_id).map(|r| r.resource_name);
    let event = happening.event.clone();
    tx.touch(touched(&event, ChangeKind::EventCreated));
    tx.commit(|versions| {
        happening.event.seq = versions.first().map_or(0, |v| v.seq);
        happening
    })
    .await
}

/// A constraint of any of the rooms, in the words of the room whose it is.
fn written(error: sqlx::Error) -> Failure {
    attendees::refusal(&error).unwrap_or_else(|| events::written(error))
}

/// One reservation per occurrence and room.
pub(crate) fn bookings(store: &Store, resources: &[ResourceId], occurrences: &[Occurrence]) -> Result<Vec<Booking>> {
    let bookings: Vec<Booking> = occurrences
        .iter()
        .flat_map(|o| {
            resources.iter().map(move |resource_id| Booking {
                reservation_id: store.ids().mint(),
                resource_id: *resource_id,
                original_start: o.original_start,
                start_time: o.start,
                end_time: o.end,
            })
        })
        .collect();
    Booking::check_number(&bookings)?;
    Ok(bookings)
}

/// Who holds the rooms, told after the transaction is gone; `moved` are reservations that were to move away. Which event it is, the caller learns where he writes.
pub(crate) async fn conflict(
    store: &Store,
    caller: &Caller,
    calendar: CalendarId,
    event: Option<EventId>,
    moved: &[ReservationId],
    bookings: &[Booking],
) -> Failure {
    let explained = async {
        let mut conn = store.conn().await?;
        resources::conflicts(&mut conn, caller.tenant_id, event, moved, bookings).await
    };
    match explained.await {
        Ok(blockers) => resources::overlap_failure(blockers, |b| b.calendar_id == Some(calendar)),
        Err(failure) => failure,
    }
}

/// The event as it will be read back, without reading it back.
fn fresh(new: &NewEvent, plan: &Plan, calendar_zone: &str, guests: usize, caller: &Caller) -> Happening {
    Happening {
        event: new.event(0),
        start_time: plan.start_time,
        end_time: plan.end_time,
        original_start: new.when.start_local,
        attendee_count: i64::try_from(guests).unwrap_or(i64::MAX),
        organizer_name: Some(caller.name.clone()),
        organizer_address: Some(caller.email.clone()),
        organizer_avatar_url: None,
        room_name: None,
        calendar_time_zone: calendar_zone.to_owned(),
        invited: false,
        view: Some(View::Full),
    }
}

pub(crate) fn touched(event: &Event, kind: ChangeKind) -> Change {
    Change { calendar_id: event.calendar_id, kind, object_id: event.id.0 }
}

/// Locks an event that the caller may change.
pub(crate) async fn find_for_change(tx: &mut Tx, caller: &Caller, id: EventId) -> Result<Found> {
    let mut batch = Batch::new();
    events::find_for_update_part(&mut batch, caller, id);
    let mut rows = batch.run(tx.conn()).await?;
    let found = access::change_event(events::read_found(&mut rows)?)?;
    tx.authorised(found.happening.event.calendar_id, found.calendar_acl);
    Ok(found)
}
