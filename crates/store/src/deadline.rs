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

/// `begin` for a transaction of the current request, none of whose statements runs longer than the request has left. As
/// long as more than half of the usual time is left, the usual one will do, and it costs nothing.
pub(crate) fn begin(begin: &'static str) -> String {
    with_timeout(begin, remaining())
}

fn with_timeout(begin: &'static str, left: Option<Duration>) -> String {
    match left {
        Some(left) if left < STATEMENT / 2 => {
            // 0 would mean: none.
            let millis = (left - (left / 20).max(HEAD_START).min(left)).as_millis().max(1);
            format!("{begin}; set local statement_timeout = {millis}")
        }
        _ => begin.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_stops_a_little_before_the_request_does() {
        let text = |millis| with_timeout("begin", Some(Duration::from_millis(millis)));
        assert_eq!(text(2_000), "begin; set local statement_timeout = 1900");
        assert_eq!(text(50), "begin; set local statement_timeout = 45");
        assert_eq!(text(3), "begin; set local statement_timeout = 1");
        assert_eq!(text(0), "begin; set local statement_timeout = 1");
        assert_eq!(text(29_000), "begin");
        assert_eq!(with_timeout("begin", None), "begin");
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
