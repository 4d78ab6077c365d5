use serde::Serialize;
use utoipa::ToSchema;

/// That an instance takes requests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    pub ready: bool,
    /// Of the database that it answers from: one more each time it may have gone back in time.
    #[schema(example = 1)]
    pub epoch: i64,
}
