use std::any::Any;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use kernel::plant::{self, Bug};
use kernel::{Failure, Kind, Moved, Result};
use moka::Expiry;
use rand::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::Epoch;
use tracing::{Instrument, debug_span};

use crate::flight::Flights;
use crate::key::Key;
use crate::metrics::FamilyMetrics;
use crate::redis::Redis;
use crate::{Family, Want};

/// Which tiers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Tiers {
    Off,
    /// The memory of this process.
    #[default]
    L1,
    /// And Redis, shared by all of them.
    L1L2,
}

impl FromStr for Tiers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "l1" => Ok(Self::L1),
            "l1+l2" => Ok(Self::L1L2),
            _ => Err("must be off, l1 or l1+l2".to_owned()),
        }
    }
}

impl fmt::Display for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::L1 => "l1",
            Self::L1L2 => "l1+l2",
        })
    }
}

/// What can be set of the values.
#[derive(Debug, Clone)]
pub struct Settings {
    pub tiers: Tiers,
    /// Without one there is no second tier, whatever `tiers` says.
    pub redis: Option<String>,
    /// Families that are not cached.
    pub off: Vec<Family>,
    pub l1_bytes: u64,
    /// One of so many hits is read again from the primary and compared; 0: none.
    pub sample: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { tiers: Tiers::default(), redis: None, off: Vec::new(), l1_bytes: 128 << 20, sample: 1000 }
    }
}

/// What can be cached: plain data that can be compared.
pub trait Value: Serialize + DeserializeOwned + PartialEq + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + PartialEq + Send + Sync + 'static> Value for T {}

/// A value as it was read, with the versions that the same snapshot held, in the order of [`Want::versions`].
#[derive(Debug, Clone)]
pub struct Reading<T> {
    pub epoch: Epoch,
    pub versions: Vec<Moved>,
    pub value: T,
}

/// A value that answers what was wanted: at the versions that were asked for, or newer ones.
#[derive(Debug)]
pub struct Answer<T> {
    pub epoch: Epoch,
    pub versions: Arc<[Moved]>,
    pub value: Arc<T>,
}

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Self {
        Self { epoch: self.epoch, versions: Arc::clone(&self.versions), value: Arc::clone(&self.value) }
    }
}

type Kept = Arc<dyn Any + Send + Sync>;

#[derive(Clone)]
struct Entry {
    family: Family,
    value: Kept,
    weight: u32,
    ttl: Duration,
}

struct ByFamily;

impl Expiry<Key, Entry> for ByFamily {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// Immutable values by key, in up to two tiers. Nothing is ever invalidated: what changes gets a new key.
#[derive(Clone)]
pub struct Values {
    inner: Arc<Inner>,
}

struct Inner {
    l1: moka::sync::Cache<Key, Entry, RandomState>,
    l2: Option<Redis>,
    flights: Flights<Kept>,
    settings: Settings,
    metrics: Arc<Metrics>,
}

/// In the order of [`Family::ALL`], which is that of their numbers.
struct Metrics([FamilyMetrics; Family::ALL.len()]);

impl Metrics {
    fn of(&self, family: Family) -> &FamilyMetrics {
        &self.0[family as usize]
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

/// What an entry costs beside its value: key, pointers, moka's own.
const OVERHEAD: usize = 300;
/// A fill that was overtaken starts again so often.
const ATTEMPTS: usize = 3;

impl Values {
    /// `scope` names the database that is cached.
    pub fn new(settings: Settings, scope: &str) -> Result<Self> {
        let metrics = Arc::new(Metrics(Family::ALL.map(FamilyMetrics::new)));
        let gone = Arc::clone(&metrics);
        let l1 = moka::sync::Cache::builder()
            .max_capacity(settings.l1_bytes)
            .weigher(|key: &Key, entry: &Entry| {
                u32::try_from(key.bytes().len() + OVERHEAD).unwrap_or(u32::MAX).saturating_add(entry.weight)
            })
            .expire_after(ByFamily)
            .eviction_listener(move |_, entry: Entry, _| {
                let metrics = gone.of(entry.family);
                metrics.entries.decrement(1.0);
                metrics.bytes.decrement(f64::from(entry.weight));
            })
            .build_with_hasher(RandomState::default());
        let l2 = match &settings.redis {
            Some(url) if settings.tiers == Tiers::L1L2 => Some(Redis::new(url, scope)?),
            _ => None,
        };
        Ok(Self { inner: Arc::new(Inner { l1, l2, flights: Flights::new(), settings, metrics }) })
    }

    /// Whether values of this family are kept at all.
    pub fn keeps(&self, family: Family) -> bool {
        let settings = &self.inner.settings;
        settings.tiers != Tiers::Off && !settings.off.contains(&family)
    }

    /// The value that answers `want`: from memory, from Redis, or filled, by one fill for all who want the same.
    ///
    /// `fill` reads value and versions in one snapshot of the primary. It may read newer versions than those wanted; then
    /// the value is kept under what was read.
    ///
    /// # Errors
    /// Those of `fill`, and `unavailable` when what is read stays older than what was wanted.
    pub async fn read<T, F>(&self, want: &Want<'_>, fill: F) -> Result<Answer<T>>
    where
        T: Value,
        F: AsyncFill<T>,
    {
        let inner = &self.inner;
        let metrics = inner.metrics.of(want.family);
        let keeps = self.keeps(want.family);
        for _ in 0..ATTEMPTS {
            let answer = if keeps {
                let key = want.key();
                if let Some(hit) = inner.l1.get(&key).and_then(|entry| entry.value.downcast::<Answer<T>>().ok()) {
                    metrics.l1_hits.increment(1);
                    self.sample(want.family, &hit, &fill);
                    return Ok(hit.as_ref().clone());
                }
                let (landed, led) = inner.flights.join(&key, || self.fly(want, key.clone(), fill.start())).await;
                if !led {
                    metrics.joins.increment(1);
                }
                let landed = landed?;
                landed.downcast::<Answer<T>>().map_err(|_| Failure::internal("a key of two types"))?.as_ref().clone()
            } else {
                metrics.fills.increment(1);
                answer(fill.start().await?)
            };
            match compared(&answer, want) {
                _ if plant::is(Bug::FillUnderChecked) => return Ok(answer),
                Compared::Covers => return Ok(answer),
                Compared::OtherAccess => return Err(access_moved()),
                Compared::Behind => metrics.behind.increment(1),
            }
        }
        Err(Failure::new(
            Kind::Unavailable,
            "unavailable",
            "the database that answers here is behind what was checked; try again",
        ))
    }

    /// One flight: Redis, else the primary.
    fn fly<T: Value>(
        &self,
        want: &Want<'_>,
        key: Key,
        fill: impl Future<Output = Result<Reading<T>>> + Send + 'static,
    ) -> impl Future<Output = Result<Kept>> + Send + 'static {
        let (this, family, epoch) = (self.clone(), want.family, want.epoch);
        let versions: Arc<[Moved]> = want.versions.into();
        // The key of what will have been read is made from the same question.
        let rekey = {
            let (view, query) = (OwnedView::of(want), want.query.to_vec());
            move |epoch: Epoch, versions: &[Moved]| {
                Want { family, epoch, versions, view: view.as_view(), query: &query }.key()
            }
        };
        let span = debug_span!("cache miss", family = family.name());
        let fly = async move {
            let metrics = this.inner.metrics.of(family);
            if let Some(redis) = &this.inner.l2
                && let Some(bytes) = redis.get(&key).await
                && let Ok(value) = rmp_serde::from_slice::<T>(&bytes)
            {
                metrics.l2_hits.increment(1);
                let answer: Kept = Arc::new(Answer { epoch, versions, value: Arc::new(value) });
                this.keep(family, key, &answer, bytes.len());
                return Ok(answer);
            }
            metrics.misses.increment(1);
            metrics.fills.increment(1);
            let began = Instant::now();
            let answer = answer(fill.await?);
            metrics.fill_seconds.record(began.elapsed().as_secs_f64());
            let under_checked = plant::is(Bug::FillUnderChecked);
            // Read under other access rules, it may be another view than the one in the key: nobody may find it.
            if !(under_checked || same_access(&answer, epoch, &versions) || plant::is(Bug::KeepOtherAccess)) {
                return Ok(Arc::new(answer) as Kept);
            }
            let key = if under_checked { key } else { rekey(answer.epoch, &answer.versions) };
            let bytes = rmp_serde::to_vec_named(answer.value.as_ref()).map_err(Failure::internal)?;
            let kept: Kept = Arc::new(answer);
            this.keep(family, key.clone(), &kept, bytes.len());
            if this.inner.l2.is_some() {
                let this = this.clone();
                let put = async move {
                    if let Some(redis) = &this.inner.l2 {
                        redis.put(&key, &bytes, jittered(family.ttl())).await;
                    }
                };
                tokio::spawn(put.in_current_span());
            }
            Ok(kept)
        };
        fly.instrument(span)
    }

    fn keep(&self, family: Family, key: Key, value: &Kept, weight: usize) {
        // In memory a value takes about twice what it takes on the wire.
        let weight = u32::try_from(weight.saturating_mul(2)).unwrap_or(u32::MAX);
        let metrics = self.inner.metrics.of(family);
        metrics.entries.increment(1.0);
        metrics.bytes.increment(f64::from(weight));
        self.inner.l1.insert(key, Entry { family, value: Arc::clone(value), weight, ttl: jittered(family.ttl()) });
    }

    /// What was made of cached values and need not be made again, of this process only. It may be looked for more than once
    /// before it is made: that it was missing is counted then.
    pub fn local<T: Send + Sync + 'static>(&self, family: Family, key: &Key) -> Option<Arc<T>> {
        if !self.keeps(family) {
            return None;
        }
        let hit = self.inner.l1.get(key).and_then(|entry| entry.value.downcast::<T>().ok());
        if hit.is_some() {
            self.inner.metrics.of(family).l1_hits.increment(1);
        }
        hit
    }

    /// Keeps what [`Values::local`] is to find; its key holds the versions that it was made from.
    pub fn keep_local<T: Send + Sync + 'static>(&self, family: Family, key: Key, value: &Arc<T>, bytes: usize) {
        if self.keeps(family) {
            self.inner.metrics.of(family).misses.increment(1);
            let kept: Kept = Arc::clone(value) as Kept;
            self.keep(family, key, &kept, bytes / 2);
        }
    }

    /// Tells the metrics how the second tier's pool stands right now.
    pub fn measure(&self) {
        if let Some(redis) = &self.inner.l2 {
            redis.measure();
        }
    }

    /// Reads one of so many hits again. Where the primary is still at the same versions, the value must be the same.
    fn sample<T: Value, F: AsyncFill<T>>(&self, family: Family, hit: &Arc<Answer<T>>, fill: &F) {
        let one_of = self.inner.settings.sample;
        if one_of == 0 || !rand::rng().random_ratio(1, one_of) {
            return;
        }
        let (this, hit, again) = (self.clone(), Arc::clone(hit), fill.start());
        tokio::spawn(async move {
            let Ok(again) = again.await else { return };
            let metrics = this.inner.metrics.of(family);
            if (again.epoch, again.versions.as_slice()) != (hit.epoch, &hit.versions[..]) {
                return;
            }
            metrics.sampled.increment(1);
            if again.value != *hit.value {
                metrics.mismatches.increment(1);
                tracing::error!(family = family.name(), versions = ?hit.versions, "a cached value differs from the primary's at the same version");
            }
        });
    }
}

/// Starts a fill, as often as it is asked to: each time a new snapshot.
pub trait AsyncFill<T> {
    fn start(&self) -> futures::future::BoxFuture<'static, Result<Reading<T>>>;
}

impl<T, F> AsyncFill<T> for F
where
    F: Fn() -> futures::future::BoxFuture<'static, Result<Reading<T>>>,
{
    fn start(&self) -> futures::future::BoxFuture<'static, Result<Reading<T>>> {
        self()
    }
}

fn answer<T>(reading: Reading<T>) -> Answer<T> {
    Answer { epoch: reading.epoch, versions: reading.versions.into(), value: Arc::new(reading.value) }
}

enum Compared {
    /// At least as new as what was checked, under the same access rules.
    Covers,
    Behind,
    /// Read under other access rules: what the check allowed may not be allowed there.
    OtherAccess,
}

fn compared<T>(answer: &Answer<T>, want: &Want<'_>) -> Compared {
    if !same_access(answer, want.epoch, want.versions) {
        return Compared::OtherAccess;
    }
    let behind = answer.versions.iter().zip(want.versions).any(|(read, wanted)| read.seq < wanted.seq);
    if behind { Compared::Behind } else { Compared::Covers }
}

/// Whether what was read is what the check allowed to read: the same subjects, under the same access rules.
fn same_access<T>(answer: &Answer<T>, epoch: Epoch, wanted: &[Moved]) -> bool {
    let same = |(read, wanted): (&Moved, &Moved)| (read.subject, read.acl) == (wanted.subject, wanted.acl);
    answer.epoch == epoch && answer.versions.len() == wanted.len() && answer.versions.iter().zip(wanted).all(same)
}

const ACCESS_MOVED: &str = "access_moved";

/// What a fill answers that finds less access than was checked.
pub fn access_moved() -> Failure {
    Failure::new(Kind::Unavailable, ACCESS_MOVED, "access changed while this was read; try again")
}

/// Whether a read came to nothing because access (or the epoch) changed between its check and its fill: it is to begin
/// again with a new check.
pub fn is_access_moved(failure: &Failure) -> bool {
    failure.code() == ACCESS_MOVED
}

/// Ten percent around it: what was filled together must not go together.
fn jittered(ttl: Duration) -> Duration {
    ttl.mul_f64(rand::rng().random_range(0.9..1.1))
}

/// A [`crate::View`] that can travel into a task.
enum OwnedView {
    Roles(Vec<kernel::Role>),
    Of(kernel::UserId),
    Tenant,
}

impl OwnedView {
    fn of(want: &Want<'_>) -> Self {
        match want.view {
            crate::View::Roles(roles) => Self::Roles(roles.to_vec()),
            crate::View::Of(user) => Self::Of(user),
            crate::View::Tenant => Self::Tenant,
        }
    }

    fn as_view(&self) -> crate::View<'_> {
        match self {
            Self::Roles(roles) => crate::View::Roles(roles),
            Self::Of(user) => crate::View::Of(*user),
            Self::Tenant => crate::View::Tenant,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use kernel::{CalendarId, Role, Subject};
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};
    use uuid::Uuid;

    use super::*;
    use crate::View;

    fn at(acl: i64) -> Moved {
        Moved { subject: Subject::Calendar(CalendarId(Uuid::nil())), seq: 1, acl }
    }

    fn reads(acl: i64, value: &str) -> impl Fn() -> BoxFuture<'static, Result<Reading<String>>> {
        move || {
            let value = value.to_owned();
            async move { Ok(Reading { epoch: Epoch(1), versions: vec![at(acl)], value }) }.boxed()
        }
    }

    #[test]
    fn what_is_made_once_was_missing_once_however_often_it_was_looked_for() {
        let recorder = DebuggingRecorder::new();
        let told = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, || {
            let values = Values::new(Settings::default(), "").unwrap();
            let view = View::Roles(&[Role::Reader]);
            let key = Want { family: Family::Body, epoch: Epoch(1), versions: &[at(1)], view, query: b"" }.key();
            for _ in 0..2 {
                assert!(values.local::<String>(Family::Body, &key).is_none());
            }
            values.keep_local(Family::Body, key.clone(), &Arc::new("made".to_owned()), 4);
            assert!(values.local::<String>(Family::Body, &key).is_some());
        });
        let counted = told.snapshot().into_vec();
        let of = |name: &str| -> u64 {
            let body = |key: &metrics::Key| {
                key.name() == name && key.labels().any(|label| (label.key(), label.value()) == ("family", "body"))
            };
            let values = counted.iter().filter(|(key, ..)| body(key.key()));
            values.map(|(.., value)| if let DebugValue::Counter(n) = value { *n } else { 0 }).sum()
        };
        assert_eq!((of("koyomi_cache_misses_total"), of("koyomi_cache_hits_total")), (1, 1));
    }

    #[tokio::test]
    async fn what_was_read_under_other_access_rules_is_found_by_nobody() {
        let values = Values::new(Settings::default(), "").unwrap();
        let (old, new) = ([at(1)], [at(2)]);
        let view = View::Roles(&[Role::Reader]);
        let want = Want { family: Family::Page, epoch: Epoch(1), versions: &old, view, query: b"" };
        // Checked as a reader, who has become somebody else when it is read.
        let refused = values.read(&want, reads(2, "busy")).await.unwrap_err();
        assert!(is_access_moved(&refused));
        let answer = values.read(&Want { versions: &new, ..want }, reads(2, "full")).await.unwrap();
        assert_eq!(answer.value.as_str(), "full");
    }
}
