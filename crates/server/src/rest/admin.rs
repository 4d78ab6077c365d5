use axum::extract::State;

use crate::error::Answer;
use crate::extract::Auth;
use crate::shape::Json;
use crate::shape::index::IndexUsage;
use crate::state::App;

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
