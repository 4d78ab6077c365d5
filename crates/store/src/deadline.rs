//! How long the current request may take: known wherever work is done for it, so that nobody goes on for somebody who has
//! been answered already.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::futures::TaskLocalFuture;

tokio::task_local! {
    static UNTIL: Instant;
}

/// What PostgreSQL allows a statement where nothing else is said.
pub(crate) const STATEMENT: Duration = Duration::from_secs(30);
/// Its refusal is to come before ours, so that what became of a write is known: of what is left it gets so much less.
const HEAD_START: Duration = Duration::from_millis(5);

/// Runs work that is to be done by `at`.
pub fn until<F: Future>(at: Instant, work: F) -> TaskLocalFuture<Instant, F> {
    UNTIL.scope(at, work)
}

/// Until when the current request may take.
pub(crate) fn current() -> Option<Instant> {
    UNTIL.try_with(|at| *at).ok()
}

/// How much of its time is left to the current request; none where it has no deadline.
pub fn remaining() -> Option<Duration> {
    current().map(|at| at.saturating_duration_since(Instant::now()))
}

/// For a transaction of the current request: none of its statements runs longer than the request has left. As long as
/// more than half of the usual time is left, the usual one will do, and it costs nothing.
pub(crate) fn statement_timeout() -> Option<String> {
    timeout_within(remaining()?)
}

fn timeout_within(left: Duration) -> Option<String> {
    (left < STATEMENT / 2).then(|| {
        // 0 would mean: none.
        let millis = (left - (left / 20).max(HEAD_START).min(left)).as_millis().max(1);
        // No SET: before version 18, pg_stat_statements would keep each value of it as a statement of its own.
        format!("; select set_config('statement_timeout', '{millis}', true)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_stops_a_little_before_the_request_does() {
        let millis = |left| {
            let text = timeout_within(Duration::from_millis(left))?;
            let text = text.strip_prefix("; select set_config('statement_timeout', '").unwrap();
            Some(text.strip_suffix("', true)").unwrap().to_owned())
        };
        assert_eq!(millis(2_000).unwrap(), "1900");
        assert_eq!(millis(50).unwrap(), "45");
        assert_eq!(millis(3).unwrap(), "1");
        assert_eq!(millis(0).unwrap(), "1");
        assert_eq!(millis(29_000), None);
    }

    #[tokio::test]
    async fn work_in_a_task_of_its_own_has_the_same_deadline_unless_it_is_for_all() {
        let at = Instant::now() + Duration::from_secs(3);
        let (own, shared) = until(at, async {
            (
                crate::spawned(async { current() }).await.unwrap(),
                crate::spawned_for_all(async { current() }).await.unwrap(),
            )
        })
        .await;
        assert_eq!(own, Some(at));
        assert_eq!(shared, None);
        assert_eq!(remaining(), None);
    }
}
