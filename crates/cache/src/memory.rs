//! What an instance that answers in bounded mode remembers: versions, moved forward by the bus.
//!
//! A version that was read from the primary is remembered unless everything was forgotten while it was being read
//! (`generation`); one that the bus tells is taken if it is newer. So an entry is never older than the newest news that
//! this instance has heard. [`Memory::as_of`] says how far that reaches: everything committed before that instant has
//! been heard.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::{Moved, Subject};

use crate::shards::Shards;

#[derive(Debug)]
pub(crate) struct Memory {
    born: Instant,
    versions: Shards<Subject, (i64, i64)>,
    /// One more whenever something was forgotten.
    generation: AtomicU64,
    /// Microseconds since `born`, plus one; 0: nothing is known to be complete.
    complete: AtomicU64,
    epoch: AtomicU64,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            born: Instant::now(),
            versions: Shards::default(),
            generation: AtomicU64::new(0),
            complete: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
        }
    }

    /// Whether everything that was committed longer than `bound` ago has been heard.
    pub(crate) fn is_within(&self, bound: Duration) -> bool {
        match self.complete.load(Ordering::Acquire) {
            0 => false,
            micros => self.born.elapsed() <= Duration::from_micros(micros - 1) + bound,
        }
    }

    pub(crate) fn complete(&self, as_of: Instant) {
        let micros = u64::try_from(as_of.saturating_duration_since(self.born).as_micros()).unwrap_or(0);
        self.complete.fetch_max(micros + 1, Ordering::AcqRel);
    }

    /// The bus has missed something, or a new epoch began.
    pub(crate) fn forget(&self) {
        self.complete.store(0, Ordering::Release);
        self.next_generation();
        self.versions.clear();
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn epoch(&self) -> i64 {
        i64::try_from(self.epoch.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// Takes note of an epoch; of a new one by forgetting everything. Answers whether it is new.
    pub(crate) fn set_epoch(&self, epoch: i64) -> bool {
        let new = u64::try_from(epoch).unwrap_or(0);
        // Most of the time it is the one that is known: then nothing is written.
        let is_new = self.epoch() < epoch && self.epoch.fetch_max(new, Ordering::AcqRel) < new;
        if is_new {
            self.forget();
        }
        is_new
    }

    pub(crate) fn heard(&self, moved: &Moved) {
        self.versions.change(moved.subject, || self.next_generation(), |old| newer(old, moved));
    }

    /// Keeps what was read from the primary by a statement that started in `generation`.
    ///
    /// Whoever takes news away raises the generation *first*. So a reading that is written after news about it are gone
    /// finds another generation behind it, and takes itself away again.
    pub(crate) fn learn(&self, moved: &Moved, generation: u64) {
        if self.generation() != generation {
            return;
        }
        let mut emptied = 0;
        let emptying = || {
            emptied = 1;
            self.next_generation();
        };
        self.versions.change(moved.subject, emptying, |old| newer(old, moved));
        if self.generation() != generation + emptied {
            self.next_generation();
            self.versions.remove(&moved.subject);
        }
    }

    /// What is remembered of a subject has turned out to be out of date.
    pub(crate) fn doubt(&self, subject: &Subject) {
        self.next_generation();
        self.versions.remove(subject);
    }

    fn next_generation(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn version(&self, subject: Subject) -> Option<(i64, i64)> {
        self.versions.get(&subject)
    }
}

fn newer(old: Option<&(i64, i64)>, moved: &Moved) -> (i64, i64) {
    old.map_or((moved.seq, moved.acl), |(seq, acl)| (moved.seq.max(*seq), moved.acl.max(*acl)))
}

#[cfg(test)]
mod tests {
    use kernel::CalendarId;
    use uuid::Uuid;

    use super::*;

    const CALENDAR: Subject = Subject::Calendar(CalendarId(Uuid::nil()));

    fn moved(seq: i64) -> Moved {
        Moved { subject: CALENDAR, seq, acl: 0 }
    }

    #[test]
    fn news_and_readings_merge_to_the_newest() {
        let memory = Memory::new();
        memory.heard(&moved(6));
        memory.learn(&moved(5), memory.generation());
        assert_eq!(memory.version(CALENDAR), Some((6, 0)));
        memory.learn(&moved(7), memory.generation());
        assert_eq!(memory.version(CALENDAR), Some((7, 0)));
    }

    #[test]
    fn a_reading_that_began_before_the_forgetting_is_not_kept() {
        let memory = Memory::new();
        let generation = memory.generation();
        memory.heard(&moved(6));
        memory.forget();
        memory.learn(&moved(5), generation);
        assert_eq!(memory.version(CALENDAR), None);
    }

    #[test]
    fn nothing_is_complete_before_the_bus_says_so_and_after_it_has_lost_something() {
        let memory = Memory::new();
        let hour = Duration::from_secs(3600);
        assert!(!memory.is_within(hour));
        memory.complete(Instant::now());
        assert!(memory.is_within(hour));
        assert!(!{
            std::thread::sleep(Duration::from_millis(3));
            memory.is_within(Duration::from_millis(1))
        });
        memory.forget();
        assert!(!memory.is_within(hour));
    }

    #[test]
    fn a_new_epoch_forgets_and_an_old_one_is_passed_over() {
        let memory = Memory::new();
        memory.set_epoch(2);
        memory.heard(&moved(6));
        memory.set_epoch(1);
        assert_eq!((memory.epoch(), memory.version(CALENDAR)), (2, Some((6, 0))));
        memory.set_epoch(3);
        assert_eq!((memory.epoch(), memory.version(CALENDAR)), (3, None));
    }
}
