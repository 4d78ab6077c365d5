use axum::extract::State;
use http::StatusCode;
use kernel::{CalendarId, UserId};

use super::paged::Paged;
use crate::error::Answer;
use crate::etag::conditional_bytes;
use crate::extract::{Auth, Body, IdempotencyKey, IfNoneMatch, Keyed, PathId, PathIds, Query};
use crate::shape::Json;
use crate::shape::calendar::{CreateMember, Member, UpdateMember};
use crate::shape::page::Page;
use crate::state::App;

/// Who a calendar is shared with
///
/// By name. Needs the role reader.
#[utoipa::path(
    get, path = "/api/calendars/{calendar_id}/members", tag = "members",
    params(("calendar_id" = uuid::Uuid, Path), Paged, IfNoneMatch),
    responses((status = 200, body = Page<Member>, description = "A page of members."),
              (status = 403, description = "You see only when this calendar is busy."))
)]
pub(crate) async fn list_members(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<CalendarId>,
    Query(page): Query<Paged>,
    have: IfNoneMatch,
) -> Answer {
    let members = app.koyomi.list_members(&caller, id, page.limit()?, page.cursor()).await?;
    conditional_bytes(&Page::of(members, Member::from), &have)
}

/// Share a calendar
#[utoipa::path(
    post, path = "/api/calendars/{calendar_id}/members", tag = "members",
    params(("calendar_id" = uuid::Uuid, Path), IdempotencyKey), request_body = CreateMember,
    responses((status = 201, body = Member, description = "Shared."),
              (status = 403, description = "Only an owner shares a calendar."),
              (status = 409, description = "It is shared with this user already."))
)]
pub(crate) async fn create_member(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<CalendarId>,
    Keyed(key, input): Keyed<CreateMember>,
) -> Answer<(StatusCode, Json<Member>)> {
    let role = input.role;
    let member = app.koyomi.create_member(&caller, id, input.who()?, role, key).await?;
    Ok((StatusCode::CREATED, Json(member.into())))
}

/// Change a member's role
#[utoipa::path(
    patch, path = "/api/calendars/{calendar_id}/members/{user_id}", tag = "members",
    params(("calendar_id" = uuid::Uuid, Path), ("user_id" = uuid::Uuid, Path)), request_body = UpdateMember,
    responses((status = 200, body = Member, description = "Changed."),
              (status = 403, description = "Only an owner changes roles."),
              (status = 409, description = "The last owner stays owner."))
)]
pub(crate) async fn update_member(
    State(app): State<App>,
    Auth(caller): Auth,
    PathIds(id, user): PathIds<CalendarId, UserId>,
    Body(input): Body<UpdateMember>,
) -> Answer<Json<Member>> {
    Ok(Json(app.koyomi.update_member(&caller, id, user, input.role).await?.into()))
}

/// Stop sharing with somebody
///
/// Owners take anybody out; everybody may leave.
#[utoipa::path(
    delete, path = "/api/calendars/{calendar_id}/members/{user_id}", tag = "members",
    params(("calendar_id" = uuid::Uuid, Path), ("user_id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Not a member any more, from the next request on."),
              (status = 403, description = "Only an owner takes others out."),
              (status = 409, description = "The last owner cannot leave."))
)]
pub(crate) async fn delete_member(
    State(app): State<App>,
    Auth(caller): Auth,
    PathIds(id, user): PathIds<CalendarId, UserId>,
) -> Answer<StatusCode> {
    app.koyomi.delete_member(&caller, id, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
