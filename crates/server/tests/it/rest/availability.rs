use serde_json::{Value, json};

use crate::harness;
use crate::make::{self, at, busy, id, items, pages, texts};

const AVAILABILITY: &str = "/api/resources/availability";
const DAY: &str = "from=2026-03-10T00:00:00Z&to=2026-03-11T00:00:00Z";

async fn book(client: &harness::Client, calendar: &str, room: &str, start: &str, end: &str) -> Value {
    let more = json!({
        "start": at(&format!("2026-03-{start}"), "UTC"), "end": at(&format!("2026-03-{end}"), "UTC"),
        "resources": [room],
    });
    make::event(client, calendar, more).await
}

#[tokio::test]
async fn busy_times_are_cut_to_the_window_and_neighbours_are_one() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    for (start, end) in [
        ("09T22:00:00", "10T01:00:00"),
        ("10T03:00:00", "10T04:00:00"),
        ("10T04:00:00", "10T05:00:00"),
        ("10T08:00:00", "10T08:00:00"),
        ("10T23:30:00", "11T01:00:00"),
        ("11T02:00:00", "11T03:00:00"),
    ] {
        book(&mio, &calendar, &room, start, end).await;
    }
    assert_eq!(
        busy(&mio, &room, "2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z").await,
        [
            "2026-03-10T00:00:00Z/2026-03-10T01:00:00Z",
            "2026-03-10T03:00:00Z/2026-03-10T05:00:00Z",
            "2026-03-10T23:30:00Z/2026-03-11T00:00:00Z",
        ]
    );
    // Half-open on both sides, in whatever zone it is asked for.
    assert!(busy(&mio, &room, "2026-03-10T05:00:00Z", "2026-03-10T23:30:00Z").await.is_empty());
    assert!(busy(&mio, &room, "2026-03-10T10:00:00%2B09:00", "2026-03-10T12:00:00%2B09:00").await.is_empty());
    assert_eq!(busy(&mio, &room, "2026-03-09T23:00:00Z", "2026-03-09T23:00:01Z").await.len(), 1);
}

#[tokio::test]
async fn only_free_ones_are_listed_when_that_is_asked_for() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    for name in ["a", "b", "c", "d", "e"] {
        let room = make::room(&admin, name).await;
        if ["b", "d"].contains(&name) {
            book(&mio, &calendar, &room, "10T03:00:00", "10T04:00:00").await;
        }
    }
    for limit in 1..=6 {
        let all = pages(&mio, &format!("{AVAILABILITY}?{DAY}"), limit).await;
        let free: Vec<_> = all.iter().map(|a| (a["resource"]["name"].as_str().unwrap(), a["free"] == true)).collect();
        assert_eq!(free, [("a", true), ("b", false), ("c", true), ("d", false), ("e", true)]);
        let free = pages(&mio, &format!("{AVAILABILITY}?{DAY}&available=true"), limit).await;
        let free: Vec<Value> = free.into_iter().map(|a| a["resource"].clone()).collect();
        assert_eq!(texts(&json!({ "items": free }), "name"), ["a", "c", "e"]);
    }
    let cursor = mio.get(&format!("{AVAILABILITY}?{DAY}&limit=1")).await.ok()["next_cursor"].clone();
    let other = mio.get(&format!("{AVAILABILITY}?{DAY}&available=true&cursor={}", cursor.as_str().unwrap())).await;
    other.problem(400, "malformed_request");
    assert_eq!(other.pointers(), ["?cursor"]);
}

#[tokio::test]
async fn what_many_may_use_is_always_free() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let shared = json!({ "name": "Garden", "kind": "other", "exclusive": false });
    let garden = id(&admin.post("/api/resources", shared).await.is(201).ok()).to_owned();
    book(&mio, &calendar, &garden, "10T03:00:00", "10T04:00:00").await;
    assert!(busy(&mio, &garden, "2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z").await.is_empty());
}

#[tokio::test]
async fn a_window_is_needed_and_has_an_end() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    for (query, pointer) in [
        ("", "?from"),
        ("from=2026-03-10T00:00:00Z", "?to"),
        ("from=2026-03-10T00:00:00Z&to=2026-03-10T00:00:00Z", "?to"),
        ("from=2026-03-11T00:00:00Z&to=2026-03-10T00:00:00Z", "?to"),
        ("from=today&to=2026-03-10T00:00:00Z", "?from"),
        ("from=2026-03-10T00:00:00&to=2026-03-11T00:00:00Z", "?from"),
    ] {
        let answer = mio.get(&format!("{AVAILABILITY}?{query}")).await;
        answer.problem(400, "malformed_request");
        assert_eq!(answer.pointers(), [pointer], "{query}");
    }
    let long = mio.get(&format!("{AVAILABILITY}?from=2026-01-01T00:00:00Z&to=2026-04-03T00:00:01Z")).await;
    long.problem(422, "span_too_long");
    mio.get(&format!("{AVAILABILITY}?from=2026-01-01T00:00:00Z&to=2026-04-03T00:00:00Z")).await.is(200);
}

#[tokio::test]
async fn nothing_of_the_events_is_told() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = book(&mio, &calendar, &room, "10T03:00:00", "10T04:00:00").await;
    let answer = ren.get(&format!("{AVAILABILITY}?{DAY}")).await;
    assert_eq!(items(&answer.ok()).len(), 1);
    for private in [id(&event), &calendar, "Review", "mio"] {
        assert!(!answer.text().contains(private), "{private}");
    }
}
