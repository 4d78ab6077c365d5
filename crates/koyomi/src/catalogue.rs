//! The organisation's bookable things.

use cache::{Answer, Family, Reading};
use kernel::{Caller, Checks, Expected, Limit, Page, ResourceId, Result};
use resources::{Filter, NewResource, Resource, ResourceChange};
use store::{Claim, IdempotencyKey, detached};

use crate::calendars::claim;
use crate::{Koyomi, Opened, access};

impl Koyomi {
    /// By name; everybody of the organisation sees them.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn list_resources(
        &self,
        opened: &Opened,
        filter: &Filter,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Answer<Page<Resource>>> {
        let question = ("list", filter, limit.rows(), cursor);
        self.read(Family::Resources, opened, &question, |koyomi, caller| {
            let (filter, cursor) = (filter.clone(), cursor.map(str::to_owned));
            Box::pin(async move {
                let tenant = caller.tenant_id;
                let mut conn = koyomi.store.snapshot().await?;
                let versions = cache::tenant_versions(&mut conn, tenant, false).await?;
                let value = resources::list(&mut conn, tenant, &filter, limit, cursor.as_deref()).await?;
                Ok(Reading { epoch: versions.epoch(), versions: versions.moved(tenant), value })
            })
        })
        .await
    }

    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn find_resource(&self, opened: &Opened, id: ResourceId) -> Result<Answer<Resource>> {
        self.read(Family::Resources, opened, &("find", id), |koyomi, caller| {
            Box::pin(async move {
                let tenant = caller.tenant_id;
                let mut conn = koyomi.store.snapshot().await?;
                let versions = cache::tenant_versions(&mut conn, tenant, false).await?;
                let value = resources::find(&mut conn, tenant, id).await?;
                Ok(Reading { epoch: versions.epoch(), versions: versions.moved(tenant), value })
            })
        })
        .await
    }

    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn create_resource(
        &self,
        caller: &Caller,
        new: NewResource,
        key: Option<IdempotencyKey>,
    ) -> Result<Resource> {
        access::may_administer(caller)?;
        let mut checks = Checks::new();
        new.check(&mut checks, "");
        checks.done()?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            if let Claim::Replay(resource) = claim(&mut tx, &caller, key).await? {
                return Ok(resource);
            }
            let resource = resources::create_in(&mut tx, caller.tenant_id, &new).await?;
            tx.commit(|_| resource).await
        })
        .await
    }

    /// # Errors
    /// `precondition_failed`, `resource_in_use`
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn update_resource(
        &self,
        caller: &Caller,
        id: ResourceId,
        change: ResourceChange,
        expected: Expected,
    ) -> Result<Resource> {
        access::may_administer(caller)?;
        let mut checks = Checks::new();
        change.check(&mut checks, "");
        checks.done()?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let tag = |r: &Resource| store.epoch().tag(r.version);
            let resource = resources::update_in(&mut tx, caller.tenant_id, id, &expected, tag, &change).await?;
            tx.commit(|_| resource).await
        })
        .await
    }

    /// # Errors
    /// `resource_in_use` while something is booked in the future.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn delete_resource(&self, caller: &Caller, id: ResourceId, expected: Expected) -> Result<()> {
        access::may_administer(caller)?;
        let (store, caller) = (self.store.clone(), caller.clone());
        detached(async move {
            let mut tx = store.begin().await?;
            let tag = |r: &Resource| store.epoch().tag(r.version);
            resources::delete_in(&mut tx, caller.tenant_id, id, &expected, tag).await?;
            tx.commit(|_| ()).await
        })
        .await
    }
}
