//! Trying again where nothing can have happened: a transaction that could not begin on a connection that had died unseen.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rand::Rng;

/// Thousandths of a retry that each beginning earns: one in ten may be tried again, so that retries never are the load.
const EARNED: u32 = 100;
const COST: u32 = 1_000;
/// What can be saved up for the moment when every connection has died at once.
const MOST: u32 = 64 * COST;
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// How many more times may be tried again.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(MOST))
    }
}

impl Budget {
    pub(crate) fn earn(&self) {
        if self.0.load(Ordering::Relaxed) < MOST {
            self.0.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Whether one may be tried again; then it is paid for.
    pub(crate) fn spend(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(COST)).is_ok()
    }
}

/// Not all at once.
pub(crate) async fn pause() {
    let pause = LONGEST_PAUSE.mul_f64(rand::rng().random());
    tokio::time::sleep(pause).await;
}

/// Whether a connection, and not the database, was at fault.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    // Ended by an administrator, by a crash, or a server that only begins to stop.
    let ended = |code: &str| ["57P01", "57P02"].contains(&code);
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed => true,
        error => error.as_database_error().and_then(|e| e.code()).is_some_and(|code| ended(&code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again_stays_a_tenth_of_what_is_tried() {
        let budget = Budget::default();
        let burst = (0..1_000).filter(|_| budget.spend()).count();
        assert_eq!(burst, 64, "what was saved up");
        let again = (0..10_000)
            .filter(|_| {
                budget.earn();
                budget.spend()
            })
            .count();
        assert_eq!(again, 1_000);
    }
}
