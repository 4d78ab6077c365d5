//! One request and what came of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{ETAG, HeaderMap, HeaderName, IF_NONE_MATCH};
use serde_json::Value;

use crate::servers::Instance;

pub(crate) const CONSISTENCY: HeaderName = HeaderName::from_static("koyomi-consistency");

/// What a header `Koyomi-Consistency` said: opaque.
pub(crate) type Token = Arc<str>;

/// Two of them: one that decodes gzip, one that asks for none.
#[derive(Clone)]
pub(crate) struct Http {
    pub plain: reqwest::Client,
    pub gzip: reqwest::Client,
}

impl Http {
    pub(crate) fn new() -> Self {
        let builder = || reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { plain: builder().no_gzip().build().unwrap(), gzip: builder().build().unwrap() }
    }
}

pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// When the request began and when its answer was here.
    pub began: Instant,
    pub ended: Instant,
}

impl Answer {
    pub(crate) fn token(&self) -> Option<Token> {
        Some(self.headers.get(CONSISTENCY)?.to_str().ok()?.into())
    }

    pub(crate) fn etag(&self) -> Option<String> {
        Some(self.headers.get(ETAG)?.to_str().ok()?.to_owned())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Of a refusal.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("-").to_owned()
    }

    pub(crate) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no answer.
pub(crate) enum Lost {
    Timeout,
    Broken(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

pub(crate) struct Ask<'a> {
    pub method: Method,
    pub path: &'a str,
    pub bearer: &'a str,
    pub body: Option<Value>,
    pub idempotency_key: Option<&'a str>,
    pub consistency: Option<&'a str>,
    pub have: Option<&'a str>,
    pub gzip: bool,
    pub timeout: Duration,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: &'a str, bearer: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            bearer,
            body: None,
            idempotency_key: None,
            consistency: None,
            have: None,
            gzip: false,
            timeout: Duration::from_secs(8),
        }
    }

    /// A write waits for its answer: given up, it might still happen after the next one.
    pub(crate) fn write(method: Method, path: &'a str, bearer: &'a str, body: Option<Value>) -> Self {
        Self { method, body, timeout: Duration::from_secs(90), ..Self::get(path, bearer) }
    }

    pub(crate) async fn send(self, http: &Http, to: &Instance) -> Result<Answer, Lost> {
        let client = if self.gzip { &http.gzip } else { &http.plain };
        let mut request = client
            .request(self.method, format!("{}{}", to.base, self.path))
            .bearer_auth(self.bearer)
            .timeout(self.timeout);
        if let Some(body) = self.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        for (name, value) in [
            (HeaderName::from_static("idempotency-key"), self.idempotency_key),
            (CONSISTENCY, self.consistency),
            (IF_NONE_MATCH, self.have),
        ] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let began = Instant::now();
        to.waiting.fetch_add(1, Ordering::Relaxed);
        let answer = Self::read(request, began).await;
        to.waiting.fetch_sub(1, Ordering::Relaxed);
        answer.map_err(|error| if error.is_timeout() { Lost::Timeout } else { Lost::Broken(chain(&error)) })
    }

    async fn read(request: reqwest::RequestBuilder, began: Instant) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        Ok(Answer { status, headers, body, began, ended: Instant::now() })
    }
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
