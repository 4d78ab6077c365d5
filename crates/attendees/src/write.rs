use chrono::{DateTime, Utc};
use kernel::{AttendeeId, EventId, Failure, Ids, Result, TenantId, UserId};
use store::{Batch, Conn, Part};

use crate::{
    Answers, Attendee, AttendeeChange, MAX_PER_EVENT, NewAttendee, Removed, ResponseStatus, error, sql, written,
};

/// Invites the list to the event, in the order of the list; answers [`Attendee`]s. Addresses of the tenant's users
/// find their user.
///
/// An address that is invited already fails the batch: `already_invited`, through [`crate::refusal`]. Check the list
/// first ([`NewAttendee::check_all`]).
pub fn insert_part(
    batch: &mut Batch,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    list: &[NewAttendee],
) {
    bind(batch.part(sql::INSERT), tenant_id, now, of(event_id, list)).done();
}

/// As [`insert_part`] for many events: an import.
pub fn insert_many_part(batch: &mut Batch, tenant_id: TenantId, now: DateTime<Utc>, lists: &[(EventId, NewAttendee)]) {
    bind(batch.part(sql::INSERT), tenant_id, now, pairs(lists)).done();
}

/// Makes the list the event's own, in two parts: who is no longer in it goes (answers [`Removed`]), then who is in it
/// stays or comes (answers [`Attendee`]s; who stays keeps id and place). The two never touch the same row, so they may
/// share a batch.
pub fn replace_parts(
    batch: &mut Batch,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    list: &[NewAttendee],
    answers: Answers,
) {
    replace(batch, tenant_id, now, vec![event_id], &of(event_id, list).collect::<Vec<_>>(), answers);
}

/// As [`replace_parts`] for many events, those without a list in `lists` included: a re-import.
pub fn replace_many_parts(
    batch: &mut Batch,
    tenant_id: TenantId,
    events: &[EventId],
    now: DateTime<Utc>,
    lists: &[(EventId, NewAttendee)],
    answers: Answers,
) {
    replace(batch, tenant_id, now, events.to_vec(), &pairs(lists).collect::<Vec<_>>(), answers);
}

fn replace(
    batch: &mut Batch,
    tenant_id: TenantId,
    now: DateTime<Utc>,
    events: Vec<EventId>,
    lists: &[(EventId, &NewAttendee)],
    answers: Answers,
) {
    let (of, emails): (Vec<EventId>, Vec<&str>) =
        lists.iter().map(|(event_id, a)| (*event_id, a.email.as_str())).unzip();
    batch.part(sql::DELETE_OTHERS).bind(events).bind(of).bind(emails).done();
    bind(batch.part(sql::UPSERT), tenant_id, now, lists.iter().copied()).bind(answers == Answers::Overwrite).done();
}

/// Takes back all invitations of these events; answers [`Removed`].
///
/// Never beside [`insert_part`] for the same event in one batch: parts share the snapshot from before the statement
/// and run in no order one may count on, and the unique constraint is checked row by row, so a new row may meet an old
/// one of the same address that is not gone yet. [`replace_parts`] does both at once.
pub fn delete_part(batch: &mut Batch, events: &[EventId]) {
    batch.part(sql::DELETE_OF).bind(events.to_vec()).done();
}

/// Invites the guests of one event to another as well, in their order (an override, or the rest of a split series,
/// begins with the guests of its series); answers [`Attendee`]s. Both may be in one batch with the new event, not with
/// changes of the old guests.
pub fn copy_part(batch: &mut Batch, ids: &Ids, from: EventId, to: EventId, answers: Answers) {
    // One for each that there can be: how many there are is known only in the statement.
    let fresh: Vec<AttendeeId> = (0..MAX_PER_EVENT).map(|_| ids.mint()).collect();
    batch.part(sql::COPY).bind(from).bind(to).bind(fresh).bind(answers == Answers::Keep).done();
}

/// Invites one more, at the end of the list.
///
/// # Errors
/// `already_invited`; `too_many_attendees` (two at the same moment may pass the limit by one, unless the caller holds
/// the event).
pub async fn add_in(
    conn: &mut Conn,
    tenant_id: TenantId,
    event_id: EventId,
    now: DateTime<Utc>,
    attendee: &NewAttendee,
) -> Result<Attendee> {
    let mut batch = Batch::new();
    let list = std::slice::from_ref(attendee);
    bind(batch.part(sql::ADD), tenant_id, now, of(event_id, list))
        .bind(i64::try_from(MAX_PER_EVENT).unwrap_or(i64::MAX))
        .done();
    let rows = batch.run(conn).await.map_err(written)?.take()?;
    rows.into_iter().next().ok_or_else(error::too_many)
}

/// Changes name or need of one invitation.
///
/// # Errors
/// `not_found` when the event has no such invitation.
pub async fn update_in(
    conn: &mut Conn,
    event_id: EventId,
    id: AttendeeId,
    change: &AttendeeChange,
) -> Result<Attendee> {
    sqlx::query_as(sql::UPDATE)
        .bind(event_id)
        .bind(id)
        .bind(change.name.is_some())
        .bind(change.name.as_ref().and_then(Option::as_deref))
        .bind(change.is_optional)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Failure::not_found("attendee"))
}

/// Takes back one invitation.
///
/// # Errors
/// `not_found` when the event has no such invitation.
pub async fn remove_in(conn: &mut Conn, event_id: EventId, id: AttendeeId) -> Result<Removed> {
    sqlx::query_as(sql::DELETE)
        .bind(event_id)
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| Failure::not_found("attendee"))
}

/// Writes down what a guest answers. The comment belongs to the answer: each answer replaces both. `needs_action`
/// takes the answer back.
///
/// # Errors
/// `not_found` when the user is not invited.
pub async fn respond_in(
    conn: &mut Conn,
    event_id: EventId,
    user_id: UserId,
    status: ResponseStatus,
    comment: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Attendee> {
    let rows: Vec<Attendee> = sqlx::query_as(sql::RESPOND)
        .bind(event_id)
        .bind(user_id)
        .bind(status.as_str())
        .bind(comment)
        .bind(now)
        .fetch_all(conn)
        .await?;
    rows.into_iter().min_by_key(|a| (a.guest.created_at, a.guest.id)).ok_or_else(|| Failure::not_found("invitation"))
}

fn of(event_id: EventId, list: &[NewAttendee]) -> impl Iterator<Item = (EventId, &NewAttendee)> {
    list.iter().map(move |attendee| (event_id, attendee))
}

fn pairs(lists: &[(EventId, NewAttendee)]) -> impl Iterator<Item = (EventId, &NewAttendee)> + Clone {
    lists.iter().map(|(event_id, attendee)| (*event_id, attendee))
}

/// `$1` to `$8` of the inserting statements.
fn bind<'b, 'l>(
    part: Part<'b>,
    tenant_id: TenantId,
    now: DateTime<Utc>,
    lists: impl Iterator<Item = (EventId, &'l NewAttendee)>,
) -> Part<'b> {
    let lists: Vec<_> = lists.collect();
    let events: Vec<EventId> = lists.iter().map(|(id, _)| *id).collect();
    let column = |of: fn(&NewAttendee) -> &str| -> Vec<&str> { lists.iter().map(|(_, a)| of(a)).collect() };
    part.bind(tenant_id)
        .bind(now)
        .bind(events)
        .bind(lists.iter().map(|(_, a)| a.id).collect::<Vec<_>>())
        .bind(column(|a| &a.email))
        .bind(lists.iter().map(|(_, a)| a.name.as_deref()).collect::<Vec<_>>())
        .bind(column(|a| a.response_status.as_str()))
        .bind(lists.iter().map(|(_, a)| a.is_optional).collect::<Vec<_>>())
}
