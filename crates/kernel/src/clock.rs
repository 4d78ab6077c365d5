use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

/// The time, given to whoever needs it. Microseconds, as PostgreSQL keeps them: a value read back equals the one written.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    #[default]
    System,
    /// The database's: all instances agree, whatever the clock of their machine says.
    Shared(Shared),
    /// Stands still until [`Clock::advance`] is called.
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self::Fixed(Arc::new(Mutex::new(at.trunc_subsecs(6))))
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Shared(shared) => shared.at(Instant::now()).trunc_subsecs(6),
            Self::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a fixed clock; the system's is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Fixed(at) = self {
            *at.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}

/// A time that somebody told, and how long ago that was, by the monotonic clock. Between two tellings the time goes on by
/// itself; a machine's own clock may jump as it likes.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Mutex<Told>>);

#[derive(Debug)]
struct Told {
    time: DateTime<Utc>,
    heard: Instant,
}

/// The teller's clock has been set back when it is behind by more than this, and more than the answer was under way.
const TOLERANCE: Duration = Duration::from_secs(1);

impl Shared {
    pub fn new(time: DateTime<Utc>, heard: Instant) -> Self {
        Self(Arc::new(Mutex::new(Told { time, heard })))
    }

    /// Takes note of a time that was asked for at `asked` and heard at `heard`. It was that late at least when it was heard:
    /// of several tellings the one that says the latest is the nearest to the truth, since its answer was the fastest.
    pub fn tell(&self, time: DateTime<Utc>, asked: Instant, heard: Instant) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = (told.at(heard) - time).to_std().unwrap_or_default();
        if behind.is_zero() || behind > TOLERANCE + heard.saturating_duration_since(asked) {
            *told = Told { time, heard };
        }
    }

    /// What time it is there at this instant.
    pub fn at(&self, now: Instant) -> DateTime<Utc> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).at(now)
    }
}

impl Told {
    fn at(&self, now: Instant) -> DateTime<Utc> {
        self.time + now.saturating_duration_since(self.heard)
    }
}

/// Mints UUIDv7 ids (RFC 9562 §5.7): ordered by time, so that new rows land on the right edge of every index.
#[derive(Debug, Clone)]
pub struct Ids {
    clock: Clock,
    seeded: Option<Arc<Mutex<StdRng>>>,
}

impl Ids {
    pub fn random(clock: Clock) -> Self {
        Self { clock, seeded: None }
    }

    /// The same seed and clock give the same ids.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Self { clock, seeded: Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))) }
    }

    /// The same ids, by another clock.
    pub fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    pub fn mint<Id: From<Uuid>>(&self) -> Id {
        let mut tail = [0u8; 10];
        match &self.seeded {
            Some(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut tail),
            None => rand::rng().fill_bytes(&mut tail),
        }
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_clock_goes_on_by_itself_and_follows_who_tells_the_time() {
        let (start, time) = (Instant::now(), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let after = |millis| start + Duration::from_millis(millis);
        let at = |shared: &Shared, millis| (shared.at(after(millis)) - time).num_milliseconds();
        let shared = Shared::new(time, start);
        assert_eq!(at(&shared, 700), 700);
        // An answer that was slow says less than is known already; one that was faster says more.
        shared.tell(time + TimeDelta::milliseconds(800), after(800), after(1500));
        assert_eq!(at(&shared, 1500), 1500);
        shared.tell(time + TimeDelta::milliseconds(2010), after(1990), after(2000));
        assert_eq!(at(&shared, 2500), 2510);
        // An hour ahead, and an hour back.
        shared.tell(time + TimeDelta::hours(1), after(3000), after(3001));
        assert_eq!(at(&shared, 3001), 3_600_000);
        shared.tell(time + TimeDelta::milliseconds(4000), after(4000), after(4001));
        assert_eq!(at(&shared, 4001), 4000);
    }

    #[test]
    fn seeded_ids_repeat_and_are_version_7() {
        let clock = Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let mint = || -> Vec<Uuid> {
            let ids = Ids::seeded(clock.clone(), 7);
            (0..3).map(|_| ids.mint()).collect()
        };
        assert_eq!(mint(), mint());
        assert!(mint().iter().all(|id| id.get_version_num() == 7));
        assert_ne!(mint()[0], mint()[1]);
    }
}
