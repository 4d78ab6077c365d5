//! Instances hear of each other's commits. Only what answers from memory depends on it.

use std::time::Duration;

use bus::{Bus, Heard};
use cache::Reads;
use kernel::Result;
use tokio::task::JoinHandle;

use crate::metrics;
use crate::state::App;

/// How often recorded metrics are summed up.
const UPKEEP: Duration = Duration::from_secs(5);
/// Marks of completeness per bound: one that comes late must not end the service from memory.
const MARKS_PER_BOUND: u32 = 8;

/// What runs beside the answering of requests.
pub(crate) struct News {
    bus: Bus,
    upkeep: JoinHandle<()>,
}

impl News {
    pub(crate) async fn start(app: &App) -> Result<Self> {
        let (store, heads) = (app.koyomi.store.clone(), app.koyomi.heads.clone());
        let mut settings = app.bus.clone();
        if let Reads::Bounded(bound) = heads.reads() {
            store::announce_bound(&mut store.dedicated("koyomi bound").await?, bound).await?;
            settings.marks = Some(bound / MARKS_PER_BOUND);
        }
        let epochs = store.clone();
        let hear = move |heard: Heard<'_>| match heard {
            Heard::Moved(moved) => heads.heard(moved),
            Heard::Lost(reason) => {
                tracing::debug!(reason, "the bus may have missed something");
                heads.lost();
            }
            Heard::Epoch(epoch) => {
                epochs.observe(store::Epoch(epoch));
                heads.heard_epoch(epoch);
            }
            Heard::Complete { as_of } => heads.complete(as_of),
        };
        // What it does in between is for nobody who waits.
        let bus = Bus::start(store.background(), settings, hear).await?;
        app.live.hears(&bus);
        let upkeep = tokio::spawn(async {
            loop {
                tokio::time::sleep(UPKEEP).await;
                metrics::upkeep();
            }
        });
        Ok(Self { bus, upkeep })
    }

    pub(crate) async fn stop(self) {
        self.upkeep.abort();
        self.bus.stop().await;
    }
}
