//! Which traces stand for the times that were counted: of each bucket of a route's histogram the last request that is
//! traced. What is not traced costs nothing here.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use kernel::Clock;
use store::Trace;

use super::SECONDS;

/// The histogram that has them.
pub(super) const NAME: &str = "koyomi_http_request_duration_seconds";

/// Of one route and method.
pub(super) type Buckets = [Mutex<Option<Exemplar>>; SECONDS.len() + 1];
type Known = HashMap<(String, &'static str), Arc<Buckets>>;

/// As the recorder: one for the process.
static KNOWN: OnceLock<Mutex<Known>> = OnceLock::new();

#[derive(Debug, Clone, Copy)]
pub(super) struct Exemplar {
    trace: Trace,
    seconds: f64,
    at: DateTime<Utc>,
}

/// As OpenMetrics writes it behind a sample.
impl Display for Exemplar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, millis) = (self.trace.as_str(), self.at.timestamp_millis());
        write!(f, "# {{trace_id=\"{trace}\"}} {} {}.{:03}", self.seconds, millis / 1000, millis % 1000)
    }
}

/// Where a route keeps its own.
pub(super) fn of(route: &str, method: &'static str) -> Arc<Buckets> {
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(known.entry((route.to_owned(), method)).or_default())
}

/// A traced request took so long.
pub(super) fn keep(buckets: &Buckets, seconds: f64, trace: Trace) {
    // The machine's clock, as Prometheus' own.
    let exemplar = Exemplar { trace, seconds, at: Clock::System.now() };
    let bucket = SECONDS.iter().position(|bound| seconds <= *bound).unwrap_or(SECONDS.len());
    *buckets[bucket].lock().unwrap_or_else(PoisonError::into_inner) = Some(exemplar);
}

/// All there are, by the sample that each stands behind.
pub(super) fn all() -> HashMap<String, Exemplar> {
    let known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = HashMap::new();
    for ((route, method), buckets) in &*known {
        for (n, bucket) in buckets.iter().enumerate() {
            if let Some(exemplar) = *bucket.lock().unwrap_or_else(PoisonError::into_inner) {
                let le = SECONDS.get(n).map_or_else(|| "+Inf".to_owned(), f64::to_string);
                all.insert(format!("{NAME}_bucket{{route=\"{route}\",method=\"{method}\",le=\"{le}\"}}"), exemplar);
            }
        }
    }
    all
}
