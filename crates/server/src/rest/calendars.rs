use std::sync::Arc;

use axum::extract::State;
use futures::FutureExt;
use http::StatusCode;
use http::header::LOCATION;
use kernel::CalendarId;
use koyomi::Scope;

use super::paged::Paged;
use crate::error::Answer;
use crate::etag::{conditional_bytes, of_calendar, tagged};
use crate::extract::{Asking, Auth, Body, IdempotencyKey, IfMatch, IfNoneMatch, Keyed, PathId, Query};
use crate::ready::{self, Shaped};
use crate::shape::Json;
use crate::shape::calendar::{Calendar, CreateCalendar, UpdateCalendar};
use crate::shape::page::Page;
use crate::state::App;

/// My calendars
///
/// Own and shared ones, oldest first.
#[utoipa::path(
    get, path = "/api/calendars", tag = "calendars", params(Paged, IfNoneMatch),
    responses((status = 200, body = Page<Calendar>, description = "A page of calendars."))
)]
pub(crate) async fn list_calendars(
    State(app): State<App>,
    Auth(caller): Auth,
    Query(page): Query<Paged>,
    have: IfNoneMatch,
) -> Answer {
    let epoch = app.koyomi.store.epoch();
    let calendars = app.koyomi.list_calendars(&caller, page.limit()?, page.cursor()).await?;
    conditional_bytes(&Page::of(calendars, |c| Calendar::of(c, epoch)), &have)
}

/// Create a calendar
///
/// It belongs to the caller.
#[utoipa::path(
    post, path = "/api/calendars", tag = "calendars", params(IdempotencyKey), request_body = CreateCalendar,
    responses((status = 201, body = Calendar, description = "Created."))
)]
pub(crate) async fn create_calendar(
    State(app): State<App>,
    Auth(caller): Auth,
    Keyed(key, input): Keyed<CreateCalendar>,
) -> Answer {
    let epoch = app.koyomi.store.epoch();
    let calendar = app.koyomi.create_calendar(&caller, input.into(), key).await?;
    let (tag, location) = (of_calendar(epoch, &calendar), [(LOCATION, format!("/api/calendars/{}", calendar.id))]);
    Ok(tagged(&tag, (StatusCode::CREATED, location, Json(Calendar::of(calendar, epoch)))))
}

/// One calendar
#[utoipa::path(
    get, path = "/api/calendars/{calendar_id}", tag = "calendars",
    params(("calendar_id" = uuid::Uuid, Path), IfNoneMatch),
    responses((status = 200, body = Calendar, description = "The calendar."))
)]
pub(crate) async fn find_calendar(State(app): State<App>, asking: Asking, PathId(id): PathId<CalendarId>) -> Answer {
    let (app, asking) = (&app, &asking);
    ready::answer(
        app,
        asking,
        Scope::Calendar(id),
        move |opened| async move { app.koyomi.find_calendar(&opened, id).await }.boxed(),
        |found, _| {
            let (epoch, calendar) = (found.epoch, Arc::unwrap_or_clone(found.value));
            Ok(Shaped { tag: Some(of_calendar(epoch, &calendar)), body: Calendar::of(calendar, epoch) })
        },
    )
    .await
}

/// Change a calendar
#[utoipa::path(
    patch, path = "/api/calendars/{calendar_id}", tag = "calendars",
    params(("calendar_id" = uuid::Uuid, Path), IfMatch), request_body = UpdateCalendar,
    responses((status = 200, body = Calendar, description = "Changed."),
              (status = 403, description = "Only an owner changes a calendar."),
              (status = 409, description = "One of its events has a room that is taken at its time in the new zone."))
)]
pub(crate) async fn update_calendar(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<CalendarId>,
    only_if: IfMatch,
    Body(input): Body<UpdateCalendar>,
) -> Answer {
    let epoch = app.koyomi.store.epoch();
    let calendar = app.koyomi.update_calendar(&caller, id, input.patch()?, only_if.expected(epoch)).await?;
    Ok(tagged(&of_calendar(epoch, &calendar), Json(Calendar::of(calendar, epoch))))
}

/// Delete a calendar
///
/// With everything in it; the rooms that its events held become free.
#[utoipa::path(
    delete, path = "/api/calendars/{calendar_id}", tag = "calendars",
    params(("calendar_id" = uuid::Uuid, Path), IfMatch),
    responses((status = 204, description = "Deleted."),
              (status = 403, description = "Only an owner deletes a calendar."))
)]
pub(crate) async fn delete_calendar(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<CalendarId>,
    only_if: IfMatch,
) -> Answer<StatusCode> {
    app.koyomi.delete_calendar(&caller, id, only_if.expected(app.koyomi.store.epoch())).await?;
    Ok(StatusCode::NO_CONTENT)
}
