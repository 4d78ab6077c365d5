use axum::extract::State;
use http::StatusCode;

use crate::error::Answer;
use crate::state::App;

/// Whether the process lives
///
/// Says nothing about the database: restarting would not help that.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses((status = 204, description = "It lives.")))]
pub(crate) async fn healthz() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether it can answer
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()), responses((status = 204, description = "The database answers.")))]
pub(crate) async fn readyz(State(app): State<App>) -> Answer<StatusCode> {
    app.koyomi.store.ping().await?;
    Ok(StatusCode::NO_CONTENT)
}
