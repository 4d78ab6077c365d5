//! The second tier. Nothing here is ever an error to the caller: what does not answer in time, what is garbage, what is too
//! large is a miss.

use std::time::{Duration, Instant};

use deadpool_redis::{Config, Pool, PoolConfig, Runtime, Timeouts};
use kernel::{Failure, Result};
use tracing::debug_span;
use xxhash_rust::xxh3::xxh3_64;

use crate::breaker::Breaker;
use crate::key::Key;
use crate::metrics::RedisMetrics;

/// Around the whole call: waiting for a connection, connecting, the answer.
const PATIENCE: Duration = Duration::from_millis(30);
/// A larger value is not worth a round trip.
const MAX_VALUE: usize = 512 * 1024;
const CONNECTIONS: usize = 16;

/// Values start with this, then the hash of their key, then a checksum of the rest.
const MAGIC: &[u8; 4] = b"kyo1";
const HEADER: usize = 4 + 32 + 8;

pub(crate) struct Redis {
    /// The database whose values these are: several may share one Redis.
    scope: Box<str>,
    pool: Pool,
    breaker: Breaker,
    metrics: RedisMetrics,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

impl Redis {
    /// Connects when it is first needed.
    pub(crate) fn new(url: &str, scope: &str) -> Result<Self> {
        let mut config = Config::from_url(url);
        config.pool = Some(PoolConfig {
            max_size: CONNECTIONS,
            timeouts: Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) },
            ..PoolConfig::default()
        });
        let pool = config
            .create_pool(Some(Runtime::Tokio1))
            .map_err(|error| Failure::invalid("KOYOMI_REDIS", format!("is not a redis:// URL: {error}")))?;
        Ok(Self { scope: scope.into(), pool, breaker: Breaker::new(), metrics: RedisMetrics::new() })
    }

    pub(crate) async fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let name = Name::of(&self.scope, key);
        let mut command = redis::cmd("GET");
        command.arg(name.text.as_slice());
        let raw: Option<Vec<u8>> = self.call("GET", command).await.flatten();
        let opened = name.open(raw?);
        if opened.is_none() {
            self.metrics.rejected.increment(1);
        }
        opened
    }

    pub(crate) async fn put(&self, key: &Key, payload: &[u8], ttl: Duration) {
        if payload.len() > MAX_VALUE {
            return;
        }
        let name = Name::of(&self.scope, key);
        let mut command = redis::cmd("SET");
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        command.arg(name.text.as_slice()).arg(name.seal(payload)).arg("PX").arg(millis);
        let _: Option<()> = self.call("SET", command).await;
    }

    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    /// Tells the metrics how the pool stands right now.
    pub(crate) fn measure(&self) {
        self.metrics.pool(&self.pool.status());
    }

    pub(crate) async fn call<T: redis::FromRedisValue>(&self, operation: &str, command: redis::Cmd) -> Option<T> {
        if !self.breaker.allows() {
            self.metrics.skipped.increment(1);
            return None;
        }
        let _span = debug_span!("redis", otel.kind = "client", db.system.name = "redis", db.operation.name = operation);
        let began = Instant::now();
        let work = async {
            let mut conn = self.pool.get().await.map_err(|error| error.to_string())?;
            command.query_async(&mut conn).await.map_err(|error| error.to_string())
        };
        // Who has less time than that is no reason to think that Redis does not answer.
        let left = store::remaining().filter(|left| *left < PATIENCE);
        let problem = match tokio::time::timeout(left.unwrap_or(PATIENCE), work).await {
            Ok(Ok(value)) => {
                self.metrics.seconds.record(began.elapsed().as_secs_f64());
                if self.breaker.succeeded() {
                    self.metrics.open.set(0.0);
                    tracing::info!("Redis answers again");
                }
                return Some(value);
            }
            Ok(Err(problem)) => {
                self.metrics.failures.increment(1);
                problem
            }
            Err(_) if left.is_some() => return None,
            Err(_) => {
                self.metrics.timeouts.increment(1);
                format!("no answer within {PATIENCE:?}")
            }
        };
        if self.breaker.failed() {
            self.metrics.open.set(1.0);
            tracing::warn!(problem, "Redis does not answer; going on without it");
        }
        None
    }
}

/// What a key is called in Redis.
struct Name {
    hash: [u8; 32],
    text: Vec<u8>,
}

impl Name {
    fn of(scope: &str, key: &Key) -> Self {
        let hash =
            *blake3::Hasher::new().update(scope.as_bytes()).update(b"\0").update(key.bytes()).finalize().as_bytes();
        let mut text = b"koyomi:".to_vec();
        text.extend_from_slice(&hash);
        Self { hash, text }
    }

    fn seal(&self, payload: &[u8]) -> Vec<u8> {
        let mut value = Vec::with_capacity(HEADER + payload.len());
        value.extend_from_slice(MAGIC);
        value.extend_from_slice(&self.hash);
        value.extend_from_slice(&xxh3_64(payload).to_le_bytes());
        value.extend_from_slice(payload);
        value
    }

    /// The payload of a value that is whole, of this form and of this key.
    fn open(&self, mut value: Vec<u8>) -> Option<Vec<u8>> {
        if value.len() > HEADER + MAX_VALUE {
            return None;
        }
        let (header, payload) = value.split_at_checked(HEADER)?;
        let sound =
            header.starts_with(MAGIC) && header[4..36] == self.hash && header[36..] == xxh3_64(payload).to_le_bytes();
        sound.then(|| value.split_off(HEADER))
    }
}

#[cfg(test)]
mod tests {
    use kernel::UserId;
    use store::Epoch;
    use uuid::Uuid;

    use super::*;
    use crate::{Family, View, Want};

    fn key(query: &[u8]) -> Key {
        let view = View::Of(UserId(Uuid::nil()));
        Want { family: Family::Page, epoch: Epoch(1), versions: &[], view, query }.key()
    }

    #[test]
    fn only_the_whole_value_of_this_key_opens() {
        let name = Name::of("1/2", &key(b"a"));
        let sealed = name.seal(b"payload");
        assert_eq!(name.open(sealed.clone()).as_deref(), Some(&b"payload"[..]));
        assert!(Name::of("1/2", &key(b"b")).open(sealed.clone()).is_none(), "another key's value");
        assert!(Name::of("1/3", &key(b"a")).open(sealed.clone()).is_none(), "another database's value");
        for cut in 0..sealed.len() {
            assert!(name.open(sealed[..cut].to_vec()).is_none(), "cut at {cut}");
            let mut garbled = sealed.clone();
            garbled[cut] ^= 0x40;
            assert!(name.open(garbled).is_none(), "garbled at {cut}");
        }
    }
}
