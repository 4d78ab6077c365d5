use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower::ServiceExt;
use tower_http::timeout::TimeoutBody;

use super::tls::Tls;
use super::{Peer, Settings};

/// Requests under way at once on one connection of HTTP/2.
const STREAMS: u32 = 200;
/// Streams that a client opened and reset before we got to see them: more, and the connection ends (rapid reset,
/// CVE-2023-44487).
const RESET_EARLY: usize = 20;
/// Streams that we reset for errors of the client's.
const RESET_FOR_ERRORS: usize = 1024;
/// Bytes of a request's head: line and headers. Of headers hyper takes 100 by itself; where it is told how many, it
/// prepares the room for them anew for each request, which took 1 % of a ready answer.
const HEAD: usize = 32 * 1024;
/// A connection of HTTP/2 on which nothing happens is asked after so long whether anybody is there.
const PING: Duration = Duration::from_secs(20);

pub(crate) trait Service:
    tower::Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> Service for S where
    S: tower::Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

pub(super) struct Connection<S> {
    builder: Builder<TokioExecutor>,
    tls: Option<Tls>,
    service: S,
    header_timeout: Duration,
    body_timeout: Duration,
}

impl<S: Service> Connection<S> {
    pub(super) fn new(settings: &Settings, tls: Option<Tls>, service: S) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(settings.header_timeout).max_buf_size(HEAD);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_pending_accept_reset_streams(RESET_EARLY)
            .max_local_error_reset_streams(RESET_FOR_ERRORS)
            .max_header_list_size(HEAD as u32)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        let (header_timeout, body_timeout) = (settings.header_timeout, settings.body_timeout);
        Self { builder, tls, service, header_timeout, body_timeout }
    }

    pub(super) async fn serve(&self, tcp: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let Some(tls) = &self.tls else { return self.converse(tcp, peer, watcher).await };
        match tokio::time::timeout(self.header_timeout, tls.accept(tcp)).await {
            Ok(Ok(stream)) => self.converse(stream, peer, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, %peer, "no TLS"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    async fn converse(
        &self,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        watcher: Watcher,
    ) {
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let (service, asked, patience) = (self.service.clone(), Arc::clone(&asked), self.body_timeout);
            service_fn(move |request: Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                service.clone().oneshot(prepared(request, peer, patience))
            })
        };
        let connection = self.builder.serve_connection_with_upgrades(TokioIo::new(io), service).into_owned();
        let mut connection = pin!(watcher.watch(connection));
        // Which of the two protocols a client speaks, its first bytes say; for those nobody else sets a limit.
        let mut patience = pin!(tokio::time::sleep(self.header_timeout));
        let ended = poll_fn(|context| match connection.as_mut().poll(context) {
            Poll::Pending if !asked.load(Ordering::Relaxed) => patience.as_mut().poll(context).map(|()| None),
            ended => ended.map(Some),
        });
        let Some(result) = ended.await else {
            tracing::debug!(%peer, "nothing was asked on a connection");
            return;
        };
        if let Err(error) = result {
            tracing::debug!(%error, %peer, "a connection broke");
        }
    }
}

fn prepared(request: Request<Incoming>, peer: SocketAddr, patience: Duration) -> Request<Body> {
    let mut request = request.map(|body| {
        // Most requests have none.
        if body.is_end_stream() { Body::new(body) } else { Body::new(TimeoutBody::new(patience, body)) }
    });
    request.extensions_mut().insert(Peer(peer));
    request
}
