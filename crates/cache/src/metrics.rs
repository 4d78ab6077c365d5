//! What the cache tells of itself (Prometheus names). Handles are made once: on the way of a request they are one atomic
//! addition each.

use deadpool_redis::Status;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::family::Family;

#[derive(Debug)]
pub(crate) struct HeadMetrics {
    batches: Counter,
    size: Histogram,
    pub seconds: Histogram,
    pub failures: Counter,
}

impl HeadMetrics {
    pub(crate) fn new(statement: &'static str) -> Self {
        Self {
            batches: counter!("koyomi_head_batches_total", "statement" => statement),
            size: histogram!("koyomi_head_batch_requests", "statement" => statement),
            seconds: histogram!("koyomi_head_batch_seconds", "statement" => statement),
            failures: counter!("koyomi_head_batch_failures_total", "statement" => statement),
        }
    }

    pub(crate) fn batch(&self, requests: usize) {
        self.batches.increment(1);
        self.size.record(f64::from(u32::try_from(requests).unwrap_or(u32::MAX)));
    }
}

#[derive(Debug)]
pub(crate) struct CheckMetrics {
    pub primary: Counter,
    pub memory: Counter,
    pub forgotten: Counter,
}

impl CheckMetrics {
    pub(crate) fn new() -> Self {
        Self {
            primary: counter!("koyomi_head_checks_total", "from" => "primary"),
            memory: counter!("koyomi_head_checks_total", "from" => "memory"),
            forgotten: counter!("koyomi_heads_forgotten_total"),
        }
    }
}

/// Of one family of values.
#[derive(Debug)]
pub(crate) struct FamilyMetrics {
    pub l1_hits: Counter,
    pub l2_hits: Counter,
    pub misses: Counter,
    pub fills: Counter,
    pub joins: Counter,
    pub behind: Counter,
    pub sampled: Counter,
    pub mismatches: Counter,
    pub fill_seconds: Histogram,
    pub entries: Gauge,
    pub bytes: Gauge,
}

impl FamilyMetrics {
    pub(crate) fn new(family: Family) -> Self {
        let family = family.name();
        Self {
            l1_hits: counter!("koyomi_cache_hits_total", "tier" => "l1", "family" => family),
            l2_hits: counter!("koyomi_cache_hits_total", "tier" => "l2", "family" => family),
            misses: counter!("koyomi_cache_misses_total", "family" => family),
            fills: counter!("koyomi_cache_fills_total", "family" => family),
            joins: counter!("koyomi_cache_joins_total", "family" => family),
            behind: counter!("koyomi_cache_fills_behind_total", "family" => family),
            sampled: counter!("koyomi_cache_sampled_total", "family" => family),
            mismatches: counter!("koyomi_cache_mismatches_total", "family" => family),
            fill_seconds: histogram!("koyomi_cache_fill_seconds", "family" => family),
            entries: gauge!("koyomi_cache_entries", "tier" => "l1", "family" => family),
            bytes: gauge!("koyomi_cache_bytes", "tier" => "l1", "family" => family),
        }
    }
}

/// Of Redis.
#[derive(Debug)]
pub(crate) struct RedisMetrics {
    pub failures: Counter,
    pub timeouts: Counter,
    pub rejected: Counter,
    pub skipped: Counter,
    pub open: Gauge,
    pub seconds: Histogram,
    used: Gauge,
    idle: Gauge,
    most: Gauge,
    waiting: Gauge,
}

impl RedisMetrics {
    pub(crate) fn new() -> Self {
        Self {
            failures: counter!("koyomi_redis_failures_total", "reason" => "error"),
            timeouts: counter!("koyomi_redis_failures_total", "reason" => "timeout"),
            rejected: counter!("koyomi_redis_values_rejected_total"),
            skipped: counter!("koyomi_redis_skipped_total"),
            open: gauge!("koyomi_redis_breaker_open"),
            seconds: histogram!("koyomi_redis_seconds"),
            used: gauge!("koyomi_redis_pool_connections", "state" => "used"),
            idle: gauge!("koyomi_redis_pool_connections", "state" => "idle"),
            most: gauge!("koyomi_redis_pool_connections_max"),
            waiting: gauge!("koyomi_redis_pool_waiting"),
        }
    }

    pub(crate) fn pool(&self, status: &Status) {
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        self.used.set(count(status.size.saturating_sub(status.available)));
        self.idle.set(count(status.available));
        self.most.set(count(status.max_size));
        self.waiting.set(count(status.waiting));
    }
}
