//! The check of what is known already: is it still so, and how new is what is asked for? Nothing but version numbers, each
//! by its primary key.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::{CalendarId, Failure, Result, Subject, TenantId, UserId};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::batch::Statement;
use crate::sql;

/// What one request asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub user: UserId,
    pub tenant: TenantId,
    pub calendars: &'a [CalendarId],
    pub bookings: bool,
}

/// What all of them ask, each subject once.
#[derive(Debug, Default, Clone)]
pub(crate) struct Versions {
    users: Vec<UserId>,
    tenants: Vec<TenantId>,
    calendars: Vec<CalendarId>,
    /// Tenants.
    bookings: Vec<TenantId>,
    known: HashMap<Subject, ()>,
}

/// By subject: seq and acl, where it has one.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub epoch: i64,
    pub versions: HashMap<Subject, (i64, i64)>,
}

impl Versions {
    fn is_new(&mut self, subject: Subject) -> bool {
        self.known.insert(subject, ()).is_none()
    }
}

impl Statement for Versions {
    type Wanted<'a> = Wanted<'a>;
    type Answers = Found;

    const NAME: &'static str = "versions";

    fn add(&mut self, wanted: Wanted<'_>) {
        let Wanted { user, tenant, calendars, bookings } = wanted;
        if self.is_new(Subject::User(user)) {
            self.users.push(user);
        }
        if self.is_new(Subject::Tenant(tenant)) {
            self.tenants.push(tenant);
        }
        if bookings && self.is_new(Subject::Bookings(tenant)) {
            self.bookings.push(tenant);
        }
        for calendar in calendars {
            if self.is_new(Subject::Calendar(*calendar)) {
                self.calendars.push(*calendar);
            }
        }
    }

    fn covers(&self, wanted: Wanted<'_>) -> bool {
        let Wanted { user, tenant, calendars, bookings } = wanted;
        let has = |subject| self.known.contains_key(&subject);
        has(Subject::User(user))
            && has(Subject::Tenant(tenant))
            && (!bookings || has(Subject::Bookings(tenant)))
            && calendars.iter().all(|id| has(Subject::Calendar(*id)))
    }

    async fn run(&self, conn: &mut PgConnection, _: DateTime<Utc>) -> Result<Found> {
        let rows: Vec<(i32, Option<Uuid>, i64, i64)> = sqlx::query_as(sql::VERSIONS)
            .bind(&self.users)
            .bind(&self.calendars)
            .bind(&self.tenants)
            .bind(&self.bookings)
            .fetch_all(conn)
            .await?;
        Found::read(rows).ok_or_else(|| Failure::internal("the head check answered nonsense"))
    }
}

impl Found {
    fn read(rows: Vec<(i32, Option<Uuid>, i64, i64)>) -> Option<Self> {
        let mut found = Self { epoch: 0, versions: HashMap::with_capacity(rows.len()) };
        for (kind, id, seq, acl) in rows {
            let subject = match kind {
                0 => {
                    found.epoch = seq;
                    continue;
                }
                1 => Subject::User(id?.into()),
                2 => Subject::Calendar(id?.into()),
                3 => Subject::Tenant(id?.into()),
                _ => Subject::Bookings(id?.into()),
            };
            found.versions.insert(subject, (seq, acl));
        }
        Some(found)
    }
}
