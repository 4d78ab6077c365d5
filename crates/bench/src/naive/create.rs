use chrono::{DateTime, TimeDelta, Utc};
use kernel::{ChangeKind, Clock, Ids};
use serde::Deserialize;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::answer::{Answer, Refusal};
use crate::db::Db;
use crate::read::{self, Caller};
use crate::shape::EventTime;
use crate::sql;

#[derive(Deserialize)]
pub(crate) struct CreateEvent {
    pub(crate) calendar_id: Uuid,
    #[serde(default)]
    title: String,
    start: EventTime,
    end: EventTime,
    #[serde(default)]
    attendees: Vec<Invite>,
    #[serde(default)]
    resources: Vec<Uuid>,
}

#[derive(Deserialize)]
struct Invite {
    email: String,
    name: Option<String>,
    #[serde(default)]
    is_optional: bool,
}

/// The `Idempotency-Key` of a request, and a hash of its body.
pub(crate) struct Key {
    pub(crate) key: String,
    pub(crate) hash: [u8; 32],
}

/// When it happens, as it was written.
struct Span {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// A new event with its guests and rooms: a statement for each row.
pub(crate) async fn event(db: &mut Db, caller: &Caller, input: &CreateEvent, key: Option<&Key>) -> Answer<Row> {
    read::may_write(db, caller, input.calendar_id).await?;
    db.say("begin").await?;
    let written = write(db, caller, input, key).await;
    db.say(if written.is_ok() { "commit" } else { "rollback" }).await?;
    read::event(db, written?).await
}

async fn write(db: &mut Db, caller: &Caller, input: &CreateEvent, key: Option<&Key>) -> Answer<Uuid> {
    if let Some(Key { key, .. }) = key
        && let Some(done) = db.first(sql::KEY, &[&caller.user, key]).await?
    {
        let event: Option<&str> = done.get("event");
        return Ok(event.ok_or_else(|| Refusal::Malformed("koyomi has used this key".to_owned()))?.parse()?);
    }
    let now = Clock::System.now();
    let id: Uuid = Ids::random(Clock::System).mint();
    let span = insert(db, caller, input, id, now).await?;
    guests(db, caller, &input.attendees, id, now).await?;
    rooms(db, caller, input, id, &span, now).await?;
    tell(db, input.calendar_id, id).await?;
    if let Some(Key { key, hash }) = key {
        db.all(sql::INSERT_KEY, &[&caller.user, key, &hash.as_slice(), &id.to_string(), &now]).await?;
    }
    Ok(id)
}

async fn insert(db: &mut Db, caller: &Caller, input: &CreateEvent, id: Uuid, now: DateTime<Utc>) -> Answer<Span> {
    let CreateEvent { calendar_id, title, start, end, .. } = input;
    let (Some(from), Some(zone), Some(to)) = (start.date_time, &start.time_zone, end.date_time) else {
        return Err(Refusal::Malformed("start and end have to be times in a zone".to_owned()));
    };
    let uid = format!("{id}@naive");
    let event = db
        .found("event", sql::INSERT_EVENT, &[&id, calendar_id, &uid, title, &from, zone, &to, &caller.user, &now])
        .await?;
    let span = Span { start: event.get("start_time"), end: event.get("end_time") };
    db.all(sql::INSERT_OCCURRENCE, &[calendar_id, &span.start, &span.end, &id, &from]).await?;
    db.all(sql::LENGTHEN, &[calendar_id, &span.start, &span.end]).await?;
    Ok(span)
}

async fn guests(db: &mut Db, caller: &Caller, invited: &[Invite], event: Uuid, now: DateTime<Utc>) -> Answer<()> {
    let mut at = now;
    for Invite { email, name, is_optional } in invited {
        let user = db.first(sql::USER_BY_EMAIL, &[&caller.tenant, email]).await?;
        let (id, user): (Uuid, Option<Uuid>) = (Ids::random(Clock::System).mint(), user.map(|user| user.get("id")));
        db.all(sql::INSERT_GUEST, &[&id, &event, &user, email, name, is_optional, &at]).await?;
        at += TimeDelta::microseconds(1);
    }
    Ok(())
}

async fn rooms(
    db: &mut Db,
    caller: &Caller,
    input: &CreateEvent,
    event: Uuid,
    span: &Span,
    now: DateTime<Utc>,
) -> Answer<()> {
    for resource in &input.resources {
        let room = db.found("resource", sql::RESOURCE, &[&caller.tenant, resource]).await?;
        let exclusive: bool = room.get("exclusive");
        if exclusive && db.first(sql::BOOKED, &[resource, &span.start, &span.end]).await?.is_some() {
            return Err(Refusal::Taken);
        }
        let id: Uuid = Ids::random(Clock::System).mint();
        let at = input.start.date_time;
        db.all(sql::INSERT_RESERVATION, &[&id, resource, &event, &at, &span.start, &span.end, &exclusive, &now])
            .await?;
    }
    Ok(())
}

/// What koyomi has to know of it.
async fn tell(db: &mut Db, calendar: Uuid, event: Uuid) -> Answer<()> {
    let head = db.found("calendar", sql::BUMP, &[&calendar]).await?;
    let (seq, acl): (i64, i64) = (head.get("seq"), head.get("acl"));
    db.all(sql::STAMP, &[&event, &seq]).await?;
    db.all(sql::LOG, &[&calendar, &seq, &ChangeKind::EventCreated.as_str(), &event]).await?;
    db.all(sql::ANNOUNCE, &[&calendar, &seq, &acl]).await?;
    Ok(())
}
