//! What is not counted as it happens but looked at when somebody asks.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{counter, gauge};
use metrics_process::Collector;
use tokio::runtime::Handle;

use crate::state::App;

static PROCESS: OnceLock<Collector> = OnceLock::new();

/// What says the same for as long as the process lives.
pub(super) fn begin() {
    gauge!("koyomi_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    PROCESS.get_or_init(Collector::default);
}

pub(super) fn measure(app: &App) {
    app.koyomi.store.measure();
    app.koyomi.values.measure();
    app.live.measure();
    #[allow(clippy::cast_precision_loss, reason = "counts up from 1")]
    gauge!("koyomi_database_epoch").set(app.koyomi.store.epoch().0 as f64);
    runtime();
    if let Some(process) = PROCESS.get() {
        process.collect();
    }
}

fn runtime() {
    let runtime = Handle::current().metrics();
    let workers = runtime.num_workers();
    let busy: Duration = (0..workers).map(|n| runtime.worker_total_busy_duration(n)).sum();
    let parks: u64 = (0..workers).map(|n| runtime.worker_park_count(n)).sum();
    let count = |name: &'static str, n: usize| gauge!(name).set(f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
    count("koyomi_runtime_workers", workers);
    count("koyomi_runtime_tasks", runtime.num_alive_tasks());
    count("koyomi_runtime_queued_tasks", runtime.global_queue_depth());
    counter!("koyomi_runtime_busy_seconds_total").absolute(busy.as_secs());
    counter!("koyomi_runtime_parks_total").absolute(parks);
}
