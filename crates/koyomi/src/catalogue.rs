//! The organisation's bookable things.

use kernel::{Caller, Checks, Expected, Failure, Limit, Page, ResourceId, Result};
use resources::{Filter, NewResource, Resource, ResourceChange};
use store::{Claim, IdempotencyKey, detached};

use crate::calendars::claim;
use crate::{Koyomi, access};

impl Koyomi {
    /// By name; everybody of the organisation sees them.
    pub async fn list_resources(
        &self,
        caller: &Caller,
        filter: &Filter,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Page<Resource>> {
        resources::list(&mut self.store.conn().await?, caller.tenant_id, filter, limit, cursor).await
    }

    pub async fn find_resource(&self, caller: &Caller, id: ResourceId) -> Result<Resource> {
        resources::find_many(&mut self.store.conn().await?, caller.tenant_id, &[id])
            .await?
            .remove(&id)
            .ok_or_else(|| Failure::not_found("resource"))
    }

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
