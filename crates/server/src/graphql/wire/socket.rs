//! GraphQL over a WebSocket. One task per socket: while an answer is on its way out, nothing else is read or made, so what
//! a slow client has not taken yet is kept nowhere.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_graphql::Response;
use async_graphql::ServerError;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use futures::stream::{self, AbortHandle, BoxStream, SelectAll, SplitSink, SplitStream, StreamExt};
use futures::{FutureExt, SinkExt};
use http::request::Parts;
use kernel::{Failure, Kind, Result, SecretHash};
use koyomi::Asker;
use serde_json::{Map, Value};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use users::Secret;

use super::messages::{Close, Incoming, Outgoing, PROTOCOL};
use super::operation::{Asking, Operation, is_refusal, refusal};
use crate::error::Answer;
use crate::extract::{asker, is_anonymous};
use crate::middleware::RequestId;
use crate::state::App;

/// How often a socket is asked whether its client is still there; twice without an answer, and it is not.
const PING: Duration = Duration::from_secs(20);
/// What a message has beside its document and variables.
const ENVELOPE: usize = 4096;

pub(super) async fn upgrade(
    State(app): State<App>,
    parts: Parts,
    upgrade: Result<WebSocketUpgrade, Refused>,
) -> Answer {
    let upgrade = upgrade.map_err(|_| {
        Failure::malformed("Upgrade", format!("must ask for a WebSocket, with the subprotocol {PROTOCOL}"))
    })?;
    let place = app.live.place()?;
    let who = if is_anonymous(&parts)? { None } else { Some(asker(&parts)?) };
    let request_id = parts.extensions.get::<RequestId>().cloned();
    let most = app.graphql.limits.bytes + ENVELOPE;
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(most).max_frame_size(most);
    Ok(upgrade.on_upgrade(async move |socket| {
        converse(app, socket, who, request_id).await;
        drop(place);
    }))
}

type Refused = axum::extract::ws::rejection::WebSocketUpgradeRejection;

/// Until one side ends it.
async fn converse(app: App, socket: WebSocket, who: Option<Asker>, request_id: Option<RequestId>) {
    let fits = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
    let (mut sink, messages) = socket.split();
    app.graphql.operations.sockets.increment(1.0);
    let close = if fits {
        let mut conversation = Conversation {
            sink: &mut sink,
            identity: Identity::Unknown(who),
            operations: Operations::default(),
            request_id,
            app: &app,
        };
        match conversation.run(messages).await {
            Ok(never) => match never {},
            Err(close) => close,
        }
    } else {
        Close::other_protocol()
    };
    app.graphql.operations.sockets.decrement(1.0);
    metrics::counter!("koyomi_graphql_sockets_closed_total", "code" => close.code.to_string()).increment(1);
    let frame = CloseFrame { code: close.code, reason: Utf8Bytes::from(close.reason) };
    // Who takes nothing does not take this either.
    let _ = timeout(Duration::from_secs(1), sink.send(Message::Close(Some(frame)))).await;
}

struct Conversation<'a> {
    app: &'a App,
    sink: &'a mut SplitSink<WebSocket, Message>,
    identity: Identity,
    operations: Operations,
    request_id: Option<RequestId>,
}

enum Identity {
    /// What the upgrade brought along, until `connection_init`.
    Unknown(Option<Asker>),
    Known(Asker),
}

/// There is no way out but an end.
type Ended<T> = std::result::Result<T, Close>;

impl Conversation<'_> {
    async fn run(&mut self, mut messages: SplitStream<WebSocket>) -> Ended<std::convert::Infallible> {
        let until = Instant::now() + self.app.graphql.limits.init;
        let stopped = self.app.live.stopped();
        tokio::pin!(stopped);
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                () = &mut stopped => return Err(Close::stopping()),
                () = sleep_until(until), if matches!(self.identity, Identity::Unknown(_)) => {
                    return Err(Close::init_timeout());
                }
                _ = ping.tick() => {
                    if heard.elapsed() > 2 * PING {
                        return Err(Close::stalled());
                    }
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
                message = messages.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(&text).await?,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Err(Close::bad_request("messages are text")),
                        Some(Ok(Message::Close(_))) | None => return Err(Close::gone()),
                        Some(Err(error)) => {
                            tracing::debug!(%error, "a socket broke");
                            return Err(Close::bad_request("this is no message, or it is too long"));
                        }
                    }
                }
                Some((id, said)) = self.operations.next() => self.tell(&id, said).await?,
            }
        }
    }

    async fn hear(&mut self, text: &str) -> Ended<()> {
        let message = serde_json::from_str(text).map_err(|_| Close::bad_request("Invalid message"))?;
        match (message, &self.identity) {
            (Incoming::ConnectionInit { payload }, Identity::Unknown(who)) => {
                let asker = recognise(self.app, payload.as_ref(), who.as_ref()).await?;
                self.identity = Identity::Known(asker);
                self.send(Outgoing::ConnectionAck.text().into()).await
            }
            (Incoming::ConnectionInit { .. }, Identity::Known(_)) => Err(Close::second_init()),
            (Incoming::Ping { .. }, _) => self.send(Outgoing::Pong.text().into()).await,
            (Incoming::Pong { .. }, _) => Ok(()),
            (Incoming::Subscribe { .. }, Identity::Unknown(_)) => Err(Close::unauthorized()),
            (Incoming::Subscribe { id, .. }, _) if self.operations.has(&id) => Err(Close::id_in_use(&id)),
            (Incoming::Subscribe { id, payload }, Identity::Known(asker)) => {
                let most = self.app.graphql.limits.operations;
                if self.operations.running.len() >= most {
                    let message = format!("at most {most} operations run at once on one socket");
                    let refused = refusal(&Failure::new(Kind::LimitExceeded, "limit_exceeded", message));
                    return self.send(Outgoing::Error { id: &id, payload: &refused.errors }.text().into()).await;
                }
                let answers = answers(self.app.clone(), asker.clone(), payload, self.request_id.clone());
                self.operations.begin(id, answers);
                Ok(())
            }
            (Incoming::Complete { id }, _) => {
                self.operations.end(&id);
                Ok(())
            }
        }
    }

    async fn tell(&mut self, id: &str, said: Said) -> Ended<()> {
        match said {
            // It was ended meanwhile.
            _ if !self.operations.has(id) => Ok(()),
            Said::Answer(response) if is_refusal(&response) => self.refuse(id, &response.errors).await,
            Said::Answer(payload) => self.send(Outgoing::Next { id, payload: &payload }.text().into()).await,
            Said::Broken => {
                let refused = refusal(&Failure::internal("an operation on a socket panicked"));
                self.refuse(id, &refused.errors).await
            }
            Said::All => {
                self.operations.end(id);
                self.send(Outgoing::Complete { id }.text().into()).await
            }
        }
    }

    /// The end of an operation; of all of them, when it is the caller who is no longer known.
    async fn refuse(&mut self, id: &str, errors: &[ServerError]) -> Ended<()> {
        self.operations.end(id);
        self.send(Outgoing::Error { id, payload: errors }.text().into()).await?;
        let is_unknown = |error: &ServerError| {
            error.source::<Failure>().is_some_and(|failure| failure.kind() == Kind::Unauthenticated)
        };
        if errors.iter().any(is_unknown) { Err(Close::forbidden()) } else { Ok(()) }
    }

    async fn send(&mut self, message: Message) -> Ended<()> {
        match timeout(self.app.graphql.limits.stall, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close::gone()),
            Err(_) => Err(Close::stalled()),
        }
    }
}

/// Who it is that asks on this socket.
async fn recognise(app: &App, payload: Option<&Map<String, Value>>, who: Option<&Asker>) -> Ended<Asker> {
    let asker = match payload.and_then(bearer) {
        Some(bearer) => Asker { secret: bearer.ok_or_else(Close::forbidden)?, seen: None, current: false },
        None => Asker { seen: None, ..who.cloned().ok_or_else(Close::forbidden)? },
    };
    match app.koyomi.caller(&asker, false).await {
        Ok(_) => Ok(asker),
        Err(failure) if failure.kind() == Kind::Unauthenticated => Err(Close::forbidden()),
        Err(_) => Err(Close::internal()),
    }
}

/// What an operation has to say.
enum Said {
    Answer(Box<Response>),
    /// It panicked.
    Broken,
    All,
}

/// What runs on a socket.
#[derive(Default)]
struct Operations {
    streams: SelectAll<BoxStream<'static, (String, Said)>>,
    running: HashMap<String, AbortHandle>,
}

impl Operations {
    fn has(&self, id: &str) -> bool {
        self.running.contains_key(id)
    }

    fn begin(&mut self, id: String, answers: BoxStream<'static, Response>) {
        let guarded = AssertUnwindSafe(answers).catch_unwind();
        let said = guarded
            .map(|answer| answer.map_or(Said::Broken, |answer| Said::Answer(Box::new(answer))))
            .chain(stream::iter([Said::All]));
        let (said, handle) = stream::abortable(said);
        self.running.insert(id.clone(), handle);
        metrics::gauge!("koyomi_graphql_operations").increment(1.0);
        self.streams.push(said.map(move |said| (id.clone(), said)).boxed());
    }

    fn end(&mut self, id: &str) {
        if let Some(handle) = self.running.remove(id) {
            handle.abort();
            metrics::gauge!("koyomi_graphql_operations").decrement(1.0);
        }
    }

    /// Never, while nothing runs.
    async fn next(&mut self) -> Option<(String, Said)> {
        if self.streams.is_empty() {
            return std::future::pending().await;
        }
        self.streams.next().await
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        #[allow(clippy::cast_precision_loss, reason = "a few dozen")]
        metrics::gauge!("koyomi_graphql_operations").decrement(self.running.len() as f64);
    }
}

fn answers(app: App, asker: Asker, asking: Asking, request_id: Option<RequestId>) -> BoxStream<'static, Response> {
    let begin = async move {
        match Operation::of(&app, Ok(asker), asking, request_id).await {
            Ok(operation) => operation.stream(),
            Err(response) => stream::iter([response]).boxed(),
        }
    };
    begin.into_stream().flatten().boxed()
}

/// The token of a `connection_init`, in the places where clients put it. None: it brings none.
fn bearer(payload: &Map<String, Value>) -> Option<Option<SecretHash>> {
    let headers = payload.get("headers").and_then(Value::as_object);
    let find = |of: &Map<String, Value>| {
        let mut pairs = of.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        pairs.next().map(|(_, value)| value.as_str().unwrap_or_default().to_owned())
    };
    let text = find(payload).or_else(|| headers.and_then(find))?;
    let secret = match text.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => secret.trim(),
        _ => text.trim(),
    };
    Some(Secret::parse(secret).map(|secret| secret.hash()))
}
