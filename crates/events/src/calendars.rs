//! The calendars themselves.

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{
    CalendarId, Caller, Checks, EventId, Limit, Page, Result, Span, UserId, decode_cursor, encode_cursor, filter_hash,
};
use recurrence::Zone;
use store::{Batch, Conn};
use uuid::Uuid;

use crate::{Calendar, Event, Plan, Role, When, sql};

/// What a calendar is made from.
#[derive(Debug, Clone)]
pub struct NewCalendar {
    pub id: CalendarId,
    pub name: String,
    pub description: Option<String>,
    pub color: String,
    pub time_zone: String,
}

/// The most calendars that one list can be made of.
pub const MAX_CALENDARS: usize = 100;

impl NewCalendar {
    pub fn check(&self) -> Result<()> {
        let mut checks = Checks::new();
        checks.name("/name", &self.name, 200);
        if let Some(text) = &self.description {
            checks.text("/description", text, 8_000);
        }
        checks.color("/color", &self.color);
        if let Err(error) = Zone::iana(&self.time_zone) {
            checks.reject("/time_zone", error.to_string());
        }
        checks.done()
    }
}

/// The caller's calendars, oldest first.
pub async fn list(conn: &mut Conn, caller: &Caller, limit: Limit, cursor: Option<&str>) -> Result<Page<Calendar>> {
    let filters = filters(caller);
    let (micros, id): (i64, Uuid) = match cursor {
        Some(cursor) => decode_cursor(filters, cursor)?,
        None => (Span::EARLIEST.timestamp_micros(), Uuid::nil()),
    };
    let rows = select(conn, caller, None, (micros, id), limit.probe()).await?;
    Ok(Page::cut(rows, limit, filters, position))
}

/// Where the list goes on after this calendar.
pub fn cursor(caller: &Caller, calendar: &Calendar) -> String {
    encode_cursor(filters(caller), &position(calendar))
}

fn filters(caller: &Caller) -> u64 {
    filter_hash(&("calendars", caller.user_id))
}

fn position(calendar: &Calendar) -> (i64, CalendarId) {
    (calendar.created_at.timestamp_micros(), calendar.id)
}

/// Those of `ids` that are the caller's.
pub async fn find_many(conn: &mut Conn, caller: &Caller, ids: &[CalendarId]) -> Result<Vec<Calendar>> {
    let start = (Span::EARLIEST.timestamp_micros(), Uuid::nil());
    let rows = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    select(conn, caller, Some(ids), start, rows).await
}

async fn select(
    conn: &mut Conn,
    caller: &Caller,
    ids: Option<&[CalendarId]>,
    (micros, id): (i64, Uuid),
    rows: i64,
) -> Result<Vec<Calendar>> {
    Ok(sqlx::query_as(sql::LIST_CALENDARS)
        .bind(caller.user_id)
        .bind(caller.tenant_id)
        .bind(ids)
        .bind(DateTime::from_timestamp_micros(micros).unwrap_or(Span::EARLIEST))
        .bind(id)
        .bind(rows)
        .fetch_all(conn)
        .await?)
}

/// Whose calendar it is, whoever asks: for the command line.
pub async fn owner_of(conn: &mut Conn, id: CalendarId) -> Result<Option<UserId>> {
    Ok(sqlx::query_scalar(sql::OWNER_OF).bind(id).fetch_optional(conn).await?)
}

/// The calendar with its head, locked until the transaction ends; `None` when it is not the caller's.
pub async fn find_for_update_in(conn: &mut Conn, caller: &Caller, id: CalendarId) -> Result<Option<Calendar>> {
    Ok(sqlx::query_as(sql::FIND_CALENDAR_FOR_UPDATE)
        .bind(caller.user_id)
        .bind(caller.tenant_id)
        .bind(id)
        .fetch_optional(conn)
        .await?)
}

/// Calendar, head and the owner's membership.
pub fn create_part(batch: &mut Batch, caller: &Caller, new: &NewCalendar, now: DateTime<Utc>) {
    batch
        .quiet(sql::CREATE_CALENDAR)
        .bind(new.id)
        .bind(caller.tenant_id)
        .bind(caller.user_id)
        .bind(new.name.clone())
        .bind(new.description.clone())
        .bind(new.color.clone())
        .bind(new.time_zone.clone())
        .bind(now)
        .done();
    batch.quiet(sql::CREATE_HEAD).bind(new.id).done();
    owner_part(batch, new.id, caller.user_id, now);
}

fn owner_part(batch: &mut Batch, id: CalendarId, user: UserId, now: DateTime<Utc>) {
    batch
        .quiet(
            "insert into calendar_members (calendar_id, user_id, role, created_at)
             values ($1, $2, $3, $4)",
        )
        .bind(id)
        .bind(user)
        .bind(Role::Owner)
        .bind(now)
        .done();
}

/// Writes the calendar's own fields, and raises its longest occurrence to what [`crate::replan_part`] moves there.
pub fn update_part(batch: &mut Batch, calendar: &Calendar, longest_seconds: i64) {
    batch
        .quiet(sql::UPDATE_CALENDAR)
        .bind(calendar.id)
        .bind(calendar.name.clone())
        .bind(calendar.description.clone())
        .bind(calendar.color.clone())
        .bind(calendar.time_zone.clone())
        .bind(calendar.updated_at)
        .bind(longest_seconds)
        .done();
}

/// Soft: the rows stay, nobody sees them any more.
pub fn delete_part(batch: &mut Batch, id: CalendarId, now: DateTime<Utc>) {
    batch.quiet(sql::DELETE_CALENDAR).bind(id).bind(now).done();
}

#[derive(Debug, sqlx::FromRow)]
struct Anchored {
    #[sqlx(flatten)]
    event: Event,
    stands_for: Option<NaiveDateTime>,
    overridden: Vec<NaiveDateTime>,
}

/// What moves when the calendar's zone becomes `zone`: its floating and all-day events, planned anew.
pub async fn plan_move_in(
    conn: &mut Conn,
    id: CalendarId,
    zone: &str,
    horizon: DateTime<Utc>,
) -> Result<Vec<(EventId, When, Plan)>> {
    let anchored: Vec<Anchored> = sqlx::query_as(sql::ANCHORED).bind(id).fetch_all(conn).await?;
    anchored
        .into_iter()
        .map(|Anchored { event, stands_for, overridden }| {
            let when = When::of(&event);
            let mut plan = Plan::of(&when, zone, horizon)?.without(&overridden);
            if let Some(original_start) = stands_for {
                plan = plan.standing_for(original_start);
            }
            Ok((event.id, when, plan))
        })
        .collect()
}
