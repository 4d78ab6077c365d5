//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>).

use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};
use async_graphql::{Request, Response, ServerError, Variables};
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use kernel::{Failure, Kind};
use koyomi::Asker;
use serde::Deserialize;

use super::asked::{Asked, Calendars, Resources, Users};
use super::error::describe;
use super::limits::Limits;
use crate::error::{Answer, ApiError, GRAPHQL, log, status};
use crate::etag::PRIVATE;
use crate::extract::asker;
use crate::middleware::RequestId;
use crate::state::App;

/// What the client takes: the one says by its status what became of the request, the other is older than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MediaType {
    GraphqlResponse,
    Json,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asking {
    query: String,
    operation_name: Option<String>,
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    /// For what is agreed upon besides; nothing yet.
    #[serde(rename = "extensions")]
    _extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

pub(super) async fn by_post(State(app): State<App>, parts: Parts, body: Bytes) -> Answer {
    let media_type = MediaType::of(&parts.headers)?;
    if !is_json(&parts.headers) {
        let message = "the body must be JSON, with the header Content-Type: application/json";
        return Err(Failure::new(Kind::UnsupportedMediaType, "unsupported_media_type", message).into());
    }
    let limits = Limits::default();
    if body.len() > limits.bytes {
        return Err(too_large("the body", body.len(), limits.bytes).into());
    }
    let asking: Asking = serde_json::from_slice(&body)
        .map_err(|error| Failure::malformed("", format!("is no GraphQL request: {error}")))?;
    Ok(answer(app, &parts, asking, media_type, false).await)
}

pub(super) async fn by_get(State(app): State<App>, parts: Parts, RawQuery(query): RawQuery) -> Answer {
    let media_type = MediaType::of(&parts.headers)?;
    let query = query.unwrap_or_default();
    let given = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let variables = given("variables").filter(|text| !text.is_empty());
    let variables = variables.map(|text| serde_json::from_str(&text)).transpose();
    let asking = Asking {
        query: given("query").ok_or_else(|| Failure::malformed("?query", "must be a GraphQL document"))?,
        operation_name: given("operationName").filter(|text| !text.is_empty()),
        variables: variables.map_err(|_| Failure::malformed("?variables", "must be a JSON object"))?,
        _extensions: None,
    };
    Ok(answer(app, &parts, asking, media_type, true).await)
}

async fn answer(
    app: App,
    parts: &Parts,
    asking: Asking,
    media_type: MediaType,
    by_get: bool,
) -> axum::response::Response {
    let variables = asking.variables.unwrap_or_default();
    let mut request = Request::new(asking.query).variables(Variables::from_json(variables.into()));
    request.operation_name = asking.operation_name;
    let name = request.operation_name.clone();
    let current = match request.parsed_query() {
        Err(error) => return media_type.refusal(Response::from_errors(vec![error])),
        Ok(document) => {
            let changes = !is_query(document, name.as_deref());
            if by_get && changes {
                let message = "only queries may be sent by GET; send this by POST";
                return ApiError::method_not_allowed(message).into_response();
            }
            if let Err(failure) = within_limits(document, &Limits::default()) {
                return media_type.refusal(refusal(&failure));
            }
            changes
        }
    };
    let who = asker(parts).map(|who| Asker { current, ..who }).map_err(Failure::from);
    let asked = Arc::new(Asked::new(app.clone(), who));
    let request = request.data(Users::of(&asked)).data(Resources::of(&asked)).data(Calendars::of(&asked)).data(asked);
    let mut response = app.graphql.0.execute(request).await;
    let request_id = parts.extensions.get::<RequestId>();
    response.errors = response.errors.into_iter().map(|error| told(error, request_id)).collect();
    media_type.respond(response)
}

/// As it leaves: with a code, and with what finds it in the log.
fn told(error: ServerError, request_id: Option<&RequestId>) -> ServerError {
    let mut error = with_code(error);
    let request_id = request_id.map(RequestId::as_str).unwrap_or_default();
    if let Some(failure) = error.source::<Failure>() {
        log(status(failure.kind()), failure, request_id, &Method::POST, "/graphql");
        error.extensions.get_or_insert_default().set("requestId", request_id);
    }
    error
}

fn refusal(failure: &Failure) -> Response {
    let mut error = ServerError::new(failure.message(), None);
    describe(failure, error.extensions.get_or_insert_default());
    Response::from_errors(vec![error])
}

fn too_large(what: &str, is: usize, limit: usize) -> Failure {
    Failure::new(Kind::TooLarge, "query_too_large", format!("{what} has {is} bytes, at most {limit} are allowed"))
}

/// What is cheap to count before anything is validated.
fn within_limits(document: &ExecutableDocument, limits: &Limits) -> kernel::Result<()> {
    let mut counted = Counted::default();
    for (_, operation) in document.operations.iter() {
        counted.add(&operation.node.selection_set.node);
    }
    for fragment in document.fragments.values() {
        counted.add(&fragment.node.selection_set.node);
    }
    for (what, is, limit) in
        [("aliases", counted.aliases, limits.aliases), ("selections", counted.selections, limits.selections)]
    {
        if is > limit {
            let message = format!("the document has {is} {what}, at most {limit} are allowed");
            return Err(Failure::new(Kind::Malformed, "query_too_complex", message));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Counted {
    aliases: usize,
    selections: usize,
}

impl Counted {
    fn add(&mut self, set: &SelectionSet) {
        for selection in &set.items {
            self.selections += 1;
            match &selection.node {
                Selection::Field(field) => {
                    self.aliases += usize::from(field.node.alias.is_some());
                    self.add(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.add(&fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
}

fn is_query(document: &ExecutableDocument, name: Option<&str>) -> bool {
    document
        .operations
        .iter()
        .filter(|(of, _)| name.is_none_or(|name| of.is_some_and(|of| of == name)))
        .all(|(_, operation)| operation.node.ty == OperationType::Query)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let mut parts = text.split(';');
    let json = parts.next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let charset =
        parts.find_map(|parameter| parameter.trim().to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    json && charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8")
}

impl MediaType {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(accept) = headers.get(ACCEPT) else { return Ok(Self::Json) };
        let mut best: Option<(f32, Self)> = None;
        for range in accept.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = match parts.next().unwrap_or_default() {
                GRAPHQL => Self::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Self::Json,
                _ => continue,
            };
            let weight = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.parse().ok()).unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(than, _)| weight > than) {
                best = Some((weight, kind));
            }
        }
        best.map(|(_, kind)| kind).ok_or_else(|| {
            let message = "an answer is application/graphql-response+json or application/json; accept one of them";
            ApiError::not_acceptable(message)
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// What was refused before anything ran has no `data`.
    fn respond(self, response: Response) -> axum::response::Response {
        let refused = response.is_err()
            && response.data == async_graphql::Value::Null
            && response.errors.iter().all(|e| e.path.is_empty());
        if refused {
            self.refusal(response)
        } else {
            self.body(StatusCode::OK, &serde_json::to_vec(&response).unwrap_or_default())
        }
    }

    fn refusal(self, response: Response) -> axum::response::Response {
        let status = match self {
            Self::GraphqlResponse => StatusCode::BAD_REQUEST,
            Self::Json => StatusCode::OK,
        };
        let errors: Vec<ServerError> = response.errors.into_iter().map(with_code).collect();
        let body = serde_json::json!({ "errors": errors });
        self.body(status, body.to_string().as_bytes())
    }

    fn body(self, status: StatusCode, bytes: &[u8]) -> axum::response::Response {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static(self.name())), (CACHE_CONTROL, PRIVATE)];
        (status, headers, bytes.to_vec()).into_response()
    }
}

/// What the executor refuses by itself is a document that does not fit.
fn with_code(mut error: ServerError) -> ServerError {
    let limits = Limits::default();
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_some() {
        return error;
    }
    let (name, limit) = match error.message.as_str() {
        "Query is too complex." => ("complexity", limits.complexity),
        "Query is nested too deep." => ("depth", limits.depth),
        text if text.starts_with("The recursion depth of the query") => ("nesting", limits.nesting),
        _ => {
            extensions.set("code", "graphql_invalid");
            return error;
        }
    };
    extensions.set("code", "query_too_complex");
    extensions.set("limit", name);
    extensions.set("maximum", limit);
    error.message = format!("the {name} of this query is more than {limit}; ask for less at once");
    error
}
