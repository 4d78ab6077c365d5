use serde_json::json;

use super::{DAILY, answers, occurrences, part, path, rows, tokyo};
use crate::harness;
use crate::make::{self, busy, day, id, items, traces};

#[tokio::test]
async fn one_occurrence_gets_a_record_of_its_own_with_the_guests_answers_and_room_it_had() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let input = json!({ "recurrence": [DAILY], "attendees": [{ "email": ren.email }], "resources": [room] });
    let event = make::event(&mio, &calendar, input).await;
    ren.post(&format!("{}/respond", path(&event)), json!({ "response_status": "accepted" })).await.is(200);
    let (before, booked) = (rows(&koyomi, "occurrences").await, rows(&koyomi, "reservations").await);

    let change = json!({ "title": "Long one", "end": tokyo("2026-03-12T12:00:00") });
    let answer = mio.patch(&part(&event, "this", "2026-03-12T10:00:00"), change).await;
    assert!(answer.statements() <= 5);
    let own = answer.is(200).ok();
    assert_ne!(own["id"], event["id"]);
    assert_eq!(
        (&own["recurring_event_id"], &own["original_start"], &own["uid"], &own["room_name"], &own["title"]),
        (&event["id"], &json!("2026-03-12T10:00:00"), &event["uid"], &json!("Kaede"), &json!("Long one"))
    );
    assert_eq!(own, mio.get(&path(&own)).await.ok());
    assert_eq!(answers(&mio, &own).await, [("ren@example.com".to_owned(), "accepted".to_owned())]);
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00", "12T10:00", "13T10:00", "14T10:00"]);
    assert_eq!(
        busy(&mio, &room, "2026-03-12T00:00:00Z", "2026-03-13T00:00:00Z").await,
        ["2026-03-12T01:00:00Z/2026-03-12T03:00:00Z"]
    );
    // The others are the same rows, and the reservation that went along kept its id.
    let after = rows(&koyomi, "occurrences").await;
    assert_eq!(after.iter().filter(|row| before.contains(row)).count(), 4);
    let after = rows(&koyomi, "reservations").await;
    assert_eq!(after.iter().filter(|row| booked.contains(row)).count(), 4);
    let ids = |rows: &[(uuid::Uuid, String, String)]| {
        let mut ids: Vec<String> = rows.iter().map(|(_, key, _)| key.rsplit(' ').next().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&after), ids(&booked));

    // He answers for that day alone from now on.
    ren.post(&format!("{}/respond", path(&own)), json!({ "response_status": "declined" })).await.is(200);
    assert_eq!(answers(&mio, &event).await[0].1, "accepted");
    // Changed again: the same record, by either address.
    let again = mio.patch(&part(&event, "this", "2026-03-12T10:00:00"), json!({ "title": "Longer" })).await.ok();
    assert_eq!((&again["id"], &again["sequence"]), (&own["id"], &json!(own["sequence"].as_i64().unwrap() + 1)));
    let again = mio.patch(&format!("{}?scope=this", path(&own)), json!({ "title": "Longest" })).await.ok();
    assert_eq!((&again["id"], &again["title"]), (&own["id"], &json!("Longest")));
    assert_eq!(answers(&mio, &own).await[0].1, "declined");
}

#[tokio::test]
async fn an_occurrence_moves_past_its_neighbours_and_back() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY], "resources": [room] })).await;
    let second = part(&event, "this", "2026-03-11T10:00:00");
    mio.patch(&second, json!({ "start": tokyo("2026-03-13T15:00:00") })).await.is(200);
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00=13T15:00", "12T10:00", "13T10:00", "14T10:00"]);
    // Onto a neighbour: the room is taken by the series itself.
    let traced = traces(&koyomi).await;
    let refused = mio.patch(&second, json!({ "start": tokyo("2026-03-14T10:30:00") })).await;
    let conflicts = refused.problem(409, "resource_conflict")["conflicts"].clone();
    assert_eq!(
        conflicts,
        json!([{ "resource_id": room, "event_id": event["id"],
                 "start_time": "2026-03-14T01:00:00Z", "end_time": "2026-03-14T02:00:00Z" }])
    );
    assert_eq!(traces(&koyomi).await, traced);
    mio.patch(&second, json!({ "start": tokyo("2026-03-11T10:00:00") })).await.is(200);
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00", "12T10:00", "13T10:00", "14T10:00"]);
    assert_eq!(busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await.len(), 5);
}

#[tokio::test]
async fn an_occurrence_is_cancelled_or_deleted_and_comes_back_with_its_room() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY], "resources": [room] })).await;
    let (second, third) = (part(&event, "this", "2026-03-11T10:00:00"), part(&event, "this", "2026-03-12T10:00:00"));
    let held = async || busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await.len();

    let cancelled = mio.patch(&second, json!({ "status": "cancelled" })).await.ok();
    assert_eq!((&cancelled["status"], &cancelled["room_name"]), (&json!("cancelled"), &json!(null)));
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00 cancelled", "12T10:00", "13T10:00", "14T10:00"]);
    assert_eq!(held().await, 4);
    let back = mio.patch(&second, json!({ "status": "confirmed" })).await.ok();
    assert_eq!((&back["status"], &back["room_name"]), (&json!("confirmed"), &json!("Kaede")));
    assert_eq!(held().await, 5);

    assert!(mio.delete(&third).await.is(204).statements() <= 5);
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00", "13T10:00", "14T10:00"]);
    assert_eq!(held().await, 4);
    let series = mio.get(&path(&event)).await.ok();
    assert_eq!(series["recurrence"], json!([DAILY, "EXDATE;TZID=Asia/Tokyo:20260312T100000"]));
    // Gone is gone, until it is brought back.
    let gone = mio.patch(&third, json!({ "title": "x" })).await.problem(404, "no_such_occurrence");
    assert!(gone["detail"].as_str().unwrap().contains("confirmed"), "{gone}");
    mio.delete(&third).await.problem(404, "no_such_occurrence");
    let back = mio.patch(&third, json!({ "status": "confirmed" })).await.ok();
    assert_eq!((&back["id"], &back["original_start"]), (&event["id"], &json!("2026-03-12T10:00:00")));
    assert_eq!((&back["room_name"], &back["recurrence"]), (&json!("Kaede"), &json!([DAILY])));
    assert_eq!(held().await, 5);
    // Back with a change, it has a record of its own.
    mio.delete(&third).await.is(204);
    let changed = json!({ "status": "confirmed", "start": tokyo("2026-03-12T16:00:00") });
    let own = mio.patch(&third, changed).await.ok();
    assert_eq!((&own["recurring_event_id"], &own["room_name"]), (&event["id"], &json!("Kaede")));
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00", "12T10:00=12T16:00", "13T10:00", "14T10:00"]);
    // Deleted with its own record, it is gone all the same.
    mio.delete(&path(&own)).await.is(204);
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00", "13T10:00", "14T10:00"]);
    mio.get(&path(&own)).await.problem(404, "not_found");
    assert_eq!(held().await, 4);
}

#[tokio::test]
async fn a_room_that_somebody_took_meanwhile_keeps_an_occurrence_away() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &mine, json!({ "recurrence": [DAILY], "resources": [room] })).await;
    let second = part(&event, "this", "2026-03-11T10:00:00");
    mio.delete(&second).await.is(204);
    let other = json!({
        "start": tokyo("2026-03-11T10:30:00"), "end": tokyo("2026-03-11T11:00:00"), "resources": [room],
    });
    make::event(&ren, &his, other).await;
    let before = traces(&koyomi).await;
    let refused = mio.patch(&second, json!({ "status": "confirmed" })).await;
    assert!(refused.statements() <= 5);
    assert_eq!(refused.problem(409, "resource_conflict")["conflicts"].as_array().unwrap().len(), 1);
    assert_eq!(traces(&koyomi).await, before);
}

#[tokio::test]
async fn an_occurrence_becomes_a_whole_day_and_keeps_its_identity() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
    let second = part(&event, "this", "2026-03-11T10:00:00");
    let own = mio.patch(&second, json!({ "start": day("2026-03-11") })).await.ok();
    assert_eq!((&own["start"], &own["original_start"]), (&day("2026-03-11"), &json!("2026-03-11T10:00:00")));
    mio.patch(&second, json!({ "start": tokyo("2026-03-11T10:00:00"), "end": tokyo("2026-03-11T11:00:00") }))
        .await
        .is(200);
    assert_eq!(occurrences(&mio, &event).await.len(), 5);
    // Far beyond what is written down.
    let endless = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY"] })).await;
    let far = part(&endless, "this", "2080-03-11T10:00:00");
    mio.patch(&far, json!({ "title": "Far" })).await.is(200);
    let list = format!("{}/occurrences?from=2080-03-11T00:00:00Z&to=2080-03-13T00:00:00Z", path(&endless));
    assert_eq!(make::texts(&mio.get(&list).await.ok(), "title"), ["Far", "Review"]);
    mio.delete(&far).await.is(204);
    assert_eq!(make::texts(&mio.get(&list).await.ok(), "title"), ["Review"]);
}

#[tokio::test]
async fn what_part_is_meant_must_be_clear() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
    let single = make::event(&mio, &calendar, json!({})).await;
    let before = traces(&koyomi).await;
    let (series, start) = (path(&event), "2026-03-11T10:00:00");
    for (target, pointer) in [
        (format!("{series}?scope=this"), "?original_start"),
        (format!("{series}?scope=following"), "?original_start"),
        (format!("{series}?original_start={start}"), "?scope"),
        (format!("{series}?scope=all&original_start={start}"), "?original_start"),
        (format!("{series}?scope=some&original_start={start}"), "?scope"),
        (format!("{series}?scope=this&original_start=tomorrow"), "?original_start"),
        (format!("{series}?scope=this&original_start={start}Z"), "?original_start"),
        (format!("{series}?scope=this&original_start=2026-02-30"), "?original_start"),
        (format!("{series}?dry_run=maybe"), "?dry_run"),
    ] {
        for answer in [mio.patch(&target, json!({ "title": "x" })).await, mio.delete(&target).await] {
            answer.problem(400, "malformed_request");
            assert_eq!(answer.pointers(), [pointer], "{target}");
        }
    }
    for scope in ["this", "following"] {
        let target = format!("{}?scope={scope}&original_start=2026-03-10T10:00:00", path(&single));
        let answer = mio.patch(&target, json!({ "title": "x" })).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.pointers(), ["?scope"]);
        for start in ["2026-03-11T10:01:00", "2026-03-09T10:00:00", "2026-03-15T10:00:00", "2026-03-11"] {
            let target = part(&event, scope, start);
            let problem = mio.patch(&target, json!({ "title": "x" })).await.problem(404, "no_such_occurrence");
            let detail = problem["detail"].as_str().unwrap();
            let hint = if start.starts_with("2026-03-15") { "none follows" } else { "2026-03-1" };
            assert!(detail.contains(hint), "{detail}");
            mio.delete(&target).await.problem(404, "no_such_occurrence");
        }
    }
    let answer = mio.patch(&part(&event, "this", start), json!({ "recurrence": [DAILY] })).await;
    answer.problem(422, "validation_failed");
    assert_eq!(answer.pointers(), ["/recurrence"]);
    assert_eq!(traces(&koyomi).await, before);
}

#[tokio::test]
async fn an_occurrence_has_the_version_of_its_series_until_it_has_its_own() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
    let second = part(&event, "this", "2026-03-11T10:00:00");
    let old = mio.with("if-match", event["etag"].as_str().unwrap());
    let own = old.patch(&second, json!({ "title": "a" })).await.is(200).ok();
    // The series has an occurrence less of its own: a new version of it too.
    old.patch(&second, json!({ "title": "b" })).await.problem(412, "precondition_failed");
    old.patch(&part(&event, "following", "2026-03-12T10:00:00"), json!({ "title": "b" })).await.is(412);
    let newer = mio.with("if-match", own["etag"].as_str().unwrap());
    newer.patch(&second, json!({ "title": "b" })).await.is(200);
    newer.delete(&second).await.is(412);
    let series = mio.get(&path(&event)).await;
    mio.with("if-match", &series.etag())
        .patch(&part(&event, "following", "2026-03-12T10:00:00"), json!({}))
        .await
        .is(200);
}

#[tokio::test]
async fn a_repeated_edit_with_the_same_key_is_made_once() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
    let keyed = mio.with("idempotency-key", "k-1");
    let split = part(&event, "following", "2026-03-12T10:00:00");
    let first = keyed.patch(&split, json!({ "title": "Second half" })).await;
    assert!(first.is(200).statements() <= 5);
    let before = traces(&koyomi).await;
    let again = keyed.patch(&split, json!({ "title": "Second half" })).await;
    assert_eq!((again.is(200).ok(), again.etag()), (first.ok(), first.etag()));
    keyed.patch(&split, json!({ "title": "Other" })).await.problem(422, "idempotency_key_reused");
    assert_eq!(traces(&koyomi).await, before);
    let keyed = mio.with("idempotency-key", "k-2");
    let gone = part(&event, "this", "2026-03-11T10:00:00");
    for _ in 0..2 {
        assert!(keyed.delete(&gone).await.is(204).statements() <= 5);
    }
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00"]);
}

#[tokio::test]
async fn two_edits_of_one_series_at_the_same_moment_both_hold() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for _ in 0..5 {
        let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
        mio.patch(&path(&event), json!({ "start": tokyo("2026-03-10T10:30:00") })).await.is(200);
        let edits = (11..15).map(|day| {
            let (mio, target) = (&mio, part(&event, "this", &format!("2026-03-{day}T10:30:00")));
            async move {
                let start = tokyo(&format!("2026-03-{day}T12:00:00"));
                mio.patch(&target, json!({ "start": start })).await.is(200);
            }
        });
        let series = path(&event);
        let longer = mio.patch(&series, json!({ "end": tokyo("2026-03-10T12:00:00") }));
        let (_, whole) = tokio::join!(futures::future::join_all(edits), longer);
        whole.is(200);
        let shown = occurrences(&mio, &event).await;
        assert_eq!(
            shown,
            ["10T10:30", "11T10:30=11T12:00", "12T10:30=12T12:00", "13T10:30=13T12:00", "14T10:30=14T12:00"]
        );
        let page = mio.get(&format!("{}/occurrences", path(&event))).await.ok();
        assert_eq!(items(&page)[0]["end"], tokyo("2026-03-10T12:00:00"));
        assert_eq!(id(&items(&page)[0]), id(&event));
    }
}
