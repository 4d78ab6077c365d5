//! The generic cell rate algorithm: a quota as one number per caller, how far he is ahead of an even pace. A request puts
//! him one interval further, time takes him back; who would get more than the whole quota ahead has to wait. So the quota
//! may be used up at once and then comes back evenly, and no second of it is ever given twice, as it is where counters
//! are reset.

use std::time::Duration;

/// So many requests in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub requests: u32,
    pub window: Duration,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub allowed: bool,
    /// Of an even pace, this request included if it was allowed.
    pub ahead: Duration,
}

impl Quota {
    pub const fn per_minute(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(60) }
    }

    /// Between two requests at an even pace.
    pub(super) fn interval(&self) -> Duration {
        self.window / self.requests.max(1)
    }

    /// The furthest that somebody may be ahead.
    pub(super) fn most(&self) -> Duration {
        self.interval() * self.requests
    }

    /// Of somebody who is so far ahead.
    pub(super) fn take(&self, ahead: Duration) -> Taken {
        let after = ahead + self.interval();
        if after > self.most() { Taken { allowed: false, ahead } } else { Taken { allowed: true, ahead: after } }
    }

    /// Requests that are allowed now.
    pub(super) fn remaining(&self, taken: Taken) -> u32 {
        let left = self.most().saturating_sub(taken.ahead);
        u32::try_from(left.as_nanos() / self.interval().as_nanos().max(1)).unwrap_or(u32::MAX)
    }

    /// Until the next one is.
    pub(super) fn wait(&self, taken: Taken) -> Duration {
        (taken.ahead + self.interval()).saturating_sub(self.most())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks at these milliseconds; answers which were allowed.
    fn asked(quota: Quota, at: impl IntoIterator<Item = u64>) -> Vec<bool> {
        let (mut tat, mut allowed) = (Duration::ZERO, Vec::new());
        for now in at.into_iter().map(Duration::from_millis) {
            let taken = quota.take(tat.saturating_sub(now));
            if taken.allowed {
                tat = now + taken.ahead;
            }
            allowed.push(taken.allowed);
        }
        allowed
    }

    #[test]
    fn the_whole_quota_at_once_and_then_one_by_one() {
        let quota = Quota::per_minute(3);
        assert_eq!(asked(quota, [0, 0, 0, 0]), [true, true, true, false]);
        assert_eq!(
            asked(quota, [0, 0, 0, 19_999, 20_000, 20_001, 40_000]),
            [true, true, true, false, true, false, true]
        );
        assert_eq!(
            asked(quota, [0, 0, 0, 60_000, 60_000, 60_000, 60_000]),
            [true, true, true, true, true, true, false]
        );
    }

    #[test]
    fn no_window_whatever_its_place_has_more_than_twice_the_quota_and_none_is_starved() {
        for requests in [1, 7, 30, 120] {
            let quota = Quota::per_minute(requests);
            let every = 37;
            let allowed = asked(quota, (0..300_000).step_by(every));
            let at: Vec<usize> = allowed.iter().enumerate().filter(|(_, a)| **a).map(|(n, _)| n * every).collect();
            // Five minutes: what could be saved up, and what came back since.
            let most = requests as usize * 6;
            assert!((most - 2..=most).contains(&at.len()), "{requests}: {}", at.len());
            let busiest = at.iter().map(|from| at.iter().filter(|t| (*from..from + 60_000).contains(*t)).count()).max();
            assert!(busiest.unwrap() <= requests as usize * 2, "{requests}: {busiest:?}");
        }
    }

    #[test]
    fn what_is_said_of_the_quota_is_true() {
        let quota = Quota::per_minute(5);
        let mut ahead = Duration::ZERO;
        for left in (0..5).rev() {
            let taken = quota.take(ahead);
            assert!(taken.allowed);
            assert_eq!(quota.remaining(taken), left);
            ahead = taken.ahead;
        }
        let refused = quota.take(ahead);
        assert!(!refused.allowed);
        assert_eq!(quota.wait(refused), Duration::from_secs(12));
        assert!(quota.take(ahead - quota.wait(refused)).allowed);
    }
}
