//! Whatever is done to a series, and in whatever order: what is written down is what its records mean, and what an edit does
//! not touch stays the same rows.
//!
//! `KOYOMI_SERIES_RUNS` rows of edits (24), each of `KOYOMI_SERIES_EDITS` (14), from `KOYOMI_SERIES_SEED` (1) on. A failure
//! names its seed and the edits that led to it.

mod edits;
mod invariants;
mod snapshot;

use chrono::TimeDelta;
use kernel::Caller;
use koyomi::{Koyomi, ROLL_STEP};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use self::edits::Edit;
use self::snapshot::Snapshot;
use crate::harness::{self, Harness, Person};
use crate::make;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Refusals that are as good as an edit: nothing was written.
const REFUSED: [&str; 5] =
    ["resource_conflict", "no_such_occurrence", "cannot_split_here", "validation_failed", "limit_exceeded"];

#[tokio::test]
async fn after_any_row_of_edits_the_database_holds_what_the_records_mean() {
    let koyomi = harness::start_on_fresh_database().await;
    let (mio, ren, admin) = (koyomi.user("mio").await, koyomi.user("ren").await, koyomi.admin("admin").await);
    let caller = koyomi.koyomi.users.vouched(mio.id).await.unwrap();
    let guest = koyomi.koyomi.users.vouched(ren.id).await.unwrap();
    let (seed, runs) = (setting("KOYOMI_SERIES_SEED", 1), setting("KOYOMI_SERIES_RUNS", 24));
    let mut made = 0;
    for seed in seed..seed + runs {
        made += run(&koyomi, (&mio, &admin), &caller, &guest, &ren, seed).await;
    }
    let edits = runs * setting("KOYOMI_SERIES_EDITS", 14);
    println!("{made} of {edits} edits were made, the others refused");
    assert!(made * 2 > edits, "most edits must come to something: {made} of {edits}");
}

async fn run(
    harness: &Harness,
    (mio, admin): (&Person, &Person),
    caller: &Caller,
    guest: &Caller,
    ren: &Person,
    seed: u64,
) -> u64 {
    let mut rng = StdRng::seed_from_u64(seed);
    let zones = ["Asia/Tokyo", "Europe/Berlin", "America/New_York"];
    let calendar = make::calendar_in(mio, "Work", zones[rng.random_range(0..3)]).await;
    let room = make::room(admin, "Kaede").await;
    let mut input = edits::series(&mut rng);
    input["attendees"] = json!([{ "email": ren.email }, { "email": "zoe@example.org" }]);
    let rooms = if rng.random_bool(0.7) { json!([room]) } else { json!([]) };
    input["resources"] = rooms;
    make::event(mio, &calendar, input.clone()).await;
    let mut sql = harness.sql().await;
    let mut told = vec![format!("seed {seed}: {input}")];
    let mut made = 0;
    let mut before = Snapshot::take(&mut sql, &calendar).await;
    invariants::hold(&before, &told);
    for _ in 0..setting("KOYOMI_SERIES_EDITS", 14) {
        let Some(edit) = edits::choose(&before, &mut rng) else { break };
        told.push(format!("{edit:?}"));
        if rng.random_bool(0.15) {
            let previewed = edit.preview(&harness.koyomi, caller).await;
            let after = Snapshot::take(&mut sql, &calendar).await;
            assert_eq!(after, before, "a preview changed something\n{}", told.join("\n"));
            if let Some(preview) = previewed {
                told.push(format!(
                    "  added {} removed {} moved {}",
                    preview.added.count, preview.removed.count, preview.moved.count
                ));
            }
        }
        let result = make_edit(&harness.koyomi, harness, caller, guest, &edit, &mut rng).await;
        let after = Snapshot::take(&mut sql, &calendar).await;
        match result {
            Ok(()) => {
                made += 1;
                invariants::hold(&after, &told);
                invariants::untouched(&before, &after, &edit, &told);
                invariants::meant(&before, &after, &edit, &told);
            }
            Err(failure) if REFUSED.contains(&failure.code()) => {
                told.push(format!("  refused: {failure}"));
                assert_eq!(after, before, "refused, and yet something changed\n{}", told.join("\n"));
            }
            Err(failure) => panic!("{failure:?}\n{}", told.join("\n")),
        }
        before = after;
    }
    made
}

async fn make_edit(
    koyomi: &Koyomi,
    harness: &Harness,
    caller: &Caller,
    guest: &Caller,
    edit: &Edit,
    rng: &mut StdRng,
) -> kernel::Result<()> {
    match edit {
        Edit::Roll => {
            harness.clock.advance(TimeDelta::days(rng.random_range(10..70)));
            let report = koyomi.roll_forward(ROLL_STEP).await?;
            assert_eq!(report.failed, 0);
            Ok(())
        }
        Edit::Respond(event, status) => {
            let reply = koyomi::Reply { response_status: *status, comment: None };
            koyomi.respond(guest, *event, reply, None).await.map(|_| ())
        }
        _ => edit.make(koyomi, caller).await,
    }
}
