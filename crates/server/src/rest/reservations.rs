use std::sync::Arc;

use axum::extract::State;
use futures::FutureExt;
use http::StatusCode;
use kernel::{EventId, ReservationId};
use koyomi::Scope;

use super::paged::Paged;
use crate::error::Answer;
use crate::extract::{Asking, Auth, IdempotencyKey, IfNoneMatch, Keyed, PathId, PathIds, Query};
use crate::ready::{self, Shaped};
use crate::shape::Json;
use crate::shape::page::Page;
use crate::shape::reservation::{CreateReservations, CreatedReservations, Reservation};
use crate::state::App;

/// What an event has booked
///
/// Occurrence by occurrence, by start.
#[utoipa::path(
    get, path = "/api/events/{event_id}/reservations", tag = "reservations",
    params(("event_id" = uuid::Uuid, Path), Paged, IfNoneMatch),
    responses((status = 200, body = Page<Reservation>, description = "A page of reservations."),
              (status = 403, description = "You see only that this time is taken."))
)]
pub(crate) async fn list_reservations(
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
        move |opened| async move { app.koyomi.list_reservations(&opened, id, limit, page.cursor()).await }.boxed(),
        |booked, _| Ok(Shaped::by_versions(Page::of(Arc::unwrap_or_clone(booked.value), Reservation::from))),
    )
    .await
}

/// Book resources for an event
///
/// For each of its occurrences: all of them, or none.
#[utoipa::path(
    post, path = "/api/events/{event_id}/reservations", tag = "reservations",
    params(("event_id" = uuid::Uuid, Path), IdempotencyKey), request_body = CreateReservations,
    responses((status = 201, body = CreatedReservations, description = "Booked."),
              (status = 403, description = "You may see the event, but not change it."),
              (status = 409, description = "Somebody else has one of them; `conflicts` says when."))
)]
pub(crate) async fn create_reservations(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<EventId>,
    Keyed(key, input): Keyed<CreateReservations>,
) -> Answer<(StatusCode, Json<CreatedReservations>)> {
    let made = app.koyomi.create_reservations(&caller, id, input.resources, key).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Give a reservation back
///
/// The time is free again; the event goes on showing it as cancelled.
#[utoipa::path(
    delete, path = "/api/events/{event_id}/reservations/{reservation_id}", tag = "reservations",
    params(("event_id" = uuid::Uuid, Path), ("reservation_id" = uuid::Uuid, Path)),
    responses((status = 204, description = "Given back."),
              (status = 403, description = "You may see the event, but not change it."))
)]
pub(crate) async fn cancel_reservation(
    State(app): State<App>,
    Auth(caller): Auth,
    PathIds(id, reservation): PathIds<EventId, ReservationId>,
) -> Answer<StatusCode> {
    app.koyomi.delete_reservation(&caller, id, reservation).await?;
    Ok(StatusCode::NO_CONTENT)
}
