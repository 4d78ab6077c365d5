use std::time::Duration;

use bus::{News, Watch};
use kernel::Moved;
use tokio::time::{Instant, sleep_until};

/// Without any hint a follower looks this often: a token that is taken away leaves no news.
pub(super) const TICK: Duration = Duration::from_millis(750);

/// What says that looking again is worth it.
#[derive(Debug)]
pub(super) struct Hints {
    /// None where no bus runs.
    watch: Option<Watch>,
    /// And it does not look more often than this, however much happens.
    pace: Duration,
    looked: Instant,
}

impl Hints {
    pub(super) fn new(watch: Option<Watch>, pace: Duration) -> Self {
        Self { watch, pace, looked: Instant::now() }
    }

    /// A look begins.
    pub(super) fn looks(&mut self) {
        self.looked = Instant::now();
    }

    /// Until something has moved that concerns the follower, or may have, or it is time anyway.
    pub(super) async fn wait(&mut self, concerns: impl Fn(&Moved) -> bool) {
        let (pace, tick) = (self.looked + self.pace, self.looked + TICK);
        tokio::select! {
            () = hinted(&mut self.watch, concerns) => sleep_until(pace).await,
            () = sleep_until(tick) => {}
        }
    }
}

/// Dropped between two news, it has lost none.
async fn hinted(watch: &mut Option<Watch>, concerns: impl Fn(&Moved) -> bool) {
    while let Some(news) = watch {
        match news.next().await {
            Some(News::Moved(moved)) if !concerns(&moved) => {}
            Some(News::Moved(_) | News::Resync) => return,
            None => *watch = None,
        }
    }
    std::future::pending::<()>().await;
}
