//! One table drives both dialects: the same journeys, by the same people, with the same answers, the same refusals and the
//! same access. What can be asked in only one of them is not in it (signing in, tokens, import; `node`, subscriptions).

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::{STRICT, code};
use crate::harness::{self, Answer, Client, Harness, Person};
use crate::make::{self, id};

/// A journey: how REST asks, how GraphQL asks. `{names}` are those of the world it begins in.
struct Journey {
    name: &'static str,
    rest: &'static str,
    body: &'static str,
    graphql: &'static str,
}

const fn read(name: &'static str, rest: &'static str, graphql: &'static str) -> Journey {
    Journey { name, rest, body: "", graphql }
}

const fn write(name: &'static str, rest: &'static str, body: &'static str, graphql: &'static str) -> Journey {
    Journey { name, rest, body, graphql }
}

#[rustfmt::skip]
const TABLE: &[Journey] = &[
    read("who am I", "GET /api/me", "{ me { id email name timeZone isAdmin } }"),
    read("my calendars", "GET /api/calendars?limit=2", "{ calendars(first: 2) { nodes { id name color timeZone role etag } } }"),
    read("a calendar", "GET /api/calendars/{calendar}", r#"{ calendar(id: "{calendar}") { id name description color timeZone role etag } }"#),
    read("no calendar", "GET /api/calendars/{nothing}", r#"{ calendar(id: "{nothing}") { name } }"#),
    read("its members", "GET /api/calendars/{calendar}/members", r#"{ calendar(id: "{calendar}") { members { nodes { role user { id name email } } } } }"#),
    read("its events", "GET /api/calendars/{calendar}/events?{window}", r#"{ calendar(id: "{calendar}") { events({arguments}) { nodes { eventId title location status visibility transparency startTime endTime start { dateTime timeZone } attendeeCount roomName view etag } } } }"#),
    read("with all of theirs", "GET /api/calendars/{calendar}/events?{window}&expand=attendees", r#"{ calendar(id: "{calendar}") { events({arguments}) { nodes { eventId attendees { nodes { id email name responseStatus isOptional } } } } } }"#),
    read("found by words", "GET /api/calendars/{calendar}/events?{window}&q=evie", r#"{ calendar(id: "{calendar}") { events({arguments}, q: "evie") { nodes { eventId title } } } }"#),
    read("private ones found by words", "GET /api/calendars/{calendar}/events?{window}&q=secret", r#"{ calendar(id: "{calendar}") { events({arguments}, q: "secret") { nodes { eventId title } } } }"#),
    read("found by no words", "GET /api/calendars/{calendar}/events?q=", r#"{ calendar(id: "{calendar}") { events(q: "") { nodes { eventId } } } }"#),
    read("with a cursor of another list", "GET /api/calendars/{calendar}/events?cursor=nonsense", r#"{ calendar(id: "{calendar}") { events(after: "nonsense") { nodes { eventId } } } }"#),
    read("in a window of nothing", "GET /api/calendars/{calendar}/events?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", r#"{ calendar(id: "{calendar}") { events(from: "2026-03-02T00:00:00Z", to: "2026-03-01T00:00:00Z") { nodes { eventId } } } }"#),
    read("events of several calendars", "GET /api/events?calendar_id={calendar}&calendar_id={other}&{window}", r#"{ events(calendarIds: ["{calendar}", "{other}"], {arguments}) { nodes { eventId title } } }"#),
    read("events of no calendar", "GET /api/events?calendar_id={nothing}", r#"{ events(calendarIds: ["{nothing}"]) { nodes { eventId } } }"#),
    read("an agenda", "GET /api/me/events?{window}&limit=500", "{ agenda({arguments}, first: 500) { nodes { eventId title startTime view } } }"),
    read("an event", "GET /api/events/{event}", r#"{ event(id: "{event}") { eventId uid title description location status visibility start { dateTime timeZone } end { dateTime timeZone } recurrence sequence view attendeeCount etag } }"#),
    read("a private event", "GET /api/events/{secret}", r#"{ event(id: "{secret}") { eventId title startTime view etag } }"#),
    read("a series", "GET /api/events/{series}", r#"{ event(id: "{series}") { eventId title recurrence startTime } }"#),
    read("no event", "GET /api/events/{nothing}", r#"{ event(id: "{nothing}") { title } }"#),
    read("people", "GET /api/users?q=example", r#"{ users(q: "example") { nodes { id name email } } }"#),
    read("rooms", "GET /api/resources?q=Kaede&kind=room&limit=3", r#"{ resources(q: "Kaede", kind: ROOM, first: 3) { nodes { id name kind capacity exclusive etag } } }"#),
    read("a room", "GET /api/resources/{room}", r#"{ resource(id: "{room}") { id name kind location capacity exclusive etag } }"#),
    read("no room", "GET /api/resources/{nothing}", r#"{ resource(id: "{nothing}") { name } }"#),
    read("when rooms are free", "GET /api/resources/availability?{window}&q=Kaede&limit=5", r#"{ availability({arguments}, q: "Kaede", first: 5) { nodes { free busy { startTime endTime } resource { id name } } } }"#),
    read("for too long", "GET /api/resources/availability?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z", r#"{ availability(from: "2026-01-01T00:00:00Z", to: "2027-01-01T00:00:00Z") { nodes { free } } }"#),

    write("my name changes", "PATCH /api/me", r#"{"name":"Somebody","time_zone":"Europe/Berlin"}"#, r#"mutation { updateMe(input: { name: "Somebody", timeZone: "Europe/Berlin" }) { name timeZone } }"#),
    write("my zone is none", "PATCH /api/me", r#"{"time_zone":"Mars/Olympus"}"#, r#"mutation { updateMe(input: { timeZone: "Mars/Olympus" }) { name } }"#),
    write("a new calendar", "POST /api/calendars", r##"{"name":"New","color":"#102030"}"##, r##"mutation { createCalendar(input: { name: "New", color: "#102030" }) { name color timeZone role } }"##),
    write("without a name", "POST /api/calendars", r#"{"name":""}"#, r#"mutation { createCalendar(input: { name: "" }) { name } }"#),
    write("a calendar changes", "PATCH /api/calendars/{calendar}", r#"{"name":"Changed","description":null}"#, r#"mutation { updateCalendar(id: "{calendar}", input: { name: "Changed", description: null }) { name description role } }"#),
    write("a calendar goes", "DELETE /api/calendars/{calendar}", "", r#"mutation { deleteCalendar(id: "{calendar}") }"#),
    write("no calendar goes", "DELETE /api/calendars/{nothing}", "", r#"mutation { deleteCalendar(id: "{nothing}") }"#),
    write("a new member", "POST /api/calendars/{calendar}/members", r#"{"user_id":"{nobody}","role":"reader"}"#, r#"mutation { createMember(calendarId: "{calendar}", userId: "{nobody}", role: READER) { role } }"#),
    write("a member twice", "POST /api/calendars/{calendar}/members", r#"{"user_id":"{reader}","role":"reader"}"#, r#"mutation { createMember(calendarId: "{calendar}", userId: "{reader}", role: READER) { role } }"#),
    write("a member's role", "PATCH /api/calendars/{calendar}/members/{reader}", r#"{"role":"writer"}"#, r#"mutation { updateMember(calendarId: "{calendar}", userId: "{reader}", role: WRITER) { role } }"#),
    write("the last owner's role", "PATCH /api/calendars/{calendar}/members/{owner}", r#"{"role":"reader"}"#, r#"mutation { updateMember(calendarId: "{calendar}", userId: "{owner}", role: READER) { role } }"#),
    write("a member goes", "DELETE /api/calendars/{calendar}/members/{reader}", "", r#"mutation { deleteMember(calendarId: "{calendar}", userId: "{reader}") }"#),
    write("a new event", "POST /api/events", r#"{"calendar_id":"{calendar}","title":"New","start":{"date_time":"2026-03-12T10:00:00","time_zone":"Asia/Tokyo"},"end":{"date_time":"2026-03-12T11:00:00","time_zone":"Asia/Tokyo"},"attendees":[{"email":"a@x.org"}]}"#, r#"mutation { createEvent(input: { calendarId: "{calendar}", title: "New", start: { dateTime: "2026-03-12T10:00:00", timeZone: "Asia/Tokyo" }, end: { dateTime: "2026-03-12T11:00:00", timeZone: "Asia/Tokyo" }, attendees: [{ email: "a@x.org" }] }) { title startTime endTime attendeeCount sequence view } }"#),
    write("that ends before it starts", "POST /api/events", r#"{"calendar_id":"{calendar}","title":"New","start":{"date_time":"2026-03-12T10:00:00","time_zone":"Asia/Tokyo"},"end":{"date_time":"2026-03-12T09:00:00","time_zone":"Asia/Tokyo"}}"#, r#"mutation { createEvent(input: { calendarId: "{calendar}", title: "New", start: { dateTime: "2026-03-12T10:00:00", timeZone: "Asia/Tokyo" }, end: { dateTime: "2026-03-12T09:00:00", timeZone: "Asia/Tokyo" } }) { title } }"#),
    write("in a room that is taken", "POST /api/events", r#"{"calendar_id":"{calendar}","title":"New","start":{"date_time":"2026-03-10T10:30:00","time_zone":"Asia/Tokyo"},"end":{"date_time":"2026-03-10T11:30:00","time_zone":"Asia/Tokyo"},"resources":["{room}"]}"#, r#"mutation { createEvent(input: { calendarId: "{calendar}", title: "New", start: { dateTime: "2026-03-10T10:30:00", timeZone: "Asia/Tokyo" }, end: { dateTime: "2026-03-10T11:30:00", timeZone: "Asia/Tokyo" }, resourceIds: ["{room}"] }) { title } }"#),
    write("that recurs by the second", "POST /api/events", r#"{"calendar_id":"{calendar}","title":"New","start":{"date_time":"2026-03-12T10:00:00","time_zone":"Asia/Tokyo"},"end":{"date_time":"2026-03-12T11:00:00","time_zone":"Asia/Tokyo"},"recurrence":["RRULE:FREQ=SECONDLY"]}"#, r#"mutation { createEvent(input: { calendarId: "{calendar}", title: "New", start: { dateTime: "2026-03-12T10:00:00", timeZone: "Asia/Tokyo" }, end: { dateTime: "2026-03-12T11:00:00", timeZone: "Asia/Tokyo" }, recurrence: ["RRULE:FREQ=SECONDLY"] }) { title } }"#),
    write("an event changes", "PATCH /api/events/{event}", r#"{"title":"Changed","location":null,"visibility":"private"}"#, r#"mutation { updateEvent(id: "{event}", input: { title: "Changed", location: null, visibility: PRIVATE }) { title location visibility startTime sequence view } }"#),
    write("an event moves", "PATCH /api/events/{event}", r#"{"start":{"date_time":"2026-03-13T10:00:00","time_zone":"Asia/Tokyo"},"end":{"date_time":"2026-03-13T12:00:00","time_zone":"Asia/Tokyo"}}"#, r#"mutation { updateEvent(id: "{event}", input: { start: { dateTime: "2026-03-13T10:00:00", timeZone: "Asia/Tokyo" }, end: { dateTime: "2026-03-13T12:00:00", timeZone: "Asia/Tokyo" } }) { startTime endTime sequence } }"#),
    write("one occurrence changes", "PATCH /api/events/{series}?scope=this&original_start=2026-03-11T10:00:00", r#"{"title":"Once"}"#, r#"mutation { updateEvent(id: "{series}", scope: THIS, originalStart: "2026-03-11T10:00:00", input: { title: "Once" }) { title startTime originalStart } }"#),
    write("a series goes on differently", "PATCH /api/events/{series}?scope=following&original_start=2026-03-11T10:00:00", r#"{"title":"From here"}"#, r#"mutation { updateEvent(id: "{series}", scope: FOLLOWING, originalStart: "2026-03-11T10:00:00", input: { title: "From here" }) { title startTime nextSeriesId } }"#),
    write("an occurrence that is none", "PATCH /api/events/{series}?scope=this&original_start=2026-03-11T11:00:00", r#"{"title":"Once"}"#, r#"mutation { updateEvent(id: "{series}", scope: THIS, originalStart: "2026-03-11T11:00:00", input: { title: "Once" }) { title } }"#),
    write("a part of nothing", "DELETE /api/events/{series}?scope=following", "", r#"mutation { deleteEvent(id: "{series}", scope: FOLLOWING) }"#),
    write("one occurrence goes", "DELETE /api/events/{series}?scope=this&original_start=2026-03-11T10:00:00", "", r#"mutation { deleteEvent(id: "{series}", scope: THIS, originalStart: "2026-03-11T10:00:00") }"#),
    write("an event goes", "DELETE /api/events/{event}", "", r#"mutation { deleteEvent(id: "{event}") }"#),
    write("a private event goes", "DELETE /api/events/{secret}", "", r#"mutation { deleteEvent(id: "{secret}") }"#),
    write("a new guest", "POST /api/events/{event}/attendees", r#"{"email":"b@x.org","name":"B","is_optional":true}"#, r#"mutation { createAttendee(eventId: "{event}", input: { email: "b@x.org", name: "B", isOptional: true }) { email name isOptional responseStatus } }"#),
    write("a guest twice", "POST /api/events/{event}/attendees", r#"{"email":"guest@example.com"}"#, r#"mutation { createAttendee(eventId: "{event}", input: { email: "guest@example.com" }) { email } }"#),
    write("a guest without an address", "POST /api/events/{event}/attendees", r#"{"email":"nobody"}"#, r#"mutation { createAttendee(eventId: "{event}", input: { email: "nobody" }) { email } }"#),
    write("a guest becomes optional", "PATCH /api/events/{event}/attendees/{attendee}", r#"{"is_optional":true}"#, r#"mutation { updateAttendee(eventId: "{event}", id: "{attendee}", input: { isOptional: true }) { email isOptional } }"#),
    write("a guest goes", "DELETE /api/events/{event}/attendees/{attendee}", "", r#"mutation { deleteAttendee(eventId: "{event}", id: "{attendee}") }"#),
    write("a guest answers", "POST /api/events/{event}/respond", r#"{"response_status":"accepted"}"#, r#"mutation { respond(eventId: "{event}", input: { responseStatus: ACCEPTED }) { email responseStatus } }"#),
    write("a room for an event", "POST /api/events/{secret}/reservations", r#"{"resources":["{room}"]}"#, r#"mutation { createReservations(eventId: "{secret}", resourceIds: ["{room}"]) { startTime endTime status } }"#),
    write("no room for an event", "POST /api/events/{secret}/reservations", r#"{"resources":["{nothing}"]}"#, r#"mutation { createReservations(eventId: "{secret}", resourceIds: ["{nothing}"]) { status } }"#),
    write("a room is given back", "DELETE /api/events/{event}/reservations/{reservation}", "", r#"mutation { deleteReservation(eventId: "{event}", id: "{reservation}") }"#),
    write("a new room", "POST /api/resources", r#"{"name":"Sakura","kind":"room","capacity":4}"#, r#"mutation { createResource(input: { name: "Sakura", kind: ROOM, capacity: 4 }) { name kind capacity exclusive } }"#),
    write("a room changes", "PATCH /api/resources/{room}", r#"{"name":"Kaede 2","capacity":null}"#, r#"mutation { updateResource(id: "{room}", input: { name: "Kaede 2", capacity: null }) { name capacity } }"#),
    write("a room in use goes", "DELETE /api/resources/{room}", "", r#"mutation { deleteResource(id: "{room}") }"#),
];

/// Who walks, and by which name the world knows them.
struct People {
    owner: Person,
    writer: Person,
    reader: Person,
    free_busy: Person,
    guest: Person,
    nobody: Person,
    admin: Person,
    stranger: Person,
}

impl People {
    async fn of(koyomi: &Harness) -> Self {
        Self {
            owner: koyomi.user("owner").await,
            writer: koyomi.user("writer").await,
            reader: koyomi.user("reader").await,
            free_busy: koyomi.user("free_busy").await,
            guest: koyomi.user("guest").await,
            nobody: koyomi.user("nobody").await,
            admin: koyomi.admin("admin").await,
            stranger: koyomi.stranger("elsewhere", "stranger").await,
        }
    }

    fn walkers(&self, koyomi: &Harness) -> Vec<(&'static str, Client)> {
        let people = [
            ("owner", &self.owner),
            ("writer", &self.writer),
            ("reader", &self.reader),
            ("free_busy", &self.free_busy),
            ("guest", &self.guest),
            ("nobody", &self.nobody),
            ("admin", &self.admin),
            ("stranger", &self.stranger),
        ];
        let mut walkers: Vec<(&str, Client)> =
            people.into_iter().map(|(name, person)| (name, Client::clone(person))).collect();
        walkers.push(("anonymous", koyomi.anonymous()));
        walkers.push(("with a token of nobody", koyomi.bearer("kyt_nothing")));
        walkers
    }
}

/// Where a journey begins: the same every time, but for its ids.
async fn world(people: &People) -> Vec<(&'static str, String)> {
    let People { owner, writer, reader, free_busy, guest, nobody, admin, .. } = people;
    let (calendar, other) = (make::calendar(owner, "Work").await, make::calendar(owner, "Other").await);
    for (who, role) in [(writer, "writer"), (reader, "reader"), (free_busy, "free_busy")] {
        make::share(owner, &calendar, who, role).await;
        make::share(owner, &other, who, role).await;
    }
    let room = make::room(admin, "Kaede").await;
    let event = json!({
        "title": "Review", "location": "Here", "resources": [room],
        "attendees": [{ "email": guest.email, "name": "Guest" }, { "email": "away@x.org" }],
    });
    let event = make::event(owner, &calendar, event).await;
    let start = make::at("2026-03-11T10:00:00", "Asia/Tokyo");
    let end = make::at("2026-03-11T11:00:00", "Asia/Tokyo");
    let secret = json!({ "title": "secret", "visibility": "private", "start": start, "end": end });
    let secret = make::event(owner, &calendar, secret).await;
    let series = make::event(owner, &other, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await;
    let path = format!("/api/events/{}", id(&event));
    let attendees = owner.get(&format!("{path}/attendees")).await.ok();
    let reservations = owner.get(&format!("{path}/reservations")).await.ok();
    let first = |page: &Value| id(&make::items(page)[0]).to_owned();
    vec![
        ("attendee", first(&attendees)),
        ("reservation", first(&reservations)),
        ("event", id(&event).to_owned()),
        ("secret", id(&secret).to_owned()),
        ("series", id(&series).to_owned()),
        ("calendar", calendar),
        ("other", other),
        ("room", room),
        ("nothing", "019b76da-a800-7523-8885-345e0c694f10".to_owned()),
        ("reader", reader.id.0.to_string()),
        ("owner", owner.id.0.to_string()),
        ("nobody", nobody.id.0.to_string()),
        ("window", "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z".to_owned()),
        ("arguments", super::WINDOW.to_owned()),
    ]
}

fn filled(text: &str, world: &[(&'static str, String)]) -> String {
    world.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

impl Journey {
    async fn by_rest(&self, who: &Client, world: &[(&'static str, String)]) -> Answer {
        let (method, path) = self.rest.split_once(' ').unwrap();
        let body = (!self.body.is_empty()).then(|| filled(self.body, world));
        who.send(Method::from_bytes(method.as_bytes()).unwrap(), &filled(path, world), body).await
    }

    async fn by_graphql(&self, who: &Client, world: &[(&'static str, String)]) -> Answer {
        let query = filled(self.graphql, world);
        who.with("accept", STRICT).post("/graphql", json!({ "query": query })).await
    }
}

#[tokio::test]
async fn every_journey_comes_to_the_same_in_both_dialects() {
    let koyomi = harness::start().await;
    let people = People::of(&koyomi).await;
    let walkers = people.walkers(&koyomi);
    let shared = world(&people).await;
    let (mut answered, mut refused, mut differ) = (0, 0, 0);
    for journey in TABLE {
        // What only reads may begin in one world; what changes something needs one for each dialect, and new ones when it
        // has changed something.
        let mut worlds = None;
        for (name, who) in &walkers {
            let what = format!("{} by {name}", journey.name);
            let (here, there) = match worlds.take() {
                _ if journey.rest.starts_with("GET") => (shared.clone(), shared.clone()),
                Some(unchanged) => unchanged,
                None => (world(&people).await, world(&people).await),
            };
            let rest = journey.by_rest(who, &here).await;
            let graphql = journey.by_graphql(who, &there).await;
            if rest.status < 300 {
                answered += 1;
            } else {
                refused += 1;
            }
            // All that differs is told at once.
            let alike = AssertUnwindSafe(|| alike(&what, &rest, &graphql));
            differ += usize::from(std::panic::catch_unwind(alike).is_err());
        }
    }
    assert_eq!(differ, 0);
    assert!(answered > 120 && refused > 150, "{answered} answered, {refused} refused");
}

#[track_caller]
fn alike(what: &str, rest: &Answer, graphql: &Answer) {
    let said = graphql.json();
    if rest.status < 300 {
        assert_eq!(said["errors"], Value::Null, "{what}: REST answers {}", rest.text());
        if rest.status != 204 {
            let field = said["data"].as_object().unwrap().values().next().unwrap().clone();
            same(what, &rest.json(), &field);
        }
        return;
    }
    let problem = rest.json();
    assert_eq!(code(graphql), problem["code"].as_str().unwrap(), "{what}: {said} and {problem}");
    let extensions = &said["errors"][0]["extensions"];
    assert_eq!(extensions["status"], rest.status, "{what}: {said}");
    let places = |errors: &Value| errors.as_array().map_or(0, Vec::len);
    assert_eq!(places(&extensions["errors"]), places(&problem["errors"]), "{what}: {said} and {problem}");
    assert_eq!(places(&extensions["conflicts"]), places(&problem["conflicts"]), "{what}: {said} and {problem}");
}

/// Whether GraphQL says what REST says, as far as it was asked.
#[track_caller]
fn same(what: &str, rest: &Value, graphql: &Value) {
    match (rest, graphql) {
        // A connection is a page, or the list that is nested into an item.
        (Value::Object(page), Value::Object(connection)) if page.contains_key("items") => {
            let nodes =
                connection.get("nodes").or_else(|| connection.values().next().and_then(|below| below.get("nodes")));
            same(what, &page["items"], nodes.unwrap_or_else(|| panic!("{what}: no nodes in {graphql}")));
        }
        (Value::Object(page), Value::Array(_)) if page.contains_key("items") => same(what, &page["items"], graphql),
        (Value::Array(_), Value::Object(connection)) => same(what, rest, &connection["nodes"]),
        (Value::Array(rest), Value::Array(graphql)) => {
            assert_eq!(rest.len(), graphql.len(), "{what}: {rest:?} and {graphql:?}");
            rest.iter().zip(graphql).for_each(|(rest, graphql)| same(what, rest, graphql));
        }
        (Value::Object(object), Value::Object(fields)) => {
            for (name, value) in fields {
                let place = format!("{what}, {name}");
                let flat = object.get(&snake(name));
                match (flat, name.as_str()) {
                    (Some(rest), _) => same(&place, rest, value),
                    (None, "eventId") => same(&place, &object["id"], value),
                    // A member, or a resource that is free, stands flat in REST.
                    (None, "user" | "resource") if !value.is_null() => {
                        let own: serde_json::Map<_, _> = object
                            .iter()
                            .map(|(key, value)| {
                                (key.strip_prefix(&format!("{name}_")).unwrap_or(key).to_owned(), value.clone())
                            })
                            .collect();
                        same(&place, &own.into(), value);
                    }
                    (None, _) => assert!(
                        [json!(null), json!([]), json!({ "nodes": [] })].contains(value),
                        "{place}: {value} is not in {rest}"
                    ),
                }
            }
        }
        (Value::String(rest), Value::String(graphql)) => {
            let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
            let equal = rest == graphql
                || *rest == graphql.to_lowercase()
                || at(rest).is_some_and(|instant| Some(instant) == at(graphql));
            assert!(equal, "{what}: {rest} and {graphql}");
        }
        _ => assert_eq!(rest, graphql, "{what}"),
    }
}

/// As REST spells it.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
