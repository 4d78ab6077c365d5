//! New zone data: what was written with other rules is found and computed anew, and nothing else is touched.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use crate::harness::{self, Client, Harness};
use crate::make::{self, at, busy, id, texts};

/// The rows of `occurrences` and `reservations`, with their versions.
async fn rows(koyomi: &Harness) -> BTreeMap<String, String> {
    let all: Vec<(String, String)> = sqlx::query_as(
        "select concat_ws(' ', event_id, original_start, start_time, end_time), xmin::text from occurrences
         union all
         select concat_ws(' ', id, event_id, original_start, start_time, end_time, status), xmin::text from reservations",
    )
    .fetch_all(&mut koyomi.sql().await)
    .await
    .unwrap();
    all.into_iter().collect()
}

async fn heads(koyomi: &Harness) -> BTreeMap<Uuid, i64> {
    let all: Vec<(Uuid, i64)> =
        sqlx::query_as("select calendar_id, seq from heads").fetch_all(&mut koyomi.sql().await).await.unwrap();
    all.into_iter().collect()
}

/// As if all that happens in Berlin from a day on had been written by a program that knew of another law: an hour earlier.
async fn written_by_another_law(koyomi: &Harness) {
    let berlin = "select e.id from events e join calendars c on c.id = e.calendar_id
                  where coalesce(e.time_zone, c.time_zone) = 'Europe/Berlin'";
    for sql in [
        "update deploy set tz_version = '2019a'".to_owned(),
        "update zones set rules = 'of another law' where name = 'Europe/Berlin'".to_owned(),
        format!(
            "update occurrences set start_time = start_time - interval '1 hour', end_time = end_time - interval '1 hour'
             where start_time > '2026-10-25' and event_id in ({berlin})"
        ),
        format!(
            "update reservations set start_time = start_time - interval '1 hour', end_time = end_time - interval '1 hour'
             where start_time > '2026-10-25' and event_id in ({berlin})"
        ),
        format!(
            "update events set start_time = start_time - interval '1 hour', end_time = end_time - interval '1 hour'
             where start_time > '2026-10-25' and id in ({berlin})"
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut koyomi.sql().await).await.unwrap();
    }
}

fn berlin(from: &str, to: &str) -> (serde_json::Value, serde_json::Value) {
    (at(from, "Europe/Berlin"), at(to, "Europe/Berlin"))
}

async fn series(who: &Client, calendar: &str, from: &str, to: &str, room: &str) -> serde_json::Value {
    let (start, end) = berlin(from, to);
    let input = json!({
        "start": start, "end": end, "recurrence": ["RRULE:FREQ=WEEKLY"], "resources": [room],
    });
    make::event(who, calendar, input).await
}

#[tokio::test]
async fn only_what_happens_in_zones_with_other_rules_is_computed_anew() {
    let koyomi = harness::start_on_fresh_database().await;
    // Nothing was written yet: this build's data it is.
    let data = koyomi.koyomi.zone_data().await.unwrap();
    assert!(data.is_current() && data.advice().is_none(), "{data:?}");
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let tokyo = make::calendar(&mio, "Tokyo").await;
    let (mixed, floating) =
        (make::calendar(&mio, "Mixed").await, make::calendar_in(&mio, "Floating", "Europe/Berlin").await);
    let room = make::room(&admin, "Kaede").await;
    make::event(&mio, &tokyo, json!({ "recurrence": ["RRULE:FREQ=WEEKLY"] })).await;
    make::event(&mio, &mixed, json!({ "title": "there" })).await;
    // Back to back in one room: each can move only when the next one has.
    let first = series(&mio, &mixed, "2026-03-10T10:00:00", "2026-03-10T11:00:00", &room).await;
    for hour in [11, 12, 13] {
        let (from, to) = (format!("2026-03-10T{hour}:00:00"), format!("2026-03-10T{}:00:00", hour + 1));
        series(&mio, &mixed, &from, &to, &room).await;
    }
    let own = format!("/api/events/{}?scope=this&original_start=2026-12-01T10:00:00", id(&first));
    mio.patch(&own, json!({ "title": "own" })).await.is(200);
    make::event(&mio, &floating, json!({ "start": make::day("2026-12-24") })).await;
    make::event(
        &mio,
        &floating,
        json!({ "start": make::floating("2026-12-24T10:00:00"), "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] }),
    )
    .await;
    let first_time = koyomi.koyomi.rezone().await.unwrap();
    assert_eq!((first_time.zones.len(), first_time.changed), (2, 0));
    assert_eq!(koyomi.koyomi.rezone().await.unwrap().checked, 0);
    let (right, seqs) = (rows(&koyomi).await, heads(&koyomi).await);

    written_by_another_law(&koyomi).await;
    let data = koyomi.koyomi.zone_data().await.unwrap();
    assert_eq!(data.recorded.as_deref(), Some("2019a"));
    let advice = data.advice().unwrap();
    assert!(advice.contains("koyomi rezone") && advice.contains("2019a") && advice.contains(&data.built), "{advice}");
    let wrong = rows(&koyomi).await;
    assert_ne!(wrong.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    let list = format!("/api/events/{}/occurrences?from=2026-12-01T00:00:00Z&to=2026-12-10T00:00:00Z", id(&first));

    let report = koyomi.koyomi.rezone().await.unwrap();
    assert_eq!(
        (report.zones, report.checked, report.changed, report.unbooked),
        (vec!["Europe/Berlin".to_owned()], 6, 6, 0)
    );
    let after = rows(&koyomi).await;
    assert_eq!(after.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    // What was right all the time was not written again.
    for (row, version) in &wrong {
        if right.contains_key(row) {
            assert_eq!(&after[row], version, "{row}");
        }
    }
    assert_eq!(texts(&mio.get(&list).await.ok(), "start_time"), ["2026-12-01T09:00:00Z", "2026-12-08T09:00:00Z"]);
    let now = heads(&koyomi).await;
    let bumped = |calendar: &str| {
        let id = Uuid::parse_str(calendar).unwrap();
        now[&id] - seqs[&id]
    };
    assert_eq!((bumped(&tokyo), bumped(&mixed), bumped(&floating)), (0, 4, 2));
    assert!(koyomi.koyomi.zone_data().await.unwrap().is_current());
    assert_eq!(koyomi.koyomi.rezone().await.unwrap().checked, 0);
    assert_eq!(heads(&koyomi).await, now);
}

#[tokio::test]
async fn a_room_that_somebody_else_has_at_the_new_instant_is_seen_to_be_missing() {
    let koyomi = harness::start_on_fresh_database().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = series(&mio, &calendar, "2026-03-10T10:00:00", "2026-03-10T11:00:00", &room).await;
    koyomi.koyomi.rezone().await.unwrap();
    written_by_another_law(&koyomi).await;
    // While the series is written down an hour too early, somebody takes the room at its right time.
    let other = json!({
        "start": at("2026-12-01T09:30:00", "UTC"), "end": at("2026-12-01T10:30:00", "UTC"), "resources": [room],
    });
    make::event(&mio, &calendar, other).await;
    let report = koyomi.koyomi.rezone().await.unwrap();
    assert_eq!((report.changed, report.unbooked), (1, 1));
    let window = ("2026-11-30T00:00:00Z", "2026-12-09T00:00:00Z");
    assert_eq!(
        busy(&mio, &room, window.0, window.1).await,
        ["2026-12-01T09:30:00Z/2026-12-01T10:30:00Z", "2026-12-08T09:00:00Z/2026-12-08T10:00:00Z"]
    );
    let list = format!("/api/events/{}/occurrences?from={}&to={}", id(&event), window.0, window.1);
    let page = mio.get(&list).await.ok();
    assert_eq!(texts(&page, "start_time"), ["2026-12-01T09:00:00Z", "2026-12-08T09:00:00Z"]);
    assert_eq!(texts(&page, "room_name"), ["null", "Kaede"]);
}

#[tokio::test]
async fn a_database_of_unknown_zone_data_says_so_until_it_was_looked_through() {
    let koyomi = harness::start_on_fresh_database().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    make::event(&mio, &calendar, json!({})).await;
    // As one that was there before versions were recorded.
    sqlx::query("update deploy set tz_version = null").execute(&mut koyomi.sql().await).await.unwrap();
    let data = koyomi.koyomi.zone_data().await.unwrap();
    assert_eq!(data.recorded, None);
    assert!(data.advice().unwrap().contains("koyomi rezone"));
    assert_eq!(koyomi.koyomi.rezone().await.unwrap().changed, 0);
    assert!(koyomi.koyomi.zone_data().await.unwrap().is_current());
}
