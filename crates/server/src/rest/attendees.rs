use std::sync::Arc;

use axum::extract::State;
use futures::FutureExt;
use http::StatusCode;
use kernel::{AttendeeId, EventId};
use koyomi::Scope;

use super::paged::Paged;
use crate::error::Answer;
use crate::extract::{Asking, Auth, Body, IdempotencyKey, IfNoneMatch, Keyed, PathId, PathIds, Query};
use crate::ready::{self, Shaped};
use crate::shape::Json;
use crate::shape::attendee::{AttendeeDetails, Respond, UpdateAttendee};
use crate::shape::event::Invite;
use crate::shape::page::Page;
use crate::state::App;

/// The guests of an event
///
/// In the order of invitation.
#[utoipa::path(
    get, path = "/api/events/{event_id}/attendees", tag = "attendees",
    params(("event_id" = uuid::Uuid, Path), Paged, IfNoneMatch),
    responses((status = 200, body = Page<AttendeeDetails>, description = "A page of guests."),
              (status = 403, description = "You see only that this time is taken."))
)]
pub(crate) async fn list_attendees(
    State(app): State<App>,
    asking: Asking,
    PathId(id): PathId<EventId>,
    Query(page): Query<Paged>,
) -> Answer {
    let limit = page.limit()?;
    let (app, asking, page) = (&app, &asking, &page);
    ready::answer(
        app,
        asking,
        Scope::Event(id),
        move |opened| async move { app.koyomi.list_attendees(&opened, id, limit, page.cursor()).await }.boxed(),
        |guests, _| Ok(Shaped::by_versions(Page::of(Arc::unwrap_or_clone(guests.value), AttendeeDetails::from))),
    )
    .await
}

/// Invite somebody
#[utoipa::path(
    post, path = "/api/events/{event_id}/attendees", tag = "attendees",
    params(("event_id" = uuid::Uuid, Path), IdempotencyKey), request_body = Invite,
    responses((status = 201, body = AttendeeDetails, description = "Invited."),
              (status = 403, description = "You may see the event, but not change it."),
              (status = 409, description = "This address is invited already."))
)]
pub(crate) async fn create_attendee(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<EventId>,
    Keyed(key, input): Keyed<Invite>,
) -> Answer<(StatusCode, Json<AttendeeDetails>)> {
    let attendee = app.koyomi.create_attendee(&caller, id, input.into(), key).await?;
    Ok((StatusCode::CREATED, Json(attendee.into())))
}

/// Change an invitation
#[utoipa::path(
    patch, path = "/api/events/{event_id}/attendees/{attendee_id}", tag = "attendees",
    params(("event_id" = uuid::Uuid, Path), ("attendee_id" = uuid::Uuid, Path)), request_body = UpdateAttendee,
    responses((status = 200, body = AttendeeDetails, description = "Changed."),
              (status = 403, description = "You may see the event, but not change it."))
)]
pub(crate) async fn update_attendee(
    State(app): State<App>,
    Auth(caller): Auth,
    PathIds(id, attendee): PathIds<EventId, AttendeeId>,
    Body(input): Body<UpdateAttendee>,
) -> Answer<Json<AttendeeDetails>> {
    Ok(Json(app.koyomi.update_attendee(&caller, id, attendee, input.change()?).await?.into()))
}

/// Take an invitation back
#[utoipa::path(
    delete, path = "/api/events/{event_id}/attendees/{attendee_id}", tag = "attendees",
    params(("event_id" = uuid::Uuid, Path), ("attendee_id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Not invited any more."),
              (status = 403, description = "You may see the event, but not change it."))
)]
pub(crate) async fn delete_attendee(
    State(app): State<App>,
    Auth(caller): Auth,
    PathIds(id, attendee): PathIds<EventId, AttendeeId>,
) -> Answer<StatusCode> {
    app.koyomi.delete_attendee(&caller, id, attendee).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answer my invitation
///
/// For a series, all of it.
#[utoipa::path(
    post, path = "/api/events/{event_id}/respond", tag = "attendees",
    params(("event_id" = uuid::Uuid, Path), IdempotencyKey), request_body = Respond,
    responses((status = 200, body = AttendeeDetails, description = "Answered."),
              (status = 403, description = "You are not among the guests."))
)]
pub(crate) async fn respond(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<EventId>,
    Keyed(key, input): Keyed<Respond>,
) -> Answer<Json<AttendeeDetails>> {
    Ok(Json(app.koyomi.respond(&caller, id, input.into(), key).await?.into()))
}
