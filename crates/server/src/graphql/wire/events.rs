//! GraphQL over server-sent events, "distinct connections mode"
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use futures::stream::{self, StreamExt};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::time::timeout;

use super::operation::Operation;
use crate::error::Answer;
use crate::state::App;

/// A comment now and then tells both sides that the other one is still there.
const ALIVE: Duration = Duration::from_secs(15);

/// One event for each answer. The next one is made when the connection has taken the one before.
pub(super) fn stream(app: &App, operation: Operation) -> Answer {
    let place = app.live.place()?;
    // JSON on one line.
    let answers = operation.stream().map(|response| {
        let text = serde_json::to_string(&response).unwrap_or_default();
        format!("event: next\ndata: {text}\n\n")
    });
    let complete = stream::once(async { "event: complete\ndata: \n\n".to_owned() });
    // Stopped, it does not complete: there is more to be had elsewhere.
    let events = answers.chain(complete).take_until(app.live.stopped()).boxed();
    let lines = stream::unfold((events, place), async |(mut events, place)| {
        let text = match timeout(ALIVE, events.next()).await {
            Ok(event) => event?,
            Err(_) => ":\n\n".to_owned(),
        };
        Some((Ok::<_, Infallible>(text), (events, place)))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "private, no-store")];
    Ok((headers.map(|(name, value)| (name, HeaderValue::from_static(value))), Body::from_stream(lines)).into_response())
}
