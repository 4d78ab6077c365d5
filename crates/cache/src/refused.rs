//! Secrets that open nothing. A secret is 256 random bits that only the server makes, so one that is unknown, expired or
//! revoked today will never open anything: the refusal needs no version and no question to the database, and a flood of
//! junk costs nothing. Only a new epoch may bring a revoked secret back.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kernel::SecretHash;

const MOST: u64 = 50_000;
const TTL: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(crate) struct Refused {
    epoch: AtomicI64,
    known: moka::sync::Cache<SecretHash, ()>,
}

impl Refused {
    pub(crate) fn new() -> Self {
        Self {
            epoch: AtomicI64::new(0),
            known: moka::sync::Cache::builder().max_capacity(MOST).time_to_live(TTL).build(),
        }
    }

    pub(crate) fn knows(&self, secret: &SecretHash) -> bool {
        self.known.contains_key(secret)
    }

    pub(crate) fn note(&self, secret: SecretHash, epoch: i64) {
        self.set_epoch(epoch);
        self.known.insert(secret, ());
    }

    pub(crate) fn set_epoch(&self, epoch: i64) {
        if self.epoch.load(Ordering::Relaxed) < epoch && self.epoch.fetch_max(epoch, Ordering::AcqRel) < epoch {
            self.known.invalidate_all();
        }
    }
}
