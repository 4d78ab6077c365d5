use serde_json::json;

use crate::harness;
use crate::make::{self, id, items, pages, texts};

#[tokio::test]
async fn a_guest_is_invited_by_address_and_sees_the_event_from_then_on() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "visibility": "confidential", "title": "Secret" })).await;
    let path = format!("/api/events/{}", id(&event));
    ren.get(&path).await.problem(404, "not_found");
    let invited = mio.post(&format!("{path}/attendees"), json!({ "email": " REN@example.com" })).await;
    let guest = invited.is(201).ok();
    assert_eq!(
        guest,
        json!({
            "id": guest["id"], "event_id": event["id"], "user_id": ren.id, "email": "ren@example.com", "name": "ren",
            "avatar_url": null, "response_status": "needs_action", "is_optional": false, "comment": null,
            "responded_at": null,
        })
    );
    let seen = ren.get(&path).await.ok();
    assert_eq!((&seen["title"], &seen["view"], &seen["attendee_count"]), (&json!("Secret"), &json!("full"), &json!(1)));
    assert_ne!(seen["etag"], event["etag"]);
    assert_eq!(seen["sequence"], event["sequence"]);
    assert_eq!(texts(&ren.get("/api/me/events").await.ok(), "title"), ["Secret"]);
    assert_eq!(items(&ren.get(&format!("{path}/attendees")).await.ok()), &vec![guest.clone()]);

    mio.delete(&format!("{path}/attendees/{}", id(&guest))).await.is(204);
    ren.get(&path).await.problem(404, "not_found");
    assert!(items(&ren.get("/api/me/events").await.ok()).is_empty());
    mio.delete(&format!("{path}/attendees/{}", id(&guest))).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_address_of_another_organisation_stays_an_address() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let zoe = koyomi.stranger("other", "zoe").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": zoe.email }] })).await;
    let path = format!("/api/events/{}", id(&event));
    let page = mio.get(&format!("{path}/attendees")).await.ok();
    assert_eq!((&items(&page)[0]["user_id"], &items(&page)[0]["name"]), (&json!(null), &json!(null)));
    zoe.get(&path).await.problem(404, "not_found");
    assert!(items(&zoe.get("/api/me/events").await.ok()).is_empty());
}

#[tokio::test]
async fn guests_are_listed_in_the_order_of_invitation_page_by_page() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let emails: Vec<String> = ["z", "b", "m", "a", "y"].iter().map(|n| format!("{n}@example.org")).collect();
    let first: Vec<_> = emails[..3].iter().map(|email| json!({ "email": email })).collect();
    let event = make::event(&mio, &calendar, json!({ "attendees": first })).await;
    let path = format!("/api/events/{}/attendees", id(&event));
    for email in &emails[3..] {
        mio.post(&path, json!({ "email": email })).await.is(201);
    }
    for limit in 1..=6 {
        let seen = pages(&mio, &path, limit).await;
        assert_eq!(texts(&json!({ "items": seen }), "email"), emails);
    }
    let other = make::event(&mio, &calendar, json!({})).await;
    let cursor = mio.get(&format!("{path}?limit=1")).await.ok()["next_cursor"].as_str().unwrap().to_owned();
    let foreign = mio.get(&format!("/api/events/{}/attendees?cursor={cursor}", id(&other))).await;
    foreign.problem(400, "malformed_request");
    assert_eq!(foreign.pointers(), ["?cursor"]);
}

#[tokio::test]
async fn an_invitation_is_changed_field_by_field() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": ren.email }] })).await;
    let list = format!("/api/events/{}/attendees", id(&event));
    let path = format!("{list}/{}", id(&items(&mio.get(&list).await.ok())[0]));
    let changed = mio.patch(&path, json!({ "name": "Renate" })).await.ok();
    assert_eq!((&changed["name"], &changed["is_optional"]), (&json!("Renate"), &json!(false)));
    let changed = mio.patch(&path, json!({ "is_optional": true })).await.ok();
    assert_eq!((&changed["name"], &changed["is_optional"]), (&json!("Renate"), &json!(true)));
    // Without a name of the invitation's own the user's is shown.
    assert_eq!(mio.patch(&path, json!({ "name": null })).await.ok()["name"], "ren");
    for (change, pointer) in [
        (json!({ "is_optional": null }), "/is_optional"),
        (json!({ "name": " " }), "/name"),
        (json!({ "response_status": "accepted" }), "/response_status"),
    ] {
        let answer = mio.patch(&path, change).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), [pointer]);
    }
}

#[tokio::test]
async fn an_address_is_invited_once() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": "zoe@example.org" }] })).await;
    let path = format!("/api/events/{}/attendees", id(&event));
    mio.post(&path, json!({ "email": "Zoe@example.org" })).await.problem(409, "already_invited");
    let answer = mio.post(&path, json!({ "email": "nobody", "name": "" })).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/email", "/name"]);
    let keyed = mio.with("idempotency-key", "k-1");
    let first = keyed.post(&path, json!({ "email": "ann@example.org" })).await.is(201).ok();
    assert_eq!(keyed.post(&path, json!({ "email": "ann@example.org" })).await.is(201).ok(), first);
    assert_eq!(items(&mio.get(&path).await.ok()).len(), 2);
}

#[tokio::test]
async fn an_event_has_at_most_five_hundred_guests() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let guests = |n: usize| -> Vec<_> { (0..n).map(|n| json!({ "email": format!("{n}@example.org") })).collect() };
    let answer = mio.post("/api/events", make::input(&calendar, json!({ "attendees": guests(501) }))).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/attendees"]);
    let event = make::event(&mio, &calendar, json!({ "attendees": guests(500) })).await;
    assert_eq!(event["attendee_count"], 500);
    let one_more =
        mio.post(&format!("/api/events/{}/attendees", id(&event)), json!({ "email": "x@example.org" })).await;
    one_more.problem(422, "too_many_attendees");
}

#[tokio::test]
async fn the_guest_of_one_event_is_not_found_under_another() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": "zoe@example.org" }] })).await;
    let other = make::event(&mio, &calendar, json!({})).await;
    let list = format!("/api/events/{}/attendees", id(&event));
    let guest = id(&items(&mio.get(&list).await.ok())[0]).to_owned();
    let wrong = format!("/api/events/{}/attendees/{guest}", id(&other));
    mio.patch(&wrong, json!({ "is_optional": true })).await.problem(404, "not_found");
    mio.delete(&wrong).await.problem(404, "not_found");
    assert_eq!(items(&mio.get(&list).await.ok()).len(), 1);
}
