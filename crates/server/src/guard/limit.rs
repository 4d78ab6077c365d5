//! How many requests may be under way at once, found by trying: additive increase while they are answered quickly,
//! multiplicative decrease when too many of them are slow.
//!
//! A window of time says something only if there were enough requests in it for the number to matter: one in which less
//! than half of it was in use changes nothing, however slow it was (an import beside which nobody asks for anything). So
//! the number never grows beyond twice what was of use, and never shrinks below what is in use.

/// Of the answers of a window, so many in a hundred may be slow.
const SLOW_PERCENT: u64 = 10;
/// What is left of the limit when more were.
const DECREASE: f64 = 0.8;

/// The number, and between what it stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    now: f64,
    least: f64,
    most: f64,
}

/// What was seen since the last window was closed.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Window {
    pub answered: u64,
    /// Of those, the ones that took longer than their class should.
    pub slow: u64,
    /// The most that were under way at one time.
    pub peak: usize,
    /// Somebody had to wait for want of room.
    pub full: bool,
}

impl Limit {
    pub(super) fn new(first: usize, least: usize, most: usize) -> Self {
        Self { now: float(first.clamp(least, most)), least: float(least), most: float(most) }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between `least` and `most`")]
    pub(super) fn get(&self) -> usize {
        self.now as usize
    }

    /// Whether it became less.
    pub(super) fn learn(&mut self, window: Window) -> bool {
        let in_use = float(window.peak);
        if window.answered == 0 || in_use * 2.0 < self.now {
            return false;
        }
        if window.slow * 100 > window.answered * SLOW_PERCENT {
            self.now = (self.now * DECREASE).max(self.least);
            return true;
        }
        if window.full {
            self.now = (self.now + self.now.sqrt()).min(self.most);
        }
        false
    }
}

#[allow(clippy::cast_precision_loss, reason = "thousands")]
fn float(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(answered: u64, slow: u64, peak: usize) -> Window {
        Window { answered, slow, peak, full: false }
    }

    #[test]
    fn what_was_not_in_use_says_nothing() {
        let mut limit = Limit::new(100, 10, 1_000);
        assert!(!limit.learn(window(50, 50, 49)));
        assert!(!limit.learn(window(0, 0, 100)));
        assert_eq!(limit.get(), 100);
    }

    #[test]
    fn it_grows_only_when_somebody_had_to_wait_and_all_went_well() {
        let mut limit = Limit::new(100, 10, 1_000);
        limit.learn(window(500, 50, 100));
        assert_eq!(limit.get(), 100);
        limit.learn(Window { full: true, ..window(500, 50, 90) });
        assert_eq!(limit.get(), 110);
        limit.learn(Window { full: true, ..window(500, 51, 90) });
        assert_eq!(limit.get(), 88);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let mut limit = Limit::new(100, 10, 150);
        for _ in 0..100 {
            limit.learn(window(10, 10, 100));
        }
        assert_eq!(limit.get(), 10);
        for _ in 0..100 {
            limit.learn(Window { full: true, ..window(10, 0, 1_000) });
        }
        assert_eq!(limit.get(), 150);
    }
}
