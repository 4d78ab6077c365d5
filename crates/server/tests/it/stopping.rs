//! An instance that is told to stop: in which order it lets go, and what it waits for.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{self, Harness, Mode, Person};
use crate::make::{self, id};

/// Patient enough for any machine: what does not come within this does not come.
const LONG: Duration = Duration::from_secs(60);

/// A server that takes connections for so long after it was told to stop, and an event of mio's.
async fn world(stop_delay: Duration) -> (Harness, Person, String) {
    let mut mode = Mode::plain();
    mode.http.stop_delay = stop_delay;
    // Whoever holds something up here does so for longer than the server waits.
    (mode.http.body_timeout, mode.guard.deadlines.write) = (4 * LONG, 4 * LONG);
    let koyomi = harness::start_as(mode).await;
    let mio = koyomi.user("mio").await;
    let calendar = make::calendar(&mio, "Work").await;
    let event = make::event(&mio, &calendar, json!({ "title": "before" })).await;
    let path = format!("/api/events/{}", id(&event));
    (koyomi, mio, path)
}

/// Somebody for whom every change has to wait.
async fn holding(koyomi: &Harness) -> PgConnection {
    let mut sql = koyomi.sql().await;
    sqlx::raw_sql("begin; select * from heads for update").execute(&mut sql).await.unwrap();
    sql
}

/// Until a change waits for a lock.
async fn waiting(koyomi: &Harness) {
    let mut sql = koyomi.sql().await;
    let waits = "select exists (select from pg_stat_activity where datname = current_database()
                 and application_name = 'koyomi' and wait_event_type = 'Lock')";
    let until = async {
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut sql).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, until).await.expect("no change waits");
}

fn address(koyomi: &Harness) -> String {
    koyomi.base.strip_prefix("http://").unwrap().to_owned()
}

/// Until nobody takes connections there any more.
async fn closed(address: &str) {
    let until = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, until).await.expect("connections are still taken");
}

async fn title(koyomi: &Harness) -> String {
    sqlx::query_scalar("select title from events").fetch_one(&mut koyomi.sql().await).await.unwrap()
}

#[tokio::test]
async fn first_it_says_so_then_it_takes_nothing_new_then_it_finishes_what_is_under_way() {
    let (mut koyomi, mio, path) = world(Duration::from_secs(5)).await;
    let held = holding(&koyomi).await;
    let (client, event) = (mio.clone(), path.clone());
    let change = tokio::spawn(async move { client.patch(&event, json!({ "title": "after" })).await });
    waiting(&koyomi).await;
    koyomi.stop();
    // What stands in front of it may still send something, and is told not to.
    let not_ready = async {
        loop {
            let answer = koyomi.anonymous().get("/readyz").await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let told = tokio::time::timeout(LONG, not_ready).await.expect("it never says so");
    assert_eq!(told.problem(503, "not_ready")["errors"][0]["pointer"], "stopping");
    koyomi.anonymous().get("/healthz").await.is(204);
    mio.get(&path).await.is(200);
    closed(&address(&koyomi)).await;
    assert!(!koyomi.has_ended() && !change.is_finished(), "a change is under way");
    held.close().await.unwrap();
    change.await.unwrap().is(200);
    koyomi.ended().await;
    assert_eq!(title(&koyomi).await, "after");
}

#[tokio::test]
async fn a_change_whose_client_has_gone_is_finished_too() {
    let (mut koyomi, mio, path) = world(Duration::ZERO).await;
    let held = holding(&koyomi).await;
    let change = tokio::spawn(async move { mio.patch(&path, json!({ "title": "after" })).await });
    waiting(&koyomi).await;
    change.abort();
    koyomi.stop();
    closed(&address(&koyomi)).await;
    assert!(!koyomi.has_ended(), "nobody waits for that change, and it is still one");
    held.close().await.unwrap();
    koyomi.ended().await;
    assert_eq!(title(&koyomi).await, "after");
}

#[tokio::test]
async fn nobody_can_hold_it_up_for_ever() {
    let (mut koyomi, mio, _) = world(Duration::ZERO).await;
    let mut endless = TcpStream::connect(address(&koyomi)).await.unwrap();
    let head = format!(
        "POST /api/calendars HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\nExpect: 100-continue\r\n\r\n",
        mio.token
    );
    endless.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 12];
    tokio::time::timeout(LONG, endless.read_exact(&mut told)).await.expect("it is not under way").unwrap();
    assert_eq!(&told, b"HTTP/1.1 100");
    koyomi.stop();
    closed(&address(&koyomi)).await;
    assert!(!koyomi.has_ended(), "a request is under way");
    tokio::time::timeout(LONG, koyomi.ended()).await.expect("it waits for a body that does not come");
}
