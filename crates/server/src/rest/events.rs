use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use futures::FutureExt;
use http::StatusCode;
use kernel::{CalendarId, EventId, Failure, Result};
use koyomi::{Listed, Scope};
use store::Epoch;

use super::listing::{Asked, EventsParams, SearchParams, ShowParams, WindowParams, expanded, fields};
use super::series::SeriesParams;
use crate::error::Answer;
use crate::etag::{self, conditional_bytes, tagged};
use crate::extract::{Asking, Auth, IdempotencyKey, IfMatch, IfNoneMatch, Keyed, PathId, Query, read_query};
use crate::ready::{self, Shaped};
use crate::shape::Json;
use crate::shape::event::{CreateEvent, Event, Nested, Shown, UpdateEvent, fields_of};
use crate::shape::page::Page;
use crate::shape::preview::{EventOrPreview, Preview};
use crate::state::App;

/// Occurrences of several calendars, or events by id
///
/// Everything that overlaps the window, running events included, in the order of start, event, original start. Exactly
/// one of `calendar_id` and `ids`.
#[utoipa::path(
    get, path = "/api/events", tag = "events", params(EventsParams, IfNoneMatch),
    responses((status = 200, body = Page<Event>, description = "A page of occurrences."),
              (status = 404, description = "One of the calendars is not shared with you."))
)]
pub(crate) async fn list_events(State(app): State<App>, asking: Asking, Query(params): Query<EventsParams>) -> Answer {
    if params.ids.is_empty() {
        let ids = &params.calendar_id;
        let asked = || SearchParams::from(read_query::<EventsParams>(&asking.target)?).asked();
        return of_calendars(&app, &asking, ids, asked).await;
    }
    params.only_ids()?;
    let ids = params.ids.clone();
    let asked = SearchParams::from(params).asked()?;
    let caller = app.koyomi.caller(&asking.asker, true).await?;
    let listed = app.koyomi.find_events(&caller, &ids, asked.listing.expand).await?;
    conditional_bytes(&body(listed, &asked, app.koyomi.store.epoch())?, &asking.have)
}

/// Occurrences of one calendar
#[utoipa::path(
    get, path = "/api/calendars/{calendar_id}/events", tag = "events",
    params(("calendar_id" = uuid::Uuid, Path), SearchParams, IfNoneMatch),
    responses((status = 200, body = Page<Event>, description = "A page of occurrences."))
)]
pub(crate) async fn list_calendar_events(
    State(app): State<App>,
    asking: Asking,
    PathId(id): PathId<CalendarId>,
) -> Answer {
    of_calendars(&app, &asking, &[id], || read_query::<SearchParams>(&asking.target)?.asked()).await
}

/// `asked` reads the parameters; an answer that is ready does without.
async fn of_calendars(
    app: &App,
    asking: &Asking,
    ids: &[CalendarId],
    asked: impl Fn() -> Result<Asked> + Send + Sync,
) -> Answer {
    let asked = &asked;
    ready::answer(
        app,
        asking,
        Scope::Calendars(ids.to_vec()),
        |opened| async move { app.koyomi.list_events(&opened, &asked()?.listing).await }.boxed(),
        |listed, _| Ok(Shaped::by_versions(body(Arc::unwrap_or_clone(listed.value), &asked()?, listed.epoch)?)),
    )
    .await
}

/// My agenda
///
/// My calendars and what I am invited to in others, each occurrence once.
#[utoipa::path(
    get, path = "/api/me/events", tag = "events", params(WindowParams, IfNoneMatch),
    responses((status = 200, body = Page<Event>, description = "A page of occurrences."))
)]
pub(crate) async fn list_agenda(
    State(app): State<App>,
    Auth(caller): Auth,
    Query(params): Query<WindowParams>,
    have: IfNoneMatch,
) -> Answer {
    let asked = SearchParams::from(params).asked()?;
    let listed = app.koyomi.list_agenda(&caller, &asked.listing).await?;
    conditional_bytes(&body(listed, &asked, app.koyomi.store.epoch())?, &have)
}

/// The occurrences of one event
#[utoipa::path(
    get, path = "/api/events/{event_id}/occurrences", tag = "events",
    params(("event_id" = uuid::Uuid, Path), WindowParams, IfNoneMatch),
    responses((status = 200, body = Page<Event>, description = "A page of occurrences, overrides included."))
)]
pub(crate) async fn list_occurrences(
    State(app): State<App>,
    asking: Asking,
    PathId(id): PathId<EventId>,
    Query(params): Query<WindowParams>,
) -> Answer {
    let asked = SearchParams::from(params).asked()?;
    let (app, asking, asked) = (&app, &asking, &asked);
    ready::answer(
        app,
        asking,
        Scope::Event(id),
        move |opened| async move { app.koyomi.list_occurrences(&opened, id, &asked.listing).await }.boxed(),
        |listed, _| Ok(Shaped::by_versions(body(Arc::unwrap_or_clone(listed.value), asked, listed.epoch)?)),
    )
    .await
}

/// Create an event
///
/// With its guests and rooms in one transaction: all of it is written, or nothing.
#[utoipa::path(
    post, path = "/api/events", tag = "events", params(crate::extract::IdempotencyKey), request_body = CreateEvent,
    responses((status = 201, body = Event, description = "Created."),
              (status = 403, description = "You may not write to this calendar."),
              (status = 404, description = "The calendar is not shared with you."),
              (status = 409, description = "A room is taken (`conflicts` says when), or the uid is."))
)]
pub(crate) async fn create_event(
    State(app): State<App>,
    Auth(caller): Auth,
    Keyed(key, input): Keyed<CreateEvent>,
) -> Answer {
    let happening = app.koyomi.create_event(&caller, input.into(), key).await?;
    let epoch = app.koyomi.store.epoch();
    let event = Event::of(happening, &Nested::default(), epoch)?;
    let location = [(http::header::LOCATION, event.path())];
    Ok(tagged(event.etag(), (StatusCode::CREATED, location, Json(&event))))
}

/// One event
///
/// A series is shown at its first occurrence.
#[utoipa::path(
    get, path = "/api/events/{event_id}", tag = "events",
    params(("event_id" = uuid::Uuid, Path), ShowParams, IfNoneMatch),
    responses((status = 200, body = Event, description = "The event."))
)]
pub(crate) async fn find_event(
    State(app): State<App>,
    asking: Asking,
    PathId(id): PathId<EventId>,
    Query(params): Query<ShowParams>,
) -> Answer {
    let (expand, organizer) = expanded(params.expand.as_deref())?;
    let wanted = fields(params.fields.as_deref())?;
    let (app, asking) = (&app, &asking);
    ready::answer(
        app,
        asking,
        Scope::Event(id),
        move |opened| async move { app.koyomi.find_event(&opened, id, expand).await }.boxed(),
        |listed, opened| {
            let epoch = listed.epoch;
            let listed = Arc::unwrap_or_clone(listed.value);
            let tag = listed.page.items.first().map(|found| etag::of_event(epoch, found, &opened.caller));
            let (mut items, _) = Event::list(listed, organizer, epoch)?;
            let event = items.pop().ok_or_else(|| Failure::not_found("event"))?;
            Ok(Shaped { body: Shown { event, fields: wanted.as_deref().map(fields_of) }, tag })
        },
    )
    .await
}

/// Change an event, or a part of a series
///
/// When it moves, its rooms move with it or nothing happens. With `If-Match`, only the version you have read: that of the
/// occurrence with `scope=this`, else that of the series. Answers the record that was changed or made: with `scope=this` that
/// of the occurrence, with `scope=following` the new series that goes on from there. An occurrence that was deleted or
/// cancelled comes back with `scope=this` and `status: confirmed`.
#[utoipa::path(
    patch, path = "/api/events/{event_id}", tag = "events",
    params(("event_id" = uuid::Uuid, Path), SeriesParams, IfMatch, crate::extract::IdempotencyKey),
    request_body = UpdateEvent,
    responses((status = 200, body = EventOrPreview, description = "Changed; or with `dry_run`, what would change."),
              (status = 403, description = "You may see it, but not change it."),
              (status = 404, description = "There is no such event, or the series has no such occurrence."),
              (status = 409, description = "A room is taken at the new time (`conflicts` says when)."))
)]
pub(crate) async fn update_event(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<EventId>,
    Query(params): Query<SeriesParams>,
    only_if: IfMatch,
    Keyed(key, input): Keyed<UpdateEvent>,
) -> Answer {
    let epoch = app.koyomi.store.epoch();
    let (aim, patch, expected) = (params.aim(id)?, input.patch()?, only_if.expected(epoch));
    if params.dry_run {
        let preview = app.koyomi.preview_update(&caller, aim, patch, expected).await?;
        return Ok(Json(&Preview::of(preview)).into_response());
    }
    let happening = app.koyomi.update_event(&caller, aim, patch, expected, key).await?;
    let event = Event::of(happening, &Nested::default(), epoch)?;
    Ok(tagged(event.etag(), Json(&event)))
}

/// Delete an event, or a part of a series
///
/// A series goes with all its occurrences, with `scope=this` one of them, with `scope=following` that and all behind it;
/// rooms become free.
#[utoipa::path(
    delete, path = "/api/events/{event_id}", tag = "events",
    params(("event_id" = uuid::Uuid, Path), SeriesParams, IfMatch, crate::extract::IdempotencyKey),
    responses((status = 204, description = "Deleted."),
              (status = 200, body = Preview, description = "With `dry_run`: what would change."),
              (status = 403, description = "You may see it, but not delete it."),
              (status = 404, description = "There is no such event, or the series has no such occurrence."))
)]
pub(crate) async fn delete_event(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<EventId>,
    Query(params): Query<SeriesParams>,
    only_if: IfMatch,
    IdempotencyKey(key): IdempotencyKey,
) -> Answer {
    let (aim, expected) = (params.aim(id)?, only_if.expected(app.koyomi.store.epoch()));
    if params.dry_run {
        let preview = app.koyomi.preview_delete(&caller, aim, expected).await?;
        return Ok(Json(&Preview::of(preview)).into_response());
    }
    app.koyomi.delete_event(&caller, aim, expected, key).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn body(listed: Listed, asked: &Asked, epoch: Epoch) -> Result<Page<Shown>> {
    let (items, next_cursor) = Event::list(listed, asked.organizer, epoch)?;
    let fields = asked.fields.as_deref().map(fields_of);
    let items = items.into_iter().map(|event| Shown { event, fields: fields.clone() }).collect();
    Ok(Page { items, next_cursor })
}
