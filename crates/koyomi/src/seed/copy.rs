//! Rows into tables: COPY in PostgreSQL's binary format. SQL that no request runs.

use kernel::{CalendarId, Result, TenantId};
use sqlx::postgres::PgArgumentBuffer;
use sqlx::{AssertSqlSafe, Encode, Postgres};
use store::Conn;

use super::Totals;
use super::rows::{CalendarRow, ChangeRow, EventRow, Ground, Rows};

type Done<T = ()> = Result<T, sqlx::Error>;

/// Bytes between two messages to the server.
const PORTION: usize = 256 * 1024;

/// A table being filled.
struct Sheet {
    table: &'static str,
    columns: &'static str,
    count: i16,
    bytes: PgArgumentBuffer,
    rows: u64,
    broken: Option<sqlx::Error>,
}

impl Sheet {
    fn of(table: &'static str, columns: &'static str) -> Self {
        let mut bytes = PgArgumentBuffer::default();
        // Signature, flags and the length of an extension that is not there (PostgreSQL manual, COPY, "Binary Format").
        bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        let count = i16::try_from(columns.split(',').count()).unwrap_or(i16::MAX);
        Self { table, columns, count, bytes, rows: 0, broken: None }
    }

    fn row(&mut self) -> &mut Self {
        self.rows += 1;
        self.bytes.extend_from_slice(&self.count.to_be_bytes());
        self
    }

    fn put<'q, T: Encode<'q, Postgres>>(&mut self, value: T) -> &mut Self {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&(-1i32).to_be_bytes());
        match value.encode(&mut self.bytes) {
            Ok(is_null) if is_null.is_null() => {}
            Ok(_) => {
                let length = i32::try_from(self.bytes.len() - at - 4).unwrap_or(i32::MAX);
                self.bytes[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
            Err(error) => self.broken = Some(sqlx::Error::Encode(error)),
        }
        self
    }

    async fn send(mut self, conn: &mut Conn, totals: &mut Totals) -> Done<u64> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        self.bytes.extend_from_slice(&(-1i16).to_be_bytes());
        let statement = format!("copy {} ({}) from stdin (format binary)", self.table, self.columns);
        let mut copy = conn.raw().copy_in_raw(&statement).await?;
        for portion in self.bytes.chunks(PORTION) {
            copy.send(portion).await?;
        }
        copy.finish().await?;
        totals.rows += self.rows;
        Ok(self.rows)
    }
}

/// One seed at a time.
pub(super) async fn lock(conn: &mut Conn) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(hashtext('koyomi seed'))").execute(conn).await?;
    Ok(())
}

pub(super) async fn has_calendar(conn: &mut Conn, id: CalendarId) -> Result<bool> {
    Ok(sqlx::query_scalar("select exists (select from calendars where id = $1)").bind(id).fetch_one(conn).await?)
}

/// Tenants alone are nothing.
pub(super) async fn is_empty(conn: &mut Conn) -> Result<bool> {
    let sql = "select not exists (select from users) and not exists (select from resources)";
    Ok(sqlx::query_scalar(sql).fetch_one(conn).await?)
}

pub(super) async fn ground(
    conn: &mut Conn,
    tenant: TenantId,
    ground: &Ground,
    password_hash: &str,
    totals: &mut Totals,
) -> Done {
    let mut users = Sheet::of(
        "users",
        "id, tenant_id, email, name, time_zone, password_hash, is_admin, version, created_at, updated_at",
    );
    for user in &ground.users {
        users.row().put(user.id).put(tenant).put(&user.email).put(&user.name).put(&user.time_zone).put(password_hash);
        users.put(user.is_admin).put(user.version).put(user.created_at).put(user.updated_at);
    }
    totals.users += users.send(conn, totals).await?;
    let mut resources = Sheet::of(
        "resources",
        "id, tenant_id, name, kind, capacity, location, description, exclusive, version, created_at, updated_at",
    );
    for room in &ground.resources {
        resources.row().put(room.id).put(tenant).put(&room.name).put(room.kind).put(room.capacity).put(&room.location);
        resources
            .put(&room.description)
            .put(room.exclusive)
            .put(room.version)
            .put(room.created_at)
            .put(room.updated_at);
    }
    let rooms = resources.send(conn, totals).await?;
    // Each resource that comes is a change of names.
    sqlx::query("update tenants set directory_seq = directory_seq + $2 where id = $1")
        .bind(tenant)
        .bind(i64::try_from(rooms).unwrap_or(i64::MAX))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn rows(conn: &mut Conn, tenant: TenantId, rows: &Rows, totals: &mut Totals) -> Result<()> {
    calendars(conn, tenant, &rows.calendars, totals).await?;
    let mut members = Sheet::of("calendar_members", "calendar_id, user_id, role, created_at");
    for row in &rows.members {
        members.row().put(row.calendar_id).put(row.user_id).put(row.role).put(row.created_at);
    }
    members.send(conn, totals).await?;
    events(conn, &rows.events, totals).await?;
    attendees(conn, rows, totals).await?;
    reservations(conn, rows, totals).await?;
    changes(conn, &rows.changes, totals).await?;
    Ok(())
}

async fn calendars(conn: &mut Conn, tenant: TenantId, calendars: &[CalendarRow], totals: &mut Totals) -> Done {
    let mut sheet = Sheet::of(
        "calendars",
        "id, tenant_id, owner_id, name, description, color, time_zone, longest_seconds, created_at, updated_at",
    );
    let mut heads = Sheet::of("heads", "calendar_id, seq, acl");
    for row in calendars {
        sheet.row().put(row.id).put(tenant).put(row.owner_id).put(&row.name).put(&row.description).put(row.color);
        sheet.put(row.time_zone).put(row.longest_seconds).put(row.created_at).put(row.created_at);
        heads.row().put(row.id).put(row.seq).put(row.acl);
    }
    totals.calendars += sheet.send(conn, totals).await?;
    heads.send(conn, totals).await?;
    Ok(())
}

async fn events(conn: &mut Conn, events: &[EventRow], totals: &mut Totals) -> Done {
    let mut sheet = Sheet::of(
        "events",
        "id, calendar_id, uid, recurring_event_id, original_start, title, description, location, status, visibility, \
         transparency, all_day, start_local, time_zone, duration_days, duration_seconds, start_time, end_time, \
         recurrence, recurrence_end, expanded_until, organizer_id, sequence, seq, created_at, updated_at",
    );
    let mut occurrences = Sheet::of("occurrences", "calendar_id, start_time, end_time, event_id, original_start");
    for EventRow { event, plan, seq } in events {
        let when = &event.when;
        sheet.row().put(event.id).put(event.calendar_id).put(&event.uid).put(event.recurring_event_id);
        sheet.put(event.original_start).put(&event.title).put(&event.description).put(&event.location);
        sheet.put(event.status).put(event.visibility).put(event.transparency).put(when.all_day).put(when.start_local);
        sheet.put(&when.time_zone).put(when.duration_days).put(when.duration_seconds);
        sheet.put(plan.start_time).put(plan.end_time).put(&when.recurrence).put(plan.recurrence_end);
        sheet.put(plan.expanded_until).put(event.organizer_id).put(event.sequence).put(*seq);
        sheet.put(event.created_at).put(event.updated_at);
        for o in &plan.occurrences {
            occurrences.row().put(event.calendar_id).put(o.start).put(o.end).put(event.id).put(o.original_start);
        }
    }
    totals.events += sheet.send(conn, totals).await?;
    totals.occurrences += occurrences.send(conn, totals).await?;
    Ok(())
}

async fn attendees(conn: &mut Conn, rows: &Rows, totals: &mut Totals) -> Done {
    let mut sheet = Sheet::of(
        "attendees",
        "id, event_id, user_id, email, name, response_status, is_optional, comment, created_at, responded_at",
    );
    for row in &rows.attendees {
        sheet.row().put(row.id).put(row.event_id).put(row.user_id).put(&row.email).put(&row.name);
        sheet.put(row.response_status).put(row.is_optional).put(row.comment).put(row.created_at).put(row.responded_at);
    }
    totals.attendees += sheet.send(conn, totals).await?;
    Ok(())
}

async fn reservations(conn: &mut Conn, rows: &Rows, totals: &mut Totals) -> Done {
    let mut sheet = Sheet::of(
        "reservations",
        "id, resource_id, event_id, original_start, start_time, end_time, exclusive, created_at",
    );
    for row in &rows.reservations {
        let o = &row.occurrence;
        sheet.row().put(row.id).put(row.resource_id).put(row.event_id).put(o.original_start).put(o.start).put(o.end);
        sheet.put(row.exclusive).put(row.created_at);
    }
    totals.reservations += sheet.send(conn, totals).await?;
    Ok(())
}

/// One object each: the seed writes like people who do one thing at a time.
async fn changes(conn: &mut Conn, changes: &[ChangeRow], totals: &mut Totals) -> Done {
    let mut sheet = Sheet::of("changes", "calendar_id, seq, n, kind, object_id");
    for row in changes {
        sheet.row().put(row.calendar_id).put(row.seq).put(0i32).put(row.kind.as_str()).put(row.object_id);
    }
    sheet.send(conn, totals).await?;
    Ok(())
}

/// Statistics for the planner, and visibility maps for index-only scans: otherwise the first minutes after a load would
/// be measured with the plans of empty tables.
pub(super) async fn settle(conn: &mut Conn) -> Result<()> {
    sqlx::query("set statement_timeout = 0").execute(&mut *conn).await?;
    for table in [
        "users",
        "calendars",
        "calendar_members",
        "heads",
        "events",
        "occurrences",
        "attendees",
        "resources",
        "reservations",
        "changes",
    ] {
        sqlx::query(AssertSqlSafe(format!("vacuum (analyze) {table}"))).execute(&mut *conn).await?;
    }
    sqlx::query("reset statement_timeout").execute(conn).await?;
    Ok(())
}
