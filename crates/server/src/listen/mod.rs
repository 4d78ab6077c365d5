//! Connections: HTTP/1.1 and HTTP/2 (by ALPN, or at once where both sides know), with and without TLS, each within bounds
//! that a slow or hostile client cannot move.

mod connection;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::connection::{Connection, Service};
use self::tls::Tls;

/// What connections are held to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Open at once; whoever comes then waits until one ends.
    pub max_connections: usize,
    /// For a TLS handshake, and from the moment a request may begin until its head is complete. So it is also how long a
    /// connection of HTTP/1.1 may rest between two requests.
    pub header_timeout: Duration,
    /// Between two pieces of a body.
    pub body_timeout: Duration,
    /// From the moment this instance says that it is not ready until it stops taking connections: what stands in front
    /// of it needs time to notice.
    pub stop_delay: Duration,
    pub tls: Option<Certificate>,
}

/// Files in PEM form, read again when they change.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            stop_delay: Duration::ZERO,
            tls: None,
        }
    }
}

/// Who is at the other end of the connection: among a request's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub SocketAddr);

/// After the kernel refused a connection for want of something, it is not asked again at once.
const BREATH: Duration = Duration::from_millis(500);

/// Takes connections and answers requests on them until `stop` completes, then lets those under way finish: completes when
/// the last connection has ended.
pub(crate) async fn serve<S: Service>(
    listener: TcpListener,
    settings: Settings,
    service: S,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let tls = settings.tls.as_ref().map(Tls::open).transpose()?;
    let watching = tls.as_ref().map(|tls| tokio::spawn(tls.clone().watch()));
    let places = Arc::new(Semaphore::new(settings.max_connections));
    let connection = Arc::new(Connection::new(&settings, tls, service));
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let (tcp, peer, place) = tokio::select! {
            () = &mut stop => break,
            next = next(&listener, &places) => next,
        };
        // Answers are written whole: waiting for more to send only delays them.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let (connection, watcher) = (Arc::clone(&connection), graceful.watcher());
        tokio::spawn(async move {
            connection.serve(tcp, peer, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    if let Some(watching) = watching {
        watching.abort();
    }
    graceful.shutdown().await;
    Ok(())
}

async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // It is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => return (tcp, peer, place),
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be taken");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
