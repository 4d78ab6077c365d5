//! Requests, per route: how many, how they ended, how long they took, how many statements they cost.
//!
//! Routes are recognised here, before anything else of a request is: an answer that is ready leaves before the router has
//! seen it. Each route keeps its handles, so that a request costs a few atomic additions and no label is made for it.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use matchit::Router;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use store::Trace;

use super::exemplars::{self, Buckets};

/// Whatever is served nowhere: what somebody asked for is no label.
const UNMATCHED: &str = "unmatched";
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
/// The last one: its client went away before the answer was there.
const ENDS: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "gone"];
const GONE: usize = 5;

/// The routes that there are.
#[derive(Clone)]
pub(crate) struct Routes(Arc<Inner>);

struct Inner {
    known: Router<Route>,
    unmatched: Route,
    in_flight: Gauge,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
    }
}

struct Route {
    path: String,
    methods: [OnceLock<Series>; METHODS.len()],
}

struct Series {
    ends: [OnceLock<Counter>; ENDS.len()],
    seconds: Histogram,
    statements: Histogram,
    exemplars: Arc<Buckets>,
}

impl Routes {
    /// Of these paths, as axum writes them.
    pub(crate) fn of(paths: impl IntoIterator<Item = String>) -> Self {
        let mut known = Router::new();
        for path in paths {
            // One that is there already, under another name for its parts, would count for the first.
            if let Err(error) = known.insert(path.clone(), Route::new(path)) {
                tracing::warn!(%error, "a route that is not counted for itself");
            }
        }
        let unmatched = Route::new(UNMATCHED.to_owned());
        Self(Arc::new(Inner { known, unmatched, in_flight: gauge!("koyomi_http_requests_in_flight") }))
    }

    /// A request has come in.
    pub(crate) fn begin(&self, method: &Method, path: &str) -> UnderWay<'_> {
        let route = self.0.known.at(path).map_or(&self.0.unmatched, |found| found.value);
        self.0.in_flight.increment(1.0);
        UnderWay { in_flight: &self.0.in_flight, route, method: index(method), began: Instant::now(), ended: false }
    }
}

fn index(method: &Method) -> usize {
    METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1)
}

impl Route {
    fn new(path: String) -> Self {
        Self { path, methods: Default::default() }
    }

    fn series(&self, method: usize) -> &Series {
        self.methods[method].get_or_init(|| {
            let labels = [("route", self.path.clone()), ("method", METHODS[method].to_owned())];
            Series {
                ends: Default::default(),
                seconds: histogram!(exemplars::NAME, &labels),
                statements: histogram!("koyomi_http_request_statements", &labels),
                exemplars: exemplars::of(&self.path, METHODS[method]),
            }
        })
    }

    fn count(&self, method: usize, end: usize) {
        let counter = self.series(method).ends[end].get_or_init(|| {
            let (route, method, status) = (self.path.clone(), METHODS[method], ENDS[end]);
            counter!("koyomi_http_requests_total", "route" => route, "method" => method, "status" => status)
        });
        counter.increment(1);
    }
}

/// A request between its beginning and its answer.
pub(crate) struct UnderWay<'r> {
    in_flight: &'r Gauge,
    route: &'r Route,
    method: usize,
    began: Instant,
    ended: bool,
}

impl<'r> UnderWay<'r> {
    /// The route's path, never the caller's.
    pub(crate) fn route(&self) -> &'r str {
        &self.route.path
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Its answer is ready to leave. `traced` by this name, if it is.
    pub(crate) fn end(mut self, status: StatusCode, statements: u32, traced: Option<Trace>) -> Duration {
        self.ended = true;
        let took = self.began.elapsed();
        let class = usize::from(status.as_u16() / 100).clamp(1, GONE) - 1;
        self.route.count(self.method, class);
        let series = self.route.series(self.method);
        series.seconds.record(took.as_secs_f64());
        series.statements.record(f64::from(statements));
        if let Some(trace) = traced {
            exemplars::keep(&series.exemplars, took.as_secs_f64(), trace);
        }
        took
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
        if !self.ended {
            self.route.count(self.method, GONE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_for_its_route_and_never_for_its_own_words() {
        let paths = ["/api/events/{event_id}", "/api/events", "/docs/{*file}"].map(str::to_owned);
        let routes = Routes::of(paths);
        let route = |path: &str| routes.begin(&Method::GET, path).route().to_owned();
        assert_eq!(route("/api/events/018f"), "/api/events/{event_id}");
        assert_eq!(route("/api/events"), "/api/events");
        assert_eq!(route("/docs/a/b.js"), "/docs/{*file}");
        for path in ["/", "", "/api/events/", "/api/events/1/2", "/wp-login.php"] {
            assert_eq!(route(path), UNMATCHED, "{path}");
        }
        let made_up = Method::from_bytes(b"BREW").unwrap();
        assert_eq!(METHODS[index(&made_up)], "other");
    }
}
