//! Clients that go away in the middle of it.

use std::time::Duration;

use serde_json::json;

use crate::harness::{self, Harness, Mode};
use crate::make::{self, id};

const WINDOW: &str = "from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z";

/// Connections that rest inside a transaction, once everything that runs has had its time.
async fn left_open(koyomi: &Harness) -> i64 {
    let mut sql = koyomi.sql().await;
    let mut open = 0;
    for _ in 0..100 {
        open = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
             where datname = current_database() and state like 'idle in transaction%'",
        )
        .fetch_one(&mut sql)
        .await
        .unwrap();
        if open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    open
}

#[tokio::test]
async fn who_hangs_up_leaves_no_transaction_behind_and_nobody_reads_in_it() {
    // Uncached: each read opens a snapshot of its own.
    let koyomi = harness::start_as(Mode::uncached()).await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "title": "n=0" })).await;
    let event = id(&event).to_owned();
    let list = format!("/api/calendars/{calendar}/events?{WINDOW}");
    let paths = [list.clone(), format!("/api/events/{event}"), format!("/api/me/events?{WINDOW}")];

    for n in 0..600_u64 {
        let (mio, path, event) = (mio.clone(), paths[n as usize % paths.len()].clone(), event.clone());
        let patience = Duration::from_micros(100 + n * 7_919 % 6_000);
        let request = async move {
            if n % 5 == 0 {
                mio.patch(&format!("/api/events/{event}"), json!({ "title": format!("n={n}") })).await;
            } else {
                mio.get(&path).await;
            }
        };
        // Several at once, so that connections change hands.
        if n % 4 == 0 {
            let _ = tokio::time::timeout(patience, request).await;
        } else {
            tokio::spawn(tokio::time::timeout(patience, request));
        }
    }

    assert_eq!(left_open(&koyomi).await, 0);
    mio.patch(&format!("/api/events/{event}"), json!({ "title": "the last" })).await.is(200);
    // On every connection of the pool.
    let reads = (0..32).map(|_| mio.get(&list));
    for answer in futures::future::join_all(reads).await {
        assert_eq!(make::texts(&answer.ok(), "title"), ["the last"]);
    }
}
