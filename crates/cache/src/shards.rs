use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{PoisonError, RwLock};

use foldhash::fast::RandomState;

const SHARDS: usize = 16;
/// Entries of one shard; one more, and the shard is emptied.
const SHARD_ENTRIES: usize = 16_384;

/// A map in pieces, each with its own lock, emptied when it is full.
#[derive(Debug)]
pub(crate) struct Shards<K, V> {
    parts: [RwLock<HashMap<K, V, RandomState>>; SHARDS],
    hasher: RandomState,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self { parts: std::array::from_fn(|_| RwLock::default()), hasher: RandomState::default() }
    }
}

impl<K: Hash + Eq, V: Clone> Shards<K, V> {
    fn part(&self, key: &K) -> &RwLock<HashMap<K, V, RandomState>> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 48).unwrap_or(0);
        &self.parts[hash % SHARDS]
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.part(key).read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.change(key, || (), |_| value);
    }

    /// `emptying` is called before the shard is emptied because it is full.
    pub(crate) fn change(&self, key: K, emptying: impl FnOnce(), change: impl FnOnce(Option<&V>) -> V) {
        let mut part = self.part(&key).write().unwrap_or_else(PoisonError::into_inner);
        if part.len() >= SHARD_ENTRIES {
            emptying();
            part.clear();
        }
        let value = change(part.get(&key));
        part.insert(key, value);
    }

    pub(crate) fn remove(&self, key: &K) {
        self.part(key).write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(crate) fn clear(&self) {
        for part in &self.parts {
            part.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
