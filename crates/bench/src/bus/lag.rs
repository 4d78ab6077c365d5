use std::time::{Duration, Instant};

use crate::ears::Ears;
use crate::ground::Ground;

/// From the answer to COMMIT to the hearing, with one commit every now and then.
pub(crate) async fn measure_at_rest(ground: &Ground) -> anyhow::Result<()> {
    let ears = Ears::default();
    let bus = ground.start_bus(&ears).await?;
    for calendar in &ground.calendars {
        let seq = ground.write(*calendar).await?;
        ears.committed(*calendar, seq, Instant::now());
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    ears.complete().await;
    bus.stop().await;
    print("at rest", ears.take_lags());
    Ok(())
}

pub(crate) fn print(when: &str, mut lags: Vec<Duration>) {
    lags.sort();
    let at = |share: usize| lags.get((lags.len() * share / 1000).min(lags.len().saturating_sub(1))).copied();
    if let (Some(p50), Some(p99), Some(max)) = (at(500), at(990), lags.last()) {
        println!("delivery {when}: p50 {p50:.1?}, p99 {p99:.1?}, max {max:.1?} of {}", lags.len());
    }
}
