use axum::extract::State;
use kernel::{Caller, Failure, Limit, Result, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Answer;
use crate::etag;
use crate::extract::{Auth, IfNoneMatch, Query, given};
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
pub(crate) async fn list_users(
    State(app): State<App>,
    Auth(caller): Auth,
    Query(wanted): Query<Wanted>,
    have: IfNoneMatch,
) -> Answer {
    let page = wanted.find(&app, &caller).await?;
    etag::conditional_bytes(&Page::of(page, User::from), &have)
}

impl Wanted {
    async fn find(self, app: &App, caller: &Caller) -> Result<kernel::Page<users::User>> {
        let users = &app.koyomi.users;
        match self.q {
            Some(q) if self.ids.is_empty() => {
                let limit = Limit::new(self.limit)?;
                users.search(caller, &q, limit, self.cursor.as_deref()).await
            }
            Some(_) => Err(Failure::malformed("?q", "cannot be combined with ids")),
            None if self.ids.is_empty() => Err(Failure::malformed("?ids", "give either ids or q")),
            None if self.ids.len() > MAX_IDS => Err(Failure::malformed("?ids", "at most 500 at a time")),
            None if self.limit.is_some() => Err(Failure::malformed("?limit", "goes with q only")),
            None if self.cursor.is_some() => Err(Failure::malformed("?cursor", "goes with q only")),
            None => {
                let mut conn = app.koyomi.store.conn().await?;
                let found = users.find_many(&mut conn, caller.tenant_id, &self.ids).await?;
                let mut items: Vec<_> = found.into_values().collect();
                items.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
                Ok(kernel::Page { items, next_cursor: None })
            }
        }
    }
}
