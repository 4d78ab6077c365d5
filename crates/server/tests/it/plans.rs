//! Every hot query keeps its plan, on a database of a realistic shape: no table is read from end to end, index-only
//! scans are that, and rows read, rows sorted and blocks touched stay in proportion to what is answered.
//!
//! `KOYOMI_PLANS_DATABASE_URL` names a database with a load of its own (`koyomi seed --profile load`) instead.
//! `KOYOMI_PLANS_SHOW=1` prints the figures, `KOYOMI_PLANS_SHOW="part of a name"` those of some with their plans.

mod cases;
mod edges;
mod plan;
mod world;

use chrono::{NaiveDate, NaiveTime};
use kernel::{Clock, Ids};
use koyomi::Koyomi;
use koyomi::seed::{Profile, Sizes};
use sqlx::{Connection, PgConnection};
use store::{Settings, Store};
use users::{DEFAULT_TENANT, NewToken};

use self::plan::{Case, Mode, Seen};
use self::world::World;
use crate::harness;

/// The shape of the default load at two fifths of its size, with rooms enough for a long list of them.
fn sizes() -> Sizes {
    Sizes { users: 1_000, calendars: 200, events_per_calendar: 200, rooms: 300, seed: 1 }
}

#[tokio::test]
async fn every_hot_query_keeps_its_plan() {
    match std::env::var("KOYOMI_PLANS_DATABASE_URL") {
        Ok(url) => {
            let store = Store::open(&Settings::new(&url), Clock::System, Ids::random(Clock::System)).await.unwrap();
            look(
                &Koyomi::open(store, koyomi::Settings::default()).unwrap(),
                &mut PgConnection::connect(&url).await.unwrap(),
            )
            .await;
        }
        Err(_) => {
            let koyomi = harness::start_on_fresh_database().await;
            let today = koyomi.clock.now().date_naive();
            koyomi.koyomi.seed(Profile::Load(sizes()), today, |_| ()).await.unwrap();
            look(&koyomi.koyomi, &mut koyomi.sql().await).await;
        }
    }
}

async fn look(koyomi: &Koyomi, conn: &mut PgConnection) {
    let token = NewToken { name: "plans".to_owned(), expires_at: None };
    koyomi.users.create_token_for(DEFAULT_TENANT, "user00000@example.com", token).await.unwrap();
    // The day of the load: series are written down until 24 months behind it.
    let today: NaiveDate = sqlx::query_scalar("select (max(expanded_until) - interval '24 months')::date from events")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    let world = World::look(conn, today.and_time(NaiveTime::MIN).and_utc()).await;
    let mut wrong = Vec::new();
    for case in world.cases(conn).await {
        let settles = (case.planned_once || wanted(&case)) && !case.planned_each_time && case.settles(conn).await;
        if case.planned_once && !settles {
            wrong.push(format!("{}: planned anew each time", case.name));
        }
        if wanted(&case) && !settles {
            println!("{:<60} is planned anew each time, where PostgreSQL may choose", case.name);
        }
        for mode in [Mode::Custom, Mode::Generic] {
            // Shown for comparison only: the product never runs it.
            let idle = case.planned_each_time && mode == Mode::Generic;
            if idle && std::env::var("KOYOMI_PLANS_SHOW").is_err() {
                continue;
            }
            let seen = case.explain(conn, mode).await;
            let objections = if idle { Vec::new() } else { case.objections(&seen) };
            show(&case, mode, &seen);
            if !objections.is_empty() {
                wrong.push(format!("{} ({mode:?}): {}\n{seen}", case.name, objections.join("; ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} plans are not as they must be:\n\n{}", wrong.len(), wrong.join("\n"));
}

fn show(case: &Case, mode: Mode, seen: &Seen) {
    if !wanted(case) {
        return;
    }
    println!(
        "{:<60} {:<8} {:>9.2} ms (planned in {:.2}) {:>6} rows {:>8} read {:>7} buffers",
        case.name,
        format!("{mode:?}"),
        seen.milliseconds,
        seen.planning,
        seen.returned(),
        seen.reads(),
        seen.buffers()
    );
    if std::env::var("KOYOMI_PLANS_SHOW").is_ok_and(|part| part != "1") {
        println!("{seen}");
    }
}

fn wanted(case: &Case) -> bool {
    std::env::var("KOYOMI_PLANS_SHOW").is_ok_and(|part| part == "1" || case.name.contains(&part))
}
