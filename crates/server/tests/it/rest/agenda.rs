use serde_json::json;

use crate::harness;
use crate::make::{self, at, id, items, pages, texts};

const AGENDA: &str = "/api/me/events";

#[tokio::test]
async fn my_calendars_and_my_invitations_come_as_one_list_and_each_occurrence_once() {
    let koyomi = harness::start().await;
    let (mio, ren, ann) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.user("ann").await);
    let (hers, his, shared) =
        (make::calendar(&mio, "Hers").await, make::calendar(&ren, "His").await, make::calendar(&ann, "Shared").await);
    make::share(&ann, &shared, &ren, "reader").await;
    make::share(&ann, &shared, &mio, "writer").await;
    let invited = json!([{ "email": ren.email }]);
    let hour = |hour: u32| at(&format!("2026-03-10T{hour:02}:00:00"), "UTC");
    make::event(&ren, &his, json!({ "title": "own", "start": hour(1) })).await;
    // His own, and he is among the guests.
    make::event(&ren, &his, json!({ "title": "own guest", "start": hour(2), "attendees": invited })).await;
    make::event(&mio, &hers, json!({ "title": "invited", "start": hour(3), "attendees": invited })).await;
    // Of a calendar that is shared with him, and he is invited.
    make::event(&mio, &shared, json!({ "title": "both", "start": hour(4), "attendees": invited })).await;
    make::event(&mio, &hers, json!({ "title": "not his", "start": hour(5) })).await;
    make::event(
        &mio,
        &hers,
        json!({
            "title": "series", "start": hour(6), "attendees": invited, "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"],
        }),
    )
    .await;
    // Invited twice: by the address he had, and by the one he has.
    let twice = make::event(&mio, &hers, json!({ "title": "twice", "start": hour(7), "attendees": invited })).await;
    mio.post(&format!("/api/events/{}/attendees", id(&twice)), json!({ "email": "ren@old.example" })).await.is(201);
    sqlx::query("update attendees set user_id = $1 where email = 'ren@old.example'")
        .bind(ren.id.0)
        .execute(&mut koyomi.sql().await)
        .await
        .unwrap();
    let expected = ["own", "own guest", "invited", "both", "series", "twice", "series"];
    for to in ["2026-04-01T00:00:00Z", "2080-01-01T00:00:00Z"] {
        for limit in 1..=8 {
            let all = pages(&ren, &format!("{AGENDA}?from=2026-03-01T00:00:00Z&to={to}"), limit).await;
            assert_eq!(texts(&json!({ "items": all }), "title"), expected, "{limit} at a time until {to}");
            assert!(all.iter().all(|event| event["view"] == "full"));
        }
    }
}

#[tokio::test]
async fn invitations_past_the_horizon_are_on_the_agenda_once() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let (hers, his) = (make::calendar(&mio, "Hers").await, make::calendar(&ren, "His").await);
    let daily = json!({ "recurrence": ["RRULE:FREQ=DAILY"], "attendees": [{ "email": ren.email }] });
    make::event(&mio, &hers, daily.clone()).await;
    make::event(&ren, &his, daily).await;
    for limit in 1..=7 {
        let all = pages(&ren, &format!("{AGENDA}?from=2080-03-10T00:00:00Z&to=2080-03-14T00:00:00Z"), limit).await;
        assert_eq!(all.len(), 8);
        let mut keys: Vec<_> = all.iter().map(|e| (id(e).to_owned(), e["original_start"].to_string())).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 8);
    }
}

#[tokio::test]
async fn what_is_gone_leaves_no_hole_that_ends_the_list() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let (gone, stays) = (make::calendar(&mio, "Gone").await, make::calendar(&ren, "Stays").await);
    let daily = json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"], "attendees": [{ "email": ren.email }] });
    make::event(&mio, &gone, daily).await;
    let later = json!({ "start": at("2026-03-20T10:00:00", "UTC"), "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] });
    make::event(&ren, &stays, later).await;
    mio.delete(&format!("/api/calendars/{gone}")).await.is(204);
    for limit in 1..=4 {
        assert_eq!(pages(&ren, AGENDA, limit).await.len(), 3, "{limit} at a time");
    }
}

#[tokio::test]
async fn it_shows_of_each_event_what_i_may_see_of_it() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let (busy, read) = (make::calendar(&mio, "Busy").await, make::calendar(&mio, "Read").await);
    make::share(&mio, &busy, &ren, "free_busy").await;
    make::share(&mio, &read, &ren, "reader").await;
    let invited = json!([{ "email": ren.email }]);
    for (calendar, title, visibility, guests) in [
        (&busy, "a", "public", json!([])),
        (&busy, "b", "confidential", invited.clone()),
        (&read, "c", "default", json!([])),
        (&read, "d", "private", json!([])),
        (&read, "e", "private", invited),
    ] {
        let start = at(&format!("2026-03-10T0{}:00:00", title.as_bytes()[0] - b'a'), "UTC");
        let more = json!({ "title": title, "visibility": visibility, "attendees": guests, "start": start });
        make::event(&mio, calendar, more).await;
    }
    let page = ren.get(&format!("{AGENDA}?expand=attendees")).await.ok();
    assert_eq!(texts(&page, "title"), ["null", "b", "c", "null", "e"]);
    assert_eq!(texts(&page, "view"), ["busy", "full", "full", "busy", "full"]);
    let guests: Vec<_> = items(&page).iter().map(|e| e["attendees"].as_array().map(Vec::len)).collect();
    assert_eq!(guests, [None, Some(1), Some(0), None, Some(1)]);
}

#[tokio::test]
async fn a_new_invitation_is_on_it_at_once() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({})).await;
    let tag = ren.get(AGENDA).await.etag();
    let old = ren.with("if-none-match", &tag);
    old.get(AGENDA).await.is(304);
    let guest = mio.post(&format!("/api/events/{}/attendees", id(&event)), json!({ "email": ren.email })).await.ok();
    assert_eq!(texts(&old.get(AGENDA).await.is(200).ok(), "title"), ["Review"]);
    mio.delete(&format!("/api/events/{}/attendees/{}", id(&event), id(&guest))).await.is(204);
    old.get(AGENDA).await.is(304);
}

#[tokio::test]
async fn its_cursor_is_its_owners() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    make::share(&mio, &calendar, &ren, "reader").await;
    make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await;
    let cursor = mio.get(&format!("{AGENDA}?limit=1")).await.ok()["next_cursor"].as_str().unwrap().to_owned();
    for answer in [
        ren.get(&format!("{AGENDA}?cursor={cursor}")).await,
        mio.get(&format!("{AGENDA}?cursor={cursor}&from=2026-03-01T00:00:00Z")).await,
        mio.get(&format!("/api/calendars/{calendar}/events?cursor={cursor}")).await,
    ] {
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), ["?cursor"]);
    }
    assert_eq!(items(&mio.get(&format!("{AGENDA}?cursor={cursor}")).await.ok()).len(), 2);
}
