use serde_json::json;

use super::{DAILY, answers, occurrences, part, path, rows, tokyo};
use crate::harness;
use crate::make::{self, at, day, texts};

#[tokio::test]
async fn overrides_stay_where_their_occurrence_still_exists_and_go_along_with_the_time_of_day() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event =
        make::event(&mio, &calendar, json!({ "recurrence": [DAILY], "attendees": [{ "email": ren.email }] })).await;
    let moved = json!({ "start": tokyo("2026-03-11T17:00:00") });
    let moved = mio.patch(&part(&event, "this", "2026-03-11T10:00:00"), moved).await.ok();
    let named = mio.patch(&part(&event, "this", "2026-03-12T10:00:00"), json!({ "title": "Named" })).await.ok();
    ren.post(&format!("{}/respond", path(&named)), json!({ "response_status": "tentative" })).await.is(200);
    let answer = mio.patch(&path(&event), json!({ "start": tokyo("2026-03-10T11:30:00"), "title": "Later" })).await;
    assert!(answer.is(200).statements() <= 5);
    assert_eq!(occurrences(&mio, &event).await, ["10T11:30", "11T11:30=11T17:00", "12T11:30", "13T11:30", "14T11:30"]);
    let (moved, named) = (mio.get(&path(&moved)).await.ok(), mio.get(&path(&named)).await.ok());
    // A title of one's own stays, one that was the series' changes with it.
    assert_eq!((&moved["title"], &named["title"]), (&json!("Later"), &json!("Named")));
    assert_eq!(answers(&mio, &named).await[0].1, "tentative");
    // By a day, and all trade places: the identities of neighbours are taken one after the other.
    let weekly = json!({ "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"] });
    let event = make::event(&mio, &calendar, weekly).await;
    for day in ["17", "24"] {
        let target = part(&event, "this", &format!("2026-03-{day}T10:00:00"));
        mio.patch(&target, json!({ "title": day })).await.is(200);
    }
    mio.patch(&path(&event), json!({ "start": tokyo("2026-03-11T10:00:00") })).await.is(200);
    let page = mio.get(&format!("{}/occurrences", path(&event))).await.ok();
    assert_eq!(texts(&page, "title"), ["Review", "17", "24", "Review", "Review"]);
    assert_eq!(occurrences(&mio, &event).await[1..3], ["18T10:00", "25T10:00"]);
}

#[tokio::test]
async fn identities_that_move_onto_each_other_are_no_conflict() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    // 10, 11, 12 o'clock on one day; half of them would stay, so it goes by two hours.
    let input = json!({ "recurrence": ["RRULE:FREQ=HOURLY;COUNT=3"], "end": tokyo("2026-03-10T10:30:00") });
    let event = make::event(&mio, &calendar, input).await;
    for hour in [10, 11, 12] {
        let target = part(&event, "this", &format!("2026-03-10T{hour}:00:00"));
        mio.patch(&target, json!({ "title": format!("{hour}") })).await.is(200);
    }
    mio.patch(&path(&event), json!({ "start": tokyo("2026-03-10T12:00:00") })).await.is(200);
    let page = mio.get(&format!("{}/occurrences", path(&event))).await.ok();
    assert_eq!(texts(&page, "title"), ["10", "11", "12"]);
    assert_eq!(texts(&page, "original_start"), ["2026-03-10T12:00:00", "2026-03-10T13:00:00", "2026-03-10T14:00:00"]);
}

#[tokio::test]
async fn only_what_changes_is_written() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let rule = |rule: &str| json!({ "recurrence": [format!("RRULE:FREQ={rule}")] });
    let mut input = rule("DAILY;COUNT=20");
    input["resources"] = json!([room]);
    let event = make::event(&mio, &calendar, input).await;
    for (change, stay, left) in [
        (json!({ "title": "x" }), 20, 20),
        (rule("DAILY;COUNT=15"), 15, 15),
        (rule("DAILY;COUNT=18"), 15, 18),
        // Mondays to Fridays, of 18 days from a Tuesday on.
        (rule("DAILY;BYDAY=MO,TU,WE,TH,FR;COUNT=14"), 14, 14),
        (json!({ "start": tokyo("2026-03-11T10:00:00") }), 13, 14),
    ] {
        let before = (rows(&koyomi, "occurrences").await, rows(&koyomi, "reservations").await);
        mio.patch(&path(&event), change.clone()).await.is(200);
        let after = (rows(&koyomi, "occurrences").await, rows(&koyomi, "reservations").await);
        let same =
            |before: &[super::Row], after: &[super::Row]| after.iter().filter(|row| before.contains(row)).count();
        assert_eq!((same(&before.0, &after.0), after.0.len()), (stay, left), "occurrences after {change}");
        assert_eq!((same(&before.1, &after.1), after.1.len()), (stay, left), "reservations after {change}");
    }
}

#[tokio::test]
async fn zone_length_and_form_change_for_all_of_a_series() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY] })).await;
    mio.patch(&part(&event, "this", "2026-03-12T10:00:00"), json!({ "title": "Named" })).await.is(200);
    let page = async || mio.get(&format!("{}/occurrences", path(&event))).await.ok();
    mio.patch(&path(&event), json!({ "start": at("2026-03-10T10:00:00", "Europe/Berlin") })).await.is(200);
    let shown = page().await;
    assert_eq!(texts(&shown, "start_time")[1..3], ["2026-03-11T09:00:00Z", "2026-03-12T09:00:00Z"]);
    assert_eq!(texts(&shown, "title")[2], "Named");
    mio.patch(&path(&event), json!({ "end": at("2026-03-10T12:00:00", "Europe/Berlin") })).await.is(200);
    assert_eq!(texts(&page().await, "end_time")[1..3], ["2026-03-11T11:00:00Z", "2026-03-12T11:00:00Z"]);
    mio.patch(&path(&event), json!({ "start": day("2026-03-10"), "end": day("2026-03-11") })).await.is(200);
    let shown = page().await;
    assert_eq!(texts(&shown, "original_start")[1..3], ["2026-03-11", "2026-03-12"]);
    assert_eq!((texts(&shown, "title")[2].as_str(), &make::items(&shown)[2]["start"]), ("Named", &day("2026-03-12")));
    mio.patch(&path(&event), json!({ "recurrence": ["RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3"] })).await.is(200);
    assert_eq!(occurrences(&mio, &event).await, ["10", "12", "14"]);
    // The occurrence of the override exists no more.
    mio.patch(&path(&event), json!({ "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"] })).await.is(200);
    assert_eq!(occurrences(&mio, &event).await, ["10", "17"]);
    mio.patch(&path(&event), json!({ "recurrence": [] })).await.is(200);
    assert_eq!(occurrences(&mio, &event).await, ["10"]);
}

#[tokio::test]
async fn a_series_is_cancelled_with_all_that_was_changed_in_it() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": [DAILY], "resources": [room] })).await;
    mio.patch(&part(&event, "this", "2026-03-12T10:00:00"), json!({ "title": "Named" })).await.is(200);
    mio.patch(&format!("{}?scope=all", path(&event)), json!({ "status": "cancelled" })).await.is(200);
    let page = mio.get(&format!("{}/occurrences", path(&event))).await.ok();
    assert_eq!(texts(&page, "status"), ["cancelled"; 5]);
    assert!(make::busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await.is_empty());
}

#[tokio::test]
async fn an_edited_series_goes_out_as_icalendar_and_comes_in_as_it_was() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let (calendar, copy) = (make::calendar(&mio, "Work").await, make::calendar(&mio, "Copy").await);
    let event = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=12"] })).await;
    mio.patch(&part(&event, "this", "2026-03-11T10:00:00"), json!({ "start": tokyo("2026-03-11T17:00:00") }))
        .await
        .is(200);
    mio.patch(&part(&event, "this", "2026-03-12T10:00:00"), json!({ "status": "cancelled" })).await.is(200);
    mio.delete(&part(&event, "this", "2026-03-13T10:00:00")).await.is(204);
    mio.patch(&part(&event, "this", "2026-03-18T10:00:00"), json!({ "title": "Named" })).await.is(200);
    let later = json!({ "start": tokyo("2026-03-16T15:00:00") });
    mio.patch(&part(&event, "following", "2026-03-16T10:00:00"), later).await.is(200);
    let file = mio.get(&format!("/api/calendars/{calendar}/export")).await.text();
    let client = mio.with("content-type", "text/calendar");
    let report =
        client.send(reqwest::Method::POST, &format!("/api/calendars/{copy}/import"), Some(file)).await.is(200).ok();
    assert_eq!((&report["created"], &report["issues_total"]), (&json!(5), &json!(0)), "{report}");
    let shown = async |calendar: &str| {
        let page = mio.get(&format!("/api/calendars/{calendar}/events?limit=500")).await.ok();
        ["start_time", "end_time", "title", "status", "original_start"].map(|field| texts(&page, field))
    };
    assert_eq!(shown(&copy).await, shown(&calendar).await);
}
