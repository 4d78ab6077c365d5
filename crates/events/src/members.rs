//! Who a calendar is shared with.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{CalendarId, Limit, Page, Result, TenantId, UserId, decode_cursor, encode_cursor, filter_hash};
use store::{Batch, Conn};
use uuid::Uuid;

use crate::{Member, Role, error, sql};

/// Everybody with access, by name.
pub async fn list_members(conn: &mut Conn, id: CalendarId, limit: Limit, cursor: Option<&str>) -> Result<Page<Member>> {
    let filters = filters(id);
    let (name, user): (String, Uuid) = match cursor {
        Some(cursor) => decode_cursor(filters, cursor)?,
        None => (String::new(), Uuid::nil()),
    };
    let rows: Vec<Member> =
        sqlx::query_as(sql::LIST_MEMBERS).bind(id).bind(name).bind(user).bind(limit.probe()).fetch_all(conn).await?;
    Ok(Page::cut(rows, limit, filters, position))
}

/// The first page of the members of each of these calendars.
pub async fn first_members(
    conn: &mut Conn,
    ids: &[CalendarId],
    limit: Limit,
) -> Result<HashMap<CalendarId, Page<Member>>> {
    let rows: Vec<Member> = sqlx::query_as(sql::FIRST_MEMBERS).bind(ids).bind(limit.probe()).fetch_all(conn).await?;
    let mut of: HashMap<CalendarId, Vec<Member>> = ids.iter().map(|id| (*id, Vec::new())).collect();
    for row in rows {
        of.entry(row.calendar_id).or_default().push(row);
    }
    Ok(of.into_iter().map(|(id, rows)| (id, Page::cut(rows, limit, filters(id), position))).collect())
}

/// Where the list goes on after this member.
pub fn cursor(member: &Member) -> String {
    encode_cursor(filters(member.calendar_id), &position(member))
}

fn filters(id: CalendarId) -> u64 {
    filter_hash(&("members", id))
}

fn position(member: &Member) -> (String, UserId) {
    (member.name.clone(), member.user_id)
}

/// Who to share with: an id or an address, of the same tenant.
#[derive(Debug, Clone)]
pub enum Invitee {
    User(UserId),
    Email(String),
}

/// Shares; `None` when the tenant has no such user.
///
/// # Errors
/// `already_member`
pub async fn add_member_in(
    conn: &mut Conn,
    tenant: TenantId,
    id: CalendarId,
    who: &Invitee,
    role: Role,
    now: DateTime<Utc>,
) -> Result<Option<Member>> {
    let (user, email) = match who {
        Invitee::User(id) => (Some(*id), None),
        Invitee::Email(email) => (None, Some(email.to_lowercase())),
    };
    sqlx::query_as(sql::ADD_MEMBER)
        .bind(id)
        .bind(tenant)
        .bind(user)
        .bind(email)
        .bind(role)
        .bind(now)
        .fetch_optional(conn)
        .await
        .map_err(error::written)
}

pub fn set_member_part(batch: &mut Batch, id: CalendarId, user: UserId, role: Role) {
    batch.part(sql::SET_ROLE).bind(id).bind(user).bind(role).done();
}

pub fn remove_member_part(batch: &mut Batch, id: CalendarId, user: UserId) {
    batch.part(sql::REMOVE_MEMBER).bind(id).bind(user).done();
}

/// Whether the calendar has an owner besides `user`.
pub async fn has_other_owner(conn: &mut Conn, id: CalendarId, user: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar(sql::OTHER_OWNER).bind(id).bind(user).fetch_one(conn).await?)
}
