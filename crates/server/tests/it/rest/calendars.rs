use chrono::TimeDelta;
use serde_json::json;

use crate::harness;
use crate::make::{self, at, busy, day, floating, id, items, pages, span, texts, traces};

const CALENDARS: &str = "/api/calendars";

#[tokio::test]
async fn a_new_calendar_is_its_makers_in_his_zone_and_a_default_color() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let made = mio.post(CALENDARS, json!({ "name": "Work" })).await;
    let calendar = made.is(201).ok();
    assert_eq!(made.header("location"), format!("{CALENDARS}/{}", id(&calendar)));
    assert_eq!(
        calendar,
        json!({
            "id": calendar["id"], "owner_id": mio.id, "name": "Work", "description": null, "color": "#1e90ff",
            "time_zone": "Asia/Tokyo", "role": "owner", "created_at": "2026-03-02T09:00:00Z",
            "updated_at": "2026-03-02T09:00:00Z", "etag": calendar["etag"],
        })
    );
    let read = mio.get(made.header("location")).await;
    assert_eq!(read.ok(), calendar);
    assert_eq!(read.etag(), made.etag());
    mio.with("if-none-match", &read.etag()).get(made.header("location")).await.is(304);
}

#[tokio::test]
async fn what_is_left_out_of_a_change_stays_and_null_clears() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let path = format!("{CALENDARS}/{}", make::calendar(&mio, "Work").await);
    koyomi.clock.advance(TimeDelta::hours(1));
    let changed = mio.patch(&path, json!({ "description": "All of it", "color": "#FF0000" })).await;
    let calendar = changed.ok();
    assert_eq!((&calendar["name"], &calendar["description"]), (&json!("Work"), &json!("All of it")));
    assert_eq!((&calendar["color"], &calendar["updated_at"]), (&json!("#FF0000"), &json!("2026-03-02T10:00:00Z")));
    let read = mio.get(&path).await;
    assert_eq!((read.ok(), read.etag()), (calendar, changed.etag()));
    let calendar = mio.patch(&path, json!({ "description": null })).await.ok();
    assert_eq!((&calendar["description"], &calendar["color"]), (&json!(null), &json!("#FF0000")));
}

#[tokio::test]
async fn every_value_that_is_not_allowed_is_named_at_once() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let path = format!("{CALENDARS}/{}", make::calendar(&mio, "Work").await);
    let wrong = json!({ "name": " ", "color": "red", "time_zone": "Mars/Olympus", "description": "x".repeat(8001) });
    for answer in [mio.post(CALENDARS, wrong.clone()).await, mio.patch(&path, wrong).await] {
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), ["/name", "/description", "/color", "/time_zone"]);
    }
    let answer = mio.patch(&path, json!({ "name": null, "color": null, "time_zone": null })).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/name", "/color", "/time_zone"]);
}

#[tokio::test]
async fn a_change_based_on_an_old_version_is_refused_and_events_do_not_make_one_old() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let path = format!("{CALENDARS}/{calendar}");
    let old = mio.get(&path).await.etag();
    make::event(&mio, &calendar, json!({})).await;
    assert_eq!(mio.get(&path).await.etag(), old);
    let new = mio.with("if-match", &old).patch(&path, json!({ "name": "Play" })).await.is(200).etag();
    let late = mio.with("if-match", &old);
    let problem = late.patch(&path, json!({ "name": "Late" })).await.problem(412, "precondition_failed");
    let current = problem["current_etag"].as_str().unwrap();
    assert_eq!(mio.get(&path).await.ok()["etag"], current);
    assert_eq!(late.delete(&path).await.problem(412, "precondition_failed")["current_etag"], current);
    mio.with("if-match", current).patch(&path, json!({ "name": "Home" })).await.is(200);
    mio.with("if-match", &new).patch(&path, json!({ "name": "Late" })).await.is(412);
    mio.with("if-match", &mio.get(&path).await.etag()).delete(&path).await.is(204);
}

#[tokio::test]
async fn my_calendars_are_mine_and_those_shared_with_me_oldest_first_page_by_page() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    for name in ["a", "b", "c", "d"] {
        koyomi.clock.advance(TimeDelta::seconds(1));
        let owner = if name == "b" { &ren } else { &mio };
        let made = make::calendar(owner, name).await;
        if name == "b" {
            make::share(&ren, &made, &mio, "free_busy").await;
        }
    }
    for limit in 1..=5 {
        let all = pages(&mio, CALENDARS, limit).await;
        let seen: Vec<_> = all.iter().map(|c| (c["name"].as_str().unwrap(), c["role"].as_str().unwrap())).collect();
        assert_eq!(seen, [("a", "owner"), ("b", "free_busy"), ("c", "owner"), ("d", "owner")]);
    }
    assert_eq!(texts(&ren.get(CALENDARS).await.ok(), "name"), ["b"]);
    let cursor = mio.get(&format!("{CALENDARS}?limit=1")).await.ok()["next_cursor"].clone();
    let foreign = ren.get(&format!("{CALENDARS}?cursor={}", cursor.as_str().unwrap())).await;
    foreign.problem(400, "malformed_request");
    assert_eq!(foreign.pointers(), ["?cursor"]);
}

#[tokio::test]
async fn a_list_of_calendars_is_spared_while_nothing_in_it_changed() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let path = format!("{CALENDARS}/{}", make::calendar(&mio, "Work").await);
    let tag = mio.get(CALENDARS).await.etag();
    mio.with("if-none-match", &tag).get(CALENDARS).await.is(304);
    mio.patch(&path, json!({ "name": "Play" })).await.is(200);
    let page = mio.with("if-none-match", &tag).get(CALENDARS).await.is(200).ok();
    assert_eq!(texts(&page, "name"), ["Play"]);
}

#[tokio::test]
async fn a_new_time_zone_moves_days_and_floating_times_with_their_rooms_and_nothing_else() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let path = format!("{CALENDARS}/{calendar}");
    for (title, start, end) in [
        ("day", day("2026-03-10"), day("2026-03-11")),
        ("floating", floating("2026-03-10T10:00:00"), floating("2026-03-10T11:00:00")),
        ("zoned", at("2026-03-10T10:00:00", "Asia/Tokyo"), at("2026-03-10T11:00:00", "Asia/Tokyo")),
    ] {
        make::event(&mio, &calendar, json!({ "title": title, "start": start, "end": end })).await;
    }
    let weekly = json!({
        "title": "weekly", "start": floating("2026-03-12T10:00:00"), "end": floating("2026-03-12T11:00:00"),
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"], "resources": [room],
    });
    let weekly = make::event(&mio, &calendar, weekly).await;
    let list = format!("{CALENDARS}/{calendar}/events");
    let before = mio.get(&list).await;
    let tag = before.etag();
    let spans = |page: &serde_json::Value| -> Vec<String> {
        items(page).iter().map(|e| format!("{} {}", e["title"].as_str().unwrap(), span(e))).collect()
    };
    assert_eq!(
        spans(&before.ok())[..3],
        [
            "day 2026-03-09T15:00:00Z/2026-03-10T15:00:00Z",
            "floating 2026-03-10T01:00:00Z/2026-03-10T02:00:00Z",
            "zoned 2026-03-10T01:00:00Z/2026-03-10T02:00:00Z",
        ]
    );
    let etag = mio.get(&format!("/api/events/{}", id(&weekly))).await.etag();

    mio.patch(&path, json!({ "time_zone": "Europe/Berlin" })).await.is(200);
    let after = mio.with("if-none-match", &tag).get(&list).await.is(200).ok();
    assert_eq!(
        spans(&after),
        [
            "day 2026-03-09T23:00:00Z/2026-03-10T23:00:00Z",
            "zoned 2026-03-10T01:00:00Z/2026-03-10T02:00:00Z",
            "floating 2026-03-10T09:00:00Z/2026-03-10T10:00:00Z",
            "weekly 2026-03-12T09:00:00Z/2026-03-12T10:00:00Z",
            "weekly 2026-03-19T09:00:00Z/2026-03-19T10:00:00Z",
            "weekly 2026-03-26T09:00:00Z/2026-03-26T10:00:00Z",
        ]
    );
    let moved = items(&after).iter().find(|e| e["title"] == "floating").unwrap();
    assert_eq!(moved["start"], floating("2026-03-10T10:00:00"));
    assert_ne!(mio.get(&format!("/api/events/{}", id(&weekly))).await.etag(), etag);
    assert_eq!(
        busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await,
        [
            "2026-03-12T09:00:00Z/2026-03-12T10:00:00Z",
            "2026-03-19T09:00:00Z/2026-03-19T10:00:00Z",
            "2026-03-26T09:00:00Z/2026-03-26T10:00:00Z",
        ]
    );
    let reserved = mio.get(&format!("/api/events/{}/reservations", id(&weekly))).await.ok();
    assert_eq!(span(&items(&reserved)[0]), "2026-03-12T09:00:00Z/2026-03-12T10:00:00Z");
}

#[tokio::test]
async fn a_day_that_becomes_longer_with_its_zone_is_found_to_its_end() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    // 24 hours in Tokyo, 25 in Berlin.
    make::event(&mio, &calendar, json!({ "start": day("2026-10-25") })).await;
    let changed = json!({ "time_zone": "Europe/Berlin", "name": "Berlin" });
    mio.patch(&format!("{CALENDARS}/{calendar}"), changed).await.is(200);
    let read = mio.get(&format!("{CALENDARS}/{calendar}")).await.ok();
    assert_eq!((&read["time_zone"], &read["name"]), (&json!("Europe/Berlin"), &json!("Berlin")));
    let window = "from=2026-10-25T22:30:00Z&to=2026-10-25T23:00:00Z";
    let page = mio.get(&format!("{CALENDARS}/{calendar}/events?{window}")).await.ok();
    assert_eq!(items(&page).len(), 1);
}

#[tokio::test]
async fn a_new_time_zone_is_refused_whole_where_somebody_else_has_a_room_at_the_new_time() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let (calendar, other) = (make::calendar(&mio, "Work").await, make::calendar(&mio, "Other").await);
    let room = make::room(&admin, "Kaede").await;
    let mine = json!({
        "start": floating("2026-03-10T10:00:00"), "end": floating("2026-03-10T11:00:00"), "resources": [room],
    });
    make::event(&mio, &calendar, mine).await;
    let theirs = json!({
        "start": at("2026-03-10T10:30:00", "Europe/Berlin"), "end": at("2026-03-10T11:30:00", "Europe/Berlin"),
        "resources": [room],
    });
    make::event(&mio, &other, theirs).await;
    let before = (traces(&koyomi).await, mio.get(&format!("{CALENDARS}/{calendar}/events")).await.ok());
    let refused = mio.patch(&format!("{CALENDARS}/{calendar}"), json!({ "time_zone": "Europe/Berlin" })).await;
    refused.problem(409, "resource_conflict");
    let after = (traces(&koyomi).await, mio.get(&format!("{CALENDARS}/{calendar}/events")).await.ok());
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_deleted_calendar_takes_its_events_along_and_frees_its_rooms() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (calendar, other) = (make::calendar(&mio, "Work").await, make::calendar(&mio, "Other").await);
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(
        &mio,
        &calendar,
        json!({ "resources": [room], "attendees": [{ "email": ren.email }], "recurrence": ["RRULE:FREQ=DAILY"] }),
    )
    .await;
    let path = format!("/api/events/{}", id(&event));
    ren.get(&path).await.is(200);
    mio.delete(&format!("{CALENDARS}/{calendar}")).await.is(204);

    for gone in [format!("{CALENDARS}/{calendar}"), format!("{CALENDARS}/{calendar}/events"), path.clone()] {
        mio.get(&gone).await.problem(404, "not_found");
    }
    ren.get(&path).await.problem(404, "not_found");
    mio.get(&format!("/api/events?calendar_id={other}&calendar_id={calendar}")).await.problem(404, "not_found");
    assert_eq!(texts(&mio.get(CALENDARS).await.ok(), "name"), ["Other"]);
    for who in [&mio, &ren] {
        assert!(items(&who.get("/api/me/events").await.ok()).is_empty());
    }
    mio.delete(&format!("{CALENDARS}/{calendar}")).await.problem(404, "not_found");
    assert!(busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await.is_empty());
    make::event(&mio, &other, json!({ "resources": [room] })).await;
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_makes_one_calendar() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let keyed = mio.with("idempotency-key", "k-1");
    let first = keyed.post(CALENDARS, json!({ "name": "Work" })).await;
    let again = keyed.post(CALENDARS, json!({ "name": "Work" })).await;
    assert_eq!((again.is(201).ok(), again.etag()), (first.ok(), first.etag()));
    keyed.post(CALENDARS, json!({ "name": "Play" })).await.problem(422, "idempotency_key_reused");
    assert_eq!(items(&mio.get(CALENDARS).await.ok()).len(), 1);
}
