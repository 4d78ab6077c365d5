//! What `/metrics` tells: in the text format of Prometheus, or as OpenMetrics, with exemplars, to who asks for that. Which
//! names there are, of what type and with what words, stands in docs/METRICS.md, and is read from there.

mod catalogue;
mod exemplars;
mod graphql;
mod http;
mod jobs;
mod openmetrics;
mod sampled;

use std::sync::OnceLock;

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use ::http::{HeaderMap, HeaderValue};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::state::App;

pub(crate) use self::graphql::{Operations, Series};
pub(crate) use self::http::{Routes, UnderWay};
pub(crate) use self::jobs::Job;

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The objectives (20, 50, 200 and 500 ms) are bounds of their own.
const SECONDS: [f64; 17] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const REQUESTS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
/// Five is what a request may cost.
const STATEMENTS: [f64; 10] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 24.0];

/// One recorder for the process, whoever asks first.
pub(crate) fn install() {
    HANDLE.get_or_init(|| {
        let handle = recorder().inspect_err(|error| tracing::warn!(%error, "no metrics")).ok();
        catalogue::describe();
        sampled::begin();
        handle
    });
}

fn recorder() -> Result<PrometheusHandle, BuildError> {
    let buckets = |suffix: &str| Matcher::Suffix(suffix.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(buckets("_seconds"), &SECONDS)?
        .set_buckets_for_metric(buckets("_requests"), &REQUESTS)?
        .set_buckets_for_metric(buckets("_statements"), &STATEMENTS)?
        .install_recorder()
}

/// Sums up what has been recorded since the last time; to be called every few seconds.
pub(crate) fn upkeep() {
    if let Some(Some(handle)) = HANDLE.get() {
        handle.run_upkeep();
    }
}

pub(crate) async fn show(State(app): State<App>, headers: HeaderMap) -> Response {
    sampled::measure(&app);
    let text = HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default();
    let (content_type, text) = if openmetrics::is_wanted(&headers) {
        (openmetrics::CONTENT_TYPE, openmetrics::of(&text, &exemplars::all()))
    } else {
        ("text/plain; version=0.0.4; charset=utf-8", text)
    };
    let content_type = HeaderValue::from_static(content_type);
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, HeaderValue::from_static("no-store"))], text).into_response()
}
