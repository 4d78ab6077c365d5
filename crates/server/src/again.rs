//! Questions that are asked again and again, recognised before anything of them is parsed: who shows the same header and
//! asks for the same path and query asks the same. What that is *about* is remembered here and nothing else: the head check
//! is made each time, and decides.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use foldhash::fast::RandomState;
use http::header::AUTHORIZATION;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method};
use kernel::SecretHash;
use koyomi::Scope;
use moka::sync::Cache;

use crate::extract::Asking;
use crate::middleware::Timings;
use crate::ready;
use crate::state::App;

const MOST: u64 = 20_000;
/// Headers with secrets in them are not kept for longer.
const TTL: Duration = Duration::from_secs(300);

pub(crate) struct Again {
    hasher: RandomState,
    known: Cache<u64, Arc<Known>, RandomState>,
}

pub(crate) struct Known {
    bearer: HeaderValue,
    target: PathAndQuery,
    secret: SecretHash,
    scope: Scope,
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("known", &self.known.entry_count()).finish_non_exhaustive()
    }
}

impl Default for Again {
    fn default() -> Self {
        let known = Cache::builder().max_capacity(MOST).time_to_live(TTL).build_with_hasher(RandomState::default());
        Self { hasher: RandomState::default(), known }
    }
}

impl Again {
    pub(crate) fn remember(&self, asking: &Asking, scope: &Scope) {
        let (Some(bearer), Some(target)) = (&asking.bearer, asking.target.path_and_query()) else { return };
        let known =
            Known { bearer: bearer.clone(), target: target.clone(), secret: asking.asker.secret, scope: scope.clone() };
        self.known.insert(self.name(bearer, target), Arc::new(known));
    }

    /// All of it is compared: the number only finds it.
    pub(crate) fn find(&self, request: &Request) -> Option<Arc<Known>> {
        let (bearer, target) = (request.headers().get(AUTHORIZATION)?, request.uri().path_and_query()?);
        if request.method() != Method::GET {
            return None;
        }
        let known = self.known.get(&self.name(bearer, target))?;
        (known.bearer == *bearer && known.target == *target).then_some(known)
    }

    fn name(&self, bearer: &HeaderValue, target: &PathAndQuery) -> u64 {
        self.hasher.hash_one((bearer.as_bytes(), target.as_str()))
    }
}

impl Known {
    /// The answer, if it is there already. If not, the request goes the long way, and takes its head check along.
    pub(crate) async fn answer(&self, app: &App, request: &mut Request, timings: &Timings) -> Option<Response> {
        let asking = Asking::of(self.secret, request.headers(), request.uri().clone(), timings.clone()).ok()?;
        let opened = app.koyomi.enter(&asking.asker, &self.scope).await.ok()?;
        let answer = ready::at_once(app, &asking, &opened, &ready::question(app, &asking));
        if answer.is_none() {
            request.extensions_mut().insert(Arc::new(opened));
        }
        answer
    }
}
