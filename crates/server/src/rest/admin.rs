use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use kernel::Failure;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Answer;
use crate::extract::{Auth, Query};
use crate::heap;
use crate::shape::Json;
use crate::shape::index::IndexUsage;
use crate::state::App;

/// Within what such a request may take where nothing else is said (`bulk_deadline`).
const MOST_SECONDS: u8 = 50;

/// How the database's indexes are used
///
/// For administrators of the organisation that runs the deployment, the one called `default`: what is counted belongs to all
/// organisations together. `koyomi doctor` tells the same, and more.
#[utoipa::path(
    get, path = "/api/admin/indexes", tag = "operation",
    responses((status = 200, body = IndexUsage, description = "Every index of koyomi's tables."),
              (status = 403, description = "You do not run this deployment."))
)]
pub(crate) async fn list_indexes(State(app): State<App>, Auth(caller): Auth) -> Answer<Json<IndexUsage>> {
    Ok(Json(app.koyomi.list_indexes(&caller).await?.into()))
}

/// How a heap profile is made.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HeapParams {
    /// How long to sample. Left out: since the instance was started, where it was started with `heap_sampling`.
    #[param(minimum = 1, maximum = 50, example = 10)]
    seconds: Option<u8>,
}

/// What holds this instance's memory
///
/// A profile as `pprof` reads it (gzip, protobuf), of one allocation in 512 KiB: what was allocated while it was sampled and
/// is still held. For administrators of the organisation that runs the deployment. One is made at a time; who comes second
/// waits.
#[utoipa::path(
    get, path = "/api/admin/heap", tag = "operation", params(HeapParams),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>, description = "The profile."),
              (status = 403, description = "You do not run this deployment."),
              (status = 503, description = "Somebody else's took until your own time was over."))
)]
pub(crate) async fn heap_profile(
    State(app): State<App>,
    Auth(caller): Auth,
    Query(asked): Query<HeapParams>,
) -> Answer<Response> {
    if asked.seconds.is_some_and(|seconds| !(1..=MOST_SECONDS).contains(&seconds)) {
        return Err(Failure::malformed("?seconds", format!("must be 1 to {MOST_SECONDS}")).into());
    }
    app.koyomi.check_operator(&caller).await?;
    let profile = heap::profile(asked.seconds).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment; filename=\"koyomi-heap.pb.gz\""),
    ];
    Ok((headers, profile).into_response())
}
