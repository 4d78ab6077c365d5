use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness;
use crate::make::{self, at, busy, day, floating, id, items, span, texts, traces};

const EVENTS: &str = "/api/events";
const MARCH: (&str, &str) = ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");

fn path_of(event: &Value) -> String {
    format!("{EVENTS}/{}", id(event))
}

/// `start`s of the first occurrences, in UTC.
async fn starts(client: &harness::Client, event: &Value, limit: usize) -> Vec<String> {
    let page = client.get(&format!("{}/occurrences?limit={limit}", path_of(event))).await.ok();
    texts(&page, "start_time")
}

#[tokio::test]
async fn an_event_has_one_of_four_forms_and_without_an_end_it_lasts_a_day_or_no_time() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let (tokyo, berlin) = ("Asia/Tokyo", "Europe/Berlin");
    for (start, end, shown_end, utc) in [
        (
            at("2026-03-10T10:00:00", tokyo),
            Some(at("2026-03-10T11:30:00", tokyo)),
            at("2026-03-10T11:30:00", tokyo),
            "2026-03-10T01:00:00Z/2026-03-10T02:30:00Z",
        ),
        // A flight: it ends in another zone, by the clock before it began.
        (
            at("2026-03-10T10:00:00", tokyo),
            Some(at("2026-03-10T09:00:00", berlin)),
            at("2026-03-10T09:00:00", berlin),
            "2026-03-10T01:00:00Z/2026-03-10T08:00:00Z",
        ),
        (
            at("2026-03-10T10:00:00", tokyo),
            None,
            at("2026-03-10T10:00:00", tokyo),
            "2026-03-10T01:00:00Z/2026-03-10T01:00:00Z",
        ),
        (
            floating("2026-03-10T10:00:00"),
            Some(floating("2026-03-10T12:00:00")),
            floating("2026-03-10T12:00:00"),
            "2026-03-10T01:00:00Z/2026-03-10T03:00:00Z",
        ),
        (
            floating("2026-03-10T10:00:00"),
            None,
            floating("2026-03-10T10:00:00"),
            "2026-03-10T01:00:00Z/2026-03-10T01:00:00Z",
        ),
        (day("2026-03-10"), Some(day("2026-03-13")), day("2026-03-13"), "2026-03-09T15:00:00Z/2026-03-12T15:00:00Z"),
        (day("2026-03-10"), None, day("2026-03-11"), "2026-03-09T15:00:00Z/2026-03-10T15:00:00Z"),
        // 02:30 does not exist that night: the offset from before the gap counts (RFC 5545 §3.3.5).
        (
            at("2026-03-29T02:30:00", berlin),
            Some(at("2026-03-29T04:30:00", berlin)),
            at("2026-03-29T04:30:00", berlin),
            "2026-03-29T01:30:00Z/2026-03-29T02:30:00Z",
        ),
        // 02:30 exists twice: the first one counts.
        (
            at("2026-10-25T02:30:00", berlin),
            None,
            at("2026-10-25T02:30:00", berlin),
            "2026-10-25T00:30:00Z/2026-10-25T00:30:00Z",
        ),
    ] {
        let mut input = json!({ "calendar_id": calendar, "title": "x", "start": start });
        if let Some(end) = &end {
            input["end"] = end.clone();
        }
        let made = mio.post(EVENTS, input).await;
        let event = made.is(201).ok();
        assert_eq!(made.header("location"), path_of(&event));
        assert_eq!((span(&event).as_str(), &event["end"]), (utc, &shown_end), "{start}");
        if start["date_time"] != "2026-03-29T02:30:00" {
            assert_eq!(event["start"], start);
        }
        assert_eq!(event["original_start"], json!(null));
        assert_eq!(mio.get(&path_of(&event)).await.ok(), event);
    }
}

#[tokio::test]
async fn a_meeting_keeps_its_wall_time_when_clocks_change() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for (zone, first, expected) in [
        ("Asia/Tokyo", "2026-03-25T10:00:00", ["2026-03-25T01:00:00Z", "2026-04-01T01:00:00Z", "2026-04-08T01:00:00Z"]),
        // Clocks go forward on 8 March in New York, on 29 March in Berlin.
        (
            "America/New_York",
            "2026-03-04T10:00:00",
            ["2026-03-04T15:00:00Z", "2026-03-11T14:00:00Z", "2026-03-18T14:00:00Z"],
        ),
        (
            "Europe/Berlin",
            "2026-03-25T10:00:00",
            ["2026-03-25T09:00:00Z", "2026-04-01T08:00:00Z", "2026-04-08T08:00:00Z"],
        ),
    ] {
        let input = json!({ "start": at(first, zone), "recurrence": ["RRULE:FREQ=WEEKLY"] });
        let event = make::event(&mio, &calendar, input).await;
        assert_eq!(starts(&mio, &event, 3).await, expected, "{zone}");
        let page = mio.get(&format!("{}/occurrences?limit=3", path_of(&event))).await.ok();
        for occurrence in items(&page) {
            let clock = occurrence["start"]["date_time"].as_str().unwrap();
            assert!(clock.ends_with("T10:00:00"), "{clock} in {zone}");
            assert_eq!(occurrence["original_start"], clock);
        }
    }
}

#[tokio::test]
async fn an_hour_that_is_missing_or_comes_twice_has_one_occurrence_each_day() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for (zone, first, expected) in [
        (
            "Europe/Berlin",
            "2026-03-28T02:30:00",
            ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "Europe/Berlin",
            "2026-10-24T02:30:00",
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "America/New_York",
            "2026-03-07T02:30:00",
            ["2026-03-07T07:30:00Z", "2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"],
        ),
    ] {
        let input = json!({ "start": at(first, zone), "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] });
        let event = make::event(&mio, &calendar, input).await;
        assert_eq!(starts(&mio, &event, 5).await, expected, "{zone}");
    }
}

#[tokio::test]
async fn dates_are_added_and_taken_out_and_an_empty_set_is_an_event_without_occurrences() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for (lines, expected) in [
        (json!(["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=Asia/Tokyo:20260311T100000"]), vec!["10", "12"]),
        (json!(["RDATE;TZID=Asia/Tokyo:20260320T100000"]), vec!["10", "20"]),
        (json!(["RRULE:FREQ=DAILY;COUNT=1", "EXDATE;TZID=Asia/Tokyo:20260310T100000"]), vec![]),
    ] {
        let event = make::event(&mio, &calendar, json!({ "recurrence": lines })).await;
        let expected: Vec<String> = expected.iter().map(|day| format!("2026-03-{day}T01:00:00Z")).collect();
        assert_eq!(starts(&mio, &event, 5).await, expected, "{lines}");
        assert_eq!(mio.get(&path_of(&event)).await.ok()["recurrence"], lines);
    }
}

#[tokio::test]
async fn what_is_wrong_in_a_new_event_is_pointed_at() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let tokyo = |local: &str| at(local, "Asia/Tokyo");
    let start = tokyo("2026-03-10T10:00:00");
    let before = traces(&koyomi).await;
    for (input, pointers) in [
        (json!({ "start": {} }), vec!["/start"]),
        (json!({ "start": { "date": "2026-03-10", "date_time": "2026-03-10T10:00:00" } }), vec!["/start"]),
        (json!({ "start": { "date": "2026-03-10", "time_zone": "Asia/Tokyo" } }), vec!["/start/time_zone"]),
        (json!({ "start": at("2026-03-10T10:00:00", "Mars/Olympus") }), vec!["/start/time_zone"]),
        (json!({ "start": { "date": "2026-02-30" } }), vec!["/start/date"]),
        (json!({ "start": { "date_time": "2026-03-10T10:00:00Z" } }), vec!["/start/date_time"]),
        (json!({ "start": { "date": "0000-01-01" } }), vec!["/start"]),
        (json!({ "start": start, "end": tokyo("2026-03-10T09:59:59") }), vec!["/end"]),
        (json!({ "start": start, "end": day("2026-03-11") }), vec!["/end"]),
        (json!({ "start": start, "end": floating("2026-03-10T11:00:00") }), vec!["/end"]),
        (json!({ "start": day("2026-03-10"), "end": day("2026-03-10") }), vec!["/end"]),
        (json!({ "start": day("2026-03-10"), "end": day("2037-01-01") }), vec!["/end"]),
        (json!({ "recurrence": ["RRULE:FREQ=DAILY", "RRULE:FREQ=OFTEN"] }), vec!["/recurrence/1"]),
        (json!({ "recurrence": ["RRULE:FREQ=SECONDLY"] }), vec!["/recurrence/0"]),
        (json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=10001"] }), vec!["/recurrence/0"]),
        (json!({ "recurrence": ["DTSTART:20260310T100000Z"] }), vec!["/recurrence/0"]),
        (
            json!({ "title": "x".repeat(1001), "location": "x".repeat(2001), "uid": " " }),
            vec!["/title", "/location", "/uid"],
        ),
        (json!({ "status": "maybe" }), vec!["/status"]),
        (json!({ "room": "Kaede" }), vec!["/room"]),
        (
            json!({ "attendees": [{ "email": "a@x.org" }, { "email": "nobody" }, { "email": "A@x.org" }] }),
            vec!["/attendees/1/email", "/attendees/2/email"],
        ),
    ] {
        let answer = mio.post(EVENTS, make::input(&calendar, input.clone())).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), pointers, "{input}");
    }
    assert_eq!(traces(&koyomi).await, before);
}

#[tokio::test]
async fn event_guests_and_rooms_arrive_together() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let (kaede, sakura) = (make::room(&admin, "Kaede").await, make::room(&admin, "Sakura").await);
    let input = json!({
        "description": "Bring figures", "location": "3F", "visibility": "private", "status": "tentative",
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"], "resources": [kaede, sakura],
        "attendees": [
            { "email": "Ren@Example.com" }, { "email": "zoe@example.org", "name": "Zoe", "is_optional": true },
        ],
    });
    let made = mio.post(EVENTS, make::input(&calendar, input)).await;
    assert!(made.is(201).statements() <= 5);
    let event = made.ok();
    assert_eq!((&event["attendee_count"], &event["room_name"]), (&json!(2), &json!("Kaede")));
    assert_eq!((&event["organizer_id"], &event["organizer_name"]), (&json!(mio.id), &json!("mio")));
    assert_eq!(
        (&event["sequence"], &event["view"], &event["original_start"]),
        (&json!(0), &json!("full"), &json!("2026-03-10T10:00:00"))
    );
    assert_eq!(mio.get(&path_of(&event)).await.ok(), event);

    let whole = mio.get(&format!("{}?expand=attendees,resources,organizer", path_of(&event))).await.ok();
    let guests: Vec<_> = whole["attendees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (&a["email"], &a["name"], &a["user_id"], &a["is_optional"]))
        .collect();
    assert_eq!(
        guests,
        [
            (&json!("ren@example.com"), &json!("ren"), &json!(ren.id), &json!(false)),
            (&json!("zoe@example.org"), &json!("Zoe"), &json!(null), &json!(true)),
        ]
    );
    // Of the occurrence that is shown, not of the whole series.
    assert_eq!(texts(&json!({ "items": whole["resources"] }), "resource_name").len(), 2);
    assert_eq!(whole["organizer"], json!({ "id": mio.id, "email": mio.email, "name": "mio", "avatar_url": null }));
    for room in [&kaede, &sakura] {
        assert_eq!(
            busy(&mio, room, MARCH.0, MARCH.1).await,
            ["2026-03-10T01:00:00Z/2026-03-10T02:00:00Z", "2026-03-17T01:00:00Z/2026-03-17T02:00:00Z"]
        );
    }
}

#[tokio::test]
async fn a_room_that_is_taken_leaves_no_event_no_guest_and_no_trace() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let (kaede, sakura) = (make::room(&admin, "Kaede").await, make::room(&admin, "Sakura").await);
    let first = make::event(&mio, &mine, json!({ "resources": [kaede] })).await;
    let before = traces(&koyomi).await;
    let wanted = json!({
        "start": at("2026-03-09T10:30:00", "Asia/Tokyo"), "end": at("2026-03-09T11:30:00", "Asia/Tokyo"),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"], "resources": [sakura, kaede],
        "attendees": [{ "email": "zoe@example.org" }],
    });
    let conflict = json!({
        "resource_id": kaede, "start_time": "2026-03-10T01:00:00Z", "end_time": "2026-03-10T02:00:00Z",
    });
    let refused = ren.post(EVENTS, make::input(&his, wanted.clone())).await;
    assert!(refused.statements() <= 5);
    assert_eq!(refused.problem(409, "resource_conflict")["conflicts"], json!([conflict]));
    // Where the other event may be seen it is named.
    let mut named = conflict;
    named["event_id"] = first["id"].clone();
    let refused = mio.post(EVENTS, make::input(&mine, wanted)).await;
    assert_eq!(refused.problem(409, "resource_conflict")["conflicts"], json!([named]));
    assert_eq!(traces(&koyomi).await, before);
    // Back to back is no conflict.
    let next = json!({
        "start": at("2026-03-10T11:00:00", "Asia/Tokyo"), "end": at("2026-03-10T12:00:00", "Asia/Tokyo"),
        "resources": [kaede],
    });
    make::event(&ren, &his, next).await;
}

#[tokio::test]
async fn a_room_of_nobody_here_is_named_and_nothing_is_written() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let foreign = koyomi.stranger("other", "boss").await;
    sqlx::query("update users set is_admin = true where id = $1")
        .bind(foreign.id.0)
        .execute(&mut koyomi.sql().await)
        .await
        .unwrap();
    let (ours, theirs) = (make::room(&admin, "Kaede").await, make::room(&foreign, "Kaede").await);
    let calendar = make::calendar(&mio, "Work").await;
    let before = traces(&koyomi).await;
    for (rooms, pointer) in [(json!([ours, theirs]), "/resources/1"), (json!([ours, ours]), "/resources/1")] {
        let answer = mio.post(EVENTS, make::input(&calendar, json!({ "resources": rooms }))).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), [pointer]);
    }
    assert_eq!(traces(&koyomi).await, before);
}

#[tokio::test]
async fn a_uid_is_given_once_in_a_calendar_until_its_event_is_deleted() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let (calendar, other) = (make::calendar(&mio, "Work").await, make::calendar(&mio, "Other").await);
    let event = make::event(&mio, &calendar, json!({ "uid": "u@x" })).await;
    assert_eq!(event["uid"], "u@x");
    let again = mio.post(EVENTS, make::input(&calendar, json!({ "uid": "u@x" }))).await;
    again.problem(409, "uid_taken");
    make::event(&mio, &other, json!({ "uid": "u@x" })).await;
    mio.delete(&path_of(&event)).await.is(204);
    make::event(&mio, &calendar, json!({ "uid": "u@x" })).await;
    let minted = make::event(&mio, &calendar, json!({})).await;
    assert_eq!(minted["uid"], format!("{}@koyomi", id(&minted)));
}

#[tokio::test]
async fn a_new_title_leaves_the_time_the_rooms_and_the_answers_alone() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let input = json!({
        "resources": [room], "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"], "attendees": [{ "email": ren.email }],
    });
    let event = make::event(&mio, &calendar, input).await;
    let path = path_of(&event);
    ren.post(&format!("{path}/respond"), json!({ "response_status": "accepted" })).await.is(200);
    let whole = async || {
        let mut rest = Vec::new();
        for of in ["occurrences?fields=start_time,end_time,original_start", "attendees", "reservations"] {
            rest.push(mio.get(&format!("{path}/{of}")).await.ok());
        }
        rest
    };
    let before = whole().await;
    koyomi.clock.advance(TimeDelta::hours(1));
    let answer = mio.patch(&path, json!({ "title": "Retro" })).await;
    assert!(answer.statements() <= 5);
    let changed = answer.ok();
    let mut expected = event.clone();
    expected["title"] = json!("Retro");
    expected["sequence"] = json!(1);
    expected["updated_at"] = json!("2026-03-02T10:00:00Z");
    expected["etag"] = changed["etag"].clone();
    assert_eq!(changed, expected);
    assert_ne!(changed["etag"], event["etag"]);
    assert_eq!(mio.get(&path).await.ok(), changed);
    assert_eq!(whole().await, before);
}

#[tokio::test]
async fn every_change_gives_a_new_tag_and_a_new_sequence_and_its_answer_is_what_is_read_then() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let (kaede, sakura) = (make::room(&admin, "Kaede").await, make::room(&admin, "Sakura").await);
    let input = json!({ "resources": [kaede, sakura], "attendees": [{ "email": "zoe@example.org" }] });
    let mut event = make::event(&mio, &calendar, input).await;
    let path = path_of(&event);
    let tokyo = |local: &str| at(local, "Asia/Tokyo");
    for (change, expected) in [
        (json!({ "title": "" }), json!({ "title": "" })),
        (json!({ "description": "d", "location": "l" }), json!({ "description": "d", "location": "l" })),
        (json!({ "description": null }), json!({ "description": null, "location": "l" })),
        (
            json!({ "status": "tentative", "visibility": "private", "transparency": "transparent" }),
            json!({ "status": "tentative", "visibility": "private", "transparency": "transparent" }),
        ),
        // The length stays.
        (
            json!({ "start": tokyo("2026-03-12T15:00:00") }),
            json!({
                "end": tokyo("2026-03-12T16:00:00"), "start_time": "2026-03-12T06:00:00Z",
                "end_time": "2026-03-12T07:00:00Z",
            }),
        ),
        (
            json!({ "start": at("2026-03-12T15:00:00", "Europe/Berlin") }),
            json!({ "end": at("2026-03-12T16:00:00", "Europe/Berlin"), "start_time": "2026-03-12T14:00:00Z" }),
        ),
        // All at once: nothing of it gets lost.
        (
            json!({
                "title": "all", "location": "m", "start": at("2026-03-12T14:00:00", "Europe/Berlin"),
                "end": at("2026-03-12T16:00:00", "Europe/Berlin"),
            }),
            json!({
                "title": "all", "location": "m", "start_time": "2026-03-12T13:00:00Z",
                "end_time": "2026-03-12T15:00:00Z",
            }),
        ),
        (
            json!({ "start": at("2026-03-12T15:00:00", "Europe/Berlin") }),
            json!({ "end": at("2026-03-12T17:00:00", "Europe/Berlin"), "title": "all" }),
        ),
        (
            json!({ "end": at("2026-03-12T18:00:00", "Europe/Berlin") }),
            json!({ "start": at("2026-03-12T15:00:00", "Europe/Berlin"), "end_time": "2026-03-12T17:00:00Z" }),
        ),
        (
            json!({ "start": floating("2026-03-13T09:00:00") }),
            json!({ "end": floating("2026-03-13T12:00:00"), "start_time": "2026-03-13T00:00:00Z" }),
        ),
        // Of another form there is no length to keep: a day, and an instant.
        (
            json!({ "start": day("2026-03-14") }),
            json!({ "end": day("2026-03-15"), "start_time": "2026-03-13T15:00:00Z" }),
        ),
        (json!({ "start": day("2026-03-20") }), json!({ "end": day("2026-03-21") })),
        (
            json!({ "start": day("2026-03-20"), "end": day("2026-03-23") }),
            json!({ "end_time": "2026-03-22T15:00:00Z" }),
        ),
        (json!({ "start": tokyo("2026-03-14T09:00:00") }), json!({ "end": tokyo("2026-03-14T09:00:00") })),
        (
            json!({ "end": tokyo("2026-03-14T10:00:00") }),
            json!({ "start_time": "2026-03-14T00:00:00Z", "end_time": "2026-03-14T01:00:00Z" }),
        ),
        (
            json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"] }),
            json!({ "original_start": "2026-03-14T09:00:00", "room_name": "Kaede" }),
        ),
        (json!({ "recurrence": [] }), json!({ "original_start": null, "recurrence": [] })),
        (json!({ "status": "cancelled" }), json!({ "status": "cancelled", "room_name": null })),
        (json!({}), json!({ "status": "cancelled" })),
    ] {
        let answer = mio.patch(&path, change.clone()).await;
        assert!(answer.statements() <= 5);
        let changed = answer.ok();
        let found = mio.get(&path).await;
        assert_eq!(found.ok(), changed, "{change}");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{name} after {change}");
        }
        assert_ne!(changed["etag"], event["etag"], "{change}");
        assert_eq!(changed["sequence"], event["sequence"].as_i64().unwrap() + 1, "{change}");
        event = changed;
    }
}

#[tokio::test]
async fn what_is_wrong_in_a_change_is_pointed_at_and_changes_nothing() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({})).await;
    let path = path_of(&event);
    for (change, pointers) in [
        (
            json!({
                "title": null, "status": null, "visibility": null, "transparency": null, "start": null, "end": null,
                "recurrence": null,
            }),
            vec!["/title", "/status", "/visibility", "/transparency", "/start", "/end", "/recurrence"],
        ),
        (json!({ "end": at("2026-03-10T09:59:00", "Asia/Tokyo") }), vec!["/end"]),
        (json!({ "end": day("2026-03-11") }), vec!["/end"]),
        (
            json!({ "start": at("2026-03-10T12:00:00", "Asia/Tokyo"), "end": at("2026-03-10T11:00:00", "Asia/Tokyo") }),
            vec!["/end"],
        ),
        (json!({ "start": {} }), vec!["/start"]),
        (json!({ "start": at("2026-03-10T12:00:00", "Nowhere") }), vec!["/start/time_zone"]),
        (json!({ "recurrence": ["RRULE:FREQ=OFTEN"] }), vec!["/recurrence/0"]),
        (json!({ "calendar_id": calendar }), vec!["/calendar_id"]),
        (json!({ "title": "x".repeat(1001) }), vec!["/title"]),
        (json!({ "description": "x".repeat(65_537) }), vec!["/description"]),
    ] {
        let answer = mio.patch(&path, change.clone()).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), pointers, "{change}");
    }
    assert_eq!(mio.get(&path).await.ok(), event);
}

#[tokio::test]
async fn rooms_move_with_their_event_or_nothing_moves() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let room = make::room(&admin, "Kaede").await;
    let daily = json!({ "resources": [room], "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] });
    let event = make::event(&mio, &mine, daily).await;
    let path = path_of(&event);
    // Half an hour later: over its own former times.
    mio.patch(&path, json!({ "start": at("2026-03-10T10:30:00", "Asia/Tokyo") })).await.is(200);
    let half_past = [
        "2026-03-10T01:30:00Z/2026-03-10T02:30:00Z",
        "2026-03-11T01:30:00Z/2026-03-11T02:30:00Z",
        "2026-03-12T01:30:00Z/2026-03-12T02:30:00Z",
    ];
    assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await, half_past);
    // A day later: onto its own places.
    mio.patch(&path, json!({ "start": at("2026-03-11T10:30:00", "Asia/Tokyo") })).await.is(200);
    mio.patch(&path, json!({ "start": at("2026-03-10T10:30:00", "Asia/Tokyo") })).await.is(200);
    assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await, half_past);

    let other = json!({
        "start": at("2026-03-12T15:00:00", "Asia/Tokyo"), "end": at("2026-03-12T16:00:00", "Asia/Tokyo"),
        "resources": [room],
    });
    make::event(&ren, &his, other).await;
    let before = (traces(&koyomi).await, mio.get(&path).await.ok());
    let refused = mio.patch(&path, json!({ "title": "Later", "start": at("2026-03-10T14:30:00", "Asia/Tokyo") })).await;
    assert!(refused.statements() <= 5);
    let conflicts = &refused.problem(409, "resource_conflict")["conflicts"];
    assert_eq!(
        conflicts,
        &json!([{ "resource_id": room, "start_time": "2026-03-12T06:00:00Z", "end_time": "2026-03-12T07:00:00Z" }])
    );
    assert_eq!((traces(&koyomi).await, mio.get(&path).await.ok()), before);
    assert_eq!(starts(&mio, &event, 1).await, ["2026-03-10T01:30:00Z"]);
}

#[tokio::test]
async fn an_event_that_happens_no_more_holds_no_room() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    for change in [
        json!({ "status": "cancelled" }),
        json!({ "status": "cancelled", "start": at("2026-03-20T10:00:00", "Asia/Tokyo") }),
        json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=1", "EXDATE;TZID=Asia/Tokyo:20260310T100000"] }),
        // Beyond what is written down of a series.
        json!({ "start": at("2031-03-11T10:00:00", "Asia/Tokyo"), "recurrence": ["RRULE:FREQ=DAILY"] }),
    ] {
        let event = make::event(&mio, &calendar, json!({ "resources": [room] })).await;
        assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await.len(), 1);
        mio.patch(&path_of(&event), change.clone()).await.is(200);
        assert!(busy(&mio, &room, MARCH.0, MARCH.1).await.is_empty(), "{change}");
    }
}

#[tokio::test]
async fn a_room_that_is_gone_is_not_lost_silently_when_its_event_moves() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let past = json!({
        "start": at("2026-02-10T10:00:00", "Asia/Tokyo"), "end": at("2026-02-10T11:00:00", "Asia/Tokyo"),
        "resources": [room],
    });
    let event = make::event(&mio, &calendar, past).await;
    admin.delete(&format!("/api/resources/{room}")).await.is(204);
    let before = traces(&koyomi).await;
    let refused = mio.patch(&path_of(&event), json!({ "start": at("2026-03-10T10:00:00", "Asia/Tokyo") })).await;
    refused.problem(409, "resource_gone");
    assert_eq!(traces(&koyomi).await, before);
    mio.patch(&path_of(&event), json!({ "title": "Past" })).await.is(200);
    assert_eq!(mio.get(&path_of(&event)).await.ok()["room_name"], "Kaede");
}

#[tokio::test]
async fn a_change_needs_the_version_it_was_made_for() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({})).await;
    let path = path_of(&event);
    let shown = mio.get(&path).await.etag();
    let listed = items(&mio.get(&format!("{EVENTS}?calendar_id={calendar}")).await.ok())[0]["etag"].clone();
    // As it is shown, as a list says it, and as the answer of a write says it: all of them fit.
    for tag in [shown.clone(), listed.as_str().unwrap().to_owned()] {
        assert!(tag.starts_with(event["etag"].as_str().unwrap().trim_end_matches('"')), "{tag}");
    }
    let new = mio.with("if-match", &shown).patch(&path, json!({ "title": "Retro" })).await.is(200).etag();
    let late = mio.with("if-match", &shown);
    let problem = late.patch(&path, json!({ "title": "Late" })).await.problem(412, "precondition_failed");
    assert_eq!(problem["current_etag"], new);
    assert_eq!(late.delete(&path).await.problem(412, "precondition_failed")["current_etag"], new);
    assert_eq!(mio.get(&path).await.ok()["title"], "Retro");
    // What happens to another event makes nothing old.
    make::event(&mio, &calendar, json!({})).await;
    let mio_again = mio.with("if-match", &new);
    mio_again.patch(&path, json!({ "title": "Fine" })).await.is(200);
    mio_again.delete(&path).await.is(412);
    mio.with("if-match", "*").delete(&path).await.is(204);
}

#[tokio::test]
async fn of_two_changes_of_the_same_version_one_is_made() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for _ in 0..5 {
        let event = make::event(&mio, &calendar, json!({})).await;
        let (path, both) = (path_of(&event), mio.with("if-match", event["etag"].as_str().unwrap()));
        let (one, two) =
            tokio::join!(both.patch(&path, json!({ "title": "one" })), both.patch(&path, json!({ "title": "two" })));
        let mut answers = [one.status, two.status];
        answers.sort_unstable();
        assert_eq!(answers, [200, 412]);
        let winner = if one.status == 200 { "one" } else { "two" };
        assert_eq!(mio.get(&path).await.ok()["title"], winner);
    }
}

#[tokio::test]
async fn a_deleted_event_is_gone_everywhere_and_frees_its_rooms() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let input = json!({
        "resources": [room], "recurrence": ["RRULE:FREQ=DAILY"], "attendees": [{ "email": ren.email }],
    });
    let event = make::event(&mio, &calendar, input).await;
    let path = path_of(&event);
    let list = format!("/api/calendars/{calendar}/events");
    let tag = mio.get(&list).await.etag();
    assert!(!busy(&mio, &room, MARCH.0, MARCH.1).await.is_empty());
    let answer = mio.delete(&path).await;
    assert!(answer.is(204).statements() <= 5);
    assert!(busy(&mio, &room, MARCH.0, MARCH.1).await.is_empty());
    for (who, path) in [
        (&mio, path.clone()),
        (&ren, path.clone()),
        (&mio, format!("{path}/occurrences")),
        (&mio, format!("{path}/attendees")),
    ] {
        who.get(&path).await.problem(404, "not_found");
    }
    mio.delete(&path).await.problem(404, "not_found");
    mio.patch(&path, json!({ "title": "x" })).await.problem(404, "not_found");
    ren.post(&format!("{path}/respond"), json!({ "response_status": "accepted" })).await.problem(404, "not_found");
    for (who, list) in
        [(&mio, list.as_str()), (&ren, "/api/me/events"), (&mio, "/api/me/events?to=2080-01-01T00:00:00Z")]
    {
        assert!(items(&who.with("if-none-match", &tag).get(list).await.is(200).ok()).is_empty());
    }
    assert!(items(&mio.get(&format!("{EVENTS}?ids={}", id(&event))).await.ok()).is_empty());
    let left: i64 =
        sqlx::query_scalar("select count(*) from occurrences").fetch_one(&mut koyomi.sql().await).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_event_that_was_read_is_not_sent_again_until_something_of_it_changes() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    make::share(&mio, &calendar, &ren, "reader").await;
    let room = make::room(&admin, "Kaede").await;
    let event =
        make::event(&mio, &calendar, json!({ "resources": [room], "attendees": [{ "email": ren.email }] })).await;
    let guest = {
        let page = mio.get(&format!("{}/attendees", path_of(&event))).await.ok();
        id(&items(&page)[0]).to_owned()
    };
    let watched = [
        path_of(&event),
        format!("{}?expand=attendees,resources,organizer", path_of(&event)),
        format!("{EVENTS}?calendar_id={calendar}&expand=attendees,resources,organizer"),
        format!("/api/calendars/{calendar}/events"),
        format!("{EVENTS}?ids={}&expand=attendees,resources,organizer", id(&event)),
        format!("{}/occurrences?expand=attendees,resources,organizer", path_of(&event)),
        "/api/me/events?expand=attendees,resources,organizer".to_owned(),
    ];
    let (mut tags, mut bodies) = (Vec::new(), std::collections::HashMap::new());
    for path in &watched {
        let answer = ren.get(path).await;
        tags.push(answer.etag());
        bodies.insert(path.clone(), answer.body);
    }
    for (path, tag) in watched.iter().zip(&tags) {
        assert_eq!(ren.with("if-none-match", tag).get(path).await.is(304).etag(), *tag, "{path}");
    }
    let path = path_of(&event);
    for (who, method, path, body) in [
        (&mio, Method::PATCH, path.clone(), json!({ "title": "Retro" })),
        (&mio, Method::PATCH, "/api/me".to_owned(), json!({ "name": "Mio" })),
        (&mio, Method::PATCH, "/api/me".to_owned(), json!({ "avatar_url": "https://example.org/mio.png" })),
        (&mio, Method::PATCH, format!("{path}/attendees/{guest}"), json!({ "is_optional": true })),
        (&ren, Method::POST, format!("{path}/respond"), json!({ "response_status": "accepted" })),
        (&mio, Method::PATCH, format!("/api/calendars/{calendar}"), json!({ "time_zone": "Europe/Berlin" })),
    ] {
        assert_eq!(who.send(method, &path, Some(body.to_string())).await.status, 200, "{path} {body}");
        for (path, tag) in watched.iter().zip(&mut tags) {
            let (plain, answer) = (ren.get(path).await, ren.with("if-none-match", tag).get(path).await);
            if answer.status == 304 {
                // Only where nothing that is shown has changed.
                assert_eq!(plain.etag(), *tag, "{path} after {body}");
            } else {
                assert_eq!((answer.ok(), answer.etag()), (plain.ok(), plain.etag()));
            }
            if plain.etag() == *tag {
                assert_eq!(Some(&plain.body), bodies.get(path), "{path} after {body}: same tag, other body");
            }
            *tag = plain.etag();
            bodies.insert(path.clone(), plain.body);
        }
    }
}

#[tokio::test]
async fn a_new_name_of_a_person_or_a_room_is_seen_at_once_in_spite_of_old_tags() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    make::share(&mio, &calendar, &ren, "reader").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "resources": [room] })).await;
    for path in [
        format!("/api/calendars/{calendar}/events"),
        format!("{EVENTS}?calendar_id={calendar}"),
        format!("{EVENTS}?ids={}", id(&event)),
        "/api/me/events".to_owned(),
        path_of(&event),
    ] {
        let tag = ren.get(&path).await.etag();
        let old = ren.with("if-none-match", &tag);
        old.get(&path).await.is(304);
        let shown = async |field: &str| {
            let body = old.get(&path).await.is(200).ok();
            let item = if body["items"].is_array() { items(&body)[0].clone() } else { body };
            item[field].as_str().unwrap().to_owned()
        };
        for what in ["Mio", "Mia"] {
            let name = format!("{what} of {path}");
            mio.patch("/api/me", json!({ "name": name })).await.is(200);
            assert_eq!(shown("organizer_name").await, name);
            admin.patch(&format!("/api/resources/{room}"), json!({ "name": name })).await.is(200);
            assert_eq!(shown("room_name").await, name);
        }
    }
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_creates_one_event_and_answers_the_same() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let keyed = mio.with("idempotency-key", "k-1");
    let input = make::input(&calendar, json!({ "resources": [room], "attendees": [{ "email": "zoe@example.org" }] }));
    let first = keyed.post(EVENTS, input.clone()).await;
    assert!(first.is(201).statements() <= 5);
    // Whatever happened since: the answer is what was answered.
    mio.patch(&path_of(&first.ok()), json!({ "title": "Retro" })).await.is(200);
    let before = traces(&koyomi).await;
    let again = keyed.post(EVENTS, input.clone()).await;
    assert_eq!((again.is(201).ok(), again.etag()), (first.ok(), first.etag()));
    assert_eq!(again.header("location"), first.header("location"));
    let other = make::input(&calendar, json!({ "title": "Other" }));
    keyed.post(EVENTS, other).await.problem(422, "idempotency_key_reused");
    assert_eq!(traces(&koyomi).await, before);
    // What was refused may be tried again under its key.
    let keyed = mio.with("idempotency-key", "k-2");
    keyed.post(EVENTS, input.clone()).await.problem(409, "resource_conflict");
    mio.delete(&path_of(&first.ok())).await.is(204);
    keyed.post(EVENTS, input).await.is(201);
}

#[tokio::test]
async fn duplicates_sent_at_the_same_moment_create_one_event() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for n in 0..3 {
        let keyed = mio.with("idempotency-key", &format!("k-{n}"));
        let input = make::input(&calendar, json!({ "title": format!("{n}") }));
        let answers = futures::future::join_all((0..6).map(|_| keyed.post(EVENTS, input.clone()))).await;
        let bodies: Vec<Value> = answers.iter().map(|answer| answer.is(201).ok()).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]));
    }
    let page = mio.get(&format!("{EVENTS}?calendar_id={calendar}")).await.ok();
    let mut titles = texts(&page, "title");
    titles.sort_unstable();
    assert_eq!(titles, ["0", "1", "2"]);
}

#[tokio::test]
async fn each_change_is_one_step_of_its_calendars_log() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": "zoe@example.org" }] })).await;
    mio.patch(&path_of(&event), json!({ "title": "Retro" })).await.is(200);
    mio.post(&format!("{}/attendees", path_of(&event)), json!({ "email": "ann@example.org" })).await.is(201);
    mio.delete(&path_of(&event)).await.is(204);
    let log: Vec<(i64, i32, String)> = sqlx::query_as("select seq, n, kind from changes order by seq, n")
        .fetch_all(&mut koyomi.sql().await)
        .await
        .unwrap();
    let kinds: Vec<_> = log.iter().map(|(seq, n, kind)| (*seq, *n, kind.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (1, 0, "calendar_created"),
            (2, 0, "event_created"),
            (3, 0, "event_updated"),
            (4, 0, "event_updated"),
            (5, 0, "event_deleted"),
        ]
    );
}
