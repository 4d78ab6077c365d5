//! The values that people would give to the statements.

use chrono::{DateTime, Months, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// What the values are taken from: a seeded database, and the person in it who has the most of everything.
pub(super) struct World {
    pub(super) now: DateTime<Utc>,
    pub(super) tenant: Uuid,
    pub(super) user: Uuid,
    pub(super) token_hash: String,
    /// That person's calendars, the largest first.
    pub(super) calendars: Vec<Uuid>,
    pub(super) longest: Vec<i64>,
    /// Ids of events, of a page and of the most one may ask for.
    pub(super) events: Vec<Uuid>,
    /// A series without an end.
    pub(super) series: Uuid,
    pub(super) users: Vec<Uuid>,
    pub(super) rooms: Vec<Uuid>,
}

/// Pages as people ask for them: 50 rows and one that says whether there is more.
pub(super) const PAGE: usize = 51;

impl World {
    pub(super) async fn look(conn: &mut PgConnection, now: DateTime<Utc>) -> Self {
        let user = one(conn, "select id from users where email = 'user00000@example.com'").await;
        let calendars = many(
            conn,
            &format!(
                "select m.calendar_id from calendar_members m join heads h using (calendar_id)
                 where m.user_id = '{user}' order by h.seq desc limit 100"
            ),
        )
        .await;
        let longest: Vec<i64> = sqlx::query_scalar(
            "select longest_seconds from calendars c join unnest($1::uuid[]) with ordinality m (id, n) using (id) order by n",
        )
        .bind(&calendars)
        .fetch_all(&mut *conn)
        .await
        .unwrap();
        Self {
            now,
            tenant: one(conn, "select id from tenants where slug = 'default'").await,
            token_hash: sqlx::query_scalar(
                "select format('''\\x%s''', encode(token_hash, 'hex')) from api_tokens limit 1",
            )
            .fetch_one(&mut *conn)
            .await
            .unwrap(),
            events: many(conn, "select id from events where deleted_at is null order by md5(id::text) limit 500").await,
            series: one(
                conn,
                "select v.recurring_event_id from events v join events e on e.id = v.recurring_event_id
                 where e.expanded_until is not null and e.recurrence[1] = 'RRULE:FREQ=WEEKLY' limit 1",
            )
            .await,
            users: many(conn, "select id from users order by md5(id::text) limit 50").await,
            rooms: many(conn, "select id from resources order by md5(id::text) limit 3").await,
            user,
            calendars,
            longest,
        }
    }

    pub(super) fn month(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.now, self.now + TimeDelta::days(31))
    }

    pub(super) fn everything(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        (long_ago(), self.now + Months::new(24))
    }

    /// The position of an occurrence in the middle of all that these calendars hold.
    pub(super) async fn deep(&self, conn: &mut PgConnection, calendars: usize) -> [String; 3] {
        let (start, id, original): (String, Uuid, String) = sqlx::query_as(
            "select start_time::text, event_id, original_start::text from occurrences where calendar_id = any($1)
             order by start_time, event_id, original_start
             offset (select count(*) / 2 from occurrences where calendar_id = any($1)) limit 1",
        )
        .bind(&self.calendars[..calendars])
        .fetch_one(conn)
        .await
        .unwrap();
        [format!("'{start}'"), format!("'{id}'"), format!("'{original}'")]
    }

    /// `$1` to `$12` of the lists of occurrences.
    pub(super) fn listing(
        &self,
        calendars: usize,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        after: Option<[String; 3]>,
        guest: Option<Uuid>,
        pattern: Option<&str>,
    ) -> Vec<(&'static str, String)> {
        let ids = &self.calendars[..calendars];
        let longest: Vec<String> = self.longest[..calendars].iter().map(i64::to_string).collect();
        let [start, event, original] = after
            .unwrap_or_else(|| [format!("'{}'", long_ago()), format!("'{}'", Uuid::nil()), "'0001-01-01'".to_owned()]);
        vec![
            uuids(ids),
            ("bigint[]", format!("'{{{}}}'::bigint[]", longest.join(","))),
            time(from),
            time(to),
            ("timestamptz", start),
            ("uuid", event),
            ("timestamp", original),
            limit(PAGE),
            guest.map_or(("uuid", "null".to_owned()), uuid),
            uuids(ids),
            pattern.map_or(("text", "null".to_owned()), text),
            ("uuid", "null".to_owned()),
        ]
    }

    pub(super) fn tenant(&self) -> (&'static str, String) {
        uuid(self.tenant)
    }
}

pub(super) fn long_ago() -> DateTime<Utc> {
    kernel::Span::EARLIEST
}

pub(super) fn uuid(id: Uuid) -> (&'static str, String) {
    ("uuid", format!("'{id}'"))
}

pub(super) fn nil() -> (&'static str, String) {
    uuid(Uuid::nil())
}

pub(super) fn uuids(ids: &[Uuid]) -> (&'static str, String) {
    let list: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    ("uuid[]", format!("'{{{}}}'::uuid[]", list.join(",")))
}

pub(super) fn time(at: DateTime<Utc>) -> (&'static str, String) {
    ("timestamptz", format!("'{at}'"))
}

pub(super) fn text(text: &str) -> (&'static str, String) {
    ("text", format!("'{text}'"))
}

pub(super) fn limit(rows: usize) -> (&'static str, String) {
    ("bigint", rows.to_string())
}

pub(super) async fn one(conn: &mut PgConnection, sql: &'static str) -> Uuid {
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}

pub(super) async fn many(conn: &mut PgConnection, sql: &str) -> Vec<Uuid> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(conn).await.unwrap()
}
