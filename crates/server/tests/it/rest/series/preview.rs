use serde_json::{Value, json};

use super::{DAILY, part, path, tokyo};
use crate::harness::{self, Harness};
use crate::make;

fn counts(preview: &Value) -> Vec<(&str, u64)> {
    ["added", "removed", "moved", "booked", "released", "rebooked"]
        .into_iter()
        .map(|name| (name, preview[name]["count"].as_u64().unwrap()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Everything there is, down to the row versions.
async fn everything(koyomi: &Harness) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["events", "occurrences", "reservations", "attendees", "heads", "changes", "outbox", "resource_heads"]
    {
        let sql =
            format!("select coalesce(string_agg(t::text || xmin::text, '|' order by t::text), '') from {table} t");
        let rows: String =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut koyomi.sql().await).await.unwrap();
        found.push(rows);
    }
    found
}

#[tokio::test]
async fn a_preview_says_what_would_change_and_changes_nothing() {
    let koyomi = harness::start().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let (mine, his) = (make::calendar(&mio, "Work").await, make::calendar(&ren, "Work").await);
    let room = make::room(&admin, "Kaede").await;
    let event = make::event(&mio, &mine, json!({ "recurrence": [DAILY], "resources": [room] })).await;
    mio.patch(&part(&event, "this", "2026-03-13T10:00:00"), json!({ "title": "Own" })).await.is(200);
    let other = json!({
        "start": tokyo("2026-03-14T15:00:00"), "end": tokyo("2026-03-14T16:00:00"), "resources": [room],
    });
    make::event(&ren, &his, other).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await; // the relay empties the outbox
    let before = everything(&koyomi).await;
    let noon = json!({ "start": tokyo("2026-03-11T12:00:00") });
    let weekly = json!({ "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"] });
    let daily = json!({ "recurrence": ["RRULE:FREQ=DAILY;COUNT=100"] });
    let (this, following) =
        (part(&event, "this", "2026-03-11T10:00:00"), part(&event, "following", "2026-03-11T10:00:00"));
    let all = format!("{}?scope=all", path(&event));
    for (target, change, splits, dropped, expected) in [
        (&this, Some(&noon), false, 0, vec![("moved", 1), ("rebooked", 1)]),
        (&this, Some(&json!({ "title": "x" })), false, 0, vec![]),
        (&this, Some(&json!({ "status": "cancelled" })), false, 0, vec![("released", 1)]),
        (&this, None, false, 0, vec![("removed", 1), ("released", 1)]),
        (&following, Some(&noon), true, 0, vec![("moved", 4), ("rebooked", 4)]),
        (&following, None, false, 1, vec![("removed", 4), ("released", 4)]),
        (&all, Some(&weekly), false, 1, vec![("added", 2), ("removed", 4), ("booked", 2), ("released", 4)]),
        (&all, Some(&daily), false, 0, vec![("added", 95), ("booked", 95)]),
        (&all, None, false, 0, vec![("removed", 5), ("released", 5)]),
    ] {
        let target = format!("{target}&dry_run=true");
        let answer = match change {
            Some(change) => mio.patch(&target, change.clone()).await,
            None => mio.delete(&target).await,
        };
        assert!(answer.is(200).statements() <= 5);
        let preview = answer.ok();
        assert_eq!(counts(&preview), expected, "{target} {change:?}: {preview}");
        assert_eq!((&preview["dry_run"], &preview["splits"]), (&json!(true), &json!(splits)), "{target}");
        assert_eq!(preview["overrides_dropped"], dropped, "{target} {change:?}");
        assert_eq!(preview["conflicts"], json!([]));
        assert_eq!(everything(&koyomi).await, before, "{target} {change:?}");
    }
    // Lists have an end, and say what is behind it.
    let preview = mio.patch(&format!("{all}&dry_run=true"), daily).await.ok();
    assert_eq!((preview["added"]["items"].as_array().unwrap().len(), &preview["added"]["more"]), (50, &json!(45)));
    let first = &preview["added"]["items"][0];
    assert_eq!(first["original_start"], "2026-03-15T10:00:00");
    // What stands in the way is part of the answer; what is not allowed is refused as ever.
    let three = json!({ "start": tokyo("2026-03-10T15:00:00") });
    let preview = mio.patch(&format!("{all}&dry_run=true"), three.clone()).await.ok();
    assert_eq!(preview["conflicts"][0]["start_time"], "2026-03-14T06:00:00Z");
    assert_eq!(counts(&preview), [("moved", 5), ("rebooked", 5)]);
    let moved = &preview["moved"]["items"][3];
    assert_eq!(
        (&moved["from"]["original_start"], &moved["to"]["original_start"]),
        (&json!("2026-03-13T10:00:00"), &json!("2026-03-13T15:00:00"))
    );
    mio.patch(&all, three).await.problem(409, "resource_conflict");
    mio.patch(&format!("{all}&dry_run=true"), json!({ "end": tokyo("2026-03-10T09:00:00") })).await.is(422);
    let stale = mio.with("if-match", "\"1.1\"");
    stale.patch(&format!("{all}&dry_run=true"), json!({})).await.is(412);
    ren.patch(&format!("{all}&dry_run=true"), json!({})).await.is(404);
    assert_eq!(everything(&koyomi).await, before);
}
