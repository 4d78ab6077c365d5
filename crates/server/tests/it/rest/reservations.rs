use serde_json::{Value, json};

use crate::harness;
use crate::make::{self, at, busy, id, items, pages, span, texts, traces};

const MARCH: (&str, &str) = ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");

fn reservations_of(event: &Value) -> String {
    format!("/api/events/{}/reservations", id(event))
}

#[tokio::test]
async fn a_room_is_booked_for_every_occurrence() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await;
    let etag = mio.get(&format!("/api/events/{}", id(&event))).await.etag();
    let booked = mio.post(&reservations_of(&event), json!({ "resources": [room] })).await;
    assert!(booked.is(201).statements() <= 5);
    let spans: Vec<String> = items(&booked.ok()).iter().map(span).collect();
    assert_eq!(
        spans,
        [
            "2026-03-10T01:00:00Z/2026-03-10T02:00:00Z",
            "2026-03-11T01:00:00Z/2026-03-11T02:00:00Z",
            "2026-03-12T01:00:00Z/2026-03-12T02:00:00Z",
        ]
    );
    let first = items(&booked.ok())[0].clone();
    assert_eq!(
        first,
        json!({
            "id": first["id"], "resource_id": room, "resource_name": "Kaede", "event_id": event["id"],
            "original_start": "2026-03-10T10:00:00", "start_time": "2026-03-10T01:00:00Z",
            "end_time": "2026-03-10T02:00:00Z", "status": "confirmed",
        })
    );
    assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await, spans);
    for limit in 1..=4 {
        assert_eq!(pages(&mio, &reservations_of(&event), limit).await, *items(&booked.ok()));
    }
    let read = mio.get(&format!("/api/events/{}", id(&event))).await;
    assert_ne!(read.etag(), etag);
    assert_eq!(read.ok()["room_name"], "Kaede");
}

#[tokio::test]
async fn one_taken_occurrence_refuses_all() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let (kaede, sakura) = (make::room(&admin, "Kaede").await, make::room(&admin, "Sakura").await);
    let taken = json!({
        "start": at("2026-03-12T10:30:00", "Asia/Tokyo"), "end": at("2026-03-12T10:45:00", "Asia/Tokyo"),
        "resources": [kaede],
    });
    make::event(&ren, &his, taken).await;
    let event = make::event(&mio, &mine, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await;
    let before = traces(&koyomi).await;
    let refused = mio.post(&reservations_of(&event), json!({ "resources": [sakura, kaede] })).await;
    assert!(refused.statements() <= 5);
    assert_eq!(
        refused.problem(409, "resource_conflict")["conflicts"],
        json!([{ "resource_id": kaede, "start_time": "2026-03-12T01:30:00Z", "end_time": "2026-03-12T01:45:00Z" }])
    );
    assert_eq!(traces(&koyomi).await, before);
    for (input, pointer) in [
        (json!({ "resources": [] }), "/resources"),
        (json!({ "resources": [sakura, sakura] }), "/resources/1"),
        (json!({ "resources": [sakura, calendar_id_of(&event)] }), "/resources/1"),
        (json!({}), "/resources"),
    ] {
        let answer = mio.post(&reservations_of(&event), input).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), [pointer]);
    }
    assert_eq!(traces(&koyomi).await, before);
}

fn calendar_id_of(event: &Value) -> &str {
    event["calendar_id"].as_str().unwrap()
}

#[tokio::test]
async fn of_two_who_want_a_room_at_the_same_moment_one_gets_it() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    for n in 0..5 {
        let room = make::room(&admin, &format!("{n}")).await;
        let input = json!({ "resources": [room] });
        let (one, two) = tokio::join!(
            mio.post("/api/events", make::input(&mine, input.clone())),
            ren.post("/api/events", make::input(&his, input)),
        );
        let mut answers = [one.status, two.status];
        answers.sort_unstable();
        assert_eq!(answers, [201, 409], "{} {}", one.text(), two.text());
        assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await.len(), 1);
    }
}

#[tokio::test]
async fn what_is_given_back_is_free_for_others_and_shown_as_cancelled() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &mine, json!({ "resources": [room] })).await;
    let other = make::event(&mio, &mine, json!({})).await;
    let reservation = id(&items(&mio.get(&reservations_of(&event)).await.ok())[0]).to_owned();
    mio.delete(&format!("{}/{reservation}", reservations_of(&other))).await.problem(404, "not_found");
    let path = format!("{}/{reservation}", reservations_of(&event));
    mio.delete(&path).await.is(204);
    assert_eq!(texts(&mio.get(&reservations_of(&event)).await.ok(), "status"), ["cancelled"]);
    assert_eq!(mio.get(&format!("/api/events/{}", id(&event))).await.ok()["room_name"], json!(null));
    assert!(busy(&mio, &room, MARCH.0, MARCH.1).await.is_empty());
    make::event(&ren, &his, json!({ "resources": [room] })).await;
    // Moving the event does not bring it back.
    let back = json!({ "start": at("2026-03-11T10:00:00", "Asia/Tokyo") });
    mio.patch(&format!("/api/events/{}", id(&event)), back).await.is(200);
    assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await, ["2026-03-10T01:00:00Z/2026-03-10T02:00:00Z"]);
}

#[tokio::test]
async fn what_the_event_has_already_is_not_booked_twice_and_what_was_given_back_can_be_had_again() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let shared = json!({ "name": "Garden", "kind": "other", "exclusive": false });
    let garden = id(&admin.post("/api/resources", shared).await.is(201).ok()).to_owned();
    let daily = json!({ "resources": [room, garden], "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"] });
    let event = make::event(&mio, &calendar, daily).await;
    let before = mio.get(&reservations_of(&event)).await.ok();
    assert_eq!(items(&before).len(), 4);
    for resource in [&room, &garden] {
        let again = mio.post(&reservations_of(&event), json!({ "resources": [resource] })).await.is(201).ok();
        let had: Vec<_> = items(&before).iter().filter(|r| r["resource_id"] == **resource).cloned().collect();
        assert_eq!(*items(&again), had);
    }
    assert_eq!(mio.get(&reservations_of(&event)).await.ok(), before);
    let first = items(&before).iter().find(|r| r["resource_id"] == room).unwrap();
    mio.delete(&format!("{}/{}", reservations_of(&event), id(first))).await.is(204);
    assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await.len(), 1);
    mio.post(&reservations_of(&event), json!({ "resources": [room] })).await.is(201);
    assert_eq!(mio.get(&reservations_of(&event)).await.ok(), before);
    // Others may use what many can use.
    make::event(&mio, &calendar, json!({ "resources": [garden] })).await;
}

#[tokio::test]
async fn occurrences_that_overlap_each_other_cannot_have_one_room() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let long = json!({
        "start": at("2026-03-10T10:00:00", "Asia/Tokyo"), "end": at("2026-03-11T11:00:00", "Asia/Tokyo"),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"],
    });
    let event = make::event(&mio, &calendar, long).await;
    let refused = mio.post(&reservations_of(&event), json!({ "resources": [room] })).await;
    let conflicts = refused.problem(409, "resource_conflict")["conflicts"].clone();
    assert_eq!(
        conflicts,
        json!([{ "resource_id": room, "start_time": "2026-03-11T01:00:00Z", "end_time": "2026-03-12T02:00:00Z" }])
    );
}

#[tokio::test]
async fn a_cancelled_event_books_nothing() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "status": "cancelled" })).await;
    let refused = mio.post(&reservations_of(&event), json!({ "resources": [room] })).await;
    refused.problem(409, "event_cancelled");
    let input = make::input(&calendar, json!({ "status": "cancelled", "resources": [room] }));
    mio.post("/api/events", input).await.problem(422, "validation_failed");
    assert!(busy(&mio, &room, MARCH.0, MARCH.1).await.is_empty());
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_books_once() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({})).await;
    let keyed = mio.with("idempotency-key", "k-1");
    let first = keyed.post(&reservations_of(&event), json!({ "resources": [room] })).await;
    assert!(first.is(201).statements() <= 5);
    let before = traces(&koyomi).await;
    let again = keyed.post(&reservations_of(&event), json!({ "resources": [room] })).await;
    assert_eq!(again.is(201).ok(), first.ok());
    assert_eq!(traces(&koyomi).await, before);
}
