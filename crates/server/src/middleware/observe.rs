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
use kernel::Failure;
use store::Stats;
use tower::{Layer, Service};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::timing::Timings;
use super::trace::{Names, RequestId};
use super::{compression, cors, headers};
use crate::error::{self, ApiError};
use crate::etag;
use crate::guard::Patience;
use crate::metrics::Routes;
use crate::state::App;

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
        let entry = self.app.guard.entry(&request);
        let page = self.app.origins.asking(request.headers(), request.uri().path());
        let preflight = cors::preflight(page.as_ref(), &request);
        let work = async move {
            if let Some(answer) = preflight {
                return Ok(answer);
            }
            if let Some(known) = app.again.find(&request)
                && let Some(response) = known.answer(&app, &mut request).await
            {
                return Ok(response);
            }
            inner.call(request).await
        };
        let counted = Arc::clone(&stats);
        let guarding = self.app.clone();
        let answer = async move {
            let mut charged = None;
            let response = match entry {
                Ok(entry) => {
                    charged = guarding.guard.charge(&entry).await;
                    let admitted = guarding.guard.admit(&entry, charged.as_ref(), work);
                    answer(admitted, entry.patience).await
                }
                Err(refused) => refused.into_response(),
            };
            let response = error::render(response, &names, &method, uri.path());
            let mut response = compression::compressed(wished, response).await;
            let total = under_way.end(response.status(), stats.statements(), names.traced());
            finish(&response, &stats, total, &names, &method, uri.path());
            // Before what was seen is told.
            let page = page.map(|page| (page.whose(&response, &stats), page));
            let headers = response.headers_mut();
            headers::common(headers, names, timings.header(&stats, total), &stats);
            headers::by_path(headers, uri.path());
            if let Some(charged) = charged {
                charged.tell(headers);
            }
            if let Some((whose, page)) = page {
                guarding.origins.tell(page, whose, headers);
            }
            etag::mark_variant(headers);
            Ok(response)
        };
        let answer = store::counted(counted, answer);
        if span.is_disabled() { answer.boxed() } else { answer.instrument(span).boxed() }
    }
}

/// Panics and lost time become failures like any other.
async fn answer(work: impl Future<Output = Result<Response, Infallible>>, patience: Patience) -> Response {
    let guarded = AssertUnwindSafe(store::until(patience.until, work)).catch_unwind();
    let failure = match tokio::time::timeout_at(patience.at_last.into(), guarded).await {
        Ok(Ok(Ok(response))) => return response,
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(panic)) => Failure::internal(format!("panicked: {}", words_of(panic.as_ref()))),
        Err(_) => patience.over(),
    };
    ApiError::from(failure).into_response()
}

/// Of what is traced; and of all requests where the log is set to `debug`: it costs as much as the rest of a ready answer. What is logged for operators
/// names its request itself.
///
/// Names, never contents: neither the query string (it may hold what somebody searched for) nor any header goes in.
fn span(request: &Request, names: &mut Names, route: &str) -> Span {
    if names.traced().is_some() {
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
        let patience = Patience::of_a_read(Duration::from_secs(20));
        let response = answer(async { panic!("secret words") }, patience).await;
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
