//! Who may do what, over HTTP: every operation of the document, asked by everybody.

use serde_json::json;
use sqlx::PgConnection;

use crate::harness::{self, Client, Harness, PASSWORD, Person};
use crate::make::{self, at, id, items};
use crate::operations::{FILE, Names, assert_covered, send};

/// Members of the calendar by role; a colleague without any; somebody who is invited to the event and nothing else; an
/// administrator without any role; the administrator of another organisation; nobody; a token that was revoked.
const WHO: [&str; 10] =
    ["owner", "writer", "reader", "free_busy", "stranger", "guest", "admin", "other tenant", "anonymous", "revoked"];

const EVENT: &str = r#"{"calendar_id":"{calendar_id}","title":"x","start":{"date":"2026-05-01"}}"#;
const GUEST: &str = r#"{"email":"nobody@example.org"}"#;
const LOGIN: &str = r#"{"email":"mio@example.com","password":"{password}"}"#;
const MEMBER: &str = r#"{"user_id":"{colleague_id}","role":"reader"}"#;
const ROOM: &str = r#"{"resources":["{free_room_id}"]}"#;
const THIS: &str = "?scope=this&original_start=2026-03-11T10:00:00";
const FOLLOWING: &str = "?scope=following&original_start=2026-03-11T10:00:00";
const NOTHING: &str = "?scope=this&original_start=2026-03-11T11:00:00";
const WINDOW: &str = "?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";

type Row = (&'static str, &'static str, &'static str, [u16; 10]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // operation                                            query                 body                       owner write read  busy  stra  guest admin other anon  revoked
    ("POST /api/auth/login",                                "",                   LOGIN,                     [200, 200,  200,  200,  200,  200,  200,  200,  200,  200]),
    ("POST /api/auth/logout",                               "",                   "",                        [403, 403,  403,  403,  403,  403,  403,  403,  204,  403]),
    ("GET /api/me",                                         "",                   "",                        [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("PATCH /api/me",                                       "",                   r#"{"time_zone":"UTC"}"#,  [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("GET /api/tokens",                                     "",                   "",                        [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("POST /api/tokens",                                    "",                   r#"{"name":"x"}"#,         [201, 201,  201,  201,  201,  201,  201,  201,  401,  401]),
    ("DELETE /api/tokens/{token_id}",                       "",                   "",                        [204, 404,  404,  404,  404,  404,  404,  404,  401,  401]),
    ("GET /api/users",                                      "?q=mio",             "",                        [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("GET /api/calendars",                                  "",                   "",                        [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("POST /api/calendars",                                 "",                   r#"{"name":"x"}"#,         [201, 201,  201,  201,  201,  201,  201,  201,  401,  401]),
    ("GET /api/calendars/{calendar_id}",                    "",                   "",                        [200, 200,  200,  200,  404,  404,  404,  404,  401,  401]),
    ("PATCH /api/calendars/{calendar_id}",                  "",                   r#"{"name":"y"}"#,         [200, 403,  403,  403,  404,  404,  404,  404,  401,  401]),
    ("DELETE /api/calendars/{calendar_id}",                 "",                   "",                        [204, 403,  403,  403,  404,  404,  404,  404,  401,  401]),
    ("GET /api/calendars/{calendar_id}/members",            "",                   "",                        [200, 200,  200,  403,  404,  404,  404,  404,  401,  401]),
    ("POST /api/calendars/{calendar_id}/members",           "",                   MEMBER,                    [201, 403,  403,  403,  404,  404,  404,  404,  401,  401]),
    ("PATCH /api/calendars/{calendar_id}/members/{user_id}", "",                  r#"{"role":"writer"}"#,    [200, 403,  403,  403,  404,  404,  404,  404,  401,  401]),
    ("DELETE /api/calendars/{calendar_id}/members/{user_id}", "",                 "",                        [204, 403,  403,  403,  404,  404,  404,  404,  401,  401]),
    ("GET /api/calendars/{calendar_id}/events",             WINDOW,               "",                        [200, 200,  200,  200,  404,  404,  404,  404,  401,  401]),
    ("GET /api/calendars/{calendar_id}/export",             "",                   "",                        [200, 200,  200,  200,  404,  404,  404,  404,  401,  401]),
    ("POST /api/calendars/{calendar_id}/import",            "",                   FILE,                      [200, 200,  403,  403,  404,  404,  404,  404,  401,  401]),
    ("GET /api/me/events",                                  WINDOW,               "",                        [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("GET /api/events",                                     "?calendar_id={calendar_id}", "",                [200, 200,  200,  200,  404,  404,  404,  404,  401,  401]),
    ("POST /api/events",                                    "",                   EVENT,                     [201, 201,  403,  403,  404,  404,  404,  404,  401,  401]),
    ("GET /api/events/{event_id}",                          "",                   "",                        [200, 200,  200,  200,  404,  200,  404,  404,  401,  401]),
    ("PATCH /api/events/{event_id}",                        "",                   r#"{"title":"y"}"#,        [200, 200,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("PATCH /api/events/{event_id}",                        THIS,                 r#"{"title":"y"}"#,        [200, 200,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("PATCH /api/events/{event_id}",                        FOLLOWING,            r#"{"title":"y"}"#,        [200, 200,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("PATCH /api/events/{event_id}",                        NOTHING,              r#"{"title":"y"}"#,        [404, 404,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("PATCH /api/events/{event_id}",                        "?dry_run=true",      r#"{"title":"y"}"#,        [200, 200,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("DELETE /api/events/{event_id}",                       "",                   "",                        [204, 204,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("DELETE /api/events/{event_id}",                       THIS,                 "",                        [204, 204,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("DELETE /api/events/{event_id}",                       FOLLOWING,            "",                        [204, 204,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("DELETE /api/events/{event_id}",                       "?dry_run=true",      "",                        [200, 200,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("GET /api/events/{event_id}/occurrences",              "",                   "",                        [200, 200,  200,  200,  404,  200,  404,  404,  401,  401]),
    ("GET /api/events/{event_id}/attendees",                "",                   "",                        [200, 200,  200,  403,  404,  200,  404,  404,  401,  401]),
    ("POST /api/events/{event_id}/attendees",               "",                   GUEST,                     [201, 201,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("PATCH /api/events/{event_id}/attendees/{attendee_id}", "",                  r#"{"is_optional":true}"#, [200, 200,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("DELETE /api/events/{event_id}/attendees/{attendee_id}", "",                 "",                        [204, 204,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("POST /api/events/{event_id}/respond",                 "", r#"{"response_status":"accepted"}"#,         [403, 403,  403,  403,  404,  200,  404,  404,  401,  401]),
    ("GET /api/events/{event_id}/reservations",             "",                   "",                        [200, 200,  200,  403,  404,  200,  404,  404,  401,  401]),
    ("POST /api/events/{event_id}/reservations",            "",                   ROOM,                      [201, 201,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("DELETE /api/events/{event_id}/reservations/{reservation_id}", "",           "",                        [204, 204,  403,  403,  404,  403,  404,  404,  401,  401]),
    ("GET /api/resources",                                  "",                   "",                        [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("POST /api/resources",                                 "",        r#"{"name":"x","kind":"room"}"#,      [403, 403,  403,  403,  403,  403,  201,  201,  401,  401]),
    ("GET /api/resources/availability",                     WINDOW,               "",                        [200, 200,  200,  200,  200,  200,  200,  200,  401,  401]),
    ("GET /api/resources/{resource_id}",                    "",                   "",                        [200, 200,  200,  200,  200,  200,  200,  404,  401,  401]),
    ("PATCH /api/resources/{resource_id}",                  "",                   r#"{"name":"y"}"#,         [403, 403,  403,  403,  403,  403,  200,  404,  401,  401]),
    ("DELETE /api/resources/{resource_id}",                 "",                   "",                        [403, 403,  403,  403,  403,  403,  204,  404,  401,  401]),
    ("GET /healthz",                                        "",                   "",                        [204, 204,  204,  204,  204,  204,  204,  204,  204,  204]),
    ("GET /readyz",                                         "",                   "",                        [200, 200,  200,  200,  200,  200,  200,  200,  200,  200]),
    ("GET /api/admin/heap",                                 "?seconds=1",         "",                        [403, 403,  403,  403,  403,  403,  200,  403,  401,  401]),
    ("GET /api/admin/indexes",                              "",                   "",                        [403, 403,  403,  403,  403,  403,  200,  403,  401,  401]),
];

/// Those who ask, and the objects that the next request is about.
struct World {
    clients: Vec<Client>,
    people: Vec<Person>,
    names: Names,
}

impl World {
    async fn new(koyomi: &Harness) -> Self {
        let mut people = vec![koyomi.user_with_password("mio").await];
        for name in ["writer", "reader", "busy", "stranger", "guest"] {
            people.push(koyomi.user(name).await);
        }
        people.push(koyomi.admin("admin").await);
        let other = koyomi.stranger("other", "boss").await;
        sqlx::query("update users set is_admin = true where id = $1")
            .bind(other.id.0)
            .execute(&mut koyomi.sql().await)
            .await
            .unwrap();
        people.push(other);
        let revoked = people[0].post("/api/tokens", json!({ "name": "revoked" })).await.ok();
        people[0].delete(&format!("/api/tokens/{}", id(&revoked))).await.is(204);
        let mut clients: Vec<Client> = people.iter().map(|person| (**person).clone()).collect();
        clients.push(koyomi.anonymous());
        clients.push(koyomi.bearer(revoked["secret"].as_str().unwrap()));
        people.push(koyomi.user("member").await);
        people.push(koyomi.user("colleague").await);
        let mut world = Self { clients, people, names: Names::new() };
        world.refresh().await;
        world
    }

    /// Fresh objects: nothing that was done to the former ones can be seen on these.
    async fn refresh(&mut self) {
        let [mio, writer, reader, busy, _, guest, admin, _, member, colleague] = &self.people[..] else {
            panic!("ten people");
        };
        let calendar = make::calendar(mio, "Work").await;
        for (person, role) in [(writer, "writer"), (reader, "reader"), (busy, "free_busy"), (member, "reader")] {
            make::share(mio, &calendar, person, role).await;
        }
        let (room, free_room, spare) =
            (make::room(admin, "A").await, make::room(admin, "B").await, make::room(admin, "C").await);
        let more = json!({
            "start": at("2026-03-10T10:00:00", "Asia/Tokyo"), "end": at("2026-03-10T11:00:00", "Asia/Tokyo"),
            "attendees": [{ "email": "someone@example.org" }, { "email": guest.email }], "resources": [room],
            "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"],
        });
        let event = id(&make::event(mio, &calendar, more).await).to_owned();
        let first = async |of: &str| {
            let page = mio.get(&format!("/api/events/{event}/{of}")).await.ok();
            id(&items(&page)[0]).to_owned()
        };
        let token = mio.post("/api/tokens", json!({ "name": "x" })).await.ok();
        self.names = Names::from([
            ("calendar_id", calendar),
            ("event_id", event.clone()),
            ("attendee_id", first("attendees").await),
            ("reservation_id", first("reservations").await),
            ("user_id", member.id.to_string()),
            ("colleague_id", colleague.id.to_string()),
            ("free_room_id", free_room),
            ("resource_id", spare),
            ("token_id", id(&token).to_owned()),
            ("password", PASSWORD.to_owned()),
        ]);
    }
}

/// What only the refused could have changed: every table's rows, and the places of the calendars.
async fn state(sql: &mut PgConnection) -> String {
    let tables = [
        "users",
        "api_tokens",
        "calendars",
        "calendar_members",
        "heads",
        "changes",
        "events",
        "occurrences",
        "attendees",
        "resources",
        "reservations",
    ];
    let digests: Vec<String> = tables
        .iter()
        .map(|table| format!("(select coalesce(sum(hashtextextended(t::text, 0)), 0)::text from {table} t)"))
        .collect();
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select concat_ws(' ', {})", digests.join(", "))))
        .fetch_one(sql)
        .await
        .unwrap()
}

#[tokio::test]
async fn every_operation_answers_everybody_as_the_table_says() {
    let koyomi = harness::start_on_fresh_database().await;
    assert_covered(&koyomi, TABLE.iter().map(|row| row.0)).await;
    let mut world = World::new(&koyomi).await;
    let mut sql = koyomi.sql().await;
    let mut wrong = Vec::new();
    for (operation, query, body, expected) in TABLE {
        let writes = !operation.starts_with("GET");
        for (n, expected) in expected.iter().enumerate() {
            let before = if writes { state(&mut sql).await } else { String::new() };
            let answer = send(&world.clients[n], &world.names, operation, query, body).await;
            if answer.status != *expected {
                let text: String = answer.text().chars().take(200).collect();
                wrong.push(format!("{operation} by {}: {} instead of {expected}: {text}", WHO[n], answer.status));
            }
            if writes && answer.status >= 400 {
                if state(&mut sql).await != before {
                    wrong.push(format!("{operation} by {}: refused, and yet something changed", WHO[n]));
                }
            } else if writes {
                world.refresh().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
