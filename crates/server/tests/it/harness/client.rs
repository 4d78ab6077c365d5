use std::ops::Deref;
use std::sync::{Arc, Mutex};

use kernel::UserId;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::Answer;

const CONSISTENCY: &str = "koyomi-consistency";

/// Somebody who sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
    seen: Option<Arc<Mutex<Option<String>>>>,
}

/// A user and what he signs in with; asks like a [`Client`].
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub name: String,
    /// Of an API token.
    pub token: String,
    client: Client,
}

impl Person {
    pub(super) fn new(user: users::User, token: &str, client: Client) -> Self {
        Self { id: user.id, email: user.email, name: user.name, token: token.to_owned(), client }
    }
}

impl Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    pub(super) fn new(http: reqwest::Client, base: &str, seen: Option<Arc<Mutex<Option<String>>>>) -> Self {
        Self { http, base: base.to_owned(), headers: HeaderMap::new(), seen }
    }

    /// As this one, with one more header on every request: `mio.with("if-match", &tag).patch(…)`.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut next = self.clone();
        let name: HeaderName = name.parse().unwrap();
        next.headers.insert(name, HeaderValue::from_str(value).unwrap());
        next
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// A POST without a body.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(Method::POST, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Any method, and any text for a body, which goes as JSON unless a header says otherwise.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let what = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            if !self.headers.contains_key("content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body);
        }
        if let Some(token) = self.seen.as_ref().and_then(|seen| seen.lock().unwrap().clone()) {
            request = request.header(CONSISTENCY, token);
        }
        let response = request.headers(self.headers.clone()).send().await;
        let answer = Answer::read(what, response.unwrap()).await;
        if let Some(seen) = self.seen.as_ref().filter(|_| !answer.header(CONSISTENCY).is_empty()) {
            *seen.lock().unwrap() = Some(answer.header(CONSISTENCY).to_owned());
        }
        answer
    }
}

/// Shows what the server sent: follows nothing, decodes nothing.
pub(super) fn http() -> reqwest::Client {
    reqwest::Client::builder().no_gzip().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
