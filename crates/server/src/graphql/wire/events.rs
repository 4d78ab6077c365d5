//! GraphQL over server-sent events, "distinct connections mode"
//! (<https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md>).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use futures::stream::{self, StreamExt};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::operation::Operation;
use crate::error::Answer;
use crate::state::App;

/// A comment now and then tells both sides that the other one is still there.
const ALIVE: Duration = Duration::from_secs(15);

/// One event for each answer. One more is made while the connection takes the one before.
pub(super) fn stream(app: &App, operation: Operation) -> Answer {
    let place = app.live.place()?;
    // JSON on one line.
    let answers = operation.stream().map(|response| {
        let text = serde_json::to_string(&response).unwrap_or_default();
        format!("event: next\ndata: {text}\n\n")
    });
    let complete = stream::once(async { "event: complete\ndata: \n\n".to_owned() });
    let mut events = answers.chain(complete).boxed();
    let (stopped, stall) = (app.live.stopped(), app.graphql.limits.stall);
    let (sender, receiver) = mpsc::channel::<String>(1);
    // In a task of its own: a client that takes nothing is never asked again by its connection, and would keep its place.
    let produce = async move {
        loop {
            let text = match timeout(ALIVE, events.next()).await {
                Ok(Some(text)) => text,
                Ok(None) => return,
                Err(_) => ":\n\n".to_owned(),
            };
            if !matches!(timeout(stall, sender.send(text)).await, Ok(Ok(()))) {
                return;
            }
        }
    };
    tokio::spawn(async move {
        // Stopped, it does not complete: there is more to be had elsewhere.
        tokio::select! {
            () = produce => {}
            () = stopped => {}
        }
        drop(place);
    });
    let lines = stream::unfold(receiver, async |mut receiver| {
        let text = receiver.recv().await?;
        Some((Ok::<_, Infallible>(text), receiver))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "private, no-store")];
    Ok((headers.map(|(name, value)| (name, HeaderValue::from_static(value))), Body::from_stream(lines)).into_response())
}
