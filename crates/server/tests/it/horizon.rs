//! Series that go on are written on as time goes by: each step whole or not at all, on any instance, rooms included.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use koyomi::{ROLL_STEP, RollReport};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::harness::{self, Harness};
use crate::make::{self, at, busy, id, items, texts};

const ENDLESS: &str = "RRULE:FREQ=DAILY";

type Instant = Option<DateTime<Utc>>;

/// How far each series is written down, by title: where it stands, its last occurrence, how many there are.
async fn written(sql: &mut PgConnection) -> BTreeMap<String, (Instant, Instant, i64)> {
    let rows: Vec<(String, Instant, Instant, i64)> = sqlx::query_as(
        "select e.title, e.expanded_until, max(o.start_time), count(o.event_id)
         from events e left join occurrences o on o.event_id = e.id
         where e.recurring_event_id is null group by e.id",
    )
    .fetch_all(sql)
    .await
    .unwrap();
    rows.into_iter().map(|(title, until, last, count)| (title, (until, last, count))).collect()
}

async fn head(koyomi: &Harness, calendar: &str) -> i64 {
    sqlx::query_scalar("select seq from heads where calendar_id = $1::uuid")
        .bind(calendar)
        .fetch_one(&mut koyomi.sql().await)
        .await
        .unwrap()
}

async fn series(koyomi: &Harness, number: usize) -> (crate::harness::Person, String) {
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    for n in 0..number {
        make::event(&mio, &calendar, json!({ "title": format!("{n}"), "recurrence": [ENDLESS] })).await;
    }
    (mio, calendar)
}

#[tokio::test]
async fn what_is_written_down_moves_with_the_clock_and_lists_stay_the_same() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let (calendar, idle) = (make::calendar(&mio, "Work").await, make::calendar(&mio, "Idle").await);
    let endless = make::event(&mio, &calendar, json!({ "title": "endless", "recurrence": [ENDLESS] })).await;
    for (title, rule) in [("short", "FREQ=DAILY;COUNT=3"), ("long", "FREQ=MONTHLY;COUNT=26"), ("rare", "FREQ=YEARLY")] {
        let rule = json!({ "title": title, "recurrence": [format!("RRULE:{rule}")] });
        make::event(&mio, &calendar, rule).await;
    }
    make::event(&mio, &idle, json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"] })).await;
    let far = format!("/api/events/{}?scope=this&original_start=2028-03-20T10:00:00", id(&endless));
    mio.patch(&far, json!({ "title": "own", "start": at("2028-03-20T12:00:00", "Asia/Tokyo") })).await.is(200);
    let list = format!("/api/calendars/{calendar}/events?limit=500&from=2028-02-20T00:00:00Z&to=2028-05-01T00:00:00Z");
    let shown = |page: &Value| (texts(page, "title"), texts(page, "start_time"), texts(page, "original_start"));
    let before = shown(&mio.get(&list).await.ok());
    assert_eq!(koyomi.koyomi.roll_forward(ROLL_STEP).await.unwrap(), RollReport::default());
    let seqs = (head(&koyomi, &calendar).await, head(&koyomi, &idle).await);

    // Less than 23 months are left.
    koyomi.clock.advance(TimeDelta::days(40));
    let report = koyomi.koyomi.roll_forward(ROLL_STEP).await.unwrap();
    assert_eq!((report.series, report.failed, report.unbooked), (3, 0, 0));
    let horizon = events::horizon(koyomi.clock.now());
    let found = written(&mut koyomi.sql().await).await;
    assert_eq!(found["endless"].0, Some(horizon));
    assert_eq!(found["endless"].1, Some("2028-04-11T01:00:00Z".parse().unwrap()));
    assert_eq!((found["short"].0, found["short"].2), (None, 3));
    // It ends before the new horizon: nothing is left to do for it.
    assert_eq!((found["long"].0, found["long"].2), (None, 26));
    assert_eq!((found["rare"].0, found["rare"].2), (Some(horizon), 3));
    assert_eq!(shown(&mio.get(&list).await.ok()), before);
    assert_eq!(before.0.iter().filter(|title| *title == "own").count(), 1);
    assert_eq!((head(&koyomi, &calendar).await, head(&koyomi, &idle).await), (seqs.0 + 1, seqs.1));
    assert_eq!(koyomi.koyomi.roll_forward(ROLL_STEP).await.unwrap(), RollReport::default());
    assert_eq!(head(&koyomi, &calendar).await, seqs.0 + 1);
}

#[tokio::test]
async fn a_long_neglected_series_comes_in_pieces() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let input = json!({ "title": "hourly", "recurrence": ["RRULE:FREQ=HOURLY"], "end": at("2026-03-10T10:30:00", "Asia/Tokyo") });
    make::event(&mio, &calendar, input).await;
    let seq = head(&koyomi, &calendar).await;
    koyomi.clock.advance(TimeDelta::days(300));
    let report = koyomi.koyomi.roll_forward(ROLL_STEP).await.unwrap();
    assert_eq!(report.occurrences, 300 * 24);
    assert_eq!(report.series, 300 * 24 / events::MAX_ROLLED + 1);
    assert_eq!(head(&koyomi, &calendar).await, seq + i64::try_from(report.series).unwrap());
    let gaps: i64 = sqlx::query_scalar(
        "select count(*) from (select start_time - lag(start_time) over (order by start_time) as gap from occurrences) o
         where gap <> interval '1 hour'",
    )
    .fetch_one(&mut koyomi.sql().await)
    .await
    .unwrap();
    assert_eq!(gaps, 0);
}

#[tokio::test]
async fn a_step_that_is_cut_off_leaves_nothing_and_the_next_one_goes_on() {
    let koyomi = harness::start().await;
    let (_mio, calendar) = series(&koyomi, 5).await;
    koyomi.clock.advance(TimeDelta::days(40));
    let sql = &mut koyomi.sql().await;
    let before = written(sql).await;
    let (mut failed, mut report) = (Vec::new(), RollReport::default());
    assert!(koyomi.koyomi.roll_step(2, &mut failed, &mut report).await.unwrap());
    let after_one = written(sql).await;
    assert_eq!(after_one.iter().filter(|(title, at)| before[*title] != **at).count(), 2);

    // Killed in its last moment: it has written all but the head, which somebody holds.
    let mut holder = koyomi.sql().await;
    sqlx::raw_sql("begin; select 1 from heads for update").execute(&mut holder).await.unwrap();
    let rolling = koyomi.koyomi.clone();
    let step = tokio::spawn(async move { rolling.roll_step(2, &mut Vec::new(), &mut RollReport::default()).await });
    let killed = async {
        loop {
            let waiting: Vec<i32> = sqlx::query_scalar(
                "select pid from pg_stat_activity
                 where datname = current_database() and wait_event_type = 'Lock' and application_name = 'koyomi'",
            )
            .fetch_all(&mut *sql)
            .await
            .unwrap();
            if let [pid] = waiting[..] {
                let _: bool =
                    sqlx::query_scalar("select pg_terminate_backend($1)").bind(pid).fetch_one(&mut *sql).await.unwrap();
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), killed).await.expect("the step waits for the head");
    assert!(step.await.unwrap().is_err());
    sqlx::raw_sql("rollback").execute(&mut holder).await.unwrap();
    assert_eq!(written(sql).await, after_one);

    let rest = koyomi.koyomi.roll_forward(2).await.unwrap();
    assert_eq!(rest.series, 3);
    let all = written(sql).await;
    assert!(all.values().all(|at| *at == all["0"]) && all["0"].0 == Some(events::horizon(koyomi.clock.now())));
    let seqs: Vec<i64> =
        sqlx::query_scalar("select seq from changes where calendar_id = $1::uuid group by seq order by seq")
            .bind(&calendar)
            .fetch_all(&mut *sql)
            .await
            .unwrap();
    assert_eq!(seqs, (1..=head(&koyomi, &calendar).await).collect::<Vec<_>>());
}

#[tokio::test]
async fn several_instances_share_the_work_and_nothing_is_done_twice() {
    let koyomi = harness::start().await;
    let (_mio, calendar) = series(&koyomi, 40).await;
    let before = head(&koyomi, &calendar).await;
    koyomi.clock.advance(TimeDelta::days(40));
    let runs = (0..4).map(|_| {
        let koyomi = koyomi.koyomi.clone();
        tokio::spawn(async move { koyomi.roll_forward(3).await.unwrap() })
    });
    let mut done = 0;
    for run in futures::future::join_all(runs).await {
        done += run.unwrap().series;
    }
    // What another one held at that moment is passed over, and done by the one that held it.
    assert_eq!(done, 40);
    let times: Vec<i64> = sqlx::query_scalar("select count(*) from changes where seq > $1 group by object_id")
        .bind(before)
        .fetch_all(&mut koyomi.sql().await)
        .await
        .unwrap();
    assert_eq!(times, [1; 40]);
    let all = written(&mut koyomi.sql().await).await;
    assert!(all.values().all(|at| *at == all["0"]));
}

#[tokio::test]
async fn rooms_go_on_with_their_series_and_a_room_that_is_taken_is_seen_to_be_missing() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &mine, json!({ "recurrence": [ENDLESS], "resources": [room] })).await;
    // Another series in the same room, right after; and a single event in the way of both.
    let next = json!({
        "start": at("2026-03-10T11:00:00", "Asia/Tokyo"), "end": at("2026-03-10T11:30:00", "Asia/Tokyo"),
        "recurrence": [ENDLESS], "resources": [room],
    });
    make::event(&ren, &his, next).await;
    let blocker = json!({
        "start": at("2028-03-15T10:30:00", "Asia/Tokyo"), "end": at("2028-03-15T11:15:00", "Asia/Tokyo"),
        "resources": [room],
    });
    make::event(&ren, &his, blocker).await;
    let window = ("2028-03-14T00:00:00Z", "2028-03-17T00:00:00Z");
    assert_eq!(busy(&mio, &room, window.0, window.1).await.len(), 1);
    koyomi.clock.advance(TimeDelta::days(40));
    let report = koyomi.koyomi.roll_forward(ROLL_STEP).await.unwrap();
    assert_eq!((report.series, report.unbooked), (2, 2));
    assert_eq!(
        busy(&mio, &room, window.0, window.1).await,
        [
            "2028-03-14T01:00:00Z/2028-03-14T02:30:00Z",
            "2028-03-15T01:30:00Z/2028-03-15T02:15:00Z",
            "2028-03-16T01:00:00Z/2028-03-16T02:30:00Z",
        ]
    );
    let list = format!("/api/events/{}/occurrences?from={}&to={}&expand=resources", id(&event), window.0, window.1);
    let page = mio.get(&list).await.ok();
    assert_eq!(texts(&page, "room_name"), ["Kaede", "null", "Kaede"]);
    let status = |n: usize| items(&page)[n]["resources"][0]["status"].clone();
    assert_eq!([status(0), status(1), status(2)], [json!("confirmed"), json!("cancelled"), json!("confirmed")]);
}

#[tokio::test]
async fn an_edit_at_the_same_moment_and_the_roll_both_hold() {
    let koyomi = harness::start().await;
    let (mio, calendar) = series(&koyomi, 6).await;
    let page = mio.get(&format!("/api/calendars/{calendar}/events?limit=6")).await.ok();
    koyomi.clock.advance(TimeDelta::days(40));
    let edits = items(&page).iter().map(|event| {
        let (mio, path) = (&mio, format!("/api/events/{}", id(event)));
        async move {
            let noon = json!({ "start": at("2026-03-10T12:00:00", "Asia/Tokyo") });
            mio.patch(&path, noon).await.is(200);
            let own = format!("{path}?scope=this&original_start=2028-03-20T12:00:00");
            mio.delete(&own).await.is(204);
        }
    });
    let roll = koyomi.koyomi.roll_forward(2);
    let (_, rolled) = tokio::join!(futures::future::join_all(edits), roll);
    rolled.unwrap();
    koyomi.koyomi.roll_forward(2).await.unwrap();
    let all = written(&mut koyomi.sql().await).await;
    assert!(all.values().all(|at| *at == all["0"]), "{all:?}");
    assert_eq!(all["0"].1, Some("2028-04-11T03:00:00Z".parse().unwrap()));
    let deleted: i64 = sqlx::query_scalar("select count(*) from occurrences where original_start = '2028-03-20 12:00'")
        .fetch_one(&mut koyomi.sql().await)
        .await
        .unwrap();
    assert_eq!(deleted, 0);
}
