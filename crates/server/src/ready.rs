//! Answers that are made once: the bytes of a body, and their compressed forms, under the versions they are made from.

use std::io::Write;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use cache::{Answer as Read, Consistency, Family, Key, Values};
use chrono::Datelike;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::BoxFuture;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use kernel::{Failure, Moved, Result};
use koyomi::{Opened, Scope};
use serde::Serialize;
use store::{Epoch, Seen};

use crate::error::Answer;
use crate::etag::PRIVATE;
use crate::extract::{Asking, CONSISTENCY, Encoding};
use crate::state::App;

/// Below this nothing is compressed (as in the middleware).
const WORTHWHILE: usize = 1024;
/// Room for so many at once, the common ones included.
const HEADERS: usize = 14;
const JSON: &str = "application/json";

/// What an answer is made into.
pub(crate) struct Shaped<B> {
    pub body: B,
    /// Its own validator, where it has one; else the versions are.
    pub tag: Option<String>,
}

impl<B> Shaped<B> {
    pub(crate) fn by_versions(body: B) -> Self {
        Self { body, tag: None }
    }
}

/// A body that leaves as it is.
#[derive(Debug)]
pub(crate) struct Ready {
    bytes: Bytes,
    /// With quotes.
    tag: String,
    /// What it rests on, for the client to send back.
    token: Option<HeaderValue>,
    gzip: OnceLock<Bytes>,
    zstd: OnceLock<Bytes>,
}

/// Answers a read: from the heads alone when the client has it already, else with the ready-made body, else with one that
/// is made now, of cached data where there are.
///
/// `scope` is what the head check is about, `load` reads the data under it, `shape` makes the body.
pub(crate) async fn answer<'a, T, B>(
    app: &'a App,
    asking: &'a Asking,
    scope: Scope,
    load: impl Fn(Opened) -> BoxFuture<'a, Result<Read<T>>>,
    shape: impl Fn(Read<T>, &Opened) -> Result<Shaped<B>>,
) -> Answer
where
    B: Serialize,
{
    let first = asking.opened.as_deref().cloned();
    let (about, load, shape) = (&scope, &load, &shape);
    let attempt = |opened| attempt(app, asking, about, opened, load, shape);
    Ok(app.koyomi.reading(&asking.asker, about, first, attempt).await?)
}

/// The answer that is there already: none is needed, or it is ready.
pub(crate) fn at_once(app: &App, asking: &Asking, opened: &Opened, question: &[u8]) -> Option<Response> {
    let key = opened.body_key::<()>(question, None);
    if !asking.have.is_absent()
        && let Some(sent) = asking.have.names(&tag_of(opened.epoch, key.fingerprint()))
    {
        return Some(unchanged(sent));
    }
    app.koyomi.values.local::<Ready>(Family::Body, &key).map(|ready| ready.respond(asking, JSON))
}

async fn attempt<'a, T, B>(
    app: &App,
    asking: &Asking,
    scope: &Scope,
    opened: Opened,
    load: &impl Fn(Opened) -> BoxFuture<'a, Result<Read<T>>>,
    shape: &impl Fn(Read<T>, &Opened) -> Result<Shaped<B>>,
) -> Result<Response>
where
    B: Serialize,
{
    let question = question(app, asking);
    if let Some(response) = at_once(app, asking, &opened, &question) {
        app.again.remember(asking, scope);
        return Ok(response);
    }
    let values = &app.koyomi.values;
    let loaded = load(opened.clone()).await?;
    let began = Instant::now();
    let key = opened.body_key(&question, Some(&loaded));
    let (epoch, token) = (loaded.epoch, token_of(loaded.epoch, &loaded.versions));
    let shaped = shape(loaded, &opened)?;
    let bytes = Bytes::from(serde_json::to_vec(&shaped.body).map_err(Failure::internal)?);
    asking.timings.add("render", began.elapsed());
    let tag = shaped.tag.unwrap_or_else(|| tag_of(epoch, key.fingerprint()));
    let ready = Arc::new(Ready { bytes, tag, token, gzip: OnceLock::new(), zstd: OnceLock::new() });
    ready.keep(values, key);
    Ok(ready.respond(asking, JSON))
}

/// What was asked, letter by letter; and the day, since a list without an end ends so many months from today.
pub(crate) fn question(app: &App, asking: &Asking) -> Vec<u8> {
    let target = asking.target.path_and_query().map_or("", |target| target.as_str());
    let day = app.koyomi.store.clock().now().num_days_from_ce();
    let mut question = Vec::with_capacity(target.len() + 4);
    question.extend_from_slice(&day.to_le_bytes());
    question.extend_from_slice(target.as_bytes());
    question
}

pub(crate) fn tag_of(epoch: Epoch, fingerprint: u64) -> String {
    format!("\"{}.{fingerprint:016x}\"", epoch.0)
}

fn token_of(epoch: Epoch, versions: &[Moved]) -> Option<HeaderValue> {
    let seen = Seen { epoch: Some(epoch), versions: versions.to_vec() };
    HeaderValue::try_from(Consistency::of(seen)?.encode()).ok()
}

fn unchanged(tag: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response.headers_mut().insert(CACHE_CONTROL, PRIVATE);
    response
}

impl Ready {
    /// What is named by its key, and rests on these versions.
    pub(crate) fn by_versions(bytes: Bytes, key: &Key, epoch: Epoch, versions: &[Moved]) -> Self {
        let (tag, token) = (tag_of(epoch, key.fingerprint()), token_of(epoch, versions));
        Self { bytes, tag, token, gzip: OnceLock::new(), zstd: OnceLock::new() }
    }

    pub(crate) fn keep(self: &Arc<Self>, values: &Values, key: Key) {
        let size = self.bytes.len();
        values.keep_local(Family::Body, key, self, size + size / 2);
    }

    pub(crate) fn respond(&self, asking: &Asking, content_type: &'static str) -> Response {
        if let Some(sent) = asking.have.has(&self.tag) {
            return unchanged(sent);
        }
        let (bytes, encoding) = self.form(asking.encoding);
        let mut response = Response::new(axum::body::Body::from(bytes));
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(ETAG, tag);
        }
        headers.insert(CACHE_CONTROL, PRIVATE);
        if let Some(token) = &self.token {
            headers.insert(CONSISTENCY, token.clone());
        }
        response
    }

    /// Compressed when it is first wanted so, and kept.
    fn form(&self, wanted: Encoding) -> (Bytes, Option<&'static str>) {
        let (kept, pack, name): (_, Pack, _) = match wanted {
            _ if self.bytes.len() < WORTHWHILE => return (self.bytes.clone(), None),
            Encoding::Identity => return (self.bytes.clone(), None),
            Encoding::Gzip => (&self.gzip, gzip, "gzip"),
            Encoding::Zstd => (&self.zstd, zstd, "zstd"),
        };
        if let Some(packed) = kept.get() {
            return (packed.clone(), Some(name));
        }
        match pack(&self.bytes) {
            Ok(packed) => (kept.get_or_init(|| packed.into()).clone(), Some(name)),
            Err(_) => (self.bytes.clone(), None),
        }
    }
}

type Pack = fn(&[u8]) -> std::io::Result<Vec<u8>>;

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn zstd(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL)
}
