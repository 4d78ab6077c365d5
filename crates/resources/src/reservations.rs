use std::collections::HashMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{
    EventId, Failure, Limit, Page, ReservationId, ResourceId, Result, Span, TenantId, decode_cursor, encode_cursor,
    filter_hash,
};
use store::Conn;
use uuid::Uuid;

use crate::{Blocker, BookedResource, Booking, MAX_BLOCKERS, Reservation, sql};

/// An occurrence of an event, by its wall time in the series.
pub type OccurrenceKey = (EventId, NaiveDateTime);

/// Every reservation of these events, all occurrences of a series included, by start; one statement. For a list of
/// occurrences take [`list_for_occurrences`], for "which rooms does this series have" [`booked_many`].
pub async fn list_many(conn: &mut Conn, events: &[EventId]) -> Result<HashMap<EventId, Vec<Reservation>>> {
    let rows: Vec<Reservation> = sqlx::query_as(sql::LIST_MANY).bind(events).fetch_all(conn).await?;
    Ok(grouped(rows, |r| r.event_id))
}

/// The reservations of exactly these occurrences; one statement. Occurrences without any are absent.
pub async fn list_for_occurrences(
    conn: &mut Conn,
    occurrences: &[OccurrenceKey],
) -> Result<HashMap<OccurrenceKey, Vec<Reservation>>> {
    let mut occurrences = occurrences.to_vec();
    occurrences.sort_unstable();
    occurrences.dedup();
    let (events, starts): (Vec<EventId>, Vec<NaiveDateTime>) = occurrences.into_iter().unzip();
    let rows: Vec<Reservation> =
        sqlx::query_as(sql::LIST_FOR_OCCURRENCES).bind(events).bind(starts).fetch_all(conn).await?;
    Ok(grouped(rows, |r| (r.event_id, r.original_start)))
}

/// What each of these events has booked, with the number of confirmed reservations, by name; one statement.
pub async fn booked_many(conn: &mut Conn, events: &[EventId]) -> Result<HashMap<EventId, Vec<BookedResource>>> {
    let rows: Vec<BookedResource> = sqlx::query_as(sql::BOOKED_MANY).bind(events).fetch_all(conn).await?;
    Ok(grouped(rows, |r| r.event_id))
}

/// A page of the reservations of one event, by start.
pub async fn page(conn: &mut Conn, event_id: EventId, limit: Limit, cursor: Option<&str>) -> Result<Page<Reservation>> {
    let filters = filter_hash(&("reservations", event_id));
    let (start_time, id) = match cursor {
        Some(cursor) => decode_cursor::<(DateTime<Utc>, ReservationId)>(filters, cursor)?,
        None => (Span::EARLIEST, ReservationId(Uuid::nil())),
    };
    let rows: Vec<Reservation> =
        sqlx::query_as(sql::PAGE).bind(event_id).bind(start_time).bind(id).bind(limit.probe()).fetch_all(conn).await?;
    Ok(Page::cut(rows, limit, filters, |r| (r.start_time, r.id)))
}

/// A page of what holds of one resource in a span, by start.
///
/// # Errors
/// `malformed_request` when the span is empty, `span_too_long` when it is longer than [`crate::MAX_SPAN`].
pub async fn page_of_resource(
    conn: &mut Conn,
    tenant_id: TenantId,
    id: ResourceId,
    span: Span,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Page<Reservation>> {
    crate::availability::check(span)?;
    let filters = of_resource(id, span);
    let (start_time, after) = match cursor {
        Some(cursor) => decode_cursor::<(DateTime<Utc>, ReservationId)>(filters, cursor)?,
        None => (Span::EARLIEST, ReservationId(Uuid::nil())),
    };
    let rows: Vec<Reservation> = sqlx::query_as(sql::OF_RESOURCE)
        .bind(id)
        .bind(tenant_id)
        .bind(span.from)
        .bind(span.to)
        .bind(start_time)
        .bind(after)
        .bind(limit.probe())
        .fetch_all(conn)
        .await?;
    Ok(Page::cut(rows, limit, filters, |r| (r.start_time, r.id)))
}

/// Where that list goes on after this reservation.
pub fn of_resource_cursor(span: Span, reservation: &Reservation) -> String {
    encode_cursor(of_resource(reservation.resource_id, span), &(reservation.start_time, reservation.id))
}

fn of_resource(id: ResourceId, span: Span) -> u64 {
    filter_hash(&("of resource", id, span.from.timestamp_micros(), span.to.timestamp_micros()))
}

/// One reservation of one event.
///
/// # Errors
/// `not_found` when the event has no such reservation.
pub async fn find_reservation_in(conn: &mut Conn, event_id: EventId, id: ReservationId) -> Result<Reservation> {
    sqlx::query_as(sql::FIND_RESERVATION)
        .bind(event_id)
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Failure::not_found("reservation"))
}

/// Who stands in the way of these bookings, by start, at most [`MAX_BLOCKERS`]; one statement, on a connection outside
/// the transaction that failed. `event_id` is the event that asks, where it has reservations already; `moved` are
/// reservations that were to move out of the way. Empty when they have gone since.
pub async fn conflicts(
    conn: &mut Conn,
    tenant_id: TenantId,
    event_id: Option<EventId>,
    moved: &[ReservationId],
    bookings: &[Booking],
) -> Result<Vec<Blocker>> {
    let blockers: Vec<Blocker> = sqlx::query_as(sql::CONFLICTS)
        .bind(tenant_id)
        .bind(bookings.iter().map(|b| b.resource_id).collect::<Vec<_>>())
        .bind(bookings.iter().map(|b| b.start_time).collect::<Vec<_>>())
        .bind(bookings.iter().map(|b| b.end_time).collect::<Vec<_>>())
        .bind(event_id)
        .bind(i64::try_from(MAX_BLOCKERS).unwrap_or(i64::MAX))
        .bind(moved)
        .fetch_all(conn)
        .await?;
    Ok(if blockers.is_empty() { own_overlaps(bookings) } else { blockers })
}

/// Bookings of one call that overlap each other: a daily event of 25 hours stands in its own way.
fn own_overlaps(bookings: &[Booking]) -> Vec<Blocker> {
    let mut of_resource: HashMap<ResourceId, Vec<&Booking>> = HashMap::new();
    for booking in bookings.iter().filter(|b| b.start_time < b.end_time) {
        of_resource.entry(booking.resource_id).or_default().push(booking);
    }
    let mut found = Vec::new();
    for mut list in of_resource.into_values() {
        list.sort_by_key(|b| b.start_time);
        let mut until = Span::EARLIEST;
        for booking in list {
            if booking.start_time < until {
                found.push(Blocker {
                    resource_id: booking.resource_id,
                    start_time: booking.start_time,
                    end_time: booking.end_time,
                    event_id: None,
                    calendar_id: None,
                    visibility: None,
                });
            }
            until = until.max(booking.end_time);
        }
    }
    found.sort_by_key(|b| (b.start_time, b.resource_id));
    found.truncate(MAX_BLOCKERS);
    found
}

fn grouped<K: std::hash::Hash + Eq, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> HashMap<K, Vec<T>> {
    let mut lists: HashMap<K, Vec<T>> = HashMap::new();
    for row in rows {
        lists.entry(key(&row)).or_default().push(row);
    }
    lists
}
