use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use kernel::{Failure, Kind, Violation};

use crate::error::Answer;
use crate::shape::Json;
use crate::shape::readiness::Readiness;
use crate::state::App;

/// A load balancer asks again soon.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process lives
///
/// Says nothing about the database: restarting would not help that.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses((status = 204, description = "It lives.")))]
pub(crate) async fn healthz() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether it can answer
///
/// The problem of an instance that cannot has code `not_ready`, and in `errors` why: `database` does not answer, or it is
/// `stopping`.
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()), responses((status = 200, body = Readiness, description = "The database answers.")))]
pub(crate) async fn readyz(State(app): State<App>) -> Answer<Json<Readiness>> {
    let because = |pointer: &str, reason: &str| Violation { pointer: pointer.to_owned(), reason: reason.to_owned() };
    let mut reasons = Vec::new();
    if app.live.is_stopping() {
        reasons.push(because("stopping", "it finishes what is under way and takes nothing new"));
    }
    // Over connections of its own: where all of the others are in use, it is busy, not broken.
    let store = app.koyomi.store.background();
    match tokio::time::timeout(PATIENCE, store.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => {
            tracing::warn!(%failure, "not ready");
            reasons.push(because("database", "it cannot be reached"));
        }
        Err(_) => reasons.push(because("database", "it does not answer")),
    }
    if reasons.is_empty() {
        return Ok(Json(Readiness { ready: true, epoch: store.epoch().0 }));
    }
    let message = "this instance does not take requests now; errors says why";
    Err(Failure::new(Kind::Unavailable, "not_ready", message).with_errors(reasons).into())
}
