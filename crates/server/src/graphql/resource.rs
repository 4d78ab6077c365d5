use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::dataloader::DataLoader;
use async_graphql::parser::types::Field;
use async_graphql::{Context, ID, Object, OutputType, Positioned, Result, ScalarType, SimpleObject};
use chrono::{DateTime, Utc};
use kernel::{Limit, ResourceId, Span};
use koyomi::Scope;
use store::Epoch;
use tokio::sync::OnceCell;

use super::asked::{Asked, Events, Resources, connection, whole};
use super::error::Told;
use super::event::{self, Event};
use super::scalar::{KindOfResource, LocalDateTime, ReservationState};
use super::straight::{At, Columns, Straight, Write, instant, put, text, word};

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

    pub(super) async fn find(ctx: &Context<'_>, id: ResourceId) -> kernel::Result<Self> {
        let asked = Asked::of(ctx);
        let found = asked
            .read(Scope::Directory, |koyomi, opened| async move { koyomi.find_resource(&opened, id).await })
            .await?;
        Ok(Self::of(resources::Resource::clone(&found.value), found.epoch))
    }

    async fn whole(&self, ctx: &Context<'_>) -> Result<&(resources::Resource, Epoch)> {
        whole::<_, Resources>(ctx, &self.whole, self.id, "resource").await
    }
}

#[Object]
impl Resource {
    /// As in REST.
    pub(super) async fn id(&self) -> ID {
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

    /// What has booked it in a window of at most 92 days, by start. Everybody of the organisation sees when it is taken.
    #[graphql(complexity = "5000 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn reservations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Begin of the window.")] from: DateTime<Utc>,
        #[graphql(desc = "Its end, exclusive.")] to: DateTime<Utc>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before.")] after: Option<String>,
    ) -> Result<Connection<String, Reservation>> {
        let (asked, span) = (Asked::of(ctx), Span { from, to });
        let load = async {
            let (after, limit) = (after.as_deref(), Limit::new(first.map(i64::from))?);
            asked
                .read(Scope::Bookings, |koyomi, opened| async move {
                    koyomi.list_reservations_of(&opened, self.id, span, limit, after).await
                })
                .await
        };
        let page = Arc::unwrap_or_clone(load.await.told()?.value);
        let cursor = |reservation: &_| resources::of_resource_cursor(span, reservation);
        Ok(connection(page, after.is_some(), cursor, Reservation))
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

    /// For what. Null: the caller does not see that.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<Event>> {
        let key = (self.0.event_id, event::expand(&ctx.look_ahead()));
        ctx.data_unchecked::<DataLoader<Events>>().load_one(key).await.told()
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

impl<'a> Straight<'a> for &'a resources::Reservation {
    fn type_name() -> Cow<'static, str> {
        <Reservation as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, at: At<'a>) -> Option<Write<'a, Self>> {
        Some(match field.node.name.node.as_str() {
            "id" => Box::new(|reservation: Self, out| text(reservation.id.0, out)),
            "resource" => {
                let columns = Columns::of(&field.node.selection_set.node, at)?;
                Box::new(move |reservation: Self, out| columns.write(Booked(reservation), out))
            }
            "originalStart" => {
                Box::new(|reservation: Self, out| put(LocalDateTime(reservation.original_start).to_value(), out))
            }
            "startTime" => Box::new(|reservation: Self, out| instant(reservation.start_time, out)),
            "endTime" => Box::new(|reservation: Self, out| instant(reservation.end_time, out)),
            "status" => Box::new(|reservation: Self, out| word(ReservationState::from(reservation.status), out)),
            _ => return None,
        })
    }
}

/// A [`Resource`] as far as what has booked it tells.
#[derive(Clone, Copy)]
struct Booked<'a>(&'a resources::Reservation);

impl<'a> Straight<'a> for Booked<'a> {
    fn type_name() -> Cow<'static, str> {
        <Resource as OutputType>::type_name()
    }

    fn column(field: &'a Positioned<Field>, _: At<'a>) -> Option<Write<'a, Self>> {
        Some(match field.node.name.node.as_str() {
            "id" => Box::new(|Self(booked), out| text(booked.resource_id.0, out)),
            "name" => Box::new(|Self(booked), out| put(&booked.resource_name, out)),
            _ => return None,
        })
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
