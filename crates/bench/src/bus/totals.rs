use std::time::Instant;

use bus::feed::{Feed, since};
use futures::future::try_join_all;
use kernel::CalendarId;

use crate::ears::Ears;
use crate::ground::Ground;

/// Each takes a part of the calendars and bumps all of them in one transaction.
const WRITERS: usize = 4;

/// As a writer's commit says it, for many calendars at a time.
const BUMP_MANY: &str = "with held as materialized (
         select calendar_id from heads where calendar_id = any($1) order by calendar_id for no key update
     ), bumped as (
         update heads h set seq = h.seq + 1 from held where h.calendar_id = held.calendar_id
         returning h.calendar_id, h.seq, h.acl
     ), logged as (
         insert into changes (calendar_id, seq, n, kind, object_id)
         select calendar_id, seq, 0, 'calendar_updated', calendar_id from bumped
     )
     insert into outbox (kind, subject_id, seq, acl) select 'calendar', calendar_id, seq, acl from bumped";

/// Sends so many rows through the outbox, waits until all is heard, and looks whether anything is missing: in what was
/// heard, or in the log as the feed reads it. Answers how much is.
pub(crate) async fn measure(ground: &Ground, messages: u64) -> anyhow::Result<i64> {
    let before = heads(ground).await?;
    let ears = Ears::default();
    let bus = ground.start_bus(&ears).await?;
    let began = Instant::now();
    let rounds = messages.div_ceil(u64::try_from(ground.calendars.len())?);
    try_join_all(ground.calendars.chunks(ground.calendars.len().div_ceil(WRITERS)).map(async |part| {
        let mut conn = ground.store.conn().await?;
        for _ in 0..rounds {
            sqlx::query(BUMP_MANY).bind(part).execute(&mut conn).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    let written = began.elapsed();
    ears.complete().await;
    println!("written in {written:.1?}, all heard after {:.1?}, {} losses told", began.elapsed(), ears.losses());
    bus.stop().await;

    let (mut arrived, mut skipped) = (0, 0);
    for ((calendar, from), (_, to)) in before.into_iter().zip(heads(ground).await?) {
        let heard = ears.heard(calendar).min(to);
        arrived += heard - from;
        skipped += to - heard + holes(ground, calendar, to).await?;
    }
    println!("arrived {arrived}, skipped {skipped}");
    Ok(skipped)
}

/// Calendar and seq, in the order of the calendars.
async fn heads(ground: &Ground) -> anyhow::Result<Vec<(CalendarId, i64)>> {
    let heads = sqlx::query_as("select calendar_id, seq from heads where calendar_id = any($1) order by calendar_id")
        .bind(&ground.calendars)
        .fetch_all(&mut ground.store.conn().await?)
        .await?;
    Ok(heads)
}

/// How many seqs up to `to` the feed does not show.
async fn holes(ground: &Ground, calendar: CalendarId, to: i64) -> anyhow::Result<i64> {
    let mut conn = ground.store.conn().await?;
    let (mut after, mut seen) = (0, 0);
    while after < to {
        match since(&mut conn, calendar, after, 500).await? {
            Feed::Changes { changes, next, .. } => {
                let mut last = after;
                for logged in changes {
                    if logged.seq != last {
                        seen += 1;
                        last = logged.seq;
                    }
                }
                after = next;
            }
            Feed::Gone { min_seq, .. } => after = min_seq,
        }
    }
    Ok(to - seen)
}
