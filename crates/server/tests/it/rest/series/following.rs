use serde_json::json;

use super::{DAILY, answers, occurrences, part, path, rows, tokyo};
use crate::harness;
use crate::make::{self, busy, day, texts};

#[tokio::test]
async fn a_series_is_split_and_its_halves_know_each_other_and_keep_their_guests_rooms_and_overrides() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let input = json!({ "recurrence": [DAILY], "attendees": [{ "email": ren.email }], "resources": [room] });
    let event = make::event(&mio, &calendar, input).await;
    ren.post(&format!("{}/respond", path(&event)), json!({ "response_status": "accepted" })).await.is(200);
    let early = mio.patch(&part(&event, "this", "2026-03-11T10:00:00"), json!({ "title": "Early" })).await.ok();
    let late = mio.patch(&part(&event, "this", "2026-03-13T10:00:00"), json!({ "title": "Late" })).await.ok();
    ren.post(&format!("{}/respond", path(&late)), json!({ "response_status": "declined" })).await.is(200);
    let before = rows(&koyomi, "reservations").await;

    let answer = mio.patch(&part(&event, "following", "2026-03-12T10:00:00"), json!({ "location": "3F" })).await;
    assert!(answer.statements() <= 5);
    let second = answer.is(200).ok();
    assert_eq!(second, mio.get(&path(&second)).await.ok());
    let first = mio.get(&path(&event)).await.ok();
    assert_eq!((&first["next_series_id"], &first["previous_series_id"]), (&second["id"], &json!(null)));
    assert_eq!((&second["previous_series_id"], &second["next_series_id"]), (&event["id"], &json!(null)));
    assert_ne!(first["uid"], second["uid"]);
    assert_eq!(first["recurrence"], json!(["RRULE:FREQ=DAILY;UNTIL=20260312T005959Z"]));
    assert_eq!(second["recurrence"], json!(["RRULE:FREQ=DAILY;COUNT=3"]));
    assert_eq!(
        (&first["location"], &second["location"], &second["room_name"]),
        (&json!(null), &json!("3F"), &json!("Kaede"))
    );
    assert_eq!(occurrences(&mio, &first).await, ["10T10:00", "11T10:00"]);
    assert_eq!(occurrences(&mio, &second).await, ["12T10:00", "13T10:00", "14T10:00"]);
    // Answers: those of the series in both halves, that of the one day where it was given.
    let of = |status: &str| [("ren@example.com".to_owned(), status.to_owned())];
    assert_eq!(answers(&mio, &first).await, of("accepted"));
    assert_eq!(answers(&mio, &second).await, of("accepted"));
    assert_eq!(answers(&mio, &late).await, of("declined"));
    let late = mio.get(&path(&late)).await.ok();
    assert_eq!((&late["recurring_event_id"], &late["uid"]), (&second["id"], &second["uid"]));
    // What they had in common with the series they still have.
    assert_eq!((&late["title"], &late["location"]), (&json!("Late"), &json!("3F")));
    let early = mio.get(&path(&early)).await.ok();
    assert_eq!((&early["recurring_event_id"], &early["location"]), (&event["id"], &json!(null)));
    assert_eq!(busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await.len(), 5);
    let after = rows(&koyomi, "reservations").await;
    assert_eq!(after.iter().filter(|row| before.contains(row)).count(), 3, "of the first half, and of the late one");

    // A third part between them, and one taken out again.
    let third = mio.patch(&part(&second, "following", "2026-03-14T10:00:00"), json!({ "title": "Last" })).await.ok();
    let linked = async |event: &serde_json::Value| {
        let event = mio.get(&path(event)).await.ok();
        (event["previous_series_id"].clone(), event["next_series_id"].clone())
    };
    let between =
        mio.patch(&part(&second, "following", "2026-03-13T10:00:00"), json!({ "title": "Between" })).await.ok();
    assert_eq!(linked(&third).await, (between["id"].clone(), json!(null)));
    assert_eq!(linked(&between).await, (second["id"].clone(), third["id"].clone()));
    mio.delete(&path(&between)).await.is(204);
    assert_eq!(linked(&second).await, (event["id"].clone(), third["id"].clone()));
    assert_eq!(linked(&third).await, (second["id"].clone(), json!(null)));
}

#[tokio::test]
async fn from_an_occurrence_on_a_series_takes_place_at_another_time() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
    // Moved within the part that moves: it stays where it was moved to.
    mio.patch(&part(&event, "this", "2026-03-13T10:00:00"), json!({ "start": tokyo("2026-03-13T17:00:00") }))
        .await
        .is(200);
    mio.patch(&part(&event, "this", "2026-03-14T10:00:00"), json!({ "title": "Named" })).await.is(200);
    let change = json!({ "start": tokyo("2026-03-12T15:00:00") });
    let second = mio.patch(&part(&event, "following", "2026-03-12T10:00:00"), change).await.ok();
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00"]);
    assert_eq!(occurrences(&mio, &second).await, ["12T15:00", "13T15:00=13T17:00", "14T15:00"]);
    let page = mio.get(&format!("{}/occurrences", path(&second))).await.ok();
    assert_eq!(texts(&page, "title"), ["Review", "Review", "Named"]);
    // Addressed by the record of an occurrence, and with a new rule.
    let own = make::items(&page)[2].clone();
    let rule = json!({ "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"], "title": "Weekly" });
    let third = mio.patch(&format!("{}?scope=following", path(&own)), rule).await.ok();
    assert_eq!(occurrences(&mio, &third).await, ["14T15:00", "21T15:00"]);
    let page = mio.get(&format!("{}/occurrences", path(&third))).await.ok();
    assert_eq!(texts(&page, "title"), ["Weekly", "Weekly"]);
}

#[tokio::test]
async fn following_the_first_occurrence_is_the_whole_series() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
    let all = mio.patch(&part(&event, "following", "2026-03-10T10:00:00"), json!({ "title": "All" })).await.ok();
    assert_eq!((&all["id"], &all["title"], &all["next_series_id"]), (&event["id"], &json!("All"), &json!(null)));
    // The first that is left, when the first ones are deleted.
    mio.delete(&part(&event, "this", "2026-03-10T10:00:00")).await.is(204);
    mio.delete(&part(&event, "this", "2026-03-11T10:00:00")).await.is(204);
    let change = json!({ "start": tokyo("2026-03-12T11:00:00") });
    let moved = mio.patch(&part(&event, "following", "2026-03-12T10:00:00"), change).await.ok();
    assert_eq!((&moved["id"], &moved["recurrence"]), (&event["id"], &json!(["RRULE:FREQ=DAILY;COUNT=3"])));
    assert_eq!(occurrences(&mio, &event).await, ["12T11:00", "13T11:00", "14T11:00"]);
    mio.delete(&part(&event, "following", "2026-03-12T11:00:00")).await.is(204);
    mio.get(&path(&event)).await.is(404);
}

#[tokio::test]
async fn the_rest_of_a_series_is_deleted_with_its_rooms_and_overrides() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let endless = json!({ "recurrence": ["RRULE:FREQ=DAILY"], "resources": [room] });
    let event = make::event(&mio, &calendar, endless).await;
    let own = mio.patch(&part(&event, "this", "2026-03-13T10:00:00"), json!({ "title": "Own" })).await.ok();
    let answer = mio.delete(&part(&event, "following", "2026-03-12T10:00:00")).await;
    assert!(answer.is(204).statements() <= 5);
    assert_eq!(occurrences(&mio, &event).await, ["10T10:00", "11T10:00"]);
    mio.get(&path(&own)).await.is(404);
    assert_eq!(busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await.len(), 2);
    // It ends now, and nothing is computed beyond.
    let far = format!("{}/occurrences?from=2027-01-01T00:00:00Z&to=2090-01-01T00:00:00Z", path(&event));
    assert!(make::items(&mio.get(&far).await.ok()).is_empty());
}

#[tokio::test]
async fn the_two_halves_are_the_series_whatever_its_rules() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let zoned = |lines: serde_json::Value| json!({ "recurrence": lines });
    let days = |lines: serde_json::Value| json!({ "recurrence": lines, "start": day("2026-03-10") });
    let floating = |lines: serde_json::Value| {
        json!({
            "recurrence": lines, "start": make::floating("2026-03-10T10:00:00"), "end": make::floating("2026-03-10T11:00:00"),
        })
    };
    let berlin = |lines: serde_json::Value| {
        json!({
            "recurrence": lines, "start": make::at("2026-03-10T02:30:00", "Europe/Berlin"),
            "end": make::at("2026-03-10T03:00:00", "Europe/Berlin"),
        })
    };
    for (input, at) in [
        (zoned(json!(["RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=9"])), 3),
        (zoned(json!(["RRULE:FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2,-1;COUNT=7"])), 4),
        (zoned(json!(["RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20260401T000000Z"])), 2),
        (
            zoned(json!([
                "RRULE:FREQ=WEEKLY;COUNT=6",
                "RDATE;TZID=Asia/Tokyo:20260311T150000,20260401T150000",
                "EXDATE;TZID=Asia/Tokyo:20260317T100000,20260407T100000",
            ])),
            3,
        ),
        // At an RDATE between two that the rule makes.
        (zoned(json!(["RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=6", "RDATE;TZID=Asia/Tokyo:20260318T150000"])), 1),
        (zoned(json!(["RRULE:FREQ=DAILY;COUNT=4", "RDATE;VALUE=PERIOD:20260320T010000Z/PT3H"])), 4),
        (days(json!(["RRULE:FREQ=DAILY;COUNT=5", "EXDATE;VALUE=DATE:20260312"])), 2),
        (days(json!(["RRULE:FREQ=MONTHLY;UNTIL=20260910"])), 3),
        (floating(json!(["RRULE:FREQ=YEARLY;BYMONTH=3,6;BYDAY=2TU;COUNT=8"])), 5),
        // Over the night that has no half past two, and the one that has two of them.
        (berlin(json!(["RRULE:FREQ=WEEKLY;BYDAY=SU;COUNT=40"])), 3),
        (berlin(json!(["RRULE:FREQ=DAILY;COUNT=20"])), 19),
    ] {
        let event = make::event(&mio, &calendar, input.clone()).await;
        let list = |event: &serde_json::Value| format!("{}/occurrences?limit=500&to=2040-01-01T00:00:00Z", path(event));
        let whole = mio.get(&list(&event)).await.ok();
        let (starts, originals) = (texts(&whole, "start_time"), texts(&whole, "original_start"));
        let second = mio.patch(&part(&event, "following", &originals[at]), json!({ "title": "x" })).await.is(200).ok();
        let halves = (mio.get(&list(&event)).await.ok(), mio.get(&list(&second)).await.ok());
        let joined: Vec<String> = [texts(&halves.0, "start_time"), texts(&halves.1, "start_time")].concat();
        assert_eq!((texts(&halves.0, "title").len(), joined), (at, starts), "{input}");
        assert_eq!(texts(&halves.1, "original_start"), originals[at..], "{input}");
    }
    // Two rules, each counted from the start: the rest is no such series.
    let two = json!(["RRULE:FREQ=DAILY;INTERVAL=2;COUNT=9", "RRULE:FREQ=DAILY;INTERVAL=3;COUNT=9"]);
    let event = make::event(&mio, &calendar, json!({ "recurrence": two })).await;
    let before = make::traces(&koyomi).await;
    let refused = mio.patch(&part(&event, "following", "2026-03-12T10:00:00"), json!({ "title": "x" })).await;
    refused.problem(422, "cannot_split_here");
    assert_eq!(make::traces(&koyomi).await, before);
}
