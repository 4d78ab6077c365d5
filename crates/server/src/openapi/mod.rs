//! The API's description, OpenAPI 3.1: what handlers say of themselves, completed by rules, so that no handler has to
//! repeat what is true of all.

mod headers;
mod relations;
mod rules;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_swagger_ui::{Config, SwaggerUi};
use xxhash_rust::xxh3::xxh3_128;

use crate::etag;
use crate::extract::{IfNoneMatch, SESSION_COOKIE};
use crate::rest;
use crate::shape::problem::Problem;
use crate::state::App;

const PATH: &str = "/api/openapi.json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "koyomi",
        description = "A calendar backend. Lists are pages of `items` with a `next_cursor`; what was refused is a problem \
                       document (RFC 9457) with a stable `code`; a `POST` may be repeated safely with the same \
                       `Idempotency-Key`; an `ETag` makes reads conditional and writes safe."
    ),
    components(schemas(Problem)),
    security(("bearer" = []), ("cookie" = [])),
    tags(
        (name = "auth", description = "Signing in and out."),
        (name = "me", description = "The caller: profile and API tokens."),
        (name = "users", description = "The caller's colleagues."),
        (name = "calendars", description = "What events are kept in."),
        (name = "members", description = "Who a calendar is shared with, and what they may do in it."),
        (name = "events", description = "Events, their occurrences, and the caller's agenda."),
        (name = "transfer", description = "Calendars in and out, as iCalendar or NDJSON."),
        (name = "attendees", description = "Who is invited to an event, and what they replied."),
        (name = "resources", description = "Rooms and other things that can be booked, and when they are free."),
        (name = "reservations", description = "What is booked for an event."),
        (name = "operation", description = "For load balancers, and for who runs the deployment."),
    )
)]
struct Skeleton;

/// What the document has before the first route.
pub(crate) fn skeleton() -> OpenApi {
    let mut document = Skeleton::openapi();
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token (`kyt_…`) or the token of a session (`kys_…`)."))
        .build();
    let cookie = ApiKeyValue::with_description(
        SESSION_COOKIE,
        "What signing in leaves with a browser. Then what changes something must come from this site's own pages.",
    );
    let schemes =
        [("bearer", SecurityScheme::Http(bearer)), ("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))];
    for (name, scheme) in schemes {
        components.security_schemes.insert(name.to_owned(), scheme.into());
    }
    document
}

/// The whole description; the same at every start.
pub fn document() -> OpenApi {
    let mut document = rules::complete(rest::described());
    relations::complete(&mut document);
    document
}

/// The document itself and the page that shows it, all from this binary.
pub(crate) fn routes() -> Router<App> {
    let bytes = Bytes::from(serde_json::to_vec(&document()).unwrap_or_default());
    let tag = format!("\"{:032x}\"", xxh3_128(&bytes));
    let page = SwaggerUi::new("/docs").config(Config::from(PATH).try_it_out_enabled(true).persist_authorization(true));
    Router::new().route(PATH, get(async move |have: IfNoneMatch| serve(&tag, &bytes, &have))).merge(page)
}

fn serve(tag: &str, bytes: &Bytes, have: &IfNoneMatch) -> Response {
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    etag::conditional(tag, have, || (StatusCode::OK, json, bytes.clone()).into_response())
}
