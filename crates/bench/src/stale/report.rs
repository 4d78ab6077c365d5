//! What was seen, counted and told.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::weather::Weather;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Older than what was acknowledged.
    Stale,
    /// Shown to somebody who may not see it, lost, mixed up, refused without reason.
    Violation,
    /// An error that nothing excuses.
    Error,
}

#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub class: Class,
    pub text: String,
    /// How far the storm was.
    pub reads: u64,
    pub after: Duration,
}

#[derive(Debug)]
pub(crate) struct Tally {
    pub began: Instant,
    pub reads: AtomicU64,
    /// Of the reads: answered 304, sent with a token, with gzip.
    pub not_modified: AtomicU64,
    pub with_token: AtomicU64,
    /// Tokens of an epoch that was over.
    pub gone: AtomicU64,
    pub writes: AtomicU64,
    pub revocations: AtomicU64,
    pub rollbacks: AtomicU64,
    /// SQL statements of all reads together, as the server counts them.
    pub statements: AtomicU64,
    routes: Mutex<BTreeMap<&'static str, u64>>,
    /// By fault: how long it took until every instance answered again, once the part was back.
    recoveries: Mutex<BTreeMap<&'static str, Vec<Duration>>>,
    tolerated: Mutex<BTreeMap<String, u64>>,
    counts: [AtomicU64; 3],
    findings: Mutex<Vec<Finding>>,
}

/// So many findings are told in full; all are counted.
const TOLD: usize = 12;

impl Tally {
    pub(crate) fn new() -> Self {
        let zero = AtomicU64::default;
        Self {
            began: Instant::now(),
            reads: zero(),
            not_modified: zero(),
            with_token: zero(),
            gone: zero(),
            writes: zero(),
            revocations: zero(),
            rollbacks: zero(),
            statements: zero(),
            routes: Mutex::default(),
            recoveries: Mutex::default(),
            tolerated: Mutex::default(),
            counts: Default::default(),
            findings: Mutex::default(),
        }
    }

    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, route: &'static str) {
        Self::add(&self.reads);
        *self.routes.lock().unwrap().entry(route).or_default() += 1;
    }

    pub(crate) fn recovered(&self, fault: &'static str, after: Duration) {
        self.recoveries.lock().unwrap().entry(fault).or_default().push(after);
    }

    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// An error that a fault excuses.
    pub(crate) fn tolerate(&self, what: String) {
        *self.tolerated.lock().unwrap().entry(what).or_default() += 1;
    }

    /// How many writes were refused while this fault was at work.
    pub(crate) fn refused(&self, fault: &str) -> u64 {
        let tolerated = self.tolerated.lock().unwrap();
        tolerated.iter().filter(|(what, _)| what.starts_with("Write") && what.contains(fault)).map(|(_, n)| n).sum()
    }

    pub(crate) fn find(&self, class: Class, text: String) {
        Self::add(&self.counts[class as usize]);
        let mut findings = self.findings.lock().unwrap();
        if findings.len() < TOLD {
            let after = self.began.elapsed();
            eprintln!("\n{class:?} after {:.1} s: {text}", after.as_secs_f64());
            findings.push(Finding { class, text, reads: self.reads(), after });
        }
    }

    pub(crate) fn count(&self, class: Class) -> u64 {
        self.counts[class as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn found(&self) -> u64 {
        self.counts.iter().map(|c| c.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn first(&self, matters: impl Fn(&Finding) -> bool) -> Option<Finding> {
        self.findings.lock().unwrap().iter().find(|f| matters(f)).cloned()
    }

    pub(crate) fn print(&self, weather: &Weather, time: Duration, l2_keys: Option<i64>) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let reads = get(&self.reads);
        let per_read = get(&self.statements) as f64 / reads.max(1) as f64;
        println!("\n{:<34}{:>12}", "reads", reads);
        for (route, count) in self.routes.lock().unwrap().iter() {
            println!("  {:<32}{:>12}", format!("GET {route}"), count);
        }
        println!("{:<34}{:>12}", "  answered 304", get(&self.not_modified));
        println!("{:<34}{:>12}", "  with a consistency token", get(&self.with_token));
        println!("{:<34}{:>12}", "  token of an old epoch (410)", get(&self.gone));
        println!("{:<34}{:>12.2}", "  SQL statements per read", per_read);
        println!("{:<34}{:>12}", "writes acknowledged", get(&self.writes));
        println!("{:<34}{:>12}", "revocations", get(&self.revocations));
        println!("{:<34}{:>12}", "rollbacks with a new epoch", get(&self.rollbacks));
        if let Some(keys) = l2_keys {
            println!("{:<34}{keys:>12}", "keys in Redis at the end");
        }
        println!("faults");
        for (fault, count) in weather.counts() {
            println!("  {fault:<32}{count:>12}");
        }
        for (fault, times) in self.recoveries.lock().unwrap().iter_mut() {
            times.sort_unstable();
            let at = |of: usize| times[(times.len() - 1) * of / 100].as_secs_f64();
            println!("  {:<32}{:>12.2} s, at most {:.2} s", format!("{fault}: well again in"), at(50), at(100));
        }
        println!("errors that a fault excuses");
        for (what, count) in self.tolerated.lock().unwrap().iter() {
            println!("  {count:>8}  {what}");
        }
        println!("{:<34}{:>10.1} s", "time", time.as_secs_f64());
        println!("{:<34}{:>12.0}", "reads per second", reads as f64 / time.as_secs_f64());
        println!("{:<34}{:>12}", "STALE", self.count(Class::Stale));
        println!("{:<34}{:>12}", "VIOLATIONS", self.count(Class::Violation));
        println!("{:<34}{:>12}", "ERRORS", self.count(Class::Error));
    }
}
