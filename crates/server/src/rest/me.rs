use axum::extract::State;

use crate::error::Answer;
use crate::etag;
use crate::extract::{Auth, Body, IfMatch, IfNoneMatch};
use crate::shape::Json;
use crate::shape::user::{UpdateMe, User};
use crate::state::App;

/// Who I am
#[utoipa::path(
    get, path = "/api/me", tag = "me", params(IfNoneMatch),
    responses((status = 200, body = User, description = "The caller."))
)]
pub(crate) async fn find_me(State(app): State<App>, Auth(caller): Auth, have: IfNoneMatch) -> Answer {
    let user = app.koyomi.users.me(&caller).await?;
    let tag = app.koyomi.store.epoch().tag(user.version);
    Ok(etag::conditional(&tag, &have, || Json(User::from(user))))
}

/// Change my name, picture or time zone
#[utoipa::path(
    patch, path = "/api/me", tag = "me", params(IfMatch), request_body = UpdateMe,
    responses((status = 200, body = User, description = "Changed."))
)]
pub(crate) async fn update_me(
    State(app): State<App>,
    Auth(caller): Auth,
    only_if: IfMatch,
    Body(input): Body<UpdateMe>,
) -> Answer {
    let epoch = app.koyomi.store.epoch();
    let user = app.koyomi.users.update_me(&caller, input.changes()?, only_if.expected(epoch)).await?;
    Ok(etag::tagged(&epoch.tag(user.version), Json(User::from(user))))
}
