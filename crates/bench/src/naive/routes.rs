use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, StatusCode};
use kernel::Clock;
use serde::Deserialize;
use uuid::Uuid;

use crate::answer::{Answer, Refusal};
use crate::create::{self, CreateEvent, Key};
use crate::db::Pool;
use crate::read::{self, Nested};
use crate::shape::{Availability, Event, Page};

pub(crate) fn router(pool: Pool) -> Router {
    Router::new()
        .route("/api/events", get(list_events).post(create_event))
        .route("/api/events/{id}", get(find_event))
        .route("/api/calendars/{id}/events", get(list_calendar_events))
        .route("/api/resources/availability", get(list_availability))
        .with_state(pool)
}

#[derive(Deserialize)]
struct OfCalendar {
    calendar_id: Uuid,
}

#[derive(Deserialize)]
struct Window {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    limit: Option<i64>,
}

#[derive(Deserialize)]
struct Shown {
    expand: Option<String>,
}

impl Shown {
    /// All or nothing.
    fn nested(&self) -> Nested {
        if self.expand.is_some() { Nested::Yes } else { Nested::No }
    }
}

async fn list_events(
    State(pool): State<Pool>,
    headers: HeaderMap,
    Query(OfCalendar { calendar_id }): Query<OfCalendar>,
    Query(window): Query<Window>,
    Query(shown): Query<Shown>,
) -> Answer<Json<Page<Event>>> {
    page(pool, &headers, calendar_id, window, shown.nested()).await
}

async fn list_calendar_events(
    State(pool): State<Pool>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Query(window): Query<Window>,
    Query(shown): Query<Shown>,
) -> Answer<Json<Page<Event>>> {
    page(pool, &headers, id, window, shown.nested()).await
}

async fn page(
    pool: Pool,
    headers: &HeaderMap,
    calendar: Uuid,
    Window { from, to, limit }: Window,
    nested: Nested,
) -> Answer<Json<Page<Event>>> {
    let token = token(headers)?;
    let items = pool
        .run(move |mut lent| async move {
            let db = lent.db()?;
            let caller = read::caller(db, &token, Clock::System.now()).await?;
            read::may_write(db, &caller, calendar).await?;
            read::page(db, calendar, (from, to), limit.unwrap_or(50), nested).await
        })
        .await?;
    Ok(Json(Page { items, next_cursor: None }))
}

async fn find_event(
    State(pool): State<Pool>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Query(shown): Query<Shown>,
) -> Answer<Json<Event>> {
    let (token, nested) = (token(&headers)?, shown.nested());
    let event = pool
        .run(move |mut lent| async move {
            let db = lent.db()?;
            let caller = read::caller(db, &token, Clock::System.now()).await?;
            let row = read::event(db, id).await?;
            read::may_write(db, &caller, row.get("calendar_id")).await?;
            read::filled(db, &row, nested).await
        })
        .await?;
    Ok(Json(event))
}

async fn create_event(State(pool): State<Pool>, headers: HeaderMap, body: Bytes) -> Answer<Response> {
    let token = token(&headers)?;
    let input: CreateEvent = serde_json::from_slice(&body).map_err(|error| Refusal::Malformed(error.to_string()))?;
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.map(|key| Key { key: key.to_owned(), hash: *blake3::hash(&body).as_bytes() });
    let event = pool
        .run(move |mut lent| async move {
            let db = lent.db()?;
            let caller = read::caller(db, &token, Clock::System.now()).await?;
            let row = create::event(db, &caller, &input, key.as_ref()).await?;
            read::filled(db, &row, Nested::No).await
        })
        .await?;
    let location = [(LOCATION, format!("/api/events/{}", event.id))];
    Ok((StatusCode::CREATED, location, Json(event)).into_response())
}

async fn list_availability(
    State(pool): State<Pool>,
    headers: HeaderMap,
    Query(Window { from, to, limit }): Query<Window>,
) -> Answer<Json<Page<Availability>>> {
    let token = token(&headers)?;
    let items = pool
        .run(move |mut lent| async move {
            let db = lent.db()?;
            let caller = read::caller(db, &token, Clock::System.now()).await?;
            read::availability(db, caller.tenant, (from, to), limit.unwrap_or(50)).await
        })
        .await?;
    Ok(Json(Page { items, next_cursor: None }))
}

/// The hash of the secret that was sent, as it is stored.
fn token(headers: &HeaderMap) -> Answer<[u8; 32]> {
    let header = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let secret = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or(Refusal::Unauthenticated)?;
    Ok(*blake3::hash(secret.as_bytes()).as_bytes())
}
