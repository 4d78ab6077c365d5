use chrono::TimeDelta;
use serde_json::json;

use crate::harness;
use crate::make::{self, id, items};

#[tokio::test]
async fn a_guest_answers_and_everybody_who_sees_the_event_sees_the_answer() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": ren.email }] })).await;
    let path = format!("/api/events/{}", id(&event));
    let before = mio.get(&path).await.ok();
    koyomi.clock.advance(TimeDelta::minutes(5));
    let reply = json!({ "response_status": "tentative", "comment": "a little late" });
    let answered = ren.post(&format!("{path}/respond"), reply).await;
    assert!(answered.is(200).statements() <= 5);
    let guest = answered.ok();
    assert_eq!(
        (&guest["response_status"], &guest["comment"], &guest["responded_at"], &guest["user_id"]),
        (&json!("tentative"), &json!("a little late"), &json!("2026-03-02T09:05:00Z"), &json!(ren.id))
    );
    assert_eq!(items(&mio.get(&format!("{path}/attendees")).await.ok()), &vec![guest]);
    let after = mio.get(&path).await.ok();
    assert_ne!(after["etag"], before["etag"]);
    assert_eq!(after["sequence"], before["sequence"]);

    // Each answer replaces the one before, comment and all; no action takes it back.
    let guest = ren.post(&format!("{path}/respond"), json!({ "response_status": "declined" })).await.ok();
    assert_eq!((&guest["response_status"], &guest["comment"]), (&json!("declined"), &json!(null)));
    let guest = ren.post(&format!("{path}/respond"), json!({ "response_status": "needs_action" })).await.ok();
    assert_eq!(guest["responded_at"], json!(null));
}

#[tokio::test]
async fn only_guests_answer_and_only_for_themselves() {
    let koyomi = harness::start().await;
    let (mio, ren, ann) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.user("ann").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": ren.email }] })).await;
    let path = format!("/api/events/{}/respond", id(&event));
    let reply = json!({ "response_status": "accepted" });
    mio.post(&path, reply.clone()).await.problem(403, "not_invited");
    ann.post(&path, reply.clone()).await.problem(404, "not_found");
    for role in ["free_busy", "reader", "writer"] {
        make::share(&mio, &calendar, &ann, role).await;
        ann.post(&path, reply.clone()).await.problem(403, "not_invited");
        mio.delete(&format!("/api/calendars/{calendar}/members/{}", ann.id)).await.is(204);
    }
    let page = mio.get(&format!("/api/events/{}/attendees", id(&event))).await.ok();
    assert_eq!(items(&page)[0]["response_status"], "needs_action");
}

#[tokio::test]
async fn what_is_wrong_in_an_answer_is_pointed_at() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": ren.email }] })).await;
    let path = format!("/api/events/{}/respond", id(&event));
    for (reply, pointer) in [
        (json!({}), "/response_status"),
        (json!({ "response_status": "maybe" }), "/response_status"),
        (json!({ "response_status": "accepted", "comment": "x".repeat(2001) }), "/comment"),
        (json!({ "response_status": "accepted", "email": "x" }), "/email"),
    ] {
        let answer = ren.post(&path, reply).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), [pointer]);
    }
}

#[tokio::test]
async fn a_repeated_answer_with_the_same_key_is_given_once() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "attendees": [{ "email": ren.email }] })).await;
    let path = format!("/api/events/{}/respond", id(&event));
    let keyed = ren.with("idempotency-key", "k-1");
    let first = keyed.post(&path, json!({ "response_status": "accepted" })).await.is(200).ok();
    ren.post(&path, json!({ "response_status": "declined" })).await.is(200);
    assert_eq!(keyed.post(&path, json!({ "response_status": "accepted" })).await.is(200).ok(), first);
    let page = mio.get(&format!("/api/events/{}/attendees", id(&event))).await.ok();
    assert_eq!(items(&page)[0]["response_status"], "declined");
}
