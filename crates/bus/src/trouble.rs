use std::fmt::Display;
use std::time::Duration;

use tokio::sync::watch;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Says once that something stopped working and once that it works again, and how long to wait between attempts.
#[derive(Debug)]
pub(crate) struct Trouble {
    what: &'static str,
    /// The next wait; none while all is well.
    wait: Option<Duration>,
}

impl Trouble {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, wait: None }
    }

    /// How long to wait before the next attempt.
    pub(crate) fn failed(&mut self, error: &dyn Display) -> Duration {
        let wait = match self.wait {
            Some(wait) => wait,
            None => {
                tracing::warn!(%error, "{} is in trouble and tries again until it works", self.what);
                FIRST_WAIT
            }
        };
        self.wait = Some((wait * 2).min(LONGEST_WAIT));
        wait
    }

    pub(crate) fn works(&mut self) {
        if self.wait.take().is_some() {
            tracing::info!("{} works again", self.what);
        }
    }
}

/// Whether the bus still runs. It ends when the last handle is dropped, too.
#[derive(Debug, Clone)]
pub(crate) struct Running(pub watch::Receiver<bool>);

impl Running {
    pub(crate) async fn ended(&mut self) {
        // An error says that nobody is left who could end it.
        let _ = self.0.wait_for(|running| !running).await;
    }

    /// Rests; false when the bus ended meanwhile.
    pub(crate) async fn rest(&mut self, time: Duration) -> bool {
        tokio::select! {
            () = self.ended() => false,
            () = tokio::time::sleep(time) => true,
        }
    }
}
