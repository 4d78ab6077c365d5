use std::future::Future;
use std::io;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::housekeeping;
use crate::news::News;
use crate::rest::router;
use crate::state::App;

/// How long requests under way may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Answers requests until `stop` completes, then lets those under way finish.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let store = app.koyomi.store.clone();
    let house = tokio::spawn(housekeeping::keep(app.koyomi.clone()));
    let news = News::start(&app).await.map_err(io::Error::other)?;
    // Answers are written whole: waiting for more to send only delays them.
    let listener = listener.tap_io(|tcp| {
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
    });
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let open = app.clone();
    let stop = async move {
        stop.await;
        open.live.stop();
        let _ = stopping.send(());
    };
    let served =
        axum::serve(listener, ServiceExt::<Request>::into_make_service(router(app))).with_graceful_shutdown(stop);
    let too_long = async {
        // An error means that serving ended by itself.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    let result = tokio::select! {
        result = served => result,
        () = too_long => {
            tracing::warn!("connections are still open after {GRACE:?}; leaving them");
            Ok(())
        }
    };
    house.abort();
    news.stop().await;
    store.close().await;
    result
}
