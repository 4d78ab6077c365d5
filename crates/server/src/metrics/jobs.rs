use std::time::Instant;

use kernel::{Clock, Result};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tracing::{Instrument, debug_span};

/// What runs now and then, without anybody asking.
#[derive(Debug)]
pub(crate) struct Job {
    name: &'static str,
    ok: Counter,
    failed: Counter,
    seconds: Histogram,
    last: Gauge,
}

impl Job {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            ok: counter!("koyomi_job_runs_total", "task" => name, "outcome" => "ok"),
            failed: counter!("koyomi_job_runs_total", "task" => name, "outcome" => "failed"),
            seconds: histogram!("koyomi_job_duration_seconds", "task" => name),
            last: gauge!("koyomi_job_last_success_timestamp_seconds", "task" => name),
        }
    }

    pub(crate) async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        // Where a trace begins.
        let span = debug_span!(target: "koyomi::trace", parent: None, "job", otel.name = self.name);
        let result = work.instrument(span).await;
        self.seconds.record(began.elapsed().as_secs_f64());
        match &result {
            Ok(_) => {
                self.ok.increment(1);
                // The machine's clock, as Prometheus' own.
                #[allow(clippy::cast_precision_loss, reason = "exact for centuries")]
                self.last.set(Clock::System.now().timestamp_millis() as f64 / 1000.0);
            }
            Err(_) => self.failed.increment(1),
        }
        result
    }
}
