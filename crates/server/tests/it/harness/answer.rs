use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back, read to its end.
pub struct Answer {
    /// `GET /api/me`, for messages.
    what: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) async fn read(what: String, response: reqwest::Response) -> Self {
        Self {
            what,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    /// The JSON of a 2xx answer; null where it has no body.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}", self.told());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// As [`Answer::ok`], for exactly this status.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.told());
        self
    }

    /// The problem document of a refusal, whose form is checked on the way.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.told());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.told());
        let problem = self.json();
        assert_eq!(problem["code"], code, "{}", self.told());
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        problem
    }

    /// The pointers of a refusal's `errors`.
    #[track_caller]
    pub fn pointers(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {}", self.told()));
        errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.told()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        let tag = self.header("etag");
        assert!(!tag.is_empty(), "no ETag in {}", self.told());
        tag.to_owned()
    }

    /// How many SQL statements the request cost.
    #[track_caller]
    pub fn statements(&self) -> u32 {
        let timing = self.header("server-timing");
        timing
            .split_once("queries=")
            .and_then(|(_, rest)| rest.split('"').next()?.parse().ok())
            .unwrap_or_else(|| panic!("no queries in {timing:?}"))
    }

    fn told(&self) -> String {
        format!("{}: {} {:?}\n{}", self.what, self.status, self.headers, self.text())
    }
}
