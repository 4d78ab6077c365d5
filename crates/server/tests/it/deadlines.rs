//! What is not done in time: who waited is told, and nobody goes on for him.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::harness::{self, Harness, Mode, Person};
use crate::make::{self, id};

const TIMEOUT: &str = "koyomi-timeout";
const WINDOW: &str = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";

/// Statements of koyomi that run or wait.
async fn running(koyomi: &Harness) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
         and application_name = 'koyomi' and state <> 'idle'",
    )
    .fetch_one(&mut koyomi.sql().await)
    .await
    .unwrap()
}

/// Until none runs: what was told to stop has stopped by itself.
async fn stopped(koyomi: &Harness) {
    for _ in 0..500 {
        if running(koyomi).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("statements still run, though who asked for them has been answered");
}

/// Somebody who has the rows of a table for himself as long as he is there.
async fn holding(koyomi: &Harness, statement: &'static str) -> PgConnection {
    let mut sql = koyomi.sql().await;
    sqlx::raw_sql("begin").execute(&mut sql).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut sql).await.unwrap();
    sql
}

async fn world(mode: Mode) -> (Harness, Person, String) {
    let koyomi = harness::start_as(mode).await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    (koyomi, mio, calendar)
}

#[tokio::test]
async fn a_read_that_takes_longer_than_its_sender_waits_is_given_up() {
    let (koyomi, mio, calendar) = world(Mode::uncached()).await;
    let list = format!("/api/calendars/{calendar}/events?{WINDOW}");
    mio.get(&list).await.is(200);
    let held = holding(&koyomi, "lock table occurrences").await;
    let answer = mio.with(TIMEOUT, "300").get(&list).await;
    answer.problem(503, "timeout");
    assert_eq!(answer.header("retry-after"), "1");
    held.close().await.unwrap();
    stopped(&koyomi).await;
    mio.get(&list).await.is(200);
}

#[tokio::test]
async fn the_database_stops_what_nobody_waits_for_any_more() {
    let (koyomi, mio, _) = world(Mode::uncached()).await;
    let _held = holding(&koyomi, "lock table occurrences").await;
    // Its own snapshot, and no fill that others may wait for.
    mio.with(TIMEOUT, "300").get(&format!("/api/me/events?{WINDOW}")).await.problem(503, "timeout");
    // The lock is still held: only the time limit can end the statement.
    stopped(&koyomi).await;
}

#[tokio::test]
async fn a_fill_goes_on_for_those_who_have_more_time() {
    let (koyomi, mio, calendar) = world(Mode::plain()).await;
    let list = format!("/api/calendars/{calendar}/events?{WINDOW}");
    let held = holding(&koyomi, "lock table occurrences").await;
    let (hasty, patient) = (mio.with(TIMEOUT, "300"), mio.clone());
    let path = list.clone();
    let patient = tokio::spawn(async move { patient.get(&path).await });
    hasty.get(&list).await.problem(503, "timeout");
    held.close().await.unwrap();
    patient.await.unwrap().is(200);
}

#[tokio::test]
async fn a_change_that_the_database_was_told_to_stop_has_not_happened() {
    let (koyomi, mio, calendar) = world(Mode::plain()).await;
    let event = make::event(&mio, &calendar, json!({ "title": "before" })).await;
    let path = format!("/api/events/{}", id(&event));
    let held = holding(&koyomi, "select * from heads for update").await;
    let answer = mio.with(TIMEOUT, "400").patch(&path, json!({ "title": "after" })).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    // Nobody lets go: what is waited for can only end by itself.
    stopped(&koyomi).await;
    held.close().await.unwrap();
    assert_eq!(mio.get(&path).await.ok()["title"], "before");
}

#[tokio::test]
async fn a_key_finds_out_what_became_of_a_change_whose_answer_came_too_late() {
    let (koyomi, mio, calendar) = world(Mode::plain()).await;
    // The wait for bounded readers, which is after the commit: the change has happened, and its answer is not there yet.
    sqlx::raw_sql("update deploy set bound_ms = 600").execute(&mut koyomi.sql().await).await.unwrap();
    let colleague = koyomi.user("colleague").await;
    let member = json!({ "user_id": colleague.id, "role": "writer" });
    mio.post(&format!("/api/calendars/{calendar}/members"), member).await.is(201);
    let path = format!("/api/events/{}", id(&make::event(&mio, &calendar, json!({ "title": "open" })).await));
    let hasty = mio.with(TIMEOUT, "300").with("idempotency-key", "k-1");
    let private = json!({ "visibility": "private" });
    hasty.patch(&path, private.clone()).await.problem(503, "outcome_unknown");
    tokio::time::sleep(Duration::from_millis(700)).await;
    let again = mio.with("idempotency-key", "k-1").patch(&path, private).await;
    assert_eq!(again.ok()["visibility"], "private");
}

#[tokio::test]
async fn a_time_that_is_none_is_refused() {
    let (_koyomi, mio, _) = world(Mode::plain()).await;
    let answer = mio.with(TIMEOUT, "soon").get("/api/me").await;
    answer.problem(400, "malformed_request");
    assert_eq!(answer.pointers(), ["Koyomi-Timeout"]);
}

#[tokio::test]
async fn graphql_takes_the_same_header_and_says_it_its_own_way() {
    let (koyomi, mio, calendar) = world(Mode::uncached()).await;
    let _held = holding(&koyomi, "lock table occurrences").await;
    let query = format!(
        r#"{{ calendar(id: "{calendar}") {{ events(from: "2026-03-01T00:00:00Z", first: 5) {{ nodes {{ title }} }} }} }}"#
    );
    let answer = mio.with(TIMEOUT, "300").post("/graphql", json!({ "query": query })).await;
    let told = answer.json();
    assert_eq!(told["errors"][0]["extensions"]["code"], "timeout", "{told}");
}

/// A connection of the pool may have died unseen: nothing has run on it, so that another one is tried.
#[tokio::test]
async fn connections_that_died_unseen_are_nobodys_business() {
    let (koyomi, mio, calendar) = world(Mode::uncached()).await;
    let list = format!("/api/calendars/{calendar}/events?{WINDOW}");
    let mut refused = Vec::new();
    for n in 0..20 {
        mio.get(&list).await.is(200);
        sqlx::query(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity
             where datname = current_database() and application_name = 'koyomi' and state = 'idle'",
        )
        .execute(&mut koyomi.sql().await)
        .await
        .unwrap();
        let answer = match n % 2 {
            0 => mio.get(&list).await,
            _ => mio.post("/api/calendars", json!({ "name": format!("n{n}") })).await,
        };
        if answer.status >= 500 {
            refused.push(answer.text());
        }
    }
    assert_eq!(refused, Vec::<String>::new());
}
