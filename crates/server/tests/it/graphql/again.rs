//! Questions that are asked again: answered with the bytes that are there, and with them only while they are right.

use serde_json::json;

use super::{STRICT, WINDOW, ask, code, data};
use crate::harness::{self, Answer, Client, Harness, Mode, Person};
use crate::make::{self, id};

/// Whether the executor had to run for it.
fn was_run(answer: &Answer) -> bool {
    answer.header("server-timing").contains("execute")
}

async fn world(koyomi: &Harness) -> (Person, String, String) {
    let mio = koyomi.admin("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let more = json!({ "title": "n=0", "attendees": [{ "email": "guest@x.org" }] });
    let event = id(&make::event(&mio, &calendar, more).await).to_owned();
    (mio, calendar, event)
}

fn titles_of(calendar: &str) -> String {
    format!(
        r#"{{ me {{ id name }} calendar(id: "{calendar}") {{
            name role owner {{ name timeZone }}
            events({WINDOW}) {{ nodes {{ title view organizer {{ name }} attendees {{ nodes {{ email }} }} }} }}
        }} }}"#
    )
}

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let nodes = data(&ask(client, query).await)["calendar"]["events"]["nodes"].clone();
    let nodes = nodes.as_array().unwrap().iter();
    nodes.map(|node| node["title"].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn what_rests_on_versions_alone_is_answered_again_by_one_head_check() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, first, _) = world(&koyomi).await;
    let (second, third) = (make::calendar(&mio, "Play").await, make::calendar(&mio, "Rest").await);
    let side_by_side = |below: &str| -> String {
        let one = |(n, id)| {
            format!(r#"c{n}: calendar(id: "{id}") {{ name events({WINDOW}) {{ {below} nodes {{ title }} }} }} "#)
        };
        [&third, &first, &second].iter().enumerate().map(one).collect()
    };
    for query in [
        titles_of(&first),
        format!("{{ {} }}", side_by_side("totalCount")),
        format!(r#"{{ events(calendarIds: ["{third}", "{first}"], {WINDOW}) {{ nodes {{ title }} }} }}"#),
        "{ me { id email } users { nodes { name } } resources { nodes { name } } }".to_owned(),
        format!(r#"{{ user(id: "{}") {{ name etag }} }}"#, mio.id),
    ] {
        let (cold, hot) = (ask(&mio, &query).await, ask(&mio, &query).await);
        assert_eq!((was_run(&cold), was_run(&hot), hot.statements()), (true, false, 1), "{query}");
        assert_eq!((data(&cold), cold.body.clone()), (data(&hot), hot.body.clone()), "{query}");
    }
    // A change costs no more statements than a first question.
    make::event(&mio, &second, json!({ "title": "n=1" })).await;
    let query = format!("{{ {} }}", side_by_side(""));
    assert!(ask(&mio, &query).await.statements() <= 5);
    make::event(&mio, &second, json!({ "title": "n=2" })).await;
    let changed = ask(&mio, &query).await;
    assert!(was_run(&changed) && changed.statements() <= 5, "{}", changed.statements());
    assert_eq!(data(&changed)["c2"]["events"]["nodes"], json!([{ "title": "n=1" }, { "title": "n=2" }]));
}

#[tokio::test]
async fn what_rests_on_anything_else_is_run_again() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    let room = make::room(&mio, "Kaede").await;
    let booked = json!({ "title": "booked", "resources": [room] });
    make::event(&mio, &calendar, booked).await;
    for query in [
        format!("{{ agenda({WINDOW}) {{ nodes {{ title }} }} }}"),
        format!("{{ me {{ events({WINDOW}) {{ nodes {{ title }} }} }} }}"),
        "{ calendars { nodes { name } } }".to_owned(),
        format!(r#"{{ node(id: "{event}") {{ id }} }}"#),
        format!("{{ availability({WINDOW}) {{ nodes {{ free }} }} }}"),
        format!(r#"{{ calendar(id: "{calendar}") {{ members {{ nodes {{ role }} }} }} }}"#),
        format!(
            r#"{{ calendar(id: "{calendar}") {{ events({WINDOW}) {{ nodes {{ reservations {{ event {{ title }} }} }} }} }} }}"#
        ),
        format!(r#"{{ calendar(id: "{}") {{ id }} }}"#, mio.id),
        "{ __typename }".to_owned(),
    ] {
        let (cold, hot) = (ask(&mio, &query).await, ask(&mio, &query).await);
        assert!(was_run(&cold) && was_run(&hot), "{query}");
        assert_eq!(cold.json()["data"], hot.json()["data"], "{query}");
    }
}

#[tokio::test]
async fn a_change_is_in_the_next_answer_of_every_instance() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    let other = koyomi.another_instance_as(Mode::plain()).await;
    let there = other.bearer(&mio.token);
    let query = titles_of(&calendar);
    let show = async || {
        assert_eq!(data(&ask(&there, &query).await), data(&ask(&there, &query).await));
        data(&ask(&there, &query).await)
    };
    show().await;
    for n in 1..4 {
        mio.patch(&format!("/api/events/{event}"), json!({ "title": format!("n={n}") })).await.is(200);
        assert_eq!(show().await["calendar"]["events"]["nodes"][0]["title"], format!("n={n}"));
    }
    mio.post(&format!("/api/events/{event}/attendees"), json!({ "email": "ren@x.org" })).await.is(201);
    let guests = show().await["calendar"]["events"]["nodes"][0]["attendees"]["nodes"].clone();
    assert_eq!(guests.as_array().unwrap().len(), 2);
    mio.patch("/api/me", json!({ "name": "Mio M." })).await.is(200);
    let shown = show().await;
    assert_eq!((&shown["me"]["name"], &shown["calendar"]["owner"]["name"]), (&json!("Mio M."), &json!("Mio M.")));
    mio.patch(&format!("/api/calendars/{calendar}"), json!({ "name": "Play" })).await.is(200);
    assert_eq!(show().await["calendar"]["name"], "Play");
    mio.delete(&format!("/api/calendars/{calendar}")).await.is(204);
    assert_eq!(code(&ask(&there, &query).await), "not_found");
}

#[tokio::test]
async fn nobody_is_given_the_answer_of_somebody_else() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, _) = world(&koyomi).await;
    make::event(&mio, &calendar, json!({ "title": "secret", "visibility": "private" })).await;
    let (ren, ken, eve) = (koyomi.user("ren").await, koyomi.user("ken").await, koyomi.user("eve").await);
    make::share(&mio, &calendar, &ren, "reader").await;
    make::share(&mio, &calendar, &ken, "writer").await;
    let query = titles_of(&calendar);
    for _ in 0..2 {
        assert_eq!(titles(&mio, &query).await, ["n=0", "secret"]);
        assert_eq!(titles(&ren, &query).await, ["n=0", "-"]);
        assert_eq!(titles(&ken, &query).await, ["n=0", "secret"]);
        assert_eq!(code(&ask(&eve, &query).await), "not_found");
        assert_eq!(data(&ask(&ken, &query).await)["me"]["id"], ken.id.0.to_string());
        assert_eq!(data(&ask(&ken, &query).await)["calendar"]["role"], "WRITER");
        assert_eq!(code(&ask(&koyomi.anonymous(), &query).await), "unauthenticated");
    }
    let member = format!("/api/calendars/{calendar}/members/{}", ken.id);
    mio.patch(&member, json!({ "role": "free_busy" })).await.is(200);
    assert_eq!(titles(&ken, &query).await, ["-", "-"]);
    mio.delete(&member).await.is(204);
    assert_eq!(code(&ask(&ken, &query).await), "not_found");
}

#[tokio::test]
async fn questions_that_differ_in_anything_are_different_questions() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, _) = world(&koyomi).await;
    let two = "query A($id: UUID!) { calendar(id: $id) { name } } query B($id: UUID!) { calendar(id: $id) { color } }";
    let say = async |name: &str, id: &str| {
        let body = json!({ "query": two, "operationName": name, "variables": { "id": id } });
        mio.with("accept", STRICT).post("/graphql", body).await
    };
    let play = make::calendar(&mio, "Play").await;
    for _ in 0..2 {
        assert_eq!(data(&say("A", &calendar).await), json!({ "calendar": { "name": "Work" } }));
        assert_eq!(data(&say("A", &play).await), json!({ "calendar": { "name": "Play" } }));
        assert!(data(&say("B", &play).await)["calendar"]["color"].is_string());
        assert_ne!(say("C", &play).await.json()["errors"], json!(null));
    }
}

#[tokio::test]
async fn an_answer_that_a_client_has_is_not_sent_again_and_each_gets_the_media_type_he_takes() {
    let koyomi = harness::start_as(Mode::plain()).await;
    let (mio, calendar, event) = world(&koyomi).await;
    let path = format!("/graphql?query=%7Bcalendar(id:%22{calendar}%22)%7Bname%20events%7Bnodes%7Btitle%7D%7D%7D%7D");
    let first = mio.get(&path).await;
    assert_eq!(first.is(200).header("cache-control"), "private, no-cache");
    let have = mio.with("if-none-match", &first.etag()).get(&path).await;
    assert_eq!((have.is(304).statements(), have.body.len()), (1, 0));
    for accept in ["application/json", STRICT] {
        let answer = mio.with("accept", accept).get(&path).await;
        assert!(answer.is(200).header("content-type").starts_with(accept) && !was_run(&answer));
    }
    // What was posted has no validator.
    assert_eq!(ask(&mio, "{ me { id } }").await.header("etag"), "");
    mio.patch(&format!("/api/events/{event}"), json!({ "title": "n=1" })).await.is(200);
    let anew = mio.with("if-none-match", &first.etag()).get(&path).await;
    assert_eq!(anew.ok()["data"]["calendar"]["events"]["nodes"][0]["title"], "n=1");
}

/// Nothing is kept where nothing may be kept, and no answer says so.
#[tokio::test]
async fn without_a_cache_everything_is_run() {
    let koyomi = harness::start_as(Mode::uncached()).await;
    let (mio, calendar, _) = world(&koyomi).await;
    let query = titles_of(&calendar);
    let (first, second) = (ask(&mio, &query).await, ask(&mio, &query).await);
    assert!(was_run(&first) && was_run(&second));
    assert_eq!(data(&first), data(&second));
}
