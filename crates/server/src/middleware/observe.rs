use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use kernel::{Failure, Kind};
use store::Stats;
use tower::{Layer, Service};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::timing::Timings;
use super::trace::{Names, RequestId};
use super::{compression, headers};
use crate::error::{self, ApiError};
use crate::etag;
use crate::metrics::Routes;
use crate::state::App;

/// How long a request may take until its answer begins. Longer than the database lets a statement run.
const PATIENCE: Duration = Duration::from_secs(35);

/// The outermost layer: whatever happens inside, an answer leaves with its names, its times, and a problem document if
/// it was refused.
#[derive(Debug, Clone)]
pub(crate) struct Observe {
    pub app: App,
    pub routes: Routes,
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Observed<S> {
        Observed { app: self.app.clone(), routes: self.routes.clone(), inner }
    }
}

/// Around all routes, and by hand: a layer of each route, made by `from_fn`, costs each request several allocations more.
#[derive(Debug, Clone)]
pub(crate) struct Observed<S> {
    app: App,
    routes: Routes,
    inner: S,
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let under_way = self.routes.begin(request.method(), request.uri().path());
        let mut names = Names::of(request.headers(), &self.app.request_ids);
        let span = span(&request, &mut names, under_way.route());
        let (stats, timings) = (Arc::new(Stats::of(names.trace())), Timings::default());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        request.extensions_mut().insert(timings.clone());
        request.extensions_mut().insert(RequestId(names.request_id.clone()));
        let wished = compression::wished(request.headers());

        // The one that is ready is used, its clone waits for the next (tower's rule).
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let app = self.app.clone();
        let work = async move {
            if let Some(known) = app.again.find(&request)
                && let Some(response) = known.answer(&app, &mut request).await
            {
                return Ok(response);
            }
            inner.call(request).await
        };
        let counted = Arc::clone(&stats);
        let answer = async move {
            let response = answer(work, &method).await;
            let response = error::render(response, &names, &method, uri.path());
            let mut response = compression::compressed(wished, response).await;
            let total = under_way.end(response.status(), stats.statements());
            finish(&response, &stats, total, &names, &method, uri.path());
            let headers = response.headers_mut();
            headers::common(headers, names, timings.header(&stats, total), &stats);
            headers::by_path(headers, uri.path());
            etag::mark_variant(headers);
            Ok(response)
        };
        let answer = store::counted(counted, answer);
        if span.is_disabled() { answer.boxed() } else { answer.instrument(span).boxed() }
    }
}

/// Panics and lost time become failures like any other.
async fn answer(work: impl Future<Output = Result<Response, Infallible>>, method: &Method) -> Response {
    let guarded = AssertUnwindSafe(work).catch_unwind();
    let failure = match tokio::time::timeout(PATIENCE, guarded).await {
        Ok(Ok(Ok(response))) => return response,
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(panic)) => Failure::internal(format!("panicked: {}", words_of(panic.as_ref()))),
        Err(_) if method.is_safe() => Failure::new(Kind::Unavailable, "timeout", "this took too long and was given up"),
        // A write goes on in its own task.
        Err(_) => Failure::new(
            Kind::OutcomeUnknown,
            "outcome_unknown",
            "this took too long to wait for, and may still happen; read it back, or send it again with the same \
             Idempotency-Key",
        ),
    };
    ApiError::from(failure).into_response()
}

/// Of what is traced; and of all requests where the log is set to `debug`: it costs as much as the rest of a ready answer. What is logged for operators
/// names its request itself.
///
/// Names, never contents: neither the query string (it may hold what somebody searched for) nor any header goes in.
fn span(request: &Request, names: &mut Names, route: &str) -> Span {
    if names.traced {
        let span = tracing::debug_span!(
            target: "koyomi::trace",
            parent: None,
            "request",
            otel.name = format!("{} {route}", request.method()),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = %request.method(),
            http.route = route,
            url.path = request.uri().path(),
            request_id = names.request_id(),
            koyomi.statements = Empty,
            http.response.status_code = Empty,
        );
        names.join(&span);
        return span;
    }
    tracing::debug_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        request_id = names.request_id(),
        traceparent = names.traceparent(),
        user_id = Empty,
        http.response.status_code = Empty,
    )
}

fn finish(response: &Response, stats: &Stats, total: Duration, names: &Names, method: &Method, path: &str) {
    let span = Span::current();
    if !span.is_disabled() {
        // Signed: what is not, becomes text on its way.
        span.record("http.response.status_code", i64::from(response.status().as_u16()));
        span.record("koyomi.statements", i64::from(stats.statements()));
        if response.status().is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }
    let (queries, ms) = (stats.statements(), total.as_secs_f64() * 1000.0);
    if total > Duration::from_secs(1) {
        tracing::warn!(queries, ms, request_id = names.request_id(), %method, path, "slow");
    } else {
        tracing::debug!(queries, ms, "answered");
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_that_says_nothing_of_it() {
        let response = answer(async { panic!("secret words") }, &Method::GET).await;
        let named = http::HeaderMap::from_iter([(super::super::trace::REQUEST_ID, "r-1".parse().unwrap())]);
        let names = Names::of(&named, &kernel::Ids::random(kernel::Clock::System));
        let response = error::render(response, &names, &Method::GET, "/");
        assert_eq!(response.status(), 500);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains(r#""request_id":"r-1""#) && text.contains(r#""code":"internal""#));
        assert!(!text.contains("secret"));
    }
}
