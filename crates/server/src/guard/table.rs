use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;

use super::gcra::{Quota, Taken};
use super::principal::Key;

const SHARDS: usize = 64;

/// How far callers are ahead, in the memory of this process: so many callers at most, and when there are more, those who
/// are least ahead are forgotten first (they lose nothing by it).
#[derive(Debug)]
pub(super) struct Table {
    began: Instant,
    hasher: RandomState,
    /// When each will be even again, since `began`.
    shards: Vec<Mutex<HashMap<Key, Duration, RandomState>>>,
    most: usize,
}

impl Table {
    pub(super) fn new(most: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { began: Instant::now(), hasher: RandomState::default(), shards, most: most.div_ceil(SHARDS) }
    }

    pub(super) fn take(&self, key: Key, quota: &Quota) -> Taken {
        self.take_at(key, quota, self.began.elapsed())
    }

    fn take_at(&self, key: Key, quota: &Quota, now: Duration) -> Taken {
        // The high bits: the map uses the low ones.
        let shard = (self.hasher.hash_one(key) >> 56) as usize % SHARDS;
        let mut even = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = even.get(&key).map_or(Duration::ZERO, |at| at.saturating_sub(now));
        let taken = quota.take(ahead);
        if taken.allowed {
            if even.len() >= self.most && !even.contains_key(&key) {
                make_room(&mut even, now);
            }
            even.insert(key, now + taken.ahead);
        }
        taken
    }
}

fn make_room(even: &mut HashMap<Key, Duration, RandomState>, now: Duration) {
    let before = even.len();
    even.retain(|_, at| *at > now);
    if even.len() == before
        && let Some(least) = even.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key)
    {
        even.remove(&least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Class;

    const QUOTA: Quota = Quota::per_minute(3);

    #[test]
    fn callers_have_quotas_of_their_own() {
        let table = Table::new(1_000);
        let now = Duration::from_secs(5);
        let take = |name: &str, class| table.take_at(Key::of(class, name.as_bytes()), &QUOTA, now).allowed;
        for _ in 0..3 {
            assert!(take("a", Class::Read));
        }
        assert!(!take("a", Class::Read));
        assert!(take("b", Class::Read) && take("a", Class::Write));
        let later = now + QUOTA.interval();
        assert!(table.take_at(Key::of(Class::Read, b"a"), &QUOTA, later).allowed);
    }

    #[test]
    fn a_flood_of_strangers_takes_no_memory_and_frees_nobody_who_has_used_up_his_quota() {
        let table = Table::new(6_400);
        let now = Duration::from_secs(5);
        let busy = Key::of(Class::Read, b"busy");
        while table.take_at(busy, &QUOTA, now).allowed {}
        for n in 0..100_000_u32 {
            table.take_at(Key::of(Class::Read, &n.to_le_bytes()), &QUOTA, now);
        }
        let kept: usize = table.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(kept <= 6_400, "{kept}");
        assert!(!table.take_at(busy, &QUOTA, now).allowed);
    }
}
