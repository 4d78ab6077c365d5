//! Seeds leave what the write path would have left.

use chrono::{NaiveDate, NaiveTime};
use koyomi::seed::{Outcome, Profile, Sizes};

use crate::{consistency, harness};

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 2).unwrap()
}

fn small() -> Sizes {
    Sizes { users: 40, calendars: 12, events_per_calendar: 40, rooms: 8, seed: 7 }
}

async fn seed(koyomi: &harness::Harness, profile: Profile) -> Outcome {
    koyomi.koyomi.seed(profile, today(), |_| ()).await.unwrap()
}

async fn digest(koyomi: &harness::Harness) -> String {
    let sql = "select md5(string_agg(t, '' order by t)) from (
        select e::text as t from events e union all select o::text from occurrences o
        union all select a::text from attendees a union all select v::text from reservations v
        union all select c::text from changes c union all select h::text from heads h) rows";
    sqlx::query_scalar(sql).fetch_one(&mut koyomi.sql().await).await.unwrap()
}

#[tokio::test]
async fn the_demo_is_whole_and_lets_mio_in() {
    let koyomi = harness::start().await;
    assert!(matches!(seed(&koyomi, Profile::Demo).await, Outcome::Filled(_)));
    consistency::check(&mut koyomi.sql().await, today().and_time(NaiveTime::MIN).and_utc()).await;

    let login = serde_json::json!({ "email": "mio@example.com", "password": koyomi::seed::PASSWORD });
    let session = koyomi.anonymous().post("/api/auth/login", login).await.ok();
    let mio = koyomi.bearer(session["token"].as_str().unwrap());
    let calendars = mio.get("/api/calendars").await.ok();
    let roles: std::collections::BTreeSet<&str> =
        calendars["items"].as_array().unwrap().iter().map(|c| c["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["free_busy", "owner", "reader", "writer"].into());

    assert_eq!(seed(&koyomi, Profile::Demo).await, Outcome::AlreadyFilled);
}

#[tokio::test]
async fn a_load_is_whole_and_repeats() {
    let first = harness::start_on_fresh_database().await;
    let Outcome::Filled(totals) = seed(&first, Profile::Load(small())).await else { panic!("nothing was written") };
    assert_eq!(totals.calendars, 12);
    // Overrides come on top.
    assert!((480..=500).contains(&totals.events), "{totals:?}");
    assert!(totals.reservations > 0 && totals.occurrences > totals.events);
    consistency::check(&mut first.sql().await, today().and_time(NaiveTime::MIN).and_utc()).await;
    assert_eq!(seed(&first, Profile::Load(small())).await, Outcome::AlreadyFilled);

    let second = harness::start_on_fresh_database().await;
    seed(&second, Profile::Load(small())).await;
    assert_eq!(digest(&first).await, digest(&second).await);
}

#[tokio::test]
async fn a_load_wants_a_database_of_its_own() {
    let koyomi = harness::start().await;
    koyomi.user("mio").await;
    let refused = koyomi.koyomi.seed(Profile::Load(small()), today(), |_| ()).await.unwrap_err();
    assert_eq!(refused.code(), "not_empty");
    let refused = koyomi.koyomi.seed(Profile::Demo, today(), |_| ()).await.unwrap_err();
    assert_eq!(refused.code(), "not_empty");
}
