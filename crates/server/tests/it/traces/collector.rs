//! Who receives traces: OTLP over HTTP, protobuf.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    pub trace: String,
    pub id: String,
    /// Empty where it is the first.
    pub parent: String,
    pub name: String,
    /// The spans that it is linked with.
    pub links: Vec<String>,
    attributes: Vec<(String, Value)>,
}

impl Span {
    pub(super) fn text(&self, name: &str) -> &str {
        match self.attributes.iter().find(|(of, _)| of == name) {
            Some((_, Value::StringValue(text))) => text,
            _ => "",
        }
    }

    pub(super) fn number(&self, name: &str) -> i64 {
        match self.attributes.iter().find(|(of, _)| of == name) {
            Some((_, Value::IntValue(number))) => *number,
            other => panic!("{name} of {} is {other:?}", self.name),
        }
    }
}

type Spans = Arc<Mutex<Vec<Span>>>;

pub(super) struct Collector {
    pub base: String,
    spans: Spans,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let spans = Spans::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { base, spans }
    }

    pub(super) fn all(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }

    pub(super) fn of_trace(&self, trace: &str) -> Vec<Span> {
        self.all().into_iter().filter(|span| span.trace == trace).collect()
    }

    /// Those of requests, and whatever hangs below them.
    pub(super) fn requests(&self) -> Vec<Span> {
        let all = self.all();
        let own = |span: &&Span| span.parent.is_empty() && span.text("http.route").is_empty();
        let jobs: Vec<String> = all.iter().filter(own).map(|span| span.trace.clone()).collect();
        all.into_iter().filter(|span| !jobs.contains(&span.trace)).collect()
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.unwrap();
        assert!(resource.attributes.iter().any(|attribute| attribute.key == "service.name"));
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let attributes = span.attributes.into_iter().filter_map(|a| Some((a.key, a.value?.value?))).collect();
            spans.lock().unwrap().push(Span {
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
                attributes,
            });
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
