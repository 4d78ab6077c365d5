//! The whole check: who shows this secret, what may he do in these calendars, and how new are they?

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use kernel::{CalendarId, Caller, Credential, EventId, Failure, Result, Role, SecretHash, TenantId, TokenId, UserId};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::batch::Statement;
use crate::sql;

/// What one request asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub secret: &'a SecretHash,
    pub calendars: &'a [CalendarId],
    /// In whose calendar the caller is interested.
    pub event: Option<EventId>,
    pub bookings: bool,
}

/// What all of them ask.
#[derive(Debug, Default, Clone)]
pub(crate) struct Whole {
    secrets: HashMap<SecretHash, usize>,
    order: Vec<SecretHash>,
    bookings: Vec<bool>,
    calendars: Vec<CalendarId>,
    known: HashSet<(usize, CalendarId)>,
    pairs: (Vec<i32>, Vec<CalendarId>),
    events: (Vec<i32>, Vec<EventId>),
}

impl Statement for Whole {
    type Wanted<'a> = Wanted<'a>;
    type Answers = Answers;

    const NAME: &'static str = "whole";

    fn add(&mut self, wanted: Wanted<'_>) {
        let next = self.order.len();
        let n = *self.secrets.entry(*wanted.secret).or_insert(next);
        if n == next {
            self.order.push(*wanted.secret);
            self.bookings.push(false);
        }
        self.bookings[n] |= wanted.bookings;
        let place = i32::try_from(n + 1).unwrap_or(i32::MAX);
        for calendar in wanted.calendars {
            if self.known.insert((n, *calendar)) {
                self.pairs.0.push(place);
                self.pairs.1.push(*calendar);
                self.calendars.push(*calendar);
            }
        }
        if let Some(event) = wanted.event {
            self.events.0.push(place);
            self.events.1.push(event);
        }
    }

    fn covers(&self, wanted: Wanted<'_>) -> bool {
        let Some(n) = self.secrets.get(wanted.secret) else { return false };
        wanted.event.is_none()
            && (!wanted.bookings || self.bookings[*n])
            && wanted.calendars.iter().all(|calendar| self.known.contains(&(*n, *calendar)))
    }

    async fn run(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Answers> {
        let hashes: Vec<&[u8]> = self.order.iter().map(<[u8; 32]>::as_slice).collect();
        let events = !self.events.0.is_empty();
        let mut query = sqlx::query_as(if events { sql::CHECK_EVENTS } else { sql::CHECK })
            .bind(hashes)
            .bind(&self.bookings)
            .bind(now)
            .bind(&self.calendars)
            .bind(&self.pairs.0)
            .bind(&self.pairs.1);
        if events {
            query = query.bind(&self.events.0).bind(&self.events.1);
        }
        let rows: Vec<Row> = query.fetch_all(conn).await?;
        Answers::read(rows, &self.order).ok_or_else(|| Failure::internal("the head check answered nonsense"))
    }
}

/// A calendar's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub seq: i64,
    pub acl: i64,
}

/// Everything that one head check has found; the requests that shared it each take out their own.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub epoch: i64,
    pub callers: HashMap<SecretHash, Arc<Caller>>,
    pub heads: HashMap<CalendarId, Head>,
    pub roles: HashMap<(UserId, CalendarId), Role>,
    pub bookings: HashMap<TenantId, i64>,
    pub homes: HashMap<EventId, CalendarId>,
}

/// A row of [`crate::sql::CHECK`].
#[derive(FromRow)]
pub(crate) struct Row {
    kind: i32,
    n: i32,
    id: Option<Uuid>,
    tenant_id: Option<Uuid>,
    seq: i64,
    acl: i64,
    name: Option<String>,
    email: Option<String>,
    time_zone: Option<String>,
    is_admin: Option<bool>,
    version: Option<i64>,
    token_id: Option<Uuid>,
    expires_at: Option<DateTime<Utc>>,
    bookings: Option<i64>,
}

impl Answers {
    /// `secrets` and `wanted`: the credentials and the pairs in the order they were asked in.
    pub(crate) fn read(rows: Vec<Row>, secrets: &[SecretHash]) -> Option<Self> {
        let mut answers = Self::default();
        let mut roles = Vec::new();
        let mut users = HashMap::new();
        for row in rows {
            let n = usize::try_from(row.n).ok()?;
            match row.kind {
                0 => answers.epoch = row.seq,
                1 => {
                    let hash = *secrets.get(n.checked_sub(1)?)?;
                    let bookings = row.bookings;
                    let caller = caller(row)?;
                    users.insert(n, caller.user_id);
                    if let Some(sum) = bookings {
                        answers.bookings.insert(caller.tenant_id, sum);
                    }
                    answers.callers.insert(hash, Arc::new(caller));
                }
                2 => {
                    answers.heads.insert(row.id?.into(), Head { seq: row.seq, acl: row.acl });
                }
                3 => roles.push((n, CalendarId(row.id?), role(row.name.as_deref()?)?)),
                _ => {
                    answers.homes.insert(row.id?.into(), row.tenant_id?.into());
                }
            }
        }
        // Rows come in no order: a role may stand before its caller.
        for (n, calendar, role) in roles {
            answers.roles.insert((*users.get(&n)?, calendar), role);
        }
        Some(answers)
    }
}

fn caller(row: Row) -> Option<Caller> {
    Some(Caller {
        user_id: row.id?.into(),
        tenant_id: row.tenant_id?.into(),
        name: row.name?,
        email: row.email?,
        time_zone: row.time_zone?,
        is_admin: row.is_admin?,
        directory_seq: row.acl,
        version: row.version?,
        seq: row.seq,
        credential: row.token_id.map_or(Credential::Session, |id| Credential::ApiToken(TokenId(id))),
        expires_at: row.expires_at,
    })
}

fn role(word: &str) -> Option<Role> {
    Some(match word {
        "owner" => Role::Owner,
        "writer" => Role::Writer,
        "reader" => Role::Reader,
        "free_busy" => Role::FreeBusy,
        _ => return None,
    })
}
