//! The head of a calendar: what a write may rely on between being allowed and being committed.

use kernel::{CalendarId, Change, ChangeKind, Kind, Result};
use serde_json::json;
use store::{Store, Tx};
use uuid::Uuid;

use crate::harness;

async fn change(store: &Store, calendar: CalendarId, access: bool) -> Result<()> {
    let tx = touched(store, calendar, access).await?;
    tx.commit(|_| ()).await
}

async fn touched(store: &Store, calendar_id: CalendarId, access: bool) -> Result<Tx> {
    let mut tx = store.begin().await?;
    let change = Change { calendar_id, kind: ChangeKind::CalendarUpdated, object_id: calendar_id.0 };
    if access {
        tx.touch_access(change);
    } else {
        tx.touch(change);
    }
    Ok(tx)
}

#[tokio::test]
async fn a_write_allowed_before_access_changed_does_not_commit_after_it() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let made = mio.post("/api/calendars", json!({ "name": "Work" })).await.is(201).json();
    let calendar: CalendarId = made["id"].as_str().unwrap().parse::<Uuid>().unwrap().into();
    let store = &koyomi.koyomi.store;
    let acl = 1;

    let mut in_time = touched(store, calendar, false).await.unwrap();
    in_time.authorised(calendar, acl);
    in_time.commit(|_| ()).await.unwrap();

    let mut too_late = touched(store, calendar, false).await.unwrap();
    too_late.authorised(calendar, acl);
    change(store, calendar, true).await.unwrap();
    let refused = too_late.commit(|_| ()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Unavailable, "try_again"));

    let mut own = touched(store, calendar, true).await.unwrap();
    own.authorised(calendar, acl + 1);
    own.commit(|_| ()).await.expect("a change of access itself is no reason to refuse it");

    let mut sql = koyomi.sql().await;
    let seqs: Vec<i64> = sqlx::query_scalar("select seq from changes where calendar_id = $1 order by seq")
        .bind(calendar)
        .fetch_all(&mut sql)
        .await
        .unwrap();
    assert_eq!(seqs, [1, 2, 3, 4], "the refused write left no gap");
}

#[tokio::test]
async fn a_failed_statement_cannot_be_committed_over() {
    let koyomi = harness::start().await;
    let store = &koyomi.koyomi.store;
    let mut tx = store.begin().await.unwrap();
    sqlx::query("select 1 / 0").execute(tx.conn()).await.unwrap_err();
    assert_eq!(tx.commit(|_| ()).await.unwrap_err().kind(), Kind::Internal);
}

#[tokio::test]
async fn an_event_planned_in_the_zone_before_does_not_commit_after_the_zone_changed() {
    let koyomi = harness::start().await;
    let mio = koyomi.user("mio").await;
    let made = mio.post("/api/calendars", json!({ "name": "Work" })).await.is(201).json();
    let path = format!("/api/calendars/{}", made["id"].as_str().unwrap());
    let calendar: CalendarId = made["id"].as_str().unwrap().parse::<Uuid>().unwrap().into();
    let store = &koyomi.koyomi.store;

    let mut planned = touched(store, calendar, false).await.unwrap();
    planned.authorised(calendar, 1);
    mio.patch(&path, json!({ "name": "Renamed" })).await.is(200);
    planned.commit(|_| ()).await.expect("another name moves nothing");

    let mut planned = touched(store, calendar, false).await.unwrap();
    planned.authorised(calendar, 1);
    mio.patch(&path, json!({ "time_zone": "America/New_York" })).await.is(200);
    assert_eq!(planned.commit(|_| ()).await.unwrap_err().code(), "try_again");
}
