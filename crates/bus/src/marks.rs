//! The instants that this instance has noted and not yet completed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// More than a consumer is ever behind; the oldest are forgotten.
const KEPT: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Marks(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// The last one given out.
    counter: u64,
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    counter: u64,
    at: Instant,
    /// The last number that a relay had taken, read after `at`.
    numbers_taken: Option<i64>,
}

impl Marks {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the present instant. Counters and instants rise together.
    pub(crate) fn begin(&self) -> u64 {
        let mut noted = self.noted();
        noted.counter += 1;
        let counter = noted.counter;
        if noted.open.len() == KEPT {
            noted.open.pop_front();
        }
        noted.open.push_back(Open { counter, at: Instant::now(), numbers_taken: None });
        counter
    }

    /// A message with a higher number than this that leaves nothing behind is as good as the mark.
    pub(crate) fn await_sweep(&self, counter: u64, numbers_taken: i64) {
        if let Some(open) = self.noted().open.iter_mut().rev().find(|open| open.counter == counter) {
            open.numbers_taken = Some(numbers_taken);
        }
    }

    /// Marks up to this one were noted before now.
    pub(crate) fn newest(&self) -> u64 {
        self.noted().counter
    }

    /// The mark came back.
    pub(crate) fn complete(&self, counter: u64) -> Option<Instant> {
        self.close(|open| open.counter == counter)
    }

    /// A message came that left nothing behind: the newest mark after `fence` that it answers.
    pub(crate) fn swept(&self, n: i64, fence: u64) -> Option<Instant> {
        self.close(|open| open.counter > fence && open.numbers_taken.is_some_and(|taken| taken < n))
    }

    /// The newest that matches; it and what is older are done with.
    fn close(&self, matches: impl Fn(&Open) -> bool) -> Option<Instant> {
        let mut noted = self.noted();
        let found = noted.open.iter().rposition(matches)?;
        let at = noted.open.get(found)?.at;
        noted.open.drain(..=found);
        Some(at)
    }
}
