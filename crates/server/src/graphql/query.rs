use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use kernel::{Failure, Limit, Span};
use koyomi::Scope;
use resources::Filter;
use uuid::Uuid;

use super::asked::{Asked, connection};
use super::calendar::Calendar;
use super::error::Told;
use super::event::{self, Event};
use super::events::{EventConnection, Window, agenda, list};
use super::group::Group;
use super::node::{self, Node};
use super::resource::{Availability, Resource};
use super::scalar::KindOfResource;
use super::user::User;

/// Everything that can be asked.
pub(crate) struct Query;

#[Object]
impl Query {
    /// The caller.
    async fn me(&self, ctx: &Context<'_>) -> Result<User> {
        let asked = Asked::of(ctx);
        let opened = asked.enter(Scope::Directory).await.told()?;
        Ok(User::new(opened.caller.user_id))
    }

    /// Whatever has this id.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: ID) -> Option<Result<Node>> {
        Some(node::find(ctx, &id).await.told())
    }

    /// A calendar that is shared with the caller.
    async fn calendar(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Option<Result<Calendar>> {
        Some(Calendar::find(ctx, id.into()).await.told())
    }

    /// The caller's calendars, own and shared ones, oldest first.
    #[graphql(complexity = "1000 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn calendars(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "`endCursor` of the page before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<Connection<String, Calendar>> {
        let koyomi = &Asked::of(ctx).app().koyomi;
        let caller = koyomi.caller(Asked::of(ctx).asker().told()?, true).await.told()?;
        let limit = Limit::new(first.map(i64::from)).told()?;
        let page = koyomi.list_calendars(&caller, limit, after.as_deref()).await.told()?;
        Asked::of(ctx).joins(Group::new(page.items.iter().map(|calendar| calendar.id).collect()));
        let epoch = koyomi.store.epoch();
        let cursor = |calendar: &_| koyomi::calendar_cursor(&caller, calendar);
        Ok(connection(page, after.is_some(), cursor, |calendar| Calendar::of(calendar, epoch)))
    }

    /// An event, by the id that REST has: of a series its master.
    async fn event(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Option<Result<Event>> {
        Some(event::find(ctx, id.into()).await.told())
    }

    /// The occurrences of several calendars as one list, in the order of start, event, original start.
    #[graphql(complexity = "1 + usize::from(first.or(last).unwrap_or(50)) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "one each")]
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 100 calendars, all of them shared with the caller.")] calendar_ids: Vec<Uuid>,
        #[graphql(desc = "What is still going on after this instant.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "What begins before this instant. Absent: 24 months from today.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Only events with this in title, location or description, in any case.")] q: Option<String>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
        #[graphql(desc = "The last items, 1 to 500, instead of the first.", validator(minimum = 1, maximum = 500))]
        last: Option<u16>,
        #[graphql(desc = "With `last`: the cursor of the item behind them.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let ids = calendar_ids.into_iter().map(Into::into).collect();
        list(ctx, ids, Window { from, to, q, first, after, last, before }).await
    }

    /// The caller's calendars and what he is invited to in others, each occurrence once.
    #[graphql(complexity = "1000 + usize::from(first.or(last).unwrap_or(50)) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "one each")]
    async fn agenda(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is still going on after this instant.")] from: Option<DateTime<Utc>>,
        #[graphql(desc = "What begins before this instant. Absent: 24 months from today.")] to: Option<DateTime<Utc>>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
        #[graphql(desc = "The last items, 1 to 500, instead of the first.", validator(minimum = 1, maximum = 500))]
        last: Option<u16>,
        #[graphql(desc = "With `last`: the cursor of the item behind them.")] before: Option<String>,
    ) -> Result<EventConnection> {
        agenda(ctx, Window { from, to, q: None, first, after, last, before }).await
    }

    /// Somebody of the caller's organisation.
    async fn user(&self, ctx: &Context<'_>, #[graphql(desc = "His id.")] id: Uuid) -> Option<Result<User>> {
        let load = async {
            let asked = Asked::of(ctx);
            let ids = &[id.into()];
            let found = asked
                .read(Scope::Directory, |koyomi, opened| async move { koyomi.find_users(&opened, ids).await })
                .await?;
            found.value.items.first().cloned().map(User::from).ok_or_else(|| Failure::not_found("user"))
        };
        Some(load.await.told())
    }

    /// People of the caller's organisation whose name or address contains this, by name.
    #[graphql(complexity = "1 + usize::from(first.unwrap_or(50)) * child_complexity")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Part of the name or the address; empty for all.", default)] q: String,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<Connection<String, User>> {
        let asked = Asked::of(ctx);
        let load = async {
            let (q, after, limit) = (&q, after.as_deref(), Limit::new(first.map(i64::from))?);
            asked
                .read(
                    Scope::Directory,
                    |koyomi, opened| async move { koyomi.search_users(&opened, q, limit, after).await },
                )
                .await
        };
        let page = Arc::unwrap_or_clone(load.await.told()?.value);
        Ok(connection(page, after.is_some(), |user| users::search_cursor(&q, user), User::from))
    }

    /// Something that can be booked.
    async fn resource(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Option<Result<Resource>> {
        Some(Resource::find(ctx, id.into()).await.told())
    }

    /// The organisation's resources, by name.
    #[graphql(complexity = "1 + usize::from(first.unwrap_or(50)) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "one each")]
    async fn resources(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Part of name or location, in any case; 1 to 200 characters.")] q: Option<String>,
        #[graphql(desc = "Only of this kind.")] kind: Option<KindOfResource>,
        #[graphql(desc = "Only those known to take this many people.")] capacity: Option<i32>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<Connection<String, Resource>> {
        let (asked, filter) = (Asked::of(ctx), filter(q, kind, capacity));
        let load = async {
            let (filter, after, limit) = (&filter, after.as_deref(), Limit::new(first.map(i64::from))?);
            asked
                .read(Scope::Directory, |koyomi, opened| async move {
                    koyomi.list_resources(&opened, filter, limit, after).await
                })
                .await
        };
        let found = load.await.told()?;
        let (epoch, page) = (found.epoch, Arc::unwrap_or_clone(found.value));
        let cursor = |resource: &_| resources::list_cursor(&filter, resource);
        Ok(connection(page, after.is_some(), cursor, |resource| Resource::of(resource, epoch)))
    }

    /// When the organisation's resources are taken in a window of at most 92 days, by name.
    #[graphql(complexity = "1000 + usize::from(first.unwrap_or(50)) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "one each")]
    async fn availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Begin of the window.")] from: DateTime<Utc>,
        #[graphql(desc = "Its end, exclusive.")] to: DateTime<Utc>,
        #[graphql(desc = "Only those that are free all the time.", default)] available: bool,
        #[graphql(desc = "Part of name or location, in any case; 1 to 200 characters.")] q: Option<String>,
        #[graphql(desc = "Only of this kind.")] kind: Option<KindOfResource>,
        #[graphql(desc = "Only those known to take this many people.")] capacity: Option<i32>,
        #[graphql(desc = "Items, 1 to 500; 50 when absent.", validator(minimum = 1, maximum = 500))] first: Option<u16>,
        #[graphql(desc = "The cursor of the item before, as REST gives it, too.")] after: Option<String>,
    ) -> Result<Connection<String, Availability>> {
        let (asked, filter, span) = (Asked::of(ctx), filter(q, kind, capacity), Span { from, to });
        let load = async {
            let (filter, after, limit) = (&filter, after.as_deref(), Limit::new(first.map(i64::from))?);
            asked
                .read(Scope::Bookings, |koyomi, opened| async move {
                    koyomi.list_availability(&opened, span, filter, available, limit, after).await
                })
                .await
        };
        let found = load.await.told()?;
        let (epoch, page) = (found.epoch, Arc::unwrap_or_clone(found.value));
        let cursor = |found: &resources::Availability| {
            resources::availability_cursor(&span, &filter, available, &found.resource)
        };
        Ok(connection(page, after.is_some(), cursor, |found| Availability::of(found, epoch)))
    }
}

fn filter(q: Option<String>, kind: Option<KindOfResource>, capacity: Option<i32>) -> Filter {
    Filter { ids: None, q: q.filter(|q| !q.is_empty()), kind: kind.map(Into::into), min_capacity: capacity }
}
