//! REST. A handler is extract, call, shape; which paths there are is the list below.

mod admin;
mod attendees;
mod auth;
mod calendars;
mod events;
mod health;
mod listing;
mod me;
mod members;
mod paged;
mod reservations;
mod resources;
mod series;
mod tokens;
mod transfer;
mod users;

use axum::Router;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::metrics::Routes;
use crate::middleware::Observed;
use crate::state::App;
use crate::{graphql, metrics, openapi, ops, problems};

/// Every route of the API: handlers of one path together.
#[rustfmt::skip]
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::skeleton())
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        .routes(routes!(me::find_me, me::update_me))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(users::list_users))
        .routes(routes!(calendars::list_calendars, calendars::create_calendar))
        .routes(routes!(calendars::find_calendar, calendars::update_calendar, calendars::delete_calendar))
        .routes(routes!(members::list_members, members::create_member))
        .routes(routes!(members::update_member, members::delete_member))
        .routes(routes!(events::list_calendar_events))
        .routes(routes!(transfer::import_events))
        .routes(routes!(transfer::export_events))
        .routes(routes!(events::list_agenda))
        .routes(routes!(events::list_events, events::create_event))
        .routes(routes!(events::find_event, events::update_event, events::delete_event))
        .routes(routes!(events::list_occurrences))
        .routes(routes!(attendees::list_attendees, attendees::create_attendee))
        .routes(routes!(attendees::update_attendee, attendees::delete_attendee))
        .routes(routes!(attendees::respond))
        .routes(routes!(reservations::list_reservations, reservations::create_reservations))
        .routes(routes!(reservations::cancel_reservation))
        .routes(routes!(resources::list_resources, resources::create_resource))
        .routes(routes!(resources::list_availability))
        .routes(routes!(resources::find_resource, resources::update_resource, resources::delete_resource))
        .routes(routes!(admin::list_indexes))
        .routes(routes!(admin::heap_profile))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

/// What the routes say of themselves, before the rules of [`openapi`] are applied.
pub(crate) fn described() -> OpenApi {
    routes().into_openapi()
}

/// What the description leaves out, and is counted.
const UNDESCRIBED: [&str; 11] = [
    "/metrics",
    "/ops",
    "/ops/{name}",
    "/problems/{code}",
    "/graphql",
    "/graphql/ws",
    "/graphiql",
    "/graphiql/{name}",
    "/docs",
    "/docs/{*file}",
    "/api/openapi.json",
];

/// The whole server.
pub(crate) fn router(app: App) -> Observed {
    let (api, described) = routes().split_for_parts();
    let counted = Routes::of(described.paths.paths.into_keys().chain(UNDESCRIBED.map(str::to_owned)));
    let graphql = if app.graphql.enabled { graphql::routes() } else { Router::new() };
    let routes = api
        .route("/metrics", get(metrics::show))
        .route("/problems/{code}", get(problems::explain))
        .merge(openapi::routes())
        .merge(graphql)
        .merge(ops::routes())
        .fallback(async || ApiError::no_such_route())
        .with_state(app.clone());
    Observed::new(app, counted, routes)
}
