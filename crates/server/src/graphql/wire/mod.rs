//! How operations come in and answers leave: over HTTP, as server-sent events, over WebSockets.

mod answers;
mod counted;
mod documents;
mod events;
mod http;
mod limits;
mod media_type;
mod messages;
mod operation;
mod reach;
mod socket;

use axum::Router;
use axum::routing::get;

pub(super) use self::answers::Answers;
pub(crate) use self::documents::Allowed;
pub(super) use self::documents::Documents;
pub(crate) use self::limits::Limits;
#[cfg(test)]
pub(super) use self::reach::within_reach;
use crate::state::App;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/graphql", get(http::by_get).post(http::by_post)).route("/graphql/ws", get(socket::upgrade))
}
