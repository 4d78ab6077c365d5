use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::answer::{Answer, Refusal};
use crate::db::Db;
use crate::shape::{Attendee, Availability, Busy, Event, EventTime, Organizer, Reservation, Resource};
use crate::sql;

/// Whether the answer shows all of what was read anyway, or only names and numbers of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nested {
    No,
    Yes,
}

pub(crate) struct Caller {
    pub(crate) user: Uuid,
    pub(crate) tenant: Uuid,
}

pub(crate) async fn caller(db: &mut Db, token: &[u8; 32], now: DateTime<Utc>) -> Answer<Caller> {
    let user = db.first(sql::CALLER, &[&token.as_slice(), &now]).await?.ok_or(Refusal::Unauthenticated)?;
    Ok(Caller { user: user.get("id"), tenant: user.get("tenant_id") })
}

pub(crate) async fn may_write(db: &mut Db, caller: &Caller, calendar: Uuid) -> Answer<()> {
    db.found("calendar", sql::ROLE, &[&calendar, &caller.user]).await?;
    Ok(())
}

pub(crate) async fn page(
    db: &mut Db,
    calendar: Uuid,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
    nested: Nested,
) -> Answer<Vec<Event>> {
    let rows = db.all(sql::PAGE, &[&calendar, &from, &to, &limit]).await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        events.push(filled(db, row, nested).await?);
    }
    Ok(events)
}

pub(crate) async fn event(db: &mut Db, id: Uuid) -> Answer<Row> {
    db.found("event", sql::EVENT, &[&id]).await
}

/// An event with what belongs to it: three statements, for each event again.
pub(crate) async fn filled(db: &mut Db, row: &Row, nested: Nested) -> Answer<Event> {
    let organizer = organizer(db, row).await?;
    let attendees = attendees(db, row.get("id")).await?;
    let resources = resources(db, row.get("id"), row.get("stands_for")).await?;
    let first = resources.iter().filter(|room| room.status == "confirmed").min_by_key(|room| room.resource_id);
    let room_name = first.map(|room| room.resource_name.clone());
    let shown = nested == Nested::Yes;
    let (start, end) = times(row);
    Ok(Event {
        id: row.get("id"),
        calendar_id: row.get("calendar_id"),
        uid: row.get("uid"),
        title: row.get("title"),
        description: row.get("description"),
        location: row.get("location"),
        status: row.get("status"),
        visibility: row.get("visibility"),
        transparency: row.get("transparency"),
        start,
        end,
        start_time: row.get("happens_at"),
        end_time: row.get("ends_at"),
        recurrence: row.get("recurrence"),
        recurring_event_id: row.get("recurring_event_id"),
        previous_series_id: row.get("previous_series_id"),
        next_series_id: row.get("next_series_id"),
        original_start: original_start(row),
        organizer_id: row.get("organizer_id"),
        organizer_name: organizer.name.clone(),
        attendee_count: attendees.len(),
        room_name,
        sequence: row.get("sequence"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        view: "full",
        etag: format!("\"{}\"", row.get::<_, i64>("seq")),
        organizer: shown.then_some(organizer),
        attendees: shown.then_some(attendees),
        resources: shown.then_some(resources),
    })
}

/// Which occurrence of its series this is.
fn original_start(row: &Row) -> Option<String> {
    let lines: Vec<&str> = row.get("recurrence");
    let (series, at): (Option<Uuid>, NaiveDateTime) = (row.get("recurring_event_id"), row.get("stands_for"));
    let day = row.get("all_day") && at.time() == NaiveTime::MIN;
    let text = at.format(if day { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M:%S" });
    (series.is_some() || !lines.is_empty()).then(|| text.to_string())
}

fn times(row: &Row) -> (EventTime, EventTime) {
    let (start, end): (NaiveDateTime, NaiveDateTime) = (row.get("local_start"), row.get("local_end"));
    if row.get("all_day") {
        let day = |at: NaiveDateTime| EventTime { date: Some(at.date()), date_time: None, time_zone: None };
        // It ends when the last day does.
        let last = if end.time() == NaiveTime::MIN { end } else { start };
        return (day(start), day(last));
    }
    let clock = |at, zone: Option<String>| EventTime { date: None, date_time: Some(at), time_zone: zone };
    let zone: Option<String> = row.get("time_zone");
    (clock(start, zone.clone()), clock(end, row.get::<_, Option<String>>("end_time_zone").or(zone)))
}

async fn organizer(db: &mut Db, event: &Row) -> Answer<Organizer> {
    let id: Option<Uuid> = event.get("organizer_id");
    let user = db.first(sql::USER, &[&id]).await?;
    let of_user = |column| user.as_ref().and_then(|user| user.get::<_, Option<String>>(column));
    Ok(Organizer {
        id,
        email: of_user("email").or_else(|| event.get("organizer_email")),
        name: of_user("name").or_else(|| event.get("organizer_name")),
        avatar_url: of_user("avatar_url"),
    })
}

async fn attendees(db: &mut Db, event: Uuid) -> Answer<Vec<Attendee>> {
    let rows = db.all(sql::GUESTS, &[&event]).await?;
    let guest = |row: &Row| Attendee {
        id: row.get("id"),
        event_id: row.get("event_id"),
        user_id: row.get("user_id"),
        email: row.get("email"),
        name: row.get("shown_name"),
        avatar_url: row.get("avatar_url"),
        response_status: row.get("response_status"),
        is_optional: row.get("is_optional"),
    };
    Ok(rows.iter().map(guest).collect())
}

async fn resources(db: &mut Db, event: Uuid, original_start: NaiveDateTime) -> Answer<Vec<Reservation>> {
    let rows = db.all(sql::ROOMS, &[&event, &original_start]).await?;
    let reservation = |row: &Row| Reservation {
        id: row.get("id"),
        resource_id: row.get("resource_id"),
        resource_name: row.get("resource_name"),
        event_id: row.get("event_id"),
        original_start: row.get("original_start"),
        start_time: row.get("start_time"),
        end_time: row.get("end_time"),
        status: row.get("status"),
    };
    Ok(rows.iter().map(reservation).collect())
}

/// The first rooms by name and when they are taken: a statement for each room.
pub(crate) async fn availability(
    db: &mut Db,
    tenant: Uuid,
    span: (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Answer<Vec<Availability>> {
    let mut all = Vec::new();
    for row in db.all(sql::RESOURCES, &[&tenant, &limit]).await? {
        let resource = resource(&row);
        let booked = db.all(sql::BOOKED, &[&resource.id, &span.0, &span.1]).await?;
        let busy = if resource.exclusive { joined(span, &booked) } else { Vec::new() };
        all.push(Availability { free: busy.is_empty(), busy, resource });
    }
    Ok(all)
}

fn resource(row: &Row) -> Resource {
    Resource {
        id: row.get("id"),
        name: row.get("name"),
        kind: row.get("kind"),
        capacity: row.get("capacity"),
        location: row.get("location"),
        description: row.get("description"),
        exclusive: row.get("exclusive"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        etag: format!("\"{}\"", row.get::<_, i64>("version")),
    }
}

/// Cut to the span, neighbours as one; they come in order.
fn joined((from, to): (DateTime<Utc>, DateTime<Utc>), booked: &[Row]) -> Vec<Busy> {
    let mut busy: Vec<Busy> = Vec::with_capacity(booked.len());
    for row in booked {
        let (start, end) = (from.max(row.get("start_time")), to.min(row.get("end_time")));
        match busy.last_mut() {
            Some(last) if start <= last.end_time => last.end_time = last.end_time.max(end),
            _ => busy.push(Busy { start_time: start, end_time: end }),
        }
    }
    busy
}
