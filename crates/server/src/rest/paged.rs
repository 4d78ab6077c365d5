use kernel::{Limit, Result};
use serde::Deserialize;
use utoipa::IntoParams;

/// The parameters of every plain list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paged {
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Paged {
    pub(crate) fn limit(&self) -> Result<Limit> {
        Limit::new(self.limit)
    }

    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}
