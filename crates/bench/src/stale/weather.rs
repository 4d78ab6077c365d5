//! Which faults were at work when: what they excuse, and what they do not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::links::{self, Part, Trouble};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// SIGSTOP, later SIGCONT.
    StopInstance,
    /// SIGKILL, later started again.
    KillInstance,
    /// SIGKILL of the postmaster; only with `--postgres-control`.
    KillPostgres,
    /// SIGKILL, later started again with what it had on disk; only with `--nats-server`.
    KillNats,
    /// SIGKILL, later started again with nothing in it.
    KillRedis,
    FlushRedis,
    /// Back to what it held a while ago.
    OldRedis,
    /// Values overwritten, cut short, exchanged.
    GarbageRedis,
    /// It takes requests and does not answer.
    PauseRedis,
    /// The connections that listen for the bus are cut.
    CutBus,
    SlowPostgres,
    /// SIGSTOP of one backend for 200 ms; only as root.
    StopBackend,
    /// The database goes back in time and a new epoch begins.
    NewEpoch,
    /// No room left for tables, on a disk of their own; only with `--postgres-control`, which knows `fill_tables` and `free`.
    FullDisk,
    /// The same for the write-ahead log: PostgreSQL ends itself, and is started when there is room.
    FullLog,
    /// One instance's clock is an hour ahead, then an hour behind, then right; only with `--faketime`.
    ClockJump,
    /// The network between the instances and a part.
    Link(Part, Trouble),
}

impl Fault {
    /// But for those of the network, of disks and clocks.
    pub(crate) const PARTS: [Self; 13] = [
        Self::StopInstance,
        Self::KillInstance,
        Self::KillPostgres,
        Self::KillNats,
        Self::KillRedis,
        Self::FlushRedis,
        Self::OldRedis,
        Self::GarbageRedis,
        Self::PauseRedis,
        Self::CutBus,
        Self::SlowPostgres,
        Self::StopBackend,
        Self::NewEpoch,
    ];

    /// All there are.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::PARTS.into_iter().chain([Self::FullDisk, Self::FullLog, Self::ClockJump]).chain(links::faults())
    }

    /// Whether the database does not answer as long as it lasts.
    const fn takes_the_database(self) -> bool {
        matches!(self, Self::KillPostgres | Self::FullLog | Self::Link(Part::Postgres, _))
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::StopInstance => "stop_instance",
            Self::KillInstance => "kill_instance",
            Self::KillPostgres => "kill_postgres",
            Self::KillNats => "kill_nats",
            Self::KillRedis => "kill_redis",
            Self::FlushRedis => "flush_redis",
            Self::OldRedis => "old_redis",
            Self::GarbageRedis => "garbage_redis",
            Self::PauseRedis => "pause_redis",
            Self::CutBus => "cut_bus",
            Self::SlowPostgres => "slow_postgres",
            Self::StopBackend => "stop_backend",
            Self::NewEpoch => "new_epoch",
            Self::FullDisk => "full_disk",
            Self::FullLog => "full_log",
            Self::ClockJump => "clock_jump",
            Self::Link(part, trouble) => links::name(part, trouble),
        }
    }

    /// What it touches: of two faults on the same thing one waits for the other.
    pub(crate) const fn touches(self) -> &'static str {
        match self {
            Self::StopInstance | Self::KillInstance => "instance",
            Self::KillRedis | Self::FlushRedis | Self::OldRedis | Self::GarbageRedis | Self::PauseRedis => "redis",
            Self::CutBus | Self::KillNats => "bus",
            Self::KillPostgres | Self::SlowPostgres | Self::StopBackend => "postgres",
            Self::FullDisk | Self::FullLog => "postgres",
            Self::ClockJump => "clock",
            Self::NewEpoch => "epoch",
            Self::Link(part, _) => part.name(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Episode {
    fault: Fault,
    instance: Option<usize>,
    began: Instant,
    ended: Option<Instant>,
}

/// How long the effects of a fault may outlast it.
const GRACE: Duration = Duration::from_secs(2);
/// The same of a part that was killed, once it is back.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Weather {
    episodes: Mutex<Vec<Episode>>,
}

/// A fault at work; over when dropped.
pub(crate) struct Ongoing {
    weather: Arc<Weather>,
    index: usize,
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        self.weather.episodes.lock().unwrap()[self.index].ended = Some(Instant::now());
    }
}

/// What a request that failed was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Read,
    Write,
}

impl Weather {
    pub(crate) fn begin(self: &Arc<Self>, fault: Fault, instance: Option<usize>) -> Ongoing {
        let mut episodes = self.episodes.lock().unwrap();
        episodes.push(Episode { fault, instance, began: Instant::now(), ended: None });
        Ongoing { weather: Arc::clone(self), index: episodes.len() - 1 }
    }

    fn between(&self, from: Instant, to: Instant) -> Vec<Episode> {
        let episodes = self.episodes.lock().unwrap();
        let grace = |fault: Fault| match fault {
            Fault::FullDisk => RECOVERY,
            fault if fault.takes_the_database() => RECOVERY,
            _ => GRACE,
        };
        let overlaps = |e: &&Episode| e.began <= to && e.ended.is_none_or(|end| end + grace(e.fault) >= from);
        episodes.iter().rev().take(64).filter(overlaps).copied().collect()
    }

    /// Whether a request to `instance` may have failed between `from` and `to`. Redis and the bus are no excuse. Another
    /// instance that stands still is one for a write: it may hold the row's lock.
    pub(crate) fn excuses(&self, asked: Asked, instance: usize, from: Instant, to: Instant) -> bool {
        self.between(from, to).iter().any(|e| match e.fault {
            Fault::SlowPostgres | Fault::StopBackend => true,
            Fault::StopInstance | Fault::KillInstance => e.instance == Some(instance) || asked == Asked::Write,
            // What is there can be read.
            Fault::FullDisk => asked == Asked::Write,
            fault => fault.takes_the_database(),
        })
    }

    /// The faults at work between the two, for people.
    pub(crate) fn names(&self, from: Instant, to: Instant) -> String {
        let mut names: Vec<_> = self.between(from, to).iter().map(|e| e.fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() { "no fault".to_owned() } else { names.join("+") }
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for episode in self.episodes.lock().unwrap().iter() {
            *counts.entry(episode.fault.name()).or_default() += 1;
        }
        counts
    }

    pub(crate) fn happened(&self, fault: Fault) -> bool {
        self.episodes.lock().unwrap().iter().any(|e| e.fault == fault)
    }
}
