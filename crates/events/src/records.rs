//! Whole records, for what takes a calendar in or out as it is.

use chrono::{DateTime, NaiveDateTime, Utc};
use kernel::{CalendarId, EventId, ResourceId, Result, TenantId, UserId};
use serde::Deserialize;
use serde_json::Value;
use store::{Batch, Conn, Rows};
use uuid::Uuid;

use crate::{Event, NewEvent, When, sql};

/// Every column of an event, with its guests and what a rewrite must know of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Record {
    #[serde(flatten)]
    pub event: Event,
    /// Of an override: which occurrence of the series, in its wall time.
    pub original_start: Option<NaiveDateTime>,
    pub organizer_name: Option<String>,
    pub extra: Vec<String>,
    pub source: Option<Value>,
    pub stamped_at: Option<DateTime<Utc>>,
    /// Address and name of the organizer who is a user here.
    pub user_email: Option<String>,
    pub user_name: Option<String>,
    /// In the order of the invitations.
    pub guests: Vec<RecordGuest>,
    /// The user who asked is among the guests.
    pub invited: bool,
    /// What it has confirmed reservations of.
    pub rooms: Vec<ResourceId>,
}

/// An invitation beside its event. Read from an array: the order of the fields is that of the statement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecordGuest {
    pub email: String,
    /// The invitation's own.
    pub name: Option<String>,
    /// The user's.
    pub user_name: Option<String>,
    /// needs_action | accepted | declined | tentative
    pub response_status: String,
    pub is_optional: bool,
    /// When the guest answered here; absent for an answer that came with the invitation.
    pub responded_at: Option<DateTime<Utc>>,
}

/// Which version of a record is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Stamp {
    pub id: EventId,
    pub seq: i64,
}

/// A user found by address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserByEmail {
    pub email: String,
    pub id: UserId,
}

impl Record {
    /// The record as it would be written again, unchanged.
    pub fn rewritten(&self) -> NewEvent {
        let event = self.event.clone();
        NewEvent {
            id: event.id,
            calendar_id: event.calendar_id,
            when: When::of(&event),
            uid: event.uid,
            recurring_event_id: event.recurring_event_id,
            original_start: self.original_start,
            previous_series_id: event.previous_series_id,
            next_series_id: event.next_series_id,
            title: event.title,
            description: event.description,
            location: event.location,
            status: event.status,
            visibility: event.visibility,
            transparency: event.transparency,
            organizer_id: event.organizer_id,
            organizer_email: event.organizer_email,
            organizer_name: self.organizer_name.clone(),
            sequence: event.sequence,
            extra: self.extra.clone(),
            source: self.source.clone(),
            stamped_at: self.stamped_at,
            created_at: event.created_at,
            updated_at: event.updated_at,
        }
    }

    /// The record that this one stands behind in a [`walk_part`]: its series, or itself.
    pub fn root(&self) -> EventId {
        self.event.recurring_event_id.unwrap_or(self.event.id)
    }
}

/// Every live record of the calendar with one of these uids, overrides included; answers [`Record`]s in no order.
pub fn records_part(batch: &mut Batch, user_id: UserId, calendar_id: CalendarId, uids: Vec<String>) {
    batch.part(sql::RECORDS).bind(user_id).bind(calendar_id).bind(uids).done();
}

/// The next records of the calendar behind `after`, series by series, about `weight` of them; read the answer with
/// [`read_walk`]. The next walk begins behind the last [`Record::root`].
pub fn walk_part(batch: &mut Batch, user_id: UserId, calendar_id: CalendarId, after: Option<EventId>, weight: i64) {
    batch
        .part(sql::WALK)
        .bind(user_id)
        .bind(calendar_id)
        .bind(after.unwrap_or(EventId(Uuid::nil())))
        .bind(weight)
        .done();
}

/// Reads what [`walk_part`] found: each series before its overrides, those in their order.
pub fn read_walk(rows: &mut Rows) -> Result<Vec<Record>> {
    let mut records: Vec<Record> = rows.take()?;
    records.sort_by_key(|r| (r.root(), r.event.id != r.root(), r.original_start, r.event.id));
    Ok(records)
}

/// Locks records until the transaction ends; answers the [`Stamp`] of each that is still there. It belongs in a statement
/// of its own, before the write: what was decided from an older stamp must be decided again.
pub fn lock_part(batch: &mut Batch, ids: Vec<EventId>) {
    batch.part(sql::LOCK).bind(ids).done();
}

/// Which of these addresses (lower case) are users of the tenant; answers [`UserByEmail`].
pub fn users_by_email_part(batch: &mut Batch, tenant_id: TenantId, emails: Vec<String>) {
    batch.part(sql::USERS_BY_EMAIL).bind(tenant_id).bind(emails).done();
}

/// When the first occurrence of a calendar begins.
pub async fn first_start(conn: &mut Conn, calendar_id: CalendarId) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar(sql::FIRST_START).bind(calendar_id).fetch_optional(conn).await?)
}
