use std::sync::Arc;

use axum::extract::State;
use futures::FutureExt;
use kernel::{Failure, Limit, Result, UserId};
use koyomi::Scope;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Answer;
use crate::extract::{Asking, IfNoneMatch, Query, given};
use crate::ready::{self, Shaped};
use crate::shape::page::Page;
use crate::shape::user::User;
use crate::state::App;

const MAX_IDS: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Users by id, up to 500: `ids=…&ids=…`. Unknown ones are left out.
    #[serde(default)]
    #[param(value_type = Vec<uuid::Uuid>, max_items = 500, required = false)]
    ids: Vec<UserId>,
    /// Users whose name or address contains this; empty for all.
    #[serde(default, deserialize_with = "given")]
    #[param(max_length = 200)]
    q: Option<String>,
    /// Items per page, with `q`.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before, with the same `q`.
    cursor: Option<String>,
}

/// Colleagues, by id or by search
///
/// Exactly one of `ids` and `q`. By name, then id.
#[utoipa::path(
    get, path = "/api/users", tag = "users", params(Wanted, IfNoneMatch),
    responses((status = 200, body = Page<User>, description = "A page of users."))
)]
pub(crate) async fn list_users(State(app): State<App>, asking: Asking, Query(wanted): Query<Wanted>) -> Answer {
    let wanted = wanted.checked()?;
    let (app, asking, wanted) = (&app, &asking, &wanted);
    ready::answer(
        app,
        asking,
        Scope::Directory,
        move |opened| {
            async move {
                match wanted {
                    Checked::Ids(ids) => app.koyomi.find_users(&opened, ids).await,
                    Checked::Search { q, limit, cursor } => {
                        app.koyomi.search_users(&opened, q, *limit, cursor.as_deref()).await
                    }
                }
            }
            .boxed()
        },
        |found, _| Ok(Shaped::by_versions(Page::of(Arc::unwrap_or_clone(found.value), User::from))),
    )
    .await
}

/// Exactly one of the two.
enum Checked {
    Ids(Vec<UserId>),
    Search { q: String, limit: Limit, cursor: Option<String> },
}

impl Wanted {
    fn checked(self) -> Result<Checked> {
        match self.q {
            Some(q) if self.ids.is_empty() => {
                Ok(Checked::Search { q, limit: Limit::new(self.limit)?, cursor: self.cursor })
            }
            Some(_) => Err(Failure::malformed("?q", "cannot be combined with ids")),
            None if self.ids.is_empty() => Err(Failure::malformed("?ids", "give either ids or q")),
            None if self.ids.len() > MAX_IDS => Err(Failure::malformed("?ids", "at most 500 at a time")),
            None if self.limit.is_some() => Err(Failure::malformed("?limit", "goes with q only")),
            None if self.cursor.is_some() => Err(Failure::malformed("?cursor", "goes with q only")),
            None => Ok(Checked::Ids(self.ids)),
        }
    }
}
