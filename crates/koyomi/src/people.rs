//! The people of a tenant, as they see each other.

use cache::{Answer, Family, Reading};
use kernel::{Limit, Page, Result, UserId};
use users::User;

use crate::{Koyomi, Opened};

impl Koyomi {
    /// Colleagues by id, by name; unknown ones are left out.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn find_users(&self, opened: &Opened, ids: &[UserId]) -> Result<Answer<Page<User>>> {
        self.read(Family::Users, opened, &("find", ids), |koyomi, caller| {
            let ids = ids.to_vec();
            Box::pin(async move {
                let tenant = caller.tenant_id;
                let mut conn = koyomi.store.snapshot().await?;
                let versions = cache::tenant_versions(&mut conn, tenant, false).await?;
                let found = koyomi.users.find_many(&mut conn, tenant, &ids).await?;
                let mut items: Vec<User> = found.into_values().collect();
                items.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
                let value = Page { items, next_cursor: None };
                Ok(Reading { epoch: versions.epoch(), versions: versions.moved(tenant), value })
            })
        })
        .await
    }

    /// Colleagues whose name or address contains `q`, by name. An empty `q` lists everybody.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn search_users(
        &self,
        opened: &Opened,
        q: &str,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Answer<Page<User>>> {
        self.read(Family::Users, opened, &("search", q, limit.rows(), cursor), |koyomi, caller| {
            let (q, cursor) = (q.to_owned(), cursor.map(str::to_owned));
            Box::pin(async move {
                let tenant = caller.tenant_id;
                let mut conn = koyomi.store.snapshot().await?;
                let versions = cache::tenant_versions(&mut conn, tenant, false).await?;
                let value = koyomi.users.search(&mut conn, &caller, &q, limit, cursor.as_deref()).await?;
                Ok(Reading { epoch: versions.epoch(), versions: versions.moved(tenant), value })
            })
        })
        .await
    }
}
