use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use kernel::{AttendeeId, EventId, Failure, Limit, Page, Result, Span, UserId, decode_cursor, filter_hash};
use store::Conn;
use uuid::Uuid;

use crate::{Attendee, Guest, ResponseStatus, sql};

/// Where a page begins: behind this guest.
type Position = (DateTime<Utc>, AttendeeId);

const BEGINNING: Position = (Span::EARLIEST, AttendeeId(Uuid::nil()));

fn position(guest: &Guest) -> Position {
    (guest.created_at, guest.id)
}

/// A cursor of one event's guests fits [`page`] and [`first_many`] alike.
fn filters(event_id: EventId) -> u64 {
    filter_hash(&("attendees", event_id))
}

/// Everybody who is invited to these events, each list in its order; one statement. Events without guests are absent.
pub async fn list_many(conn: &mut Conn, events: &[EventId]) -> Result<HashMap<EventId, Vec<Guest>>> {
    fetch(conn, events, None).await
}

/// The first page of the guests of each of these events; one statement. Events without guests are absent. The cursors
/// continue in [`page`].
pub async fn first_many(conn: &mut Conn, events: &[EventId], limit: Limit) -> Result<HashMap<EventId, Page<Guest>>> {
    Ok(fetch(conn, events, Some(limit.probe()))
        .await?
        .into_iter()
        .map(|(id, guests)| (id, Page::cut(guests, limit, filters(id), position)))
        .collect())
}

async fn fetch(conn: &mut Conn, events: &[EventId], each: Option<i64>) -> Result<HashMap<EventId, Vec<Guest>>> {
    let events: Vec<EventId> = distinct(events);
    let mut lists: HashMap<EventId, Vec<Guest>> = HashMap::new();
    if events.is_empty() {
        return Ok(lists);
    }
    let guests: Vec<Guest> = sqlx::query_as(sql::LIST_MANY).bind(events).bind(each).fetch_all(conn).await?;
    for guest in guests {
        lists.entry(guest.event_id).or_default().push(guest);
    }
    // They come in order as long as the plan is the one we want; sorting what is sorted costs nothing.
    for guests in lists.values_mut() {
        guests.sort_by_key(position);
    }
    Ok(lists)
}

/// A page of the guests of one event with their comments, in the order of the list.
pub async fn page(conn: &mut Conn, event_id: EventId, limit: Limit, cursor: Option<&str>) -> Result<Page<Attendee>> {
    let filters = filters(event_id);
    let (created_at, id) = match cursor {
        Some(cursor) => decode_cursor::<Position>(filters, cursor)?,
        None => BEGINNING,
    };
    let rows: Vec<Attendee> =
        sqlx::query_as(sql::PAGE).bind(event_id).bind(created_at).bind(id).bind(limit.probe()).fetch_all(conn).await?;
    Ok(Page::cut(rows, limit, filters, |a| position(&a.guest)))
}

/// Those of the invitations that belong to one of the events, with their comments; one statement.
pub async fn find_many(
    conn: &mut Conn,
    events: &[EventId],
    ids: &[AttendeeId],
) -> Result<HashMap<AttendeeId, Attendee>> {
    let rows: Vec<Attendee> =
        sqlx::query_as(sql::FIND).bind(distinct::<EventId>(events)).bind(ids).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|a| (a.guest.id, a)).collect())
}

/// One invitation of one event.
///
/// # Errors
/// `not_found` when the event has no such invitation.
pub async fn find_in(conn: &mut Conn, event_id: EventId, id: AttendeeId) -> Result<Attendee> {
    find_many(conn, &[event_id], &[id]).await?.remove(&id).ok_or_else(|| Failure::not_found("attendee"))
}

/// How many are invited to each of these events; one statement. Events without guests are absent.
pub async fn count_many(conn: &mut Conn, events: &[EventId]) -> Result<HashMap<EventId, i64>> {
    let rows: Vec<(EventId, i64)> = sqlx::query_as(sql::COUNT_MANY).bind(events).fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// What one user answered to those of these events they are invited to; one statement.
pub async fn answers_of(
    conn: &mut Conn,
    user_id: UserId,
    events: &[EventId],
) -> Result<HashMap<EventId, ResponseStatus>> {
    let rows: Vec<(EventId, ResponseStatus)> =
        sqlx::query_as(sql::ANSWERS_OF).bind(user_id).bind(events).fetch_all(conn).await?;
    // The earliest invitation comes last and stays.
    Ok(rows.into_iter().collect())
}

/// What a user is invited to, in the order of ids, at most `limit` behind `after`. Deleted events are among them: this
/// room does not know.
pub async fn event_ids_of_user(
    conn: &mut Conn,
    user_id: UserId,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<EventId>> {
    Ok(sqlx::query_scalar(sql::EVENT_IDS_OF_USER)
        .bind(user_id)
        .bind(after.unwrap_or(EventId(Uuid::nil())))
        .bind(limit)
        .fetch_all(conn)
        .await?)
}

fn distinct<Id: Ord + Copy>(ids: &[Id]) -> Vec<Id> {
    ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}
