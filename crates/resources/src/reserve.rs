use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, EventId, Failure, ReservationId, ResourceId, Result, Span, TenantId};
use store::{Batch, Conn, Part, Rows};

use crate::{Booking, Reservation, ReservationStatus, error, sql, written};

/// Books resources of the tenant for an event that has none yet; read the answer with [`reserved`].
///
/// Somebody else's booking at that time fails the batch ([`crate::is_overlap`]).
pub fn reserve_part(
    batch: &mut Batch,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    bookings: &[Booking],
) {
    bind(batch.part(sql::RESERVE), tenant_id, event_id, now, bookings).done();
}

/// Reads what [`reserve_part`] made, by start.
///
/// # Errors
/// `validation_failed` at `/resources/{n}` for resources that the tenant does not have; `n` counts the different
/// resources of the bookings in the order of their first one. The transaction must not commit then.
pub fn reserved(rows: &mut Rows, bookings: &[Booking]) -> Result<Vec<Reservation>> {
    complete(rows.take()?, bookings)
}

/// [`reserve_part`] and [`reserved`] in a statement of their own.
///
/// # Errors
/// Those of [`reserved`], and `resource_conflict` without names.
pub async fn reserve_in(
    conn: &mut Conn,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    bookings: &[Booking],
) -> Result<Vec<Reservation>> {
    let mut batch = Batch::new();
    reserve_part(&mut batch, tenant_id, event_id, now, bookings);
    reserved(&mut batch.run(conn).await.map_err(written)?, bookings)
}

/// Makes the bookings all that the event has, in one statement; read the answer with [`replaced`].
///
/// A booking is known by resource and original start. One that stays as it was is not touched, one whose time changed
/// (or that was withdrawn) keeps its id, one that is no longer asked for goes. The constraint is checked when the
/// statement ends, so a series may move over its own former times, and what this event gives up another of the same
/// batch may take. The caller holds the event, so that nobody else replaces at the same moment.
pub fn replace_parts(
    batch: &mut Batch,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    bookings: &[Booking],
) {
    bind(batch.quiet(sql::RELEASE_OTHERS), tenant_id, event_id, now, bookings).done();
    extend_parts(batch, tenant_id, event_id, now, bookings);
}

/// As [`replace_parts`], but what else the event has stays: more rooms for an event that may have some; read the answer
/// with [`replaced`]. What it has already is not booked twice.
pub fn extend_parts(
    batch: &mut Batch,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    bookings: &[Booking],
) {
    bind(batch.part(sql::MOVE), tenant_id, event_id, now, bookings).done();
    bind(batch.part(sql::RESERVE_MISSING), tenant_id, event_id, now, bookings).done();
    batch.part(sql::BEFORE).bind(event_id).done();
}

/// Reads the reservations that the bookings of [`replace_parts`] or [`extend_parts`] became or already were, by start.
///
/// # Errors
/// As [`reserved`].
pub fn replaced(rows: &mut Rows, bookings: &[Booking]) -> Result<Vec<Reservation>> {
    let mut now: Vec<Reservation> = rows.take()?;
    now.extend(rows.take::<Reservation>()?);
    let wanted: HashMap<_, _> = bookings.iter().map(|b| ((b.resource_id, b.original_start), b)).collect();
    let stayed = rows.take::<Reservation>()?.into_iter().filter(|r| {
        r.status == ReservationStatus::Confirmed
            && wanted.get(&key(r)).is_some_and(|b| (b.start_time, b.end_time) == (r.start_time, r.end_time))
    });
    now.extend(stayed);
    complete(now, bookings)
}

/// [`replace_parts`] and [`replaced`] in a statement of their own.
///
/// # Errors
/// Those of [`replaced`], and `resource_conflict` without names.
pub async fn replace_in(
    conn: &mut Conn,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    bookings: &[Booking],
) -> Result<Vec<Reservation>> {
    let mut batch = Batch::new();
    replace_parts(&mut batch, tenant_id, event_id, now, bookings);
    replaced(&mut batch.run(conn).await.map_err(written)?, bookings)
}

/// Gives back everything these events have booked; answers nothing.
pub fn release_part(batch: &mut Batch, events: &[EventId]) {
    batch.quiet(sql::RELEASE).bind(events.to_vec()).bind(None::<Vec<NaiveDateTime>>).done();
}

/// Gives back what these occurrences of an event have booked; answers nothing.
pub fn release_occurrences_part(batch: &mut Batch, event_id: EventId, starts: &[NaiveDateTime]) {
    batch.quiet(sql::RELEASE).bind(vec![event_id]).bind(Some(starts.to_vec())).done();
}

/// Withdraws one reservation: the time is free again, and the event goes on showing it as cancelled.
///
/// # Errors
/// `not_found` when the event has no such reservation.
pub async fn release_in(conn: &mut Conn, event_id: EventId, id: ReservationId) -> Result<Reservation> {
    sqlx::query_as(sql::WITHDRAW)
        .bind(event_id)
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Failure::not_found("reservation"))
}

/// Every booking must have become a reservation; a resource that could not be held is unknown.
fn complete(mut rows: Vec<Reservation>, bookings: &[Booking]) -> Result<Vec<Reservation>> {
    let made: HashSet<_> = rows.iter().map(key).collect();
    error::known(bookings, &made)?;
    rows.sort_by_key(|r| (r.start_time, r.id));
    Ok(rows)
}

fn key(reservation: &Reservation) -> (ResourceId, NaiveDateTime) {
    (reservation.resource_id, reservation.original_start)
}

/// `$1` to `$8` of the booking statements.
fn bind<'b>(
    part: Part<'b>,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    bookings: &[Booking],
) -> Part<'b> {
    part.bind(tenant_id)
        .bind(event_id)
        .bind(now)
        .bind(column(bookings, |b| b.reservation_id))
        .bind(column(bookings, |b| b.resource_id))
        .bind(column(bookings, |b| b.original_start))
        .bind(column(bookings, |b| b.start_time))
        .bind(column(bookings, |b| b.end_time))
}

fn column<T>(bookings: &[Booking], of: impl Fn(&Booking) -> T) -> Vec<T> {
    bookings.iter().map(of).collect()
}

/// Gives back everything that an event and its overrides have booked.
pub fn release_series_part(batch: &mut Batch, event_id: EventId) {
    batch.quiet(sql::RELEASE_SERIES).bind(event_id).done();
}

/// Moves what these occurrences have booked, each known by event and original start, to another time. Somebody else's
/// booking there fails the batch ([`crate::is_overlap`]).
pub fn shift_part(batch: &mut Batch, moved: &[(EventId, NaiveDateTime, Span)]) {
    batch
        .quiet(sql::SHIFT)
        .bind(moved.iter().map(|(event_id, ..)| *event_id).collect::<Vec<_>>())
        .bind(moved.iter().map(|(_, original_start, _)| *original_start).collect::<Vec<_>>())
        .bind(moved.iter().map(|(.., span)| span.from).collect::<Vec<_>>())
        .bind(moved.iter().map(|(.., span)| span.to).collect::<Vec<_>>())
        .done();
}

/// Gives back everything that the events of a calendar have booked.
pub fn release_calendar_part(batch: &mut Batch, calendar_id: CalendarId) {
    batch.quiet(sql::RELEASE_CALENDAR).bind(calendar_id).done();
}
