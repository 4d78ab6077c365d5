use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{self, Harness};
use crate::make::{self, at, day, id, items, pages, texts};

fn occurrences_of(event: &Value) -> String {
    format!("/api/events/{}/occurrences", id(event))
}

/// Gives one occurrence of a series a record of its own, as an import does.
async fn override_occurrence(koyomi: &Harness, series: &Value, original_start: &str, start_time: &str) -> Uuid {
    let mut sql = koyomi.sql().await;
    let own: Uuid = sqlx::query_scalar(
        "insert into events (id, calendar_id, uid, recurring_event_id, original_start, title, all_day, start_local,
             time_zone, duration_days, duration_seconds, start_time, end_time, created_at, updated_at, organizer_id)
         select gen_random_uuid(), calendar_id, uid, id, $2::timestamp, 'Moved', all_day,
             $3::timestamptz at time zone coalesce(time_zone, 'Asia/Tokyo'), time_zone, duration_days, duration_seconds,
             $3::timestamptz, $3::timestamptz + interval '1 hour', created_at, updated_at, organizer_id
         from events where id = $1::uuid
         returning id",
    )
    .bind(Uuid::parse_str(id(series)).unwrap())
    .bind(original_start)
    .bind(start_time)
    .fetch_one(&mut sql)
    .await
    .unwrap();
    sqlx::query(
        "with gone as (delete from occurrences where event_id = $1 and original_start = $3::timestamp)
         insert into occurrences (calendar_id, start_time, end_time, event_id, original_start)
         select calendar_id, start_time, end_time, id, original_start from events where id = $2",
    )
    .bind(Uuid::parse_str(id(series)).unwrap())
    .bind(own)
    .bind(original_start)
    .execute(&mut sql)
    .await
    .unwrap();
    own
}

#[tokio::test]
async fn a_series_is_listed_occurrence_by_occurrence_also_past_what_is_written_down() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=WEEKLY"] })).await;
    for (from, to, first, count) in [
        ("2026-03-01", "2026-04-01", "2026-03-10T01:00:00Z", 4),
        // Two years are written down: this window lies across their end.
        ("2028-02-20", "2028-03-15", "2028-02-22T01:00:00Z", 4),
        ("2080-01-01", "2080-02-01", "2080-01-02T01:00:00Z", 5),
    ] {
        let first = if from.starts_with("2080") { "2080-01-02T01:00:00Z" } else { first };
        let path = format!("{}?from={from}T00:00:00Z&to={to}T00:00:00Z", occurrences_of(&event));
        for limit in 1..=6 {
            let found = pages(&mio, &path, limit).await;
            assert_eq!((found[0]["start_time"].as_str().unwrap(), found.len()), (first, count), "{from}");
            let mut keys = texts(&json!({ "items": found }), "original_start");
            keys.dedup();
            assert_eq!(keys.len(), count);
        }
    }
    let other = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=WEEKLY"] })).await;
    let cursor = mio.get(&format!("{}?limit=1", occurrences_of(&event))).await.ok()["next_cursor"].clone();
    let foreign = mio.get(&format!("{}?cursor={}", occurrences_of(&other), cursor.as_str().unwrap())).await;
    foreign.problem(400, "malformed_request");
    assert_eq!(foreign.pointers(), ["?cursor"]);
}

#[tokio::test]
async fn days_have_days_for_original_starts() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let daily = json!({ "start": day("2026-03-10"), "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"] });
    let event = make::event(&mio, &calendar, daily).await;
    let page = mio.get(&occurrences_of(&event)).await.ok();
    assert_eq!(texts(&page, "original_start"), ["2026-03-10", "2026-03-11"]);
    assert_eq!((&items(&page)[1]["start"], &items(&page)[1]["end"]), (&day("2026-03-11"), &day("2026-03-12")));
}

#[tokio::test]
async fn an_occurrence_with_a_record_of_its_own_is_shown_in_the_place_of_the_one_it_stands_for() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY"] })).await;
    let own = override_occurrence(&koyomi, &event, "2026-03-11 10:00", "2026-03-11T05:00:00Z").await;
    // One beyond what is written down of the series.
    override_occurrence(&koyomi, &event, "2080-03-11 10:00", "2080-03-11T05:00:00Z").await;
    for year in [2026, 2080] {
        let window = format!("from={year}-03-11T00:00:00Z&to={year}-03-13T00:00:00Z");
        for list in [
            format!("{}?{window}", occurrences_of(&event)),
            format!("/api/calendars/{calendar}/events?{window}"),
            format!("/api/me/events?{window}"),
        ] {
            for limit in 1..=3 {
                let found = json!({ "items": pages(&mio, &list, limit).await });
                assert_eq!(texts(&found, "title"), ["Moved", "Review"], "{list}");
                assert_eq!(
                    texts(&found, "original_start"),
                    [format!("{year}-03-11T10:00:00"), format!("{year}-03-12T10:00:00")]
                );
                assert_eq!(items(&found)[0]["recurring_event_id"], event["id"]);
            }
        }
    }
    // Moved on its own it keeps standing for the same occurrence.
    let moved = json!({ "start": at("2026-03-11T16:00:00", "Asia/Tokyo") });
    let moved = mio.patch(&format!("/api/events/{own}"), moved).await.ok();
    assert_eq!(
        (&moved["original_start"], &moved["start_time"]),
        (&json!("2026-03-11T10:00:00"), &json!("2026-03-11T07:00:00Z"))
    );
    let recurring = mio.patch(&format!("/api/events/{own}"), json!({ "recurrence": ["RRULE:FREQ=DAILY"] })).await;
    recurring.problem(422, "validation_failed");
    // The series moves by two hours: so does the identity of the override, not the time that it was moved to.
    mio.patch(&format!("/api/events/{}", id(&event)), json!({ "start": at("2026-03-10T12:00:00", "Asia/Tokyo") }))
        .await
        .is(200);
    let own = mio.get(&format!("/api/events/{own}")).await.ok();
    assert_eq!(
        (&own["original_start"], &own["start_time"]),
        (&json!("2026-03-11T12:00:00"), &json!("2026-03-11T07:00:00Z"))
    );
}

#[tokio::test]
async fn a_deleted_series_takes_the_records_of_its_occurrences_and_their_rooms_along() {
    let koyomi = harness::start().await;
    let (mio, admin) = (koyomi.user("mio").await, koyomi.admin("admin").await);
    let calendar = make::calendar(&mio, "Work").await;
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &calendar, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await;
    let own = override_occurrence(&koyomi, &event, "2026-03-11 10:00", "2026-03-11T05:00:00Z").await;
    mio.post(&format!("/api/events/{own}/reservations"), json!({ "resources": [room] })).await.is(201);
    mio.delete(&format!("/api/events/{}", id(&event))).await.is(204);
    mio.get(&format!("/api/events/{own}")).await.problem(404, "not_found");
    assert!(make::busy(&mio, &room, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z").await.is_empty());
}

#[tokio::test]
async fn a_new_time_zone_of_the_calendar_keeps_an_override_in_its_place() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let daily = json!({
        "start": make::floating("2026-03-10T10:00:00"), "end": make::floating("2026-03-10T11:00:00"),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"],
    });
    let event = make::event(&mio, &calendar, daily).await;
    override_occurrence(&koyomi, &event, "2026-03-11 10:00", "2026-03-11T05:00:00Z").await;
    mio.patch(&format!("/api/calendars/{calendar}"), json!({ "time_zone": "UTC" })).await.is(200);
    let page = mio.get(&occurrences_of(&event)).await.ok();
    assert_eq!(texts(&page, "start_time"), ["2026-03-10T10:00:00Z", "2026-03-11T14:00:00Z", "2026-03-12T10:00:00Z"]);
    assert_eq!(texts(&page, "original_start"), ["2026-03-10T10:00:00", "2026-03-11T10:00:00", "2026-03-12T10:00:00"]);
}
