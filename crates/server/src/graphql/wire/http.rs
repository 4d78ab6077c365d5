//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/draft/>).

use std::time::Instant;

use async_graphql::Response;
use async_graphql::parser::types::OperationType;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use kernel::{Failure, Kind};

use super::answers::{Again, Known};
use super::events;
use super::media_type::{MediaType, is_json};
use super::operation::{Asking, Ran, Sent, refusal, too_large};
use crate::error::{Answer, ApiError};
use crate::etag::PRIVATE;
use crate::extract::{asker, timings};
use crate::middleware::RequestId;
use crate::state::App;

pub(super) async fn by_post(State(app): State<App>, parts: Parts, body: Bytes) -> Answer {
    let media_type = MediaType::of(&parts.headers)?;
    if !is_json(&parts.headers) {
        let message = "the body must be JSON, with the header Content-Type: application/json";
        return Err(Failure::new(Kind::UnsupportedMediaType, "unsupported_media_type", message).into());
    }
    let limit = app.graphql.limits.bytes;
    if body.len() > limit {
        return Err(too_large("the body", body.len(), limit).into());
    }
    let asking: Asking = serde_json::from_slice(&body)
        .map_err(|error| Failure::malformed("", format!("is no GraphQL request: {error}")))?;
    if asking.names_nothing() {
        return Err(Failure::malformed("/query", "must be a GraphQL document").into());
    }
    answer(&app, &parts, asking, media_type, false).await
}

pub(super) async fn by_get(State(app): State<App>, parts: Parts, RawQuery(query): RawQuery) -> Answer {
    let media_type = MediaType::of(&parts.headers)?;
    let query = query.unwrap_or_default();
    let given = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).filter(|text| !text.is_empty())
    };
    let variables = given("variables").map(|text| serde_json::from_str(&text)).transpose();
    let extensions = given("extensions").map(|text| serde_json::from_str(&text)).transpose();
    let asking = Asking {
        query: given("query"),
        operation_name: given("operationName"),
        variables: variables.map_err(|_| Failure::malformed("?variables", "must be a JSON object"))?,
        extensions: extensions.map_err(|_| Failure::malformed("?extensions", "must be a JSON object"))?,
    };
    if asking.names_nothing() {
        return Err(Failure::malformed("?query", "must be a GraphQL document").into());
    }
    answer(&app, &parts, asking, media_type, true).await
}

async fn answer(app: &App, parts: &Parts, asking: Asking, media_type: MediaType, by_get: bool) -> Answer {
    let who = asker(parts).map_err(Failure::from);
    let request_id = parts.extensions.get::<RequestId>().cloned();
    let sent = match Sent::of(app, who, asking, request_id).await {
        Ok(sent) => sent,
        Err(response) => return Ok(refused(media_type, response)),
    };
    // What goes on and on is never there already.
    let again = if media_type == MediaType::EventStream { None } else { Again::of(app, &sent, parts, by_get)? };
    let before = match &again {
        Some(again) => match again.answer(app, media_type).await {
            Known::Ready(response) => {
                sent.keep_document();
                return Ok(response);
            }
            Known::Opened(opened) => Some(opened),
            Known::Nothing => None,
        },
        None => None,
    };
    let operation = match sent.operation(before) {
        Ok(operation) => operation,
        Err(response) => return Ok(refused(media_type, *response)),
    };
    if by_get && operation.kind == OperationType::Mutation {
        return Err(ApiError::method_not_allowed("only queries may be sent by GET; send this by POST"));
    }
    if media_type == MediaType::EventStream {
        // Its headers leave before anybody is looked up. Who is not let in, the stream itself will say.
        if app.origins.depend_on_who(&parts.headers, parts.uri.path())
            && let Ok(asker) = asker(parts)
        {
            let _ = app.koyomi.caller(&asker, true).await;
        }
        return events::stream(app, operation);
    }
    if operation.kind == OperationType::Subscription {
        let message = "a subscription is answered as Accept: text/event-stream, or over the WebSocket /graphql/ws";
        return Ok(refused(media_type, refusal(&Failure::new(Kind::Malformed, "subscription_transport", message))));
    }
    let began = Instant::now();
    let Ran { response, grounds, series } = operation.run().await;
    timings(&parts.extensions).add("execute", began.elapsed());
    if let (Some(again), Some(grounds)) = (&again, grounds) {
        return Ok(again.keep(app, &grounds, series, rendered(&response), media_type));
    }
    Ok(respond(media_type, response))
}

fn rendered(response: &Response) -> Vec<u8> {
    serde_json::to_vec(response).unwrap_or_default()
}

/// What was refused before anything ran has no `data`.
fn respond(media_type: MediaType, response: Response) -> axum::response::Response {
    let nothing_ran = response.is_err()
        && response.data == async_graphql::Value::Null
        && response.errors.iter().all(|error| error.path.is_empty());
    if nothing_ran { refused(media_type, response) } else { body(media_type, StatusCode::OK, rendered(&response)) }
}

fn refused(media_type: MediaType, response: Response) -> axum::response::Response {
    let status = match media_type {
        MediaType::Json => StatusCode::OK,
        MediaType::GraphqlResponse | MediaType::EventStream => StatusCode::BAD_REQUEST,
    };
    let told = serde_json::json!({ "errors": response.errors });
    body(media_type, status, told.to_string().into_bytes())
}

fn body(media_type: MediaType, status: StatusCode, bytes: Vec<u8>) -> axum::response::Response {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static(media_type.name())), (CACHE_CONTROL, PRIVATE)];
    (status, headers, bytes).into_response()
}
