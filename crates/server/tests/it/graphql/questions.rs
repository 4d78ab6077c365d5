use serde_json::{Value, json};

use super::{STRICT, WINDOW, ask, code, data};
use crate::harness::{self, Answer, Mode};
use crate::make::{self, id, items};

#[test]
fn the_schema_is_the_one_that_is_published() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema.graphql");
    let published = std::fs::read_to_string(path).unwrap();
    assert!(
        published == server::sdl(),
        "schema.graphql is not what the code says: cargo run --bin koyomi -- schema >schema.graphql"
    );
    let undescribed = published.lines().filter(|line| line.trim() == "\"\"\"\"\"\"").count();
    assert_eq!(undescribed, 0);
}

#[tokio::test]
async fn nested_questions_cost_five_statements_and_one_when_they_are_asked_again() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let mio = koyomi.admin("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&mio, "Kaede").await;
    for n in 0..50 {
        let guests: Vec<Value> = (0..5).map(|g| json!({ "email": format!("guest{g}@x.org") })).collect();
        let start = make::at(&format!("2026-03-{:02}T{:02}:00:00", 1 + n % 28, 1 + n / 28), "UTC");
        let end = make::at(&format!("2026-03-{:02}T{:02}:30:00", 1 + n % 28, 1 + n / 28), "UTC");
        let more =
            json!({ "title": format!("n={n}"), "start": start, "end": end, "attendees": guests, "resources": [room] });
        make::event(&mio, &calendar, more).await;
    }
    let query = format!(
        r#"{{ calendar(id: "{calendar}") {{ id events({WINDOW}, first: 50) {{
            edges {{ cursor node {{
                id title startTime endTime
                organizer {{ name user {{ id name }} }}
                attendees(first: 10) {{ nodes {{ email responseStatus user {{ id name email }} }} }}
                reservations {{ resource {{ id name }} }}
            }} }}
            pageInfo {{ hasNextPage endCursor }}
        }} }} }}"#
    );
    let (first, again) = (ask(&mio, &query).await, ask(&mio, &query).await);
    assert!(first.statements() <= 5, "{}", first.statements());
    assert_eq!(again.statements(), 1);
    assert_eq!(data(&first), data(&again));
    let edges = data(&first)["calendar"]["events"]["edges"].as_array().unwrap().clone();
    assert_eq!(edges.len(), 50);
    for edge in &edges {
        let node = &edge["node"];
        assert_eq!(node["attendees"]["nodes"].as_array().unwrap().len(), 5);
        assert_eq!(node["reservations"][0]["resource"]["name"], "Kaede");
        assert_eq!(node["organizer"]["user"]["id"], mio.id.0.to_string());
    }
    // What one dialect has read, the other finds.
    let rest = format!(
        "/api/calendars/{calendar}/events?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z&expand=attendees,resources"
    );
    assert_eq!(mio.get(&rest).await.statements(), 1);
}

#[tokio::test]
async fn both_dialects_show_the_same_and_page_by_the_same_cursors() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for n in 0..5 {
        let start = make::at(&format!("2026-03-1{n}T10:00:00"), "UTC");
        make::event(&mio, &calendar, json!({ "title": format!("n={n}"), "start": start })).await;
    }
    let recurring = json!({
        "title": "daily", "start": make::at("2026-03-20T10:00:00", "UTC"), "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"],
    });
    make::event(&mio, &calendar, recurring).await;
    let rest = format!("/api/calendars/{calendar}/events?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z&limit=3");
    let page = mio.get(&rest).await.ok();
    let fields =
        "nodes { eventId title startTime endTime etag start { dateTime timeZone } } pageInfo { endCursor hasNextPage }";
    let of = |after: &str| {
        format!(r#"{{ calendar(id: "{calendar}") {{ events({WINDOW}, first: 3{after}) {{ {fields} }} }} }}"#)
    };
    let first = data(&ask(&mio, &of("")).await)["calendar"]["events"].clone();
    for (theirs, ours) in items(&page).iter().zip(first["nodes"].as_array().unwrap()) {
        assert_eq!(ours["eventId"], theirs["id"]);
        assert_eq!(ours["title"], theirs["title"]);
        assert_eq!(ours["etag"], theirs["etag"]);
        assert_eq!(ours["start"]["dateTime"], theirs["start"]["date_time"]);
    }
    assert_eq!(first["pageInfo"]["endCursor"], page["next_cursor"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let second = data(&ask(&mio, &of(&format!(r#", after: "{cursor}""#))).await)["calendar"]["events"].clone();
    let theirs = mio.get(&format!("{rest}&cursor={cursor}")).await.ok();
    let titles = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles(&second["nodes"]), titles(&theirs["items"]));
    // No two occurrences share a node.
    let all = format!(r#"{{ calendar(id: "{calendar}") {{ events({WINDOW}) {{ nodes {{ id }} }} }} }}"#);
    let all = data(&ask(&mio, &all).await)["calendar"]["events"]["nodes"].as_array().unwrap().clone();
    let distinct: std::collections::HashSet<&str> = all.iter().map(id).collect();
    assert_eq!((all.len(), distinct.len()), (8, 8));
}

#[tokio::test]
async fn who_may_see_less_sees_less_in_every_field() {
    let koyomi = harness::start().await;
    let (mio, ken, stranger) = (koyomi.user("mio").await, koyomi.user("ken").await, koyomi.user("eve").await);
    let calendar = make::calendar(&mio, "Work").await;
    make::share(&mio, &calendar, &ken, "free_busy").await;
    let more = json!({ "title": "secret", "location": "secret", "attendees": [{ "email": "secret@x.org" }] });
    let event = make::event(&mio, &calendar, more).await;
    let event = id(&event);
    let all = "id uid title location view startTime attendeeCount organizer { name email user { id } }
               attendees { nodes { email } } reservations { id } recurrence originalStart";
    let of_calendar = format!(r#"{{ calendar(id: "{calendar}") {{ events({WINDOW}) {{ nodes {{ {all} }} }} }} }}"#);
    let of_event = format!(r#"{{ event(id: "{event}") {{ {all} }} }}"#);
    let of_many = format!(r#"{{ events(calendarIds: ["{calendar}"], {WINDOW}) {{ nodes {{ {all} }} }} }}"#);
    let agenda = format!("{{ agenda({WINDOW}) {{ nodes {{ {all} }} }} }}");
    for query in [&of_calendar, &of_event, &of_many, &agenda] {
        assert!(ask(&mio, query).await.text().contains("secret"), "{query}");
        let shown = ask(&ken, query).await;
        assert!(!shown.text().contains("secret") && shown.text().contains("BUSY"), "{query}: {}", shown.text());
    }
    for query in [&of_calendar, &of_event, &of_many] {
        let refused = ask(&stranger, query).await;
        assert_eq!((refused.is(200), code(&refused).as_str()).1, "not_found", "{query}");
    }
    for query in [&of_calendar, &of_event, &of_many, &agenda] {
        let refused = ask(&koyomi.anonymous(), query).await;
        assert_eq!(code(&refused), "unauthenticated", "{query}");
    }
    // What was taken is gone with the next question.
    mio.delete(&format!("/api/calendars/{calendar}/members/{}", ken.id)).await.is(204);
    assert_eq!(code(&ask(&ken, &of_calendar).await), "not_found");
}

#[tokio::test]
async fn bad_requests_say_what_is_wrong_and_where_the_limit_is() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let strict = mio.with("accept", STRICT);
    strict.post("/graphql", json!({ "query": "{ me { " })).await.is(400);
    strict.post("/graphql", json!({ "query": "{ nothing }" })).await.is(400);
    strict.post("/graphql", json!({ "question": "{ me { id } }" })).await.problem(400, "malformed_request");
    strict.with("content-type", "text/plain").post("/graphql", json!({})).await.problem(415, "unsupported_media_type");
    mio.with("accept", "text/html")
        .post("/graphql", json!({ "query": "{ me { id } }" }))
        .await
        .problem(406, "not_acceptable");
    // Older clients are told in the body alone.
    let lenient = mio.with("accept", "application/json").post("/graphql", json!({ "query": "{ nothing }" })).await;
    assert_eq!((lenient.is(200).json()["data"].clone(), code(&lenient).as_str()), (Value::Null, "graphql_invalid"));
    assert_eq!(data(&mio.with("accept", STRICT).get("/graphql?query=%7B__typename%7D").await)["__typename"], "Query");

    let aliases: Vec<String> = (0..31).map(|n| format!("a{n}: me {{ id }}")).collect();
    let deep =
        "events(calendarIds: [\"019b76da-a800-7523-8885-345e0c694f10\"], first: 1) { nodes { calendar { ".to_owned();
    let nested = "events(first: 1) { nodes { calendar { ".repeat(5);
    let deep = format!("{{ {deep}{nested}id{} }}", " } } }".repeat(6));
    let wide = r#"{ agenda(first: 500) { nodes { attendees(first: 500) { nodes { id } } } } }"#.to_owned();
    let loops = "query { ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned();
    let many = |n: usize, of: &dyn Fn(usize) -> String| (0..n).map(of).collect::<String>();
    let same = format!("{{ me {{ {} }} }}", "id ".repeat(31));
    let operations = many(201, &|n| format!("query q{n} {{ me {{ id }} }} "));
    let defined = format!("query A({}) {{ me {{ id }} }}", many(101, &|n| format!("$v{n}: String ")));
    for (query, names) in [
        (format!("{{ {} }}", aliases.join(" ")), "aliases"),
        (deep, "depth"),
        (wide, "complexity"),
        (loops, ""),
        (same, "31 times the same field"),
        (operations, "operations and fragments"),
        (defined, "number of variables"),
    ] {
        let refused = strict.post("/graphql", json!({ "query": query })).await;
        assert!(refused.is(400).text().contains(names), "{names}: {}", refused.text());
        assert!(["query_too_complex", "graphql_invalid"].contains(&code(&refused).as_str()), "{}", refused.text());
    }
    let filled = json!({ "query": "{ me { id } }", "variables": { "v": vec![1; 5_000] } });
    let refused = strict.post("/graphql", filled).await;
    assert_eq!(code(refused.is(400)), "query_too_complex");
    assert!(refused.text().contains("5001 values, at most 5000"), "{}", refused.text());
    // The rules of REST, and what finds a refusal in the log.
    let long = "x".repeat(201);
    let refused = ask(&mio, &format!(r#"{{ resources(q: "{long}") {{ nodes {{ id }} }} }}"#)).await;
    let extensions = refused.is(200).json()["errors"][0]["extensions"].clone();
    assert_eq!(extensions["errors"][0]["pointer"], "/q");
    assert_eq!(
        (&extensions["code"], &extensions["requestId"]),
        (&json!("malformed_request"), &json!(refused.header("x-request-id")))
    );
    let calendar = make::calendar(&mio, "Work").await;
    let refused =
        ask(&mio, &format!(r#"{{ events(calendarIds: ["{calendar}"], q: "{long}") {{ nodes {{ id }} }} }}"#)).await;
    assert_eq!(refused.json()["errors"][0]["extensions"]["errors"][0]["pointer"], "/q");
    let long = format!("{{ me {{ id }} }} # {}", "x".repeat(100 * 1024));
    strict.post("/graphql", json!({ "query": long })).await.problem(413, "query_too_large");
    // Half of that fits as a variable, and not into the document.
    let long = "x".repeat(50 * 1024);
    let inline = strict.post("/graphql", json!({ "query": format!("{{ me {{ id }} }} # {long}") })).await;
    assert_eq!(code(inline.is(400)), "query_too_large");
    let variable = json!({ "query": "query A($q: String) { me { id } resources(q: $q) { nodes { id } } }", "variables": { "q": long } });
    assert_eq!(code(strict.post("/graphql", variable).await.is(200)), "malformed_request");
}

/// What a change has answered, under its own name.
#[track_caller]
fn changed(answer: &Answer, name: &str) -> Value {
    data(answer)[name].clone()
}

#[tokio::test]
async fn what_is_changed_here_is_seen_by_rest_at_once_and_refused_alike() {
    let koyomi = harness::start().await;
    let (mio, ken) = (koyomi.admin("mio").await, koyomi.user("ken").await);
    let made =
        ask(&mio, r##"mutation { createCalendar(input: { name: "Work", color: "#102030" }) { id name role etag } }"##)
            .await;
    let calendar = changed(&made, "createCalendar");
    assert_eq!((&calendar["role"], &calendar["name"]), (&json!("OWNER"), &json!("Work")));
    let calendar = id(&calendar).to_owned();
    assert_eq!(mio.get(&format!("/api/calendars/{calendar}")).await.ok()["color"], "#102030");

    let room = ask(&mio, r#"mutation { createResource(input: { name: "Kaede", kind: ROOM }) { id exclusive } }"#).await;
    let room = id(&changed(&room, "createResource")).to_owned();
    let booking = |title: &str, more: &str| {
        format!(
            r#"mutation {{ createEvent(input: {{
                calendarId: "{calendar}", title: "{title}", resourceIds: ["{room}"],
                start: {{ dateTime: "2026-03-10T10:00:00", timeZone: "Asia/Tokyo" }},
                end: {{ dateTime: "2026-03-10T11:00:00", timeZone: "Asia/Tokyo" }},
                attendees: [{{ email: "{}" }}]
            }}{more}) {{ eventId title etag attendees {{ nodes {{ email responseStatus }} }} reservations {{ resource {{ name }} }} }} }}"#,
            ken.email
        )
    };
    let event = changed(&ask(&mio, &booking("Review", "")).await, "createEvent");
    assert_eq!(event["attendees"]["nodes"][0]["email"], ken.email);
    assert_eq!(event["reservations"][0]["resource"]["name"], "Kaede");
    let (event_id, etag) = (event["eventId"].as_str().unwrap(), event["etag"].as_str().unwrap());
    assert_eq!(mio.get(&format!("/api/events/{event_id}")).await.ok()["title"], "Review");

    // The room is taken: what stands in the way is named, and nothing is written.
    let refused = ask(&mio, &booking("Second", "")).await.json();
    let extensions = &refused["errors"][0]["extensions"];
    assert_eq!((&extensions["code"], &extensions["status"]), (&json!("resource_conflict"), &json!(409)));
    assert_eq!(extensions["conflicts"][0]["eventId"], event_id);
    assert_eq!(refused["data"], Value::Null);
    assert_eq!(make::pages(&mio, &format!("/api/calendars/{calendar}/events"), 50).await.len(), 1);

    // Only the version that was read.
    let retitle = |title: &str, etag: &str| {
        let etag = etag.replace('"', "\\\"");
        format!(
            r#"mutation {{ updateEvent(id: "{event_id}", input: {{ title: "{title}", location: null }}, expectedEtag: "{etag}") {{ title etag }} }}"#
        )
    };
    let after = changed(&ask(&mio, &retitle("Design", etag)).await, "updateEvent");
    assert_eq!(after["title"], "Design");
    let late = ask(&mio, &retitle("Late", etag)).await;
    assert_eq!(code(&late), "precondition_failed");
    assert_eq!(late.json()["errors"][0]["extensions"]["currentEtag"], after["etag"]);

    // Guests answer, members come and go; what they may not do is refused as in REST.
    let answer = format!(
        r#"mutation {{ respond(eventId: "{event_id}", input: {{ responseStatus: ACCEPTED }}) {{ responseStatus }} }}"#
    );
    assert_eq!(changed(&ask(&ken, &answer).await, "respond")["responseStatus"], "ACCEPTED");
    assert_eq!(code(&ask(&ken, &retitle("Mine", after["etag"].as_str().unwrap())).await), "forbidden");
    let share = format!(
        r#"mutation {{ createMember(calendarId: "{calendar}", userId: "{}", role: READER) {{ role user {{ name }} }} }}"#,
        ken.id
    );
    assert_eq!(changed(&ask(&mio, &share).await, "createMember")["role"], "READER");
    let members = format!(r#"{{ calendar(id: "{calendar}") {{ members {{ nodes {{ role user {{ email }} }} }} }} }}"#);
    assert_eq!(data(&ask(&ken, &members).await)["calendar"]["members"]["nodes"].as_array().unwrap().len(), 2);
    let away = format!(r#"mutation {{ deleteMember(calendarId: "{calendar}", userId: "{}") }}"#, ken.id);
    assert_eq!(changed(&ask(&mio, &away).await, "deleteMember"), ken.id.0.to_string());
    assert_eq!(code(&ask(&ken, &members).await), "not_found");

    // Places in what was sent are named as it was sent.
    let bad =
        format!(r#"mutation {{ updateCalendar(id: "{calendar}", input: {{ name: "", timeZone: null }}) {{ id }} }}"#);
    let bad = ask(&mio, &bad).await.json();
    assert_eq!(bad["errors"][0]["extensions"]["errors"][0]["pointer"], "/timeZone");

    let gone = format!(r#"mutation {{ deleteEvent(id: "{event_id}") }}"#);
    assert_eq!(changed(&ask(&mio, &gone).await, "deleteEvent"), event_id);
    mio.get(&format!("/api/events/{event_id}")).await.problem(404, "not_found");
    let free = r#"{ availability(from: "2026-03-10T00:00:00Z", to: "2026-03-11T00:00:00Z") { nodes { free resource { id } } } }"#;
    assert_eq!(
        data(&ask(&mio, free).await)["availability"]["nodes"],
        json!([{ "free": true, "resource": { "id": room } }])
    );
}

#[tokio::test]
async fn a_change_that_is_sent_again_under_its_key_is_made_once() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let make = |name: &str| {
        format!(r#"mutation {{ createCalendar(input: {{ name: "{name}" }}, idempotencyKey: "k1") {{ id }} }}"#)
    };
    let first = changed(&ask(&mio, &make("Work")).await, "createCalendar");
    assert_eq!(changed(&ask(&mio, &make("Work")).await, "createCalendar"), first);
    assert_eq!(code(&ask(&mio, &make("Other")).await), "idempotency_key_reused");
    assert_eq!(make::pages(&mio, "/api/calendars", 50).await.len(), 1);
    // A link must not change anything.
    let by_get = mio.with("accept", STRICT).get("/graphql?query=mutation%7BdeleteEvent(id:%22x%22)%7D").await;
    by_get.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn people_and_resources_are_listed_page_by_page() {
    let koyomi = harness::start().await;
    let mio = koyomi.admin("mio").await;
    koyomi.user("ken").await;
    koyomi.user("ren").await;
    for name in ["A", "B", "C"] {
        make::room(&mio, name).await;
    }
    let page = data(&ask(&mio, r#"{ users(first: 2) { nodes { name } pageInfo { endCursor hasNextPage } } }"#).await);
    let cursor = page["users"]["pageInfo"]["endCursor"].as_str().unwrap();
    assert_eq!(mio.get("/api/users?q=&limit=2").await.ok()["next_cursor"], cursor);
    let rest = data(
        &ask(
            &mio,
            &format!(r#"{{ users(first: 2, after: "{cursor}") {{ nodes {{ name }} pageInfo {{ hasNextPage }} }} }}"#),
        )
        .await,
    );
    assert_eq!(
        (rest["users"]["nodes"].as_array().unwrap().len(), &rest["users"]["pageInfo"]["hasNextPage"]),
        (1, &json!(false))
    );
    let page =
        data(&ask(&mio, r#"{ resources(first: 2, kind: ROOM) { edges { cursor node { name capacity } } } }"#).await);
    let cursor = page["resources"]["edges"][1]["cursor"].as_str().unwrap();
    assert_eq!(mio.get("/api/resources?limit=2&kind=room").await.ok()["next_cursor"], cursor);
}

#[tokio::test]
async fn what_stands_below_a_change_shows_the_change() {
    for mode in [Mode::plain(), Mode::bounded()] {
        let koyomi = harness::start_as(mode).await;
        let mio = koyomi.user("mio").await;
        let calendar = make::calendar(&mio, "Work").await;
        let titles = format!(r#"calendar {{ events({WINDOW}) {{ nodes {{ title }} }} }}"#);
        let one = |title: &str| {
            format!(
                r#"{title}: createEvent(input: {{
                    calendarId: "{calendar}", title: "{title}", start: {{ dateTime: "2026-03-10T10:00:00", timeZone: "UTC" }}
                }}) {{ {titles} }}"#
            )
        };
        // Each of them has its list of the calendar: the later one must not be that of the earlier one.
        for (first, second) in [("a", "b"), ("c", "d"), ("e", "f")] {
            let both = data(&ask(&mio, &format!("mutation {{ {} {} }}", one(first), one(second))).await);
            for title in [first, second] {
                let nodes = both[title]["calendar"]["events"]["nodes"].as_array().unwrap().clone();
                assert!(nodes.iter().any(|node| node["title"] == title), "{title} is not in {nodes:?}");
            }
        }
    }
}
