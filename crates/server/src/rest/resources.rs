use std::sync::Arc;

use axum::extract::State;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use http::StatusCode;
use http::header::LOCATION;
use kernel::{Failure, Limit, ResourceId, Span};
use koyomi::Scope;
use resources::{Filter, ResourceKind};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Answer;
use crate::etag::tagged;
use crate::extract::{Asking, Auth, Body, IdempotencyKey, IfMatch, IfNoneMatch, Keyed, PathId, Query};
use crate::ready::{self, Shaped};
use crate::shape::Json;
use crate::shape::page::Page;
use crate::shape::resource::{Availability, CreateResource, KindOfResource, Resource, UpdateResource};
use crate::shape::time::instant;
use crate::state::App;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResourcesParams {
    /// Only these.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>, required = false, max_items = 500)]
    ids: Vec<ResourceId>,
    /// Part of name or location, in any case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    #[param(value_type = Option<KindOfResource>)]
    kind: Option<ResourceKind>,
    /// Only those known to take this many people.
    #[param(minimum = 1, maximum = 2_147_483_647)]
    capacity: Option<i32>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AvailabilityParams {
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = String, format = "date-time", required = true, example = "2026-11-22T01:00:00Z")]
    from: Option<DateTime<Utc>>,
    /// At most 92 days after `from`.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = String, format = "date-time", required = true, example = "2026-11-22T02:00:00Z")]
    to: Option<DateTime<Utc>>,
    /// Only those that are free all the time.
    #[serde(default)]
    #[param(required = false)]
    available: bool,
    /// Only these.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>, required = false, max_items = 500)]
    ids: Vec<ResourceId>,
    /// Part of name or location, in any case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    #[param(value_type = Option<KindOfResource>)]
    kind: Option<ResourceKind>,
    /// Only those known to take this many people.
    #[param(minimum = 1, maximum = 2_147_483_647)]
    capacity: Option<i32>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same filters.
    cursor: Option<String>,
}

fn filter(ids: Vec<ResourceId>, q: Option<String>, kind: Option<ResourceKind>, min_capacity: Option<i32>) -> Filter {
    Filter { ids: (!ids.is_empty()).then_some(ids), q, kind, min_capacity }
}

/// The organisation's resources
///
/// By name.
#[utoipa::path(
    get, path = "/api/resources", tag = "resources", params(ResourcesParams, IfNoneMatch),
    responses((status = 200, body = Page<Resource>, description = "A page of resources."))
)]
pub(crate) async fn list_resources(State(app): State<App>, asking: Asking, Query(p): Query<ResourcesParams>) -> Answer {
    let limit = Limit::new(p.limit)?;
    let filter = &filter(p.ids, p.q, p.kind, p.capacity);
    let (app, asking, cursor) = (&app, &asking, p.cursor.as_deref());
    ready::answer(
        app,
        asking,
        Scope::Directory,
        move |opened| async move { app.koyomi.list_resources(&opened, filter, limit, cursor).await }.boxed(),
        |page, _| {
            let epoch = page.epoch;
            Ok(Shaped::by_versions(Page::of(Arc::unwrap_or_clone(page.value), |r| Resource::of(r, epoch))))
        },
    )
    .await
}

/// Which resources are free
///
/// Within a window of at most 92 days, with the times when the others are taken. It decides nothing: only booking does.
#[utoipa::path(
    get, path = "/api/resources/availability", tag = "resources", params(AvailabilityParams, IfNoneMatch),
    responses((status = 200, body = Page<Availability>, description = "A page of resources, by name."))
)]
pub(crate) async fn list_availability(
    State(app): State<App>,
    asking: Asking,
    Query(p): Query<AvailabilityParams>,
) -> Answer {
    let required = |name| Failure::malformed(name, "is required");
    let span = Span { from: p.from.ok_or_else(|| required("?from"))?, to: p.to.ok_or_else(|| required("?to"))? };
    let limit = Limit::new(p.limit)?;
    let filter = &filter(p.ids, p.q, p.kind, p.capacity);
    let (app, asking, cursor) = (&app, &asking, p.cursor.as_deref());
    ready::answer(
        app,
        asking,
        Scope::Bookings,
        move |opened| {
            async move { app.koyomi.list_availability(&opened, span, filter, p.available, limit, cursor).await }.boxed()
        },
        |page, _| {
            let epoch = page.epoch;
            Ok(Shaped::by_versions(Page::of(Arc::unwrap_or_clone(page.value), |a| Availability::of(a, epoch))))
        },
    )
    .await
}

/// Add a resource
///
/// For administrators of the organisation.
#[utoipa::path(
    post, path = "/api/resources", tag = "resources", params(IdempotencyKey), request_body = CreateResource,
    responses((status = 201, body = Resource, description = "Added."),
              (status = 403, description = "Only an administrator adds resources."))
)]
pub(crate) async fn create_resource(
    State(app): State<App>,
    Auth(caller): Auth,
    Keyed(key, input): Keyed<CreateResource>,
) -> Answer {
    let store = &app.koyomi.store;
    let new = input.with_id(store.ids().mint());
    let resource = app.koyomi.create_resource(&caller, new, key).await?;
    let location = [(LOCATION, format!("/api/resources/{}", resource.id))];
    let (tag, body) = (store.epoch().tag(resource.version), Json(Resource::of(resource, store.epoch())));
    Ok(tagged(&tag, (StatusCode::CREATED, location, body)))
}

/// One resource
#[utoipa::path(
    get, path = "/api/resources/{resource_id}", tag = "resources",
    params(("resource_id" = uuid::Uuid, Path), IfNoneMatch),
    responses((status = 200, body = Resource, description = "The resource."))
)]
pub(crate) async fn find_resource(State(app): State<App>, asking: Asking, PathId(id): PathId<ResourceId>) -> Answer {
    let (app, asking) = (&app, &asking);
    ready::answer(
        app,
        asking,
        Scope::Directory,
        move |opened| async move { app.koyomi.find_resource(&opened, id).await }.boxed(),
        |found, _| {
            let (epoch, resource) = (found.epoch, Arc::unwrap_or_clone(found.value));
            Ok(Shaped { tag: Some(epoch.tag(resource.version)), body: Resource::of(resource, epoch) })
        },
    )
    .await
}

/// Change a resource
///
/// For administrators of the organisation.
#[utoipa::path(
    patch, path = "/api/resources/{resource_id}", tag = "resources",
    params(("resource_id" = uuid::Uuid, Path), IfMatch), request_body = UpdateResource,
    responses((status = 200, body = Resource, description = "Changed."),
              (status = 403, description = "Only an administrator changes resources."),
              (status = 409, description = "Its reservations do not allow this."))
)]
pub(crate) async fn update_resource(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<ResourceId>,
    only_if: IfMatch,
    Body(input): Body<UpdateResource>,
) -> Answer {
    let epoch = app.koyomi.store.epoch();
    let resource = app.koyomi.update_resource(&caller, id, input.change()?, only_if.expected(epoch)).await?;
    Ok(tagged(&epoch.tag(resource.version), Json(Resource::of(resource, epoch))))
}

/// Remove a resource
///
/// For administrators of the organisation. Past reservations keep showing its name.
#[utoipa::path(
    delete, path = "/api/resources/{resource_id}", tag = "resources",
    params(("resource_id" = uuid::Uuid, Path), IfMatch),
    responses((status = 204, description = "Removed."),
              (status = 403, description = "Only an administrator removes resources."),
              (status = 409, description = "It is booked in the future."))
)]
pub(crate) async fn delete_resource(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<ResourceId>,
    only_if: IfMatch,
) -> Answer<StatusCode> {
    app.koyomi.delete_resource(&caller, id, only_if.expected(app.koyomi.store.epoch())).await?;
    Ok(StatusCode::NO_CONTENT)
}
