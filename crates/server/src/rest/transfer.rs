use std::io::Cursor;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use kernel::CalendarId;
use koyomi::{ImportLimits, ImportOptions, TransferFormat};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::error::Answer;
use crate::extract::{Auth, PathId, Query, Upload};
use crate::shape::Json;
use crate::shape::import::ImportReport;
use crate::state::App;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportParams {
    /// Say what would be done, and do nothing.
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    #[serde(default)]
    #[param(required = false, inline)]
    format: Format,
}

/// `ics`: iCalendar (RFC 5545). `ndjson`: one JSON object per line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    #[default]
    Ics,
    Ndjson,
}

/// Import events
///
/// `text/calendar` or `application/x-ndjson`, up to 10 MiB, 50,000 components, 64 KiB a line. What is new is created, what
/// is here is updated when the copy is newer; the same input again changes nothing. What cannot be read is reported
/// with its line and skipped; the rest arrives.
#[utoipa::path(
    post, path = "/api/calendars/{calendar_id}/import", tag = "transfer",
    params(("calendar_id" = uuid::Uuid, Path), ImportParams),
    request_body(content((String = "text/calendar"), (String = "application/x-ndjson")), description = "The events."),
    responses((status = 200, body = ImportReport, description = "What was done, by component."),
              (status = 403, description = "You may not write to this calendar."))
)]
pub(crate) async fn import_events(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<CalendarId>,
    Query(params): Query<ImportParams>,
    Upload { format, bytes }: Upload,
) -> Answer<Json<ImportReport>> {
    let options = ImportOptions { format, dry_run: params.dry_run, limits: ImportLimits::default() };
    let report = app.koyomi.import_events(&caller, id, Cursor::new(bytes), options, |_| {}).await?;
    Ok(Json(report.into()))
}

/// Export events
///
/// As the caller may see them: what is private to others goes out as busy.
#[utoipa::path(
    get, path = "/api/calendars/{calendar_id}/export", tag = "transfer",
    params(("calendar_id" = uuid::Uuid, Path), ExportParams),
    responses((status = 200, description = "The events.",
               content((String = "text/calendar"), (String = "application/x-ndjson"))))
)]
pub(crate) async fn export_events(
    State(app): State<App>,
    Auth(caller): Auth,
    PathId(id): PathId<CalendarId>,
    Query(params): Query<ExportParams>,
) -> Answer<Response> {
    let format = match params.format {
        Format::Ics => TransferFormat::Ics,
        Format::Ndjson => TransferFormat::Ndjson,
    };
    let chunks = app.koyomi.export_events(&caller, id, format).await?.map(|chunk| {
        // The status is long gone: the client sees the connection break, the log says why.
        chunk.inspect_err(|failure| tracing::error!(%failure, "an export broke off"))
    });
    let name = format!("attachment; filename=\"{id}.{}\"", format.extension());
    let headers = [(CONTENT_TYPE, format.media_type().to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
