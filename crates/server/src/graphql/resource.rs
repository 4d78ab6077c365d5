use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::ResourceId;
use store::Epoch;
use tokio::sync::OnceCell;

use super::asked::{Resources, whole};
use super::scalar::{KindOfResource, LocalDateTime, ReservationState};

/// Something that can be booked.
pub(super) struct Resource {
    id: ResourceId,
    name: Option<String>,
    whole: OnceCell<(resources::Resource, Epoch)>,
}

impl Resource {
    pub(super) fn of(resource: resources::Resource, epoch: Epoch) -> Self {
        Self { id: resource.id, name: None, whole: OnceCell::new_with(Some((resource, epoch))) }
    }

    async fn whole(&self, ctx: &Context<'_>) -> Result<&(resources::Resource, Epoch)> {
        whole::<_, Resources>(ctx, &self.whole, self.id, "resource").await
    }
}

#[Object]
impl Resource {
    /// As in REST.
    async fn id(&self) -> ID {
        self.id.0.into()
    }

    /// What it is called.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => Ok(self.whole(ctx).await?.0.name.clone()),
        }
    }

    /// What it is.
    async fn kind(&self, ctx: &Context<'_>) -> Result<KindOfResource> {
        Ok(self.whole(ctx).await?.0.kind.into())
    }

    /// How many people it takes; for choosing only, guests are not counted against it.
    async fn capacity(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Ok(self.whole(ctx).await?.0.capacity)
    }

    /// Where it is.
    async fn location(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.whole(ctx).await?.0.location.clone())
    }

    /// What one should know of it.
    async fn description(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.whole(ctx).await?.0.description.clone())
    }

    /// One booking at a time; otherwise any number at once.
    async fn exclusive(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.whole(ctx).await?.0.exclusive)
    }

    /// For a change of it.
    async fn etag(&self, ctx: &Context<'_>) -> Result<String> {
        let (resource, epoch) = self.whole(ctx).await?;
        Ok(epoch.tag(resource.version))
    }
}

/// One booked occurrence of one resource.
pub(super) struct Reservation(pub resources::Reservation);

#[Object]
impl Reservation {
    /// As in REST.
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// What is booked.
    async fn resource(&self) -> Resource {
        Resource { id: self.0.resource_id, name: Some(self.0.resource_name.clone()), whole: OnceCell::new() }
    }

    /// Which occurrence of the event, in its wall time.
    async fn original_start(&self) -> LocalDateTime {
        LocalDateTime(self.0.original_start)
    }

    /// From when.
    async fn start_time(&self) -> DateTime<Utc> {
        self.0.start_time
    }

    /// Until when, exclusive.
    async fn end_time(&self) -> DateTime<Utc> {
        self.0.end_time
    }

    /// Does it hold?
    async fn status(&self) -> ReservationState {
        self.0.status.into()
    }
}

/// When a resource is taken.
#[derive(SimpleObject)]
pub(super) struct Availability {
    /// Which.
    resource: Resource,
    /// All of the window.
    free: bool,
    /// When it is taken, merged, within the window.
    busy: Vec<BusySpan>,
}

/// A stretch of time.
#[derive(SimpleObject)]
pub(super) struct BusySpan {
    /// From when.
    start_time: DateTime<Utc>,
    /// Until when, exclusive.
    end_time: DateTime<Utc>,
}

impl Availability {
    pub(super) fn of(found: resources::Availability, epoch: Epoch) -> Self {
        let busy = found.busy.into_iter().map(|span| BusySpan { start_time: span.from, end_time: span.to });
        Self { free: found.free, busy: busy.collect(), resource: Resource::of(found.resource, epoch) }
    }
}
