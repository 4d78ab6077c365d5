use std::time::Duration;

use kernel::{Clock, Ids};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use super::sampling::{self, Decided};

/// How long one delivery may take. What cannot be delivered is dropped: nothing waits for a collector.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where traces begin, by the target of their span.
const ROOT: &str = "koyomi::trace";
const OURS: [&str; 11] =
    ["attendees", "bus", "cache", "events", "koyomi", "recurrence", "resources", "server", "store", "users", "ical"];

/// Spans on their way to a collector.
#[derive(Debug)]
pub(crate) struct Exporting(SdkTracerProvider);

impl Exporting {
    /// To the collector at `endpoint`, `http://host:4318`, by OTLP over HTTP. From outside of a runtime: deliveries have a
    /// thread of their own.
    pub(super) fn to(endpoint: &str, share: f64) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| anyhow::anyhow!("KOYOMI_OTLP_ENDPOINT: {error}"))?;
        let instance: Uuid = Ids::random(Clock::System).mint();
        let resource = Resource::builder()
            .with_service_name("koyomi")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", instance.to_string()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Decided(Sampler::TraceIdRatioBased(share)))
            .with_resource(resource)
            .build();
        sampling::start(share);
        Ok(Self(provider))
    }

    /// What turns our spans into those of OpenTelemetry: of what is traced, and nothing else. A span that begins no trace
    /// and has none above it belongs to a request that was not taken.
    pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let spans = dynamic_filter_fn(|meta, context| {
            is_ours(meta) && (meta.target() == ROOT || context.lookup_current().is_some())
        });
        let spans = spans.with_max_level_hint(LevelFilter::DEBUG);
        let spans =
            spans.with_callsite_filter(|meta| if is_ours(meta) { Interest::sometimes() } else { Interest::never() });
        let layer = tracing_opentelemetry::layer().with_tracer(self.0.tracer("koyomi"));
        layer.with_location(false).with_threads(false).with_target(false).with_filter(spans)
    }

    /// Delivers what is left.
    pub(crate) fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last traces could not be delivered");
        }
    }
}

fn is_ours(meta: &Metadata<'_>) -> bool {
    let of = meta.target().split("::").next().unwrap_or_default();
    meta.is_span() && OURS.contains(&of)
}
