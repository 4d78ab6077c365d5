use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness;
use crate::make::{self, at, id, items, pages, texts};

const RESOURCES: &str = "/api/resources";

#[tokio::test]
async fn a_resource_is_added_changed_and_removed() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let input = json!({ "name": "Kaede", "kind": "room", "capacity": 8, "location": "3F" });
    let made = admin.post(RESOURCES, input).await;
    let room = made.is(201).ok();
    assert_eq!(made.header("location"), format!("{RESOURCES}/{}", id(&room)));
    assert_eq!(
        room,
        json!({
            "id": room["id"], "name": "Kaede", "kind": "room", "capacity": 8, "location": "3F", "description": null,
            "exclusive": true, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z",
            "etag": made.etag(),
        })
    );
    let path = made.header("location").to_owned();
    let read = mio.get(&path).await;
    assert_eq!((read.ok(), read.etag()), (room, made.etag()));
    mio.with("if-none-match", &made.etag()).get(&path).await.is(304);

    koyomi.clock.advance(TimeDelta::hours(1));
    let changed = admin.patch(&path, json!({ "capacity": null, "description": "Projector" })).await;
    let room = changed.ok();
    assert_eq!((&room["capacity"], &room["location"]), (&json!(null), &json!("3F")));
    assert_eq!(room["updated_at"], "2026-03-02T10:00:00Z");
    let late = admin.with("if-match", &made.etag());
    assert_eq!(
        late.patch(&path, json!({ "name": "x" })).await.problem(412, "precondition_failed")["current_etag"],
        changed.etag()
    );
    late.delete(&path).await.problem(412, "precondition_failed");
    assert_eq!(admin.patch(&path, json!({ "description": "Projector" })).await.etag(), changed.etag());

    admin.with("if-match", &changed.etag()).delete(&path).await.is(204);
    mio.get(&path).await.problem(404, "not_found");
    admin.delete(&path).await.problem(404, "not_found");
    admin.patch(&path, json!({})).await.problem(404, "not_found");
    assert!(items(&mio.get(RESOURCES).await.ok()).is_empty());
}

#[tokio::test]
async fn every_value_that_is_not_allowed_is_named_at_once() {
    let koyomi = harness::start().await;
    let admin = koyomi.admin("admin").await;
    let path = format!("{RESOURCES}/{}", make::room(&admin, "Kaede").await);
    let wrong = json!({
        "name": "", "kind": "room", "capacity": 0, "location": "x".repeat(201), "description": "x".repeat(8001),
    });
    for answer in [admin.post(RESOURCES, wrong.clone()).await, admin.patch(&path, wrong).await] {
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), ["/name", "/capacity", "/location", "/description"]);
    }
    let answer = admin.patch(&path, json!({ "name": null, "kind": null, "exclusive": null })).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/name", "/kind", "/exclusive"]);
    assert_eq!(admin.post(RESOURCES, json!({ "name": "x", "kind": "ship" })).await.is(422).pointers(), ["/kind"]);
}

#[tokio::test]
async fn resources_are_found_by_name_place_kind_and_size_page_by_page() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let foreign = koyomi.stranger("other", "zoe").await;
    let mut ids = Vec::new();
    for (name, kind, capacity, location) in [
        ("Kaede", "room", Some(8), Some("Tokyo 3F")),
        ("Sakura", "room", Some(4), Some("Tokyo 4F")),
        ("会議室", "room", None, None),
        ("Van", "vehicle", Some(8), None),
        ("100%", "other", None, None),
    ] {
        let input = json!({ "name": name, "kind": kind, "capacity": capacity, "location": location });
        ids.push(id(&admin.post(RESOURCES, input).await.is(201).ok()).to_owned());
    }
    for (query, expected) in [
        ("", vec!["100%", "Kaede", "Sakura", "Van", "会議室"]),
        ("kind=room", vec!["Kaede", "Sakura", "会議室"]),
        ("kind=room&capacity=5", vec!["Kaede"]),
        ("capacity=4", vec!["Kaede", "Sakura", "Van"]),
        ("q=TOKYO", vec!["Kaede", "Sakura"]),
        ("q=会議", vec!["会議室"]),
        ("q=%25", vec!["100%"]),
        ("q=_", vec![]),
        (&format!("ids={}&ids={}&kind=vehicle", ids[0], ids[3]), vec!["Van"]),
    ] {
        for limit in [1, 2, 50] {
            let found = pages(&mio, &format!("{RESOURCES}?{query}"), limit).await;
            assert_eq!(texts(&json!({ "items": found }), "name"), expected, "{query}");
        }
    }
    assert!(items(&foreign.get(RESOURCES).await.ok()).is_empty());
    let cursor = mio.get(&format!("{RESOURCES}?limit=1")).await.ok()["next_cursor"].as_str().unwrap().to_owned();
    for (who, query) in [
        (&mio, format!("kind=room&cursor={cursor}")),
        (&foreign, format!("cursor={cursor}")),
        (&mio, "cursor=junk".to_owned()),
    ] {
        let answer = who.get(&format!("{RESOURCES}?{query}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), ["?cursor"]);
    }
    for (query, pointer) in
        [("capacity=0", "?capacity"), ("kind=ship", "?kind"), ("ids=x", "?ids"), ("limit=0", "?limit")]
    {
        let answer = mio.get(&format!("{RESOURCES}?{query}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), [pointer]);
    }
}

#[tokio::test]
async fn what_is_booked_in_the_future_cannot_be_removed() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "resources": [room] })).await;
    let path = format!("{RESOURCES}/{room}");
    admin.delete(&path).await.problem(409, "resource_in_use");
    koyomi.clock.advance(TimeDelta::days(30));
    admin.delete(&path).await.is(204);
    // The past goes on showing it; nobody books it again.
    assert_eq!(mio.get(&format!("/api/events/{}", id(&event))).await.ok()["room_name"], "Kaede");
    let answer = mio.post("/api/events", make::input(&calendar, json!({ "resources": [room] }))).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/resources/0"]);
}

#[tokio::test]
async fn what_many_use_becomes_exclusive_only_while_nobody_shares_it() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let shared = json!({ "name": "Garden", "kind": "other", "exclusive": false });
    let garden = id(&admin.post(RESOURCES, shared).await.is(201).ok()).to_owned();
    let path = format!("{RESOURCES}/{garden}");
    let input = json!({ "resources": [garden] });
    let first = make::event(&mio, &calendar, input.clone()).await;
    make::event(&mio, &calendar, input.clone()).await;
    admin.patch(&path, json!({ "exclusive": true })).await.problem(409, "resource_in_use");
    let later = json!({ "start": at("2026-03-11T10:00:00", "Asia/Tokyo") });
    mio.patch(&format!("/api/events/{}", id(&first)), later).await.is(200);
    assert_eq!(admin.patch(&path, json!({ "exclusive": true })).await.ok()["exclusive"], true);
    mio.post("/api/events", make::input(&calendar, input)).await.problem(409, "resource_conflict");
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_adds_one_resource() {
    let koyomi = harness::start().await;
    let admin = koyomi.admin("admin").await;
    let keyed = admin.with("idempotency-key", "k-1");
    let input = json!({ "name": "Kaede", "kind": "room" });
    let first: Value = keyed.post(RESOURCES, input.clone()).await.is(201).ok();
    assert_eq!(keyed.post(RESOURCES, input).await.is(201).ok(), first);
    assert_eq!(items(&admin.get(RESOURCES).await.ok()).len(), 1);
}
