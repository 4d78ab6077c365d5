use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

/// The time, given to whoever needs it. Microseconds, as PostgreSQL keeps them: a value read back equals the one written.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    #[default]
    System,
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
