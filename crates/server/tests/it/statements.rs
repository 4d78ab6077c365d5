//! What requests cost in PostgreSQL: at most five statements, however much there is to show, and the header says the
//! truth about it.

use std::collections::BTreeMap;
use std::fmt::Write;

use kernel::UserId;
use serde_json::json;
use sqlx::PgConnection;

use crate::harness::{self, Client, Harness, PASSWORD};
use crate::make::{self, id, items};
use crate::operations::{FILE, Names, assert_covered, send};

/// How many events, guests, members, occurrences there are.
const SIZES: [usize; 3] = [1, 50, 500];
const MOST: u32 = 5;

const ALL: &str = "limit=500&expand=attendees,resources,organizer";
const WINDOW: &str = "?limit=500&from=2026-03-01T00:00:00Z&to=2026-05-01T00:00:00Z";
const LOGIN: &str = r#"{"email":"{email}","password":"{password}"}"#;
const WHOLE: &str = r#"{"calendar_id":"{calendar_id}","title":"x",
    "start":{"date_time":"2027-01-01T10:00:00","time_zone":"UTC"},
    "end":{"date_time":"2027-01-01T11:00:00","time_zone":"UTC"},"recurrence":["RRULE:FREQ=DAILY;COUNT={n}"],
    "resources":["{room_id}"],"attendees":[{"email":"a@x.org"},{"email":"b@x.org"}]}"#;
const MOVED: &str = r#"{"title":"moved","start":{"date_time":"2026-03-01T00:30:00","time_zone":"UTC"}}"#;
const LATER: &str = r#"{"start":{"date_time":"2026-03-01T01:00:00","time_zone":"UTC"}}"#;
const ONE: &str = r#"{"start":{"date_time":"2026-03-02T04:00:00","time_zone":"UTC"}}"#;
const BACK: &str = r#"{"status":"confirmed"}"#;
const REST: &str = r#"{"end":{"date_time":"2026-03-05T03:00:00","time_zone":"UTC"},
    "start":{"date_time":"2026-03-05T02:00:00","time_zone":"UTC"}}"#;
const SMALL: &str = r#"{"calendar_id":"{calendar_id}","start":{"date":"2026-05-01"},
    "attendees":[{"email":"a@x.org"}]}"#;
const MEMBER: &str = r#"{"user_id":"{user_id}","role":"reader"}"#;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// With an `Idempotency-Key`.
    Keyed,
    /// Sends its answer piece by piece, a statement for each: the header, which goes out before, cannot know them.
    Streamed,
}
use Kind::{Keyed, Plain, Streamed};

type Row = (&'static str, &'static str, &'static str, Kind);

/// In this order: what takes something away comes last.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("GET /healthz", "", "", Plain),
    ("GET /readyz", "", "", Plain),
    ("GET /api/admin/indexes", "", "", Plain),
    ("GET /api/admin/heap", "?seconds=1", "", Plain),
    ("POST /api/auth/login", "", LOGIN, Plain),
    ("GET /api/me", "", "", Plain),
    ("PATCH /api/me", "", r#"{"name":"Mio {n}"}"#, Plain),
    ("GET /api/tokens", "?limit=500", "", Plain),
    ("POST /api/tokens", "", r#"{"name":"x"}"#, Plain),
    ("POST /api/tokens", "", r#"{"name":"x"}"#, Keyed),
    ("GET /api/users", "?q=example&limit=500", "", Plain),
    ("GET /api/users", "?{users}", "", Plain),
    ("GET /api/calendars", "?limit=500", "", Plain),
    ("GET /api/calendars/{calendar_id}", "", "", Plain),
    ("GET /api/calendars/{calendar_id}/members", "?limit=500", "", Plain),
    ("GET /api/calendars/{calendar_id}/events", "?limit=500", "", Plain),
    ("GET /api/calendars/{calendar_id}/events", "?{all}", "", Plain),
    ("GET /api/calendars/{calendar_id}/events", "?q=event&{all}", "", Plain),
    ("GET /api/calendars/{calendar_id}/events", "?q=series&{far}", "", Plain),
    ("GET /api/calendars/{calendar_id}/events", "?{far}", "", Plain),
    ("GET /api/calendars/{calendar_id}/export", "", "", Streamed),
    ("GET /api/calendars/{calendar_id}/export", "?format=ndjson", "", Streamed),
    ("GET /api/me/events", "?{all}", "", Plain),
    ("GET /api/me/events", "?{far}", "", Plain),
    ("GET /api/events", "?{calendars}&{all}", "", Plain),
    ("GET /api/events", "?{ids}&expand=attendees,resources,organizer", "", Plain),
    ("GET /api/events/{event_id}", "", "", Plain),
    ("GET /api/events/{event_id}", "?expand=attendees,resources,organizer", "", Plain),
    ("GET /api/events/{event_id}/occurrences", "?{all}", "", Plain),
    ("GET /api/events/{event_id}/attendees", "?limit=500", "", Plain),
    ("GET /api/events/{event_id}/reservations", "?limit=500", "", Plain),
    ("GET /api/resources", "?limit=500", "", Plain),
    ("GET /api/resources/availability", WINDOW, "", Plain),
    ("GET /api/resources/{resource_id}", "", "", Plain),

    ("POST /api/calendars", "", r#"{"name":"x"}"#, Plain),
    ("POST /api/calendars", "", r#"{"name":"x"}"#, Keyed),
    ("POST /api/calendars/{calendar_id}/members", "", MEMBER, Plain),
    ("PATCH /api/calendars/{calendar_id}/members/{user_id}", "", r#"{"role":"writer"}"#, Plain),
    ("DELETE /api/calendars/{calendar_id}/members/{user_id}", "", "", Plain),
    ("POST /api/calendars/{calendar_id}/members", "", MEMBER, Keyed),
    ("POST /api/events", "", WHOLE, Plain),
    ("POST /api/events", "", SMALL, Keyed),
    ("POST /api/events/{event_id}/attendees", "", r#"{"email":"a@x.org"}"#, Plain),
    ("POST /api/events/{event_id}/attendees", "", r#"{"email":"b@x.org"}"#, Keyed),
    ("PATCH /api/events/{event_id}/attendees/{attendee_id}", "", r#"{"is_optional":true}"#, Plain),
    ("POST /api/events/{event_id}/respond", "", r#"{"response_status":"accepted"}"#, Plain),
    ("POST /api/events/{event_id}/respond", "", r#"{"response_status":"accepted"}"#, Keyed),
    ("DELETE /api/events/{event_id}/attendees/{attendee_id}", "", "", Plain),
    ("POST /api/events/{event_id}/reservations", "", r#"{"resources":["{free_id}"]}"#, Plain),
    ("POST /api/events/{event_id}/reservations", "", r#"{"resources":["{room_id}"]}"#, Keyed),
    ("DELETE /api/events/{event_id}/reservations/{reservation_id}", "", "", Plain),
    ("PATCH /api/events/{event_id}", "", r#"{"title":"y"}"#, Plain),
    ("PATCH /api/events/{event_id}", "", MOVED, Plain),
    ("PATCH /api/events/{event_id}", "?dry_run=true", LATER, Plain),
    ("PATCH /api/events/{event_id}", "?scope=this&original_start=2026-03-01T00:30:00", r#"{"title":"one"}"#, Plain),
    ("PATCH /api/events/{event_id}", "?scope=this&original_start=2026-03-02T00:30:00", ONE, Keyed),
    ("PATCH /api/events/{event_id}", "?scope=this&original_start=2026-03-02T00:30:00", ONE, Plain),
    // With overrides, and all of it moves.
    ("PATCH /api/events/{event_id}", "?scope=all", LATER, Keyed),
    ("DELETE /api/events/{event_id}", "?scope=this&original_start=2026-03-01T01:00:00", "", Plain),
    ("PATCH /api/events/{event_id}", "?scope=this&original_start=2026-03-01T01:00:00", BACK, Plain),
    ("PATCH /api/events/{event_id}", "?scope=following&original_start=2026-03-02T01:00:00&dry_run=true", REST, Plain),
    ("PATCH /api/events/{event_id}", "?scope=following&original_start=2026-03-05T01:00:00", REST, Keyed),
    ("PATCH /api/events/{event_id}", "?scope=following&original_start=2026-03-04T01:00:00", r#"{"title":"z"}"#, Plain),
    ("DELETE /api/events/{event_id}", "?scope=following&original_start=2026-03-02T01:00:00&dry_run=true", "", Plain),
    ("DELETE /api/events/{event_id}", "?scope=following&original_start=2026-03-03T01:00:00", "", Keyed),
    ("DELETE /api/events/{event_id}", "?scope=following&original_start=2026-03-02T01:00:00", "", Plain),
    ("PATCH /api/events/{event_id}", "", r#"{"status":"cancelled","start":{"date":"2026-02-01"}}"#, Plain),
    ("POST /api/resources", "", r#"{"name":"x","kind":"room"}"#, Plain),
    ("POST /api/resources", "", r#"{"name":"x","kind":"room"}"#, Keyed),
    ("PATCH /api/resources/{resource_id}", "", r#"{"name":"y"}"#, Plain),
    ("DELETE /api/resources/{resource_id}", "", "", Plain),
    ("PATCH /api/calendars/{calendar_id}", "", r#"{"name":"y"}"#, Plain),
    ("PATCH /api/calendars/{calendar_id}", "", r#"{"time_zone":"Europe/Berlin"}"#, Plain),
    ("POST /api/calendars/{calendar_id}/import", "", FILE, Plain),
    ("DELETE /api/events/{event_id}", "", "", Plain),
    ("DELETE /api/calendars/{calendar_id}", "", "", Plain),
    ("DELETE /api/tokens/{token_id}", "", "", Plain),
    ("POST /api/auth/logout", "", "", Plain),
];

/// Somebody with so much of everything, and the names of it.
async fn world(koyomi: &Harness, size: usize) -> (Client, Names) {
    let name = format!("mio{size}");
    let mio = koyomi.user_with_password(&name).await;
    let sql = &mut koyomi.sql().await;
    sqlx::query("update users set is_admin = true").execute(&mut *sql).await.unwrap();
    let calendar = make::calendar(&mio, "Work").await;
    let mut rooms = Vec::new();
    for room in ["A", "B", "C", "D"] {
        rooms.push(make::room(&mio, room).await);
    }
    // Two more will be invited, and 500 are the most.
    let guests: Vec<_> = (3..size).map(|n| json!({ "email": format!("{n}@x.org") })).collect();
    let guests: Vec<_> = [json!({ "email": mio.email })].into_iter().chain(guests).collect();
    let start = make::at("2026-03-01T00:00:00", "UTC");
    let end = make::at("2026-03-01T00:30:00", "UTC");
    let series = json!({
        "title": "event of many days", "start": start, "end": end, "attendees": guests, "resources": [rooms[0]],
        "recurrence": [format!("RRULE:FREQ=DAILY;COUNT={}", size + 5)],
    });
    let event = id(&make::event(&mio, &calendar, series).await).to_owned();
    let file = mio.with("content-type", "text/calendar");
    let path = format!("/api/calendars/{calendar}/import");
    let report = file.send(reqwest::Method::POST, &path, Some(events(size, &mio.email))).await.ok();
    assert_eq!(report["created"], size, "{report}");
    fill(sql, mio.id, &calendar, &rooms[1], size).await;

    let first = async |path: &str| id(&items(&mio.get(path).await.ok())[0]).to_owned();
    let last_guest = make::pages(&mio, &format!("/api/events/{event}/attendees"), 500).await;
    let listed = mio.get(&format!("/api/calendars/{calendar}/events?limit=500&fields=id")).await.ok();
    let ids: std::collections::BTreeSet<_> = items(&listed).iter().map(|e| format!("ids={}", id(e))).collect();
    let calendars = make::texts(&mio.get("/api/calendars?limit=100").await.ok(), "id");
    let users = make::texts(&mio.get("/api/users?q=filler&limit=500").await.ok(), "id");
    let colleague = koyomi.user(&format!("colleague{size}")).await;
    let names = Names::from([
        ("n", size.to_string()),
        ("email", mio.email.clone()),
        ("password", PASSWORD.to_owned()),
        ("all", ALL.to_owned()),
        ("far", format!("from=2080-01-01T00:00:00Z&to=2080-03-01T00:00:00Z&{ALL}")),
        ("ids", ids.into_iter().collect::<Vec<_>>().join("&")),
        ("users", users.iter().map(|id| format!("ids={id}")).collect::<Vec<_>>().join("&")),
        ("calendars", calendars.iter().map(|id| format!("calendar_id={id}")).collect::<Vec<_>>().join("&")),
        ("calendar_id", calendar),
        ("event_id", event.clone()),
        ("attendee_id", id(last_guest.last().unwrap()).to_owned()),
        ("reservation_id", first(&format!("/api/events/{event}/reservations")).await),
        ("user_id", colleague.id.to_string()),
        ("room_id", rooms[2].clone()),
        ("free_id", rooms[3].clone()),
        ("resource_id", make::room(&mio, "spare").await),
        ("token_id", first("/api/tokens").await),
    ]);
    (koyomi.bearer(&mio.token), names)
}

/// So many events, an hour each, with five guests; every other one is floating, every tenth goes on weekly for ever.
fn events(size: usize, organizer: &str) -> String {
    let mut file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n".to_owned();
    for n in 0..size {
        let (day, hour) = (1 + n / 24, n % 24);
        let zone = if n % 2 == 0 { "Z" } else { "" };
        let rule = if n % 10 == 0 { "RRULE:FREQ=WEEKLY\r\n" } else { "" };
        let _ = write!(
            file,
            "BEGIN:VEVENT\r\nUID:{n}@x\r\nDTSTAMP:20260301T000000Z\r\nSUMMARY:event of a series\r\n\
             DTSTART:202603{day:02}T{hour:02}0000{zone}\r\nDURATION:PT1H\r\n{rule}ORGANIZER:mailto:{organizer}\r\n"
        );
        for guest in 0..5 {
            let _ = write!(file, "ATTENDEE:mailto:{guest}@x.org\r\n");
        }
        file.push_str("END:VEVENT\r\n");
    }
    file + "END:VCALENDAR\r\n"
}

/// What takes too long to make one by one: a room for each event, members, calendars, resources, tokens.
async fn fill(sql: &mut PgConnection, owner: UserId, calendar: &str, room: &str, size: usize) {
    for statement in [
        "insert into reservations
             (id, resource_id, event_id, original_start, start_time, end_time, exclusive, created_at)
         select gen_random_uuid(), $3::uuid, o.event_id, o.original_start, o.start_time, o.end_time, false, now()
         from occurrences o where o.calendar_id = $2::uuid and $1::uuid is not null and $4::int > 0",
        "with someone as (
             insert into users (id, tenant_id, email, name, created_at, updated_at)
             select gen_random_uuid(), u.tenant_id, 'filler' || n || '-' || $4 || '@example.com', 'filler ' || n, now(),
                 now()
             from users u, generate_series(1, $4::int) n where u.id = $1 and $3::uuid is not null
             returning id
         )
         insert into calendar_members (calendar_id, user_id, role, created_at)
         select $2::uuid, id, 'reader', now() from someone",
        "with made as (
             insert into calendars (id, tenant_id, owner_id, name, color, time_zone, created_at, updated_at)
             select gen_random_uuid(), u.tenant_id, u.id, 'filler ' || n, '#000000', 'UTC', now(), now()
             from users u, generate_series(1, $4::int) n
             where u.id = $1 and $2::uuid is not null and $3::uuid is not null
             returning id
         ), headed as (insert into heads (calendar_id) select id from made)
         insert into calendar_members (calendar_id, user_id, role, created_at) select id, $1, 'owner', now() from made",
        "insert into resources (id, tenant_id, name, kind, created_at, updated_at)
         select gen_random_uuid(), u.tenant_id, 'filler ' || n, 'room', now(), now()
         from users u, generate_series(1, $4::int) n where u.id = $1 and $2::uuid is not null and $3::uuid is not null",
        "insert into api_tokens (id, user_id, name, token_hash, created_at)
         select gen_random_uuid(), $1, 'filler', sha256(($1 || ' ' || n)::bytea), now()
         from generate_series(1, $4::int) n where $2::uuid is not null and $3::uuid is not null",
    ] {
        sqlx::query(statement)
            .bind(owner.0)
            .bind(uuid::Uuid::parse_str(calendar).unwrap())
            .bind(uuid::Uuid::parse_str(room).unwrap())
            .bind(i32::try_from(size).unwrap())
            .execute(&mut *sql)
            .await
            .unwrap_or_else(|error| panic!("{error} in {statement}"));
    }
}

/// What PostgreSQL itself counted in this database.
struct Counter(PgConnection);

impl Counter {
    async fn new(koyomi: &Harness) -> Self {
        let mut sql = koyomi.sql().await;
        sqlx::query("create extension if not exists pg_stat_statements")
            .execute(&mut sql)
            .await
            .expect("the test server needs shared_preload_libraries = 'pg_stat_statements'");
        // It forgets what is used least when it is full: make room, so that it does not happen here.
        sqlx::query("select pg_stat_statements_reset() where (select count(*) from pg_stat_statements) > 2000")
            .execute(&mut sql)
            .await
            .unwrap();
        Self(sql)
    }

    async fn start(&mut self) {
        let of_here = "select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()";
        sqlx::query(of_here).execute(&mut self.0).await.unwrap();
    }

    /// Statements since then: without what begins and ends transactions, what the driver asks about types once in the
    /// life of a connection, what asks for the time, and our own questions.
    async fn count(&mut self) -> u32 {
        let calls: i64 = sqlx::query_scalar(
            r"select coalesce(sum(s.calls), 0)::bigint
              from pg_stat_statements s join pg_database d on d.oid = s.dbid
              where d.datname = current_database() and s.toplevel
                and s.query !~* '^\s*(begin|commit|rollback)'
                and s.query !~ 'pg_catalog|regtype|pg_stat_statements'",
        )
        .fetch_one(&mut self.0)
        .await
        .unwrap();
        u32::try_from(calls).unwrap()
    }
}

#[tokio::test]
async fn every_operation_costs_at_most_five_statements_whatever_there_is_to_show() {
    let koyomi = harness::start_on_fresh_database().await;
    assert_covered(&koyomi, TABLE.iter().map(|row| row.0)).await;
    let mut counter = Counter::new(&koyomi).await;
    let mut costs: BTreeMap<usize, Vec<(u32, u32)>> = BTreeMap::new();
    for size in SIZES {
        let (mio, names) = world(&koyomi, size).await;
        let mut session = mio.clone();
        for (n, (operation, query, body, kind)) in TABLE.iter().enumerate() {
            let client = match (*operation, kind) {
                ("POST /api/auth/logout", _) => session.clone(),
                (_, Keyed) => mio.with("idempotency-key", &format!("k-{n}")),
                _ => mio.clone(),
            };
            counter.start().await;
            let answer = send(&client, &names, operation, query, body).await;
            let counted = counter.count().await;
            if *operation == "POST /api/auth/login" {
                session = koyomi.bearer(answer.ok()["token"].as_str().unwrap());
            }
            assert!((200..300).contains(&answer.status), "{operation} with {size}: {}", answer.text());
            costs.entry(n).or_default().push((answer.statements(), counted));
        }
    }
    println!("{:>14}  statements with {SIZES:?} events", "");
    let mut wrong = Vec::new();
    for (n, costs) in costs {
        let (operation, query, _, kind) = TABLE[n];
        let told: Vec<u32> = costs.iter().map(|(told, _)| *told).collect();
        let counted: Vec<u32> = costs.iter().map(|(_, counted)| *counted).collect();
        let note = match kind {
            Plain => "",
            Keyed => " (keyed)",
            Streamed => " (streamed)",
        };
        let line = format!("{:>14}  {operation}{query}{note}", format!("{counted:?}"));
        println!("{line}");
        let honest = kind == Streamed || told == counted;
        let flat = counted.iter().all(|count| *count == counted[0] && *count <= MOST);
        let fine = if kind == Streamed { told.iter().all(|count| *count <= MOST) } else { flat };
        if !(honest && fine) {
            wrong.push(format!("{line}; the header says {told:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "more than {MOST} statements, more for more, or not told as it is:\n{}",
        wrong.join("\n")
    );
}
