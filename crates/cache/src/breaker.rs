use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So many failures in a row, and nobody tries for a while.
const TRIPS_AT: u32 = 5;
const REST: Duration = Duration::from_secs(1);

/// Keeps requests from waiting for a part that does not answer. After its rest one request tries again: if that succeeds
/// all may, else it rests once more.
#[derive(Debug)]
pub(crate) struct Breaker {
    born: Instant,
    failures: AtomicU32,
    /// Milliseconds since `born`; 0: closed.
    open_until: AtomicU64,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self { born: Instant::now(), failures: AtomicU32::new(0), open_until: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether to try. The one who tries after a rest starts the next rest for the others.
    pub(crate) fn allows(&self) -> bool {
        let until = self.open_until.load(Ordering::Acquire);
        if until == 0 {
            return true;
        }
        let now = self.now();
        now >= until
            && self.open_until.compare_exchange(until, now + rest(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether this closed it.
    pub(crate) fn succeeded(&self) -> bool {
        self.failures.store(0, Ordering::Release);
        self.open_until.swap(0, Ordering::AcqRel) != 0
    }

    /// Whether this opened it.
    pub(crate) fn failed(&self) -> bool {
        let opens = self.failures.fetch_add(1, Ordering::AcqRel) + 1 >= TRIPS_AT;
        opens && self.open_until.swap(self.now() + rest(), Ordering::AcqRel) == 0
    }
}

fn rest() -> u64 {
    u64::try_from(REST.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try_after_its_rest() {
        let breaker = Breaker::new();
        for _ in 1..TRIPS_AT {
            assert!(!breaker.failed());
            assert!(breaker.allows());
        }
        assert!(breaker.failed());
        assert!(!breaker.allows());
        breaker.open_until.store(1, Ordering::Release);
        std::thread::sleep(Duration::from_millis(3));
        assert!(breaker.allows());
        assert!(!breaker.allows(), "a second one would try at the same time");
        assert!(breaker.succeeded());
        assert!(breaker.allows());
        assert!(!breaker.succeeded());
    }
}
