use serde_json::json;

use super::{DAILY, part, path, tokyo};
use crate::harness;
use crate::make::{self, busy, id, items, texts, traces};

const MARCH: (&str, &str) = ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");

#[tokio::test]
async fn a_room_that_is_taken_refuses_every_kind_of_edit_and_nothing_is_written() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &mine, json!({ "recurrence": [DAILY], "resources": [room] })).await;
    mio.patch(&part(&event, "this", "2026-03-12T10:00:00"), json!({ "title": "Own" })).await.is(200);
    let other = json!({
        "start": tokyo("2026-03-13T15:00:00"), "end": tokyo("2026-03-13T16:00:00"), "resources": [room],
    });
    make::event(&ren, &his, other).await;
    let before = traces(&koyomi).await;
    let held = busy(&mio, &room, MARCH.0, MARCH.1).await;
    let taken =
        json!([{ "resource_id": room, "start_time": "2026-03-13T06:00:00Z", "end_time": "2026-03-13T07:00:00Z" }]);
    for (target, start) in [
        (part(&event, "this", "2026-03-13T10:00:00"), "2026-03-13T15:30:00"),
        (part(&event, "this", "2026-03-12T10:00:00"), "2026-03-13T14:30:00"),
        (part(&event, "following", "2026-03-11T10:00:00"), "2026-03-11T15:00:00"),
        (path(&event), "2026-03-10T15:00:00"),
    ] {
        let refused = mio.patch(&target, json!({ "start": tokyo(start), "title": "x" })).await;
        assert!(refused.statements() <= 5);
        assert_eq!(refused.problem(409, "resource_conflict")["conflicts"], taken, "{target}");
    }
    assert_eq!((traces(&koyomi).await, busy(&mio, &room, MARCH.0, MARCH.1).await), (before, held));
    // Half an hour on: over its own former times.
    mio.patch(&path(&event), json!({ "start": tokyo("2026-03-10T10:30:00") })).await.is(200);
    assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await.len(), 6);
}

#[tokio::test]
async fn what_was_given_back_stays_given_back_when_the_rest_moves() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY], "resources": [room] })).await;
    let page = mio.get(&format!("{}/reservations", path(&event))).await.ok();
    let second = id(&items(&page)[1]).to_owned();
    mio.delete(&format!("{}/reservations/{second}", path(&event))).await.is(204);
    mio.patch(&path(&event), json!({ "start": tokyo("2026-03-10T12:00:00") })).await.is(200);
    let page = mio.get(&format!("{}/reservations", path(&event))).await.ok();
    assert_eq!(texts(&page, "status"), ["confirmed", "cancelled", "confirmed", "confirmed", "confirmed"]);
    assert_eq!(id(&items(&page)[1]), second);
    assert_eq!(texts(&page, "start_time")[..2], ["2026-03-10T03:00:00Z", "2026-03-11T03:00:00Z"]);
    assert_eq!(busy(&mio, &room, MARCH.0, MARCH.1).await.len(), 4);
    // Whole series that move while another one holds the room in between: its neighbours are not asked.
    let split = mio.patch(&part(&event, "following", "2026-03-13T12:00:00"), json!({ "title": "x" })).await.ok();
    assert_eq!(
        texts(&mio.get(&format!("{}/reservations", path(&split))).await.ok(), "status"),
        ["confirmed", "confirmed"]
    );
}

#[tokio::test]
async fn a_room_that_is_gone_lets_an_occurrence_be_renamed_but_not_moved() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let past = json!({
        "start": tokyo("2026-02-10T10:00:00"), "end": tokyo("2026-02-10T11:00:00"), "recurrence": [DAILY],
        "resources": [room],
    });
    let event = make::event(&mio, &calendar, past).await;
    admin.delete(&format!("/api/resources/{room}")).await.is(204);
    let target = part(&event, "this", "2026-02-11T10:00:00");
    let before = traces(&koyomi).await;
    mio.patch(&target, json!({ "start": tokyo("2026-02-11T12:00:00") })).await.problem(409, "resource_gone");
    assert_eq!(traces(&koyomi).await, before);
    assert_eq!(mio.patch(&target, json!({ "title": "Past" })).await.ok()["room_name"], "Kaede");
}
