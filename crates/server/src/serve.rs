use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::housekeeping;
use crate::listen;
use crate::news::News;
use crate::rest::router;
use crate::state::App;

/// How long requests under way may take after the last connection was taken.
const GRACE: Duration = Duration::from_secs(19);
/// How long writes may take whose clients have been given up.
const LAST_WRITES: Duration = Duration::from_secs(3);
/// Whoever started it is promised that it is gone so long after connections are no longer taken.
const GONE: Duration = Duration::from_secs(25);
const _: () = assert!(GRACE.as_secs() + bus::LONGEST_GOODBYE.as_secs() + LAST_WRITES.as_secs() < GONE.as_secs());

/// Answers requests until `stop` completes. Then, in this order: it says that it is not ready, and after
/// [`listen::Settings::stop_delay`] tells what stays open to go on elsewhere, takes no more connections, lets requests under
/// way finish, ends the work that nobody waits for, waits for writes whose clients have gone.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let store = app.koyomi.store.clone();
    let watch = tokio::spawn(store.watch_over());
    let house = tokio::spawn(housekeeping::keep(app.koyomi.in_background()));
    let news = News::start(&app).await.map_err(io::Error::other)?;
    let (stopping, stopped) = oneshot::channel();
    let (open, http) = (app.clone(), app.http.clone());
    let stop = async move {
        stop.await;
        open.live.leave();
        tokio::time::sleep(open.http.stop_delay).await;
        open.live.stop();
        let _ = stopping.send(());
    };
    let too_long = async {
        // An error means that serving ended by itself.
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GRACE).await;
    };
    let result = tokio::select! {
        result = listen::serve(listener, http, router(app), stop) => result,
        () = too_long => {
            tracing::warn!("connections are still open after {GRACE:?}; leaving them");
            Ok(())
        }
    };
    house.abort();
    watch.abort();
    news.stop().await;
    if tokio::time::timeout(LAST_WRITES, store.close()).await.is_err() {
        tracing::warn!(
            "statements still run after {LAST_WRITES:?}; leaving them: who waits for one is told that its outcome is unknown"
        );
    }
    result
}
