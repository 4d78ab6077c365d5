//! Answers that are there already. A question that was answered before rests on certain calendars, each at a version: one
//! head check says whether it still does, and then its bytes leave as they are.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::response::Response;
use bytes::Bytes;
use cache::Family;
use chrono::Datelike;
use http::header::ETAG;
use http::request::Parts;
use kernel::SecretHash;
use koyomi::{Opened, Scope};
use moka::sync::Cache;

use super::media_type::MediaType;
use super::operation::Sent;
use crate::error::ApiError;
use crate::extract::{Asking, IfNoneMatch, timings};
use crate::graphql::grounds::Grounds;
use crate::metrics::Series;
use crate::ready::Ready;
use crate::state::App;

const MOST: u64 = 20_000;
const TTL: Duration = Duration::from_secs(300);

/// A document, what is chosen of it and what is filled into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question([u8; 32]);

impl Question {
    pub(super) fn of(
        text: &str,
        operation: Option<&str>,
        variables: &serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        let mut hasher = blake3::Hasher::new();
        // Lengths first: no two questions run into the same bytes.
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        let name = operation.map_or_else(String::new, |name| format!("={name}"));
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&serde_json::to_vec(variables).unwrap_or_default());
        Self(hasher.finalize().into())
    }
}

/// What questions were about, of each secret. What they came to is kept with the cached values.
pub(in crate::graphql) struct Answers {
    about: Cache<(SecretHash, Question), Arc<About>>,
}

/// What a question was about, and where it counts.
struct About {
    scope: Scope,
    series: Arc<Series>,
}

impl Default for Answers {
    fn default() -> Self {
        Self { about: Cache::builder().max_capacity(MOST).time_to_live(TTL).build() }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("about", &self.about.entry_count()).finish()
    }
}

/// A question that may have been asked before.
pub(super) struct Again {
    question: Question,
    /// A list without an end ends so many months from today.
    day: i32,
    asking: Asking,
    by_get: bool,
}

/// What is known of it.
pub(super) enum Known {
    Ready(Response),
    /// What it was about, as it is now.
    Opened(Opened),
    Nothing,
}

impl Again {
    /// None for nobody, and where nothing is kept.
    pub(super) fn of(app: &App, sent: &Sent, parts: &Parts, by_get: bool) -> Result<Option<Self>, ApiError> {
        let Ok(who) = &sent.who else { return Ok(None) };
        if !app.koyomi.values.keeps(Family::Body) {
            return Ok(None);
        }
        let mut asking = Asking::of(who.secret, &parts.headers, parts.uri.clone(), timings(&parts.extensions))?;
        if !by_get {
            // RFC 9110 §13.1.2: what was posted has no validator.
            asking.have = IfNoneMatch::default();
        }
        let day = app.koyomi.store.clock().now().num_days_from_ce();
        Ok(Some(Self { question: sent.question(), day, asking, by_get }))
    }

    pub(super) async fn answer(&self, app: &App, media_type: MediaType) -> Known {
        let asker = &self.asking.asker;
        let began = Instant::now();
        let Some(about) = app.graphql.answers.about.get(&(asker.secret, self.question)) else { return Known::Nothing };
        // What is wrong with it, whoever answers it will say.
        let Ok(opened) = app.koyomi.enter(asker, &about.scope).await else { return Known::Nothing };
        let key = koyomi::own_key(&opened.caller, opened.epoch, &self.name(), opened.versions());
        match app.koyomi.values.local::<Ready>(Family::Body, &key) {
            Some(ready) => {
                about.series.took(began.elapsed());
                about.series.count(true);
                Known::Ready(self.respond(&ready, media_type))
            }
            None => Known::Opened(opened),
        }
    }

    /// Keeps what it came to, and answers with it.
    pub(super) fn keep(
        &self,
        app: &App,
        grounds: &Grounds,
        series: Arc<Series>,
        body: Vec<u8>,
        media_type: MediaType,
    ) -> Response {
        let versions = grounds.versions();
        let key = grounds.key(&self.name(), &versions);
        let ready = Arc::new(Ready::by_versions(Bytes::from(body), &key, grounds.epoch, &versions));
        ready.keep(&app.koyomi.values, key);
        let about = Arc::new(About { scope: grounds.scope(), series });
        app.graphql.answers.about.insert((self.asking.asker.secret, self.question), about);
        self.respond(&ready, media_type)
    }

    fn respond(&self, ready: &Ready, media_type: MediaType) -> Response {
        let mut response = ready.respond(&self.asking, media_type.name());
        if !self.by_get {
            response.headers_mut().remove(ETAG);
        }
        response
    }

    fn name(&self) -> Vec<u8> {
        [b"graphql".as_slice(), &self.day.to_le_bytes(), &self.question.0].concat()
    }
}
