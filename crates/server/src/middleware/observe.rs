use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Method;
use kernel::Failure;
use store::Stats;
use tower::{Service, ServiceExt};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::timing::Timings;
use super::trace::{Names, RequestId};
use super::{compression, cors, headers};
use crate::error::{self, ApiError};
use crate::etag;
use crate::guard::Patience;
use crate::metrics::{Routes, UnderWay};
use crate::state::App;

/// The outermost layer: whatever happens inside, an answer leaves with its names, its times, and a problem document if
/// it was refused.
///
/// Around all routes, and by hand: a layer of each route, made by `from_fn`, costs each request several allocations more.
#[derive(Debug, Clone)]
pub(crate) struct Observed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: App,
    routes: Routes,
    router: Router,
}

impl Observed {
    pub(crate) fn new(app: App, routes: Routes, router: Router) -> Self {
        Self(Arc::new(Inner { app, routes, router }))
    }
}

impl Service<Request> for Observed {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let inner = Arc::clone(&self.0);
        async move { Ok(inner.pass(request).await) }.boxed()
    }
}

impl Inner {
    /// Futures are pinned where they are made: what is handed on by value is copied each time, and these are large. So
    /// who hangs up has them dropped outside of what is around them: `Drop` knows no current request.
    async fn pass(&self, request: Request) -> Response {
        let under_way = self.routes.begin(request.method(), request.uri().path());
        let mut names = Names::of(request.headers(), &self.app.request_ids);
        let span = span(&request, &mut names, under_way.route());
        let stats = Arc::new(Stats::of(names.trace()));
        // This one in a box: rustc 1.95 fails where it has to compare its whole type with that of the build before.
        let answer = self.observed(request, under_way, names, &stats, &span).boxed();
        let answer = pin!(store::counted(Arc::clone(&stats), answer));
        if span.is_disabled() { answer.await } else { answer.instrument(span.clone()).await }
    }

    async fn observed(
        &self,
        request: Request,
        under_way: UnderWay<'_>,
        names: Names,
        stats: &Stats,
        span: &Span,
    ) -> Response {
        let Self { app, .. } = self;
        let (method, uri, timings) = (request.method().clone(), request.uri().clone(), Timings::default());
        let wished = compression::wished(request.headers());
        let page = app.origins.asking(request.headers(), uri.path());
        let mut charged = None;
        let response = match app.guard.entry(&request, under_way.began()) {
            Ok(entry) => {
                charged = app.guard.charge(&entry).await;
                let work = pin!(async {
                    match cors::preflight(page.as_ref(), &request) {
                        Some(answer) => answer,
                        None => self.work(request, &names, &timings).await,
                    }
                });
                let admitted = pin!(app.guard.admit(&entry, charged.as_ref(), work));
                answer(admitted, entry.patience).await
            }
            Err(refused) => refused.into_response(),
        };
        let response = error::render(response, &names, &method, uri.path());
        let mut response = compression::compressed(wished, response).await;
        let total = under_way.end(response.status(), stats.statements(), names.traced());
        finish(&response, stats, total, &names, &method, uri.path(), span);
        // Before what was seen is told.
        let page = page.map(|page| (page.whose(&response, stats), page));
        let headers = response.headers_mut();
        headers::common(headers, names, timings.header(stats, total), stats);
        headers::by_path(headers, uri.path());
        if let Some(charged) = charged {
            charged.tell(headers);
        }
        if let Some((whose, page)) = page {
            app.origins.tell(page, whose, headers);
        }
        etag::mark_variant(headers);
        response
    }

    async fn work(&self, mut request: Request, names: &Names, timings: &Timings) -> Response {
        if let Some(known) = self.app.again.find(&request)
            && let Some(response) = known.answer(&self.app, &mut request, timings).await
        {
            return response;
        }
        let extensions = request.extensions_mut();
        extensions.insert(timings.clone());
        extensions.insert(RequestId(names.request_id.clone()));
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Panics and lost time become failures like any other.
async fn answer(work: impl Future<Output = Response>, patience: Patience) -> Response {
    let work = pin!(store::until(patience.until, work));
    let mut guarded = pin!(AssertUnwindSafe(work).catch_unwind());
    let ended = match futures::poll!(guarded.as_mut()) {
        // What is ready needs no timer.
        Poll::Ready(ended) => Ok(ended),
        Poll::Pending => tokio::time::timeout_at(patience.at_last.into(), guarded).await,
    };
    let failure = match ended {
        Ok(Ok(response)) => return response,
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

fn finish(
    response: &Response,
    stats: &Stats,
    total: Duration,
    names: &Names,
    method: &Method,
    path: &str,
    span: &Span,
) {
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
