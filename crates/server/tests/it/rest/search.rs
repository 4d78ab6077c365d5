use serde_json::json;

use crate::harness;
use crate::make::{self, items, pages, texts};

fn query(calendar: &str, q: &str) -> String {
    let q: String = q.bytes().map(|b| format!("%{b:02X}")).collect();
    format!("/api/calendars/{calendar}/events?q={q}")
}

#[tokio::test]
async fn any_part_of_title_place_or_text_is_found_in_any_case_and_script() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for (title, location, description) in [
        ("Design Review", None, None),
        ("歯医者", Some("東京タワー"), None),
        ("100% done", None, Some("snake_case")),
        ("Caf\u{e9} Gr\u{f6}\u{df}e", None, None),
        ("\u{39f}\u{394}\u{39f}\u{3a3}", None, Some("back\\slash")),
    ] {
        make::event(&mio, &calendar, json!({ "title": title, "location": location, "description": description })).await;
    }
    for (q, expected) in [
        ("review", vec!["Design Review"]),
        ("GN REV", vec!["Design Review"]),
        ("医者", vec!["歯医者"]),
        ("東京", vec!["歯医者"]),
        ("者", vec!["歯医者"]),
        ("%", vec!["100% done"]),
        ("0%", vec!["100% done"]),
        ("_", vec!["100% done"]),
        ("e_c", vec!["100% done"]),
        ("E_R", vec![]),
        ("%one", vec![]),
        ("\\", vec!["\u{39f}\u{394}\u{39f}\u{3a3}"]),
        ("K\\S", vec!["\u{39f}\u{394}\u{39f}\u{3a3}"]),
        ("CAF\u{c9} GR\u{d6}", vec!["Caf\u{e9} Gr\u{f6}\u{df}e"]),
        ("\u{39f}\u{394}\u{39f}\u{3a3}", vec!["\u{39f}\u{394}\u{39f}\u{3a3}"]),
        ("nothing", vec![]),
    ] {
        assert_eq!(texts(&mio.get(&query(&calendar, q)).await.ok(), "title"), expected, "{q}");
    }
}

#[tokio::test]
async fn a_search_counts_occurrences_in_its_window_and_past_the_horizon_too() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let (calendar, other) = (make::calendar(&mio, "Work").await, make::calendar(&mio, "Other").await);
    for (calendar, title) in [(&calendar, "Standup"), (&calendar, "Lunch"), (&other, "Standup too")] {
        make::event(&mio, calendar, json!({ "title": title, "recurrence": ["RRULE:FREQ=DAILY"] })).await;
    }
    for year in [2026, 2080] {
        let window = format!("from={year}-04-01T00:00:00Z&to={year}-04-04T00:00:00Z");
        let path = format!("/api/events?calendar_id={calendar}&calendar_id={other}&q=STAND&{window}");
        for limit in 1..=7 {
            let found = pages(&mio, &path, limit).await;
            let starts = texts(&json!({ "items": found }), "start_time");
            assert_eq!(starts.len(), 6);
            assert!(starts.is_sorted());
            assert!(found.iter().all(|e| e["title"].as_str().unwrap().starts_with("Standup")));
        }
        let one = pages(&mio, &format!("{}&{window}", query(&calendar, "unc")), 2).await;
        assert_eq!(texts(&json!({ "items": one }), "title"), ["Lunch", "Lunch", "Lunch"]);
    }
}

#[tokio::test]
async fn what_somebody_may_not_read_he_cannot_find_by_searching() {
    let koyomi = harness::start().await;
    let (mio, ren) = (koyomi.user("mio").await, koyomi.user("ren").await);
    let calendar = make::calendar(&mio, "Work").await;
    for visibility in ["default", "public", "private", "confidential"] {
        let daily = json!({
            "title": format!("hush {visibility}"), "visibility": visibility, "recurrence": ["RRULE:FREQ=DAILY"],
        });
        make::event(&mio, &calendar, daily).await;
    }
    let all = vec!["hush confidential", "hush default", "hush private", "hush public"];
    for (role, expected) in [
        ("writer", all.clone()),
        ("reader", vec!["hush default", "hush public"]),
        ("free_busy", vec![]),
        ("owner", all),
    ] {
        make::share(&mio, &calendar, &ren, role).await;
        for year in [2026, 2080] {
            let window = format!("from={year}-04-01T00:00:00Z&to={year}-04-02T00:00:00Z");
            let page = ren.get(&format!("{}&{window}", query(&calendar, "hush"))).await.ok();
            let mut found = texts(&page, "title");
            found.sort_unstable();
            assert_eq!(found, expected, "{role} in {year}");
        }
        mio.delete(&format!("/api/calendars/{calendar}/members/{}", ren.id)).await.is(204);
    }
}

#[tokio::test]
async fn a_search_has_one_to_two_hundred_characters() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let answer = mio.get(&query(&calendar, &"東".repeat(201))).await;
    answer.problem(400, "malformed_request");
    assert_eq!(answer.pointers(), ["?q"]);
    assert!(items(&mio.get(&query(&calendar, &"東".repeat(200))).await.ok()).is_empty());
    mio.get("/api/me/events?q=x").await.problem(400, "malformed_request");
}
